use portcullis_core::store::conformance::{Capabilities, contract, scenarios};

use super::{Database, fresh, open, shared_server};

/// Users are in the database, and a live session expires by the clock of Redis.
fn capabilities() -> Capabilities {
    Capabilities { compares_users: false, purges_live_sessions: false, ..Capabilities::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn redis_beside_sqlite_does_what_a_store_must() {
    let (database, server) = (Database::new(), shared_server().await);
    let make = async || open(&database.fresh(), &fresh(server)).await;
    contract::run(make, capabilities()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_nodes_on_redis_and_sqlite_are_two_processes() {
    let (database, server) = (Database::new(), shared_server().await);
    let make = async || {
        let (database, sessions) = (database.fresh(), fresh(server));
        (open(&database, &sessions).await, open(&database, &sessions).await)
    };
    contract::run_across_processes(make, capabilities()).await;
}

#[cfg(feature = "postgres")]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_nodes_on_redis_and_postgres_are_two_processes() {
    let (database, server) = (crate::postgres::TestDatabase::new().await, shared_server().await);
    let make = async || {
        let (database, sessions) = (database.fresh().await, fresh(server));
        let database = portcullis_stores::DatabaseUrl::parse(&database).unwrap();
        (open(&database, &sessions).await, open(&database, &sessions).await)
    };
    contract::run_across_processes(make, capabilities()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_strategy_behaves_on_redis_beside_sqlite() {
    let (database, server) = (Database::new(), shared_server().await);
    let make = async || open(&database.fresh(), &fresh(server)).await;
    scenarios::every_strategy(make, capabilities()).await;
}

#[tokio::test]
async fn each_credential_opens_its_own_route_alone_on_redis_beside_sqlite() {
    let (database, server) = (Database::new(), shared_server().await);
    let stores = open(&database.fresh(), &fresh(server)).await;
    scenarios::each_credential_opens_its_own_route_alone(stores).await;
}
