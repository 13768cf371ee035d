use super::*;
use crate::store::conformance::{Capabilities, behaviour, everything, two_nodes};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_memory_store_does_what_a_store_must() {
    everything(async || MemoryStore::stores(), Capabilities { rounds: 100, ..Capabilities::default() }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_who_share_a_memory_store_are_two_nodes() {
    let shared = async || {
        let stores = MemoryStore::stores();
        (stores.clone(), stores)
    };
    two_nodes(shared, Capabilities::default()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_strategy_behaves_on_the_memory_store() {
    behaviour::every_strategy(async || MemoryStore::stores(), Capabilities::default()).await;
}

#[tokio::test]
async fn every_kind_of_token_opens_its_own_door_alone_on_the_memory_store() {
    behaviour::every_kind_of_token_opens_its_own_door_alone(MemoryStore::stores()).await;
}
