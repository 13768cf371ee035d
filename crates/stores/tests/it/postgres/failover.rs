use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use portcullis_core::id::TenantId;
use portcullis_core::session::{EndReason, Session};
use portcullis_core::store::conformance::records::{NOW, by_id, ending, new_user_key, session};
use portcullis_core::store::{Change, EndScope, StoreError, Stores};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::cluster::Cluster;
use super::{open, own_cluster, try_open};
use crate::feeds::{Announcement, ChangeRecorder};

async fn signed_in(stores: &Stores) -> Session {
    let session = session(&new_user_key(&TenantId::default_tenant()));
    stores.sessions.insert(&session).await.unwrap();
    session
}

/// A primary, and a standby that has everything that the primary has acknowledged.
async fn pair() -> (Cluster, Cluster) {
    let primary = own_cluster().await;
    let copied = spawn_blocking(move || (primary.standby(), primary));
    let (standby, primary) = copied.await.unwrap();
    primary.by_hand("postgres", "ALTER SYSTEM SET synchronous_standby_names = '*'");
    primary.by_hand("postgres", "SELECT pg_reload_conf()");
    (primary, standby)
}

fn url_of(first: &Cluster, second: &Cluster) -> String {
    let hosts = format!("{},{}", first.place(), second.place());
    format!("postgres://portcullis@{hosts}/portcullis?target_session_attrs=read-write")
}

/// Asks until there is an answer. What is not there in an outage is never the answer.
async fn found(stores: &Stores, wanted: &Session) -> Session {
    for _ in 0..6_000 {
        match stores.sessions.find(&by_id(wanted), NOW).await {
            Ok(found) => return found.expect("a wrong answer"),
            Err(StoreError::Unavailable { .. }) => sleep(Duration::from_millis(10)).await,
            Err(fault) => panic!("{fault}"),
        }
    }
    panic!("the store does not recover");
}

// ASVS-map: RV2, RV3
#[tokio::test(flavor = "multi_thread")]
async fn a_failover_to_the_standby_is_survived_by_nodes_that_stay_open() {
    let (mut primary, standby) = pair().await;
    let writer = open(&url_of(&primary, &standby)).await;
    let reader = open(&url_of(&standby, &primary)).await;
    let listener = Arc::new(ChangeRecorder::default());
    let _watch = reader.feed.watch(listener.clone()).await.unwrap();
    listener.catches_up().await;
    let known = signed_in(&writer).await;

    primary.kill();
    for node in [&writer, &reader] {
        let away = node.sessions.find(&by_id(&known), NOW).await;
        assert!(matches!(away, Err(StoreError::Unavailable { .. })), "{away:?}");
        let away = node.sessions.insert(&session(&known.user_key())).await.unwrap_err().to_string();
        assert!(away.contains("a standby, which takes no writes"), "{away}");
    }

    standby.promote();
    for node in [&writer, &reader] {
        assert_eq!(found(node, &known).await, known);
    }
    listener.wait_for(|told| *told == Announcement::Changed(Change::Everything)).await;
    listener.news().await;
    let scope = EndScope::One(known.key.clone());
    writer.sessions.end(&scope, ending(EndReason::Logout)).await.unwrap();
    assert_eq!(listener.news().await, [Change::Session(known.key.clone())]);
    assert!(found(&reader, &known).await.state.ending().is_some());
    signed_in(&reader).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_does_not_answer_leaves_time_for_the_next_one() {
    let cluster = own_cluster().await;
    // The system takes its connections, and no process reads them.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let listening = TcpListener::bind(silent).unwrap();
    let hosts = format!("{silent},{}", cluster.place());
    open(&format!("postgres://portcullis@{hosts}/portcullis")).await;
    drop(listening);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_host_is_the_primary_each_is_named_with_its_reason_and_without_the_password() {
    let mut standby = own_cluster().await;
    standby.restart_as_standby();
    let url = format!("postgres://portcullis:hunter2@127.0.0.1:1,{}/portcullis", standby.place());
    let Err(fault) = try_open(&url).await else { panic!("it was opened") };
    let said = fault.to_string();
    assert!(said.contains("127.0.0.1:1: ") && said.contains("a standby, which takes no writes"), "{said}");
    assert!(!said.contains("hunter2") && !said.contains('\n'), "{said}");
}
