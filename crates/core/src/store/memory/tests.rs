use super::*;
use crate::store::conformance::{Capabilities, contract, scenarios};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_memory_store_does_what_a_store_must() {
    contract::run(async || MemoryStore::stores(), Capabilities { rounds: 100, ..Capabilities::default() })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_engines_on_one_memory_store_are_two_nodes() {
    let shared = async || {
        let stores = MemoryStore::stores();
        (stores.clone(), stores)
    };
    contract::run_across_processes(shared, Capabilities::default()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_strategy_behaves_on_the_memory_store() {
    scenarios::every_strategy(async || MemoryStore::stores(), Capabilities::default()).await;
}

#[tokio::test]
async fn each_credential_opens_its_own_route_alone_on_the_memory_store() {
    scenarios::each_credential_opens_its_own_route_alone(MemoryStore::stores()).await;
}
