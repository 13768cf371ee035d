use portcullis_core::store::conformance::{Capabilities, contract, scenarios};

use super::{TestDatabase, open, try_open};
use crate::placement;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_postgres_store_does_what_a_store_must() {
    let database = TestDatabase::new().await;
    let make = async || open(&database.fresh().await).await;
    contract::run(make, Capabilities::default()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_nodes_on_one_postgres_database_are_two_processes() {
    let database = TestDatabase::new().await;
    let make = async || {
        let url = database.fresh().await;
        (open(&url).await, open(&url).await)
    };
    contract::run_across_processes(make, Capabilities::default()).await;
}

#[tokio::test]
async fn each_credential_opens_its_own_route_alone_on_the_postgres_store() {
    let database = TestDatabase::new().await;
    let stores = open(&database.fresh().await).await;
    scenarios::each_credential_opens_its_own_route_alone(stores).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_strategy_behaves_on_the_postgres_store() {
    let database = TestDatabase::new().await;
    let make = async || open(&database.fresh().await).await;
    scenarios::every_strategy(make, Capabilities::default()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_sessions_are_is_noted_on_a_server_once_and_replaced_by_compare_and_set() {
    let database = TestDatabase::new().await;
    let opened = try_open(&database.fresh().await).await.unwrap();
    placement::is_noted_once_and_replaced_by_compare_and_set(&*opened).await;
}
