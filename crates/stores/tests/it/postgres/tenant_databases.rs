use std::env;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use portcullis_core::machine::SystemClock;
use portcullis_core::store::TenantDatabases;
use portcullis_core::store::conformance::records::{NOW, by_id, new_user_key, session, tenant};
use portcullis_stores::TenantDatabaseRegistry;
use sqlx::{Connection as _, PgConnection};
use tokio::task::JoinSet;

use super::cluster::{Cluster, PASSWORD};
use super::{TestDatabase, open, try_open};

fn registry() -> TenantDatabaseRegistry {
    TenantDatabaseRegistry::new(Path::new("."), Arc::new(SystemClock))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_of_a_tenant_may_be_on_a_server_and_is_not_made_anew_when_it_is_lost() {
    let database = TestDatabase::new().await;
    let (url, lost) = (database.fresh().await, database.fresh().await);
    let registry = registry();
    let made = registry.get_or_create(&url).await.unwrap();
    let known = session(&new_user_key(&tenant("acme")));
    made.sessions.insert(&known).await.unwrap();
    let opened = TenantDatabases::open(&registry, &url).await.unwrap();
    assert_eq!(opened.sessions.find(&by_id(&known), NOW).await.unwrap(), Some(known));
    let fault = TenantDatabases::open(&registry, &lost).await.unwrap_err();
    assert!(fault.to_string().contains("restore the database"), "{fault}");
    registry.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_of_a_tenant_has_the_configured_number_of_connections() {
    let database = TestDatabase::new().await;
    let url = database.fresh().await;
    let stores = registry().with_connections(1).get_or_create(&url).await.unwrap();
    let known = session(&new_user_key(&tenant("acme")));
    let mut reading = JoinSet::new();
    for _ in 0..32 {
        let (stores, known) = (stores.clone(), by_id(&known));
        reading.spawn(async move { stores.sessions.find(&known, NOW).await.unwrap() });
    }
    reading.join_all().await;
    let used = "SELECT count(*) FROM pg_stat_activity \
        WHERE datname = current_database() AND query LIKE '%FROM sessions%' AND pid <> pg_backend_pid()";
    let mut db = PgConnection::connect(&url).await.unwrap();
    assert_eq!(sqlx::query_scalar::<_, i64>(used).fetch_one(&mut db).await.unwrap(), 1);
}

/// A socket and a TCP address, with a schema named or found: one database.
#[tokio::test(flavor = "multi_thread")]
async fn no_tenant_gets_the_database_of_the_installation_by_another_url() {
    let database = TestDatabase::new().await;
    let installation = try_open(&database.url()).await.unwrap();
    let registry = registry().beside(&*installation);
    let by_tcp = database.cluster.tcp_url(&Cluster::login(), &database.name);
    for url in [by_tcp, database.cluster.url(&database.name, "public")] {
        let fault = registry.get_or_create(&url).await.unwrap_err().to_string();
        assert!(fault.contains("the database of the installation"), "{fault}");
        TenantDatabases::open(&registry, &url).await.expect("a tenant that is there already stays");
    }
    registry.get_or_create(&database.fresh().await).await.unwrap();
}

const IN_A_PROCESS: &str =
    "postgres::tenant_databases::the_password_of_the_installation_is_not_for_the_server_of_a_tenant";

#[tokio::test(flavor = "multi_thread")]
async fn the_password_of_the_installation_is_not_for_the_server_of_a_tenant() {
    if env::var("PGPASSWORD").as_deref() != Ok(PASSWORD) {
        let mut process = Command::new(env::current_exe().unwrap());
        let done = process.args(["--exact", IN_A_PROCESS]).env("PGPASSWORD", PASSWORD).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
        return;
    }
    let database = TestDatabase::new().await;
    let without = |user: &str| database.cluster.tcp_url(user, &database.name);
    open(&without("portcullis")).await;
    for user in ["portcullis", "portcullis:"] {
        let fault = registry().get_or_create(&without(user)).await.unwrap_err();
        assert!(fault.to_string().contains("correct user and password"), "{fault}");
    }
    registry().get_or_create(&without(&Cluster::login())).await.unwrap();
    let in_a_parameter = format!("{}?password={PASSWORD}", without("portcullis")).replace("w/?", "w%2F%3F");
    registry().get_or_create(&in_a_parameter).await.unwrap();
}

const WITHOUT_THE_ENVIRONMENT: &str =
    "postgres::tenant_databases::the_environment_says_nothing_of_the_database_of_a_tenant";

/// In a process of its own, whose environment says of the installation's database what is wrong for any other.
#[tokio::test(flavor = "multi_thread")]
async fn the_environment_says_nothing_of_the_database_of_a_tenant() {
    let Ok(url) = env::var("URL_OF_A_TENANT") else {
        let database = TestDatabase::new().await;
        let mut process = Command::new(env::current_exe().unwrap());
        process.args(["--exact", WITHOUT_THE_ENVIRONMENT]).env("URL_OF_A_TENANT", database.url());
        process.envs([("PGHOST", "192.0.2.1"), ("PGPORT", "1"), ("PGUSER", "no"), ("PGDATABASE", "nothing")]);
        process.envs([("PGSSLMODE", "verify-full"), ("PGSSLROOTCERT", "/nowhere/ca.pem")]);
        let done = process.output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
        return;
    };
    registry().get_or_create(&url).await.unwrap();
    for (url, said) in [
        ("postgres://portcullis@localhost/", "names no database"),
        ("postgres:///portcullis", "names no user"),
    ] {
        let fault = registry().get_or_create(url).await.unwrap_err().to_string();
        assert!(fault.contains(said), "{url}: {fault}");
    }
}

const WITH_OPTIONS: &str =
    "postgres::tenant_databases::options_of_the_environment_are_never_those_of_the_database_of_a_tenant";

/// The driver adds them to those of every URL.
#[tokio::test(flavor = "multi_thread")]
async fn options_of_the_environment_are_never_those_of_the_database_of_a_tenant() {
    if env::var_os("PGOPTIONS").is_none() {
        let mut process = Command::new(env::current_exe().unwrap());
        process.args(["--exact", WITH_OPTIONS]).env("PGOPTIONS", "-csearch_path=auth");
        let done = process.output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
        return;
    }
    let fault = registry().get_or_create("postgres://u@localhost/d").await.unwrap_err().to_string();
    assert!(fault.contains("PGOPTIONS of the environment, which is for the installation"), "{fault}");
}
