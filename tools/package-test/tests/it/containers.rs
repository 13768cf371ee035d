//! One server in a container, and the cluster of `compose.yaml`.

use std::net::TcpListener;

use serde_json::json;

use crate::clients::Clients;
use crate::cluster::Cluster;
use crate::compose::ComposeFile;
use crate::http::Request;
use crate::image::{Container, Image};

#[test]
fn a_container_serves_as_its_own_user_on_a_read_only_root_and_keeps_its_volume() {
    let image = Image::make();
    for shell in ["bin/sh", "usr/bin/sh", "bin/bash", "usr/bin/bash"] {
        assert!(!image.root().join(shell).exists(), "{shell}");
    }
    let compose = ComposeFile::read();
    assert_eq!(compose.services(None), ["server"], "it is what `docker compose up` starts");
    let mut environment = compose.environment("server");
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    environment.insert("PORTCULLIS_PUBLIC_URL".to_owned(), format!("http://localhost:{}", address.port()));
    let container = Container::new(&image, None, environment, address);
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
    let image = Image::make();
    let environment = ComposeFile::read().environment("server");
    let said = Container::new(&image, None, environment, "0.0.0.0:1".parse().unwrap()).refused();
    for setting in ["public_url", "master_key", "mail.transport"] {
        assert!(said.contains(setting), "{said}");
    }
}

#[test]
fn the_cluster_signs_a_user_in_on_all_nodes_and_out_on_all() {
    let image = Image::make();
    let cluster = Cluster::start(&image);
    let user = r#"{"email":"ann@example.com","password":"a horse that is correct","name":"Ann"}"#;
    let (status, _) = cluster.through_nginx(&["/auth/session-jwt/register", "--json", user]);
    assert_eq!(status, "201");
    let (status, signed_in) = cluster.through_nginx(&["/auth/session-jwt/login", "--json", user]);
    assert_eq!(status, "201", "{signed_in}");
    let bearer = format!("Authorization: Bearer {}", signed_in["access_token"].as_str().unwrap());
    let profile = ["/auth/session-jwt/profile", "--header", &bearer];
    assert_eq!(cluster.on_all_nodes(&profile), ["200"; 3]);
    assert!(cluster.sessions_in_redis() > 0, "live sessions are in Redis");
    let (status, _) =
        cluster.on_node(1, &["/auth/session-jwt/logout", "--request", "POST", "--header", &bearer]);
    assert_eq!(status, "201");
    cluster.eventually_on_all_nodes(&profile, "401");
}
