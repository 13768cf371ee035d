use portcullis_core::store::conformance::{Capabilities, contract, scenarios};

use super::{TestDirectory, open};
use crate::placement;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_sqlite_store_does_what_a_store_must() {
    let directory = TestDirectory::new();
    let make = async || open(&directory.fresh()).await.stores();
    contract::run(make, Capabilities::default()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_processes_on_one_file_are_two_nodes() {
    let directory = TestDirectory::new();
    let make = async || {
        let path = directory.fresh();
        (open(&path).await.stores(), open(&path).await.stores())
    };
    contract::run_across_processes(make, Capabilities::default()).await;
}

#[tokio::test]
async fn each_credential_opens_its_own_route_alone_on_the_sqlite_store() {
    let directory = TestDirectory::new();
    let stores = open(&directory.fresh()).await.stores();
    scenarios::each_credential_opens_its_own_route_alone(stores).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_strategy_behaves_on_the_sqlite_store() {
    let directory = TestDirectory::new();
    let make = async || open(&directory.fresh()).await.stores();
    scenarios::every_strategy(make, Capabilities::default()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_sessions_are_is_noted_in_a_file_once_and_replaced_by_compare_and_set() {
    let directory = TestDirectory::new();
    placement::is_noted_once_and_replaced_by_compare_and_set(&open(&directory.fresh()).await).await;
}
