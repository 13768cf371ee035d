//! One server in a container, and the cluster of `compose.yaml`.

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt as _;

use serde_json::json;

use crate::clients::Clients;
use crate::cluster::Cluster;
use crate::compose::ComposeFile;
use crate::http::Request;
use crate::image::{Container, Image};

#[test]
fn a_container_serves_as_its_own_user_on_a_read_only_root_and_keeps_its_volume() {
    let image = Image::get();
    for shell in ["bin/sh", "usr/bin/sh", "bin/bash", "usr/bin/bash"] {
        assert!(!image.root().join(shell).exists(), "{shell}");
    }
    for read in ["etc/ssl/certs/ca-certificates.crt", "etc/passwd", "etc/nsswitch.conf", "etc/ssl/certs"] {
        let mode = fs::metadata(image.root().join(read)).unwrap().mode();
        assert_eq!(mode & 0o044, 0o044, "the user of the image reads {read}");
    }
    let compose = ComposeFile::read();
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let container = Container::new(None, &compose, "server", address)
        .with("PORTCULLIS_PUBLIC_URL", &format!("http://localhost:{}", address.port()));
    assert!(!container.is_healthy(), "before it runs");
    let server = container.start();
    let user = json!({ "email": "ann@example.com", "password": "a horse that is correct", "name": "Ann" });
    Request::post("/auth/session-jwt/register", &user).send(address).expect(201);
    let signed_in = Request::post("/auth/session-jwt/login", &user).send(address).expect(201);
    let profile =
        Request::get("/auth/session-jwt/profile").bearing(signed_in["access_token"].as_str().unwrap());
    profile.send(address).expect(200);
    assert_eq!(server.stop(), Some(0));
    assert!(!container.is_healthy(), "after its end");
    assert!(container.volume().join("portcullis.db").exists());
    let _again = container.start();
    Clients::at_work(address, &profile).finish();
}

#[test]
fn a_container_that_is_not_configured_says_what_it_needs() {
    let container = Container::new(None, &ComposeFile::read(), "server", "0.0.0.0:1".parse().unwrap());
    let said = container.refused();
    for setting in ["public_url", "master_key", "mail.transport"] {
        assert!(said.contains(setting), "{said}");
    }
}

#[test]
fn one_server_and_the_cluster_are_on_ports_of_this_machine_alone_and_may_run_beside_each_other() {
    let compose = ComposeFile::read();
    assert_eq!(compose.services(None), ["server"]);
    let all = ["nginx", "postgres", "redis", "server", "server-1", "server-2", "server-3"];
    assert_eq!(compose.services(Some("cluster")), all);
    assert_eq!(compose.published(&all), ["127.0.0.1:3001:3000", "127.0.0.1:3000:3000"]);
}

#[test]
fn the_cluster_signs_a_user_in_on_all_nodes_and_out_on_all_and_a_node_may_stop() {
    let mut cluster = Cluster::start();
    let user = r#"{"email":"ann@example.com","password":"a horse that is correct","name":"Ann"}"#;
    let (status, _) = cluster.through_nginx(&["/auth/session-jwt/register", "--json", user]);
    assert_eq!(status, "201");
    // Another proxy, in front of nginx, names the client.
    let of_client = ["--header", "X-Forwarded-For: 203.0.113.7", "--json", user];
    let login = [&["/auth/session-jwt/login"], &of_client[..]].concat();
    let (status, signed_in) = cluster.through_nginx(&login);
    assert_eq!(status, "201", "{signed_in}");
    let logs = cluster.logs();
    assert!(logs.contains("203.0.113.7"), "{logs}");
    let bearer = format!("Authorization: Bearer {}", signed_in["access_token"].as_str().unwrap());
    let profile = ["/auth/session-jwt/profile", "--header", &bearer];
    assert_eq!(cluster.on_all_nodes(&profile), ["200"; 3]);
    assert!(cluster.sessions_in_redis() > 0, "live sessions are in Redis");
    let (status, _) =
        cluster.on_node(1, &["/auth/session-jwt/logout", "--request", "POST", "--header", &bearer]);
    assert_eq!(status, "201");
    cluster.eventually_on_all_nodes(&profile, "401");

    let stopped = cluster.stop_a_node_under(|cluster| cluster.through_nginx(&login).0);
    assert_eq!(
        stopped,
        (Some(0), BTreeSet::from(["201".to_owned()])),
        "no request is lost, and none refused"
    );
}
