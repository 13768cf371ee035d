use std::path::Path;
use std::sync::Arc;

use portcullis_core::machine::SystemClock;
use portcullis_core::store::Change;
use portcullis_core::store::conformance::records::{new_user_key, session, tenant};
use portcullis_stores::{DatabaseUrl, IfMissing};
use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;
use tokio::task::JoinSet;

use super::cluster::Cluster;
use super::proxy::{greeting, transaction_pooler};
use super::{TestDatabase, execute, open, own_cluster, shared_cluster, try_open};
use crate::feeds::ChangeRecorder;
use crate::newer_databases::assert_names_both_versions;

async fn refusal(url: &str) -> String {
    match try_open(url).await {
        Ok(_) => panic!("{url} was opened"),
        Err(fault) => fault.to_string(),
    }
}

// ASVS-map: OP4
#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_start_at_once_on_an_empty_database_make_its_tables_once() {
    let database = TestDatabase::new().await;
    let url = database.fresh().await;
    let known = DatabaseUrl::parse(&url).unwrap();
    assert!(known.migrations().await.unwrap().iter().all(|migration| !migration.applied));
    let mut nodes = JoinSet::new();
    for _ in 0..8 {
        let url = url.clone();
        nodes.spawn(async move { try_open(&url).await.map(drop) });
    }
    for opened in nodes.join_all().await {
        opened.unwrap();
    }
    assert!(known.migrations().await.unwrap().iter().all(|migration| migration.applied));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_was_lost_is_not_made_anew() {
    let database = TestDatabase::new().await;
    let url = DatabaseUrl::parse(&database.fresh().await).unwrap();
    let Err(fault) = url.open(Arc::new(SystemClock), IfMissing::Refuse).await else {
        panic!("it was opened")
    };
    assert!(fault.to_string().contains("restore the database"), "{fault}");
    assert!(url.migrations().await.unwrap().iter().all(|migration| !migration.applied));
}

// ASVS-map: OP4
#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_a_newer_version_or_of_another_program_is_left_as_it_is() {
    let database = TestDatabase::new().await;
    let url = database.fresh().await;
    open(&url).await;
    let newest = DatabaseUrl::parse(&url).unwrap().migrations().await.unwrap().last().unwrap().version;
    database.by_hand(
        "INSERT INTO portcullis_migrations SELECT version + 900, description, installed_on, '' \
         FROM portcullis_migrations ORDER BY version DESC LIMIT 2",
    );
    assert_names_both_versions(&refusal(&url).await, newest);
    database.by_hand("DELETE FROM portcullis_migrations WHERE version > 900");
    database.by_hand("UPDATE portcullis_migrations SET checksum = ''");
    assert!(refusal(&url).await.contains("was made otherwise"));

    let url = database.fresh().await;
    database.by_hand("CREATE TABLE users (theirs TEXT)");
    assert!(refusal(&url).await.contains("tables of another program"));
    let known = DatabaseUrl::parse(&url).unwrap().migrations().await.unwrap();
    assert!(known.iter().all(|migration| !migration.applied), "half of the tables were made");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_be_used_is_refused_with_the_cure_and_without_the_password() {
    let database = TestDatabase::new().await;
    let (cluster, name) = (shared_cluster().await, database.name.as_str());
    let operator = cluster.operators_url(name);
    execute(&operator, &format!("CREATE ROLE {name}_guest LOGIN PASSWORD 'hunter2'")).await;
    // Before version 15 everyone may create in it.
    execute(&operator, "REVOKE CREATE ON SCHEMA public FROM PUBLIC").await;
    let guest = format!("{name}_guest:hunter2");
    open(&cluster.tcp_url(&Cluster::login(), name)).await;
    for (url, cure) in [
        (cluster.tcp_url("portcullis:hunter2", name), "correct user and password"),
        (cluster.tcp_url("nobody:hunter2", name), "correct user and password"),
        (cluster.tcp_url(&guest, "missing"), "`createdb`"),
        (cluster.tcp_url(&guest, name), "make it the owner"),
        ("postgres://u:hunter2@127.0.0.1:1/d".to_owned(), "start it"),
        (
            format!("{}?options=-csynchronous_commit%3Doff", cluster.url(name, "")),
            "SET synchronous_commit = on",
        ),
        (cluster.url(name, "nowhere"), "create the first schema"),
    ] {
        let said = refusal(&url).await;
        assert!(said.contains(cure), "{url}: {said}");
        assert!(!said.contains("hunter2") && !said.contains('\n'), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_verified_as_the_url_says() {
    let database = TestDatabase::new().await;
    let cluster = database.cluster;
    let numbered = cluster.tcp_url(&Cluster::login(), &database.name);
    let named = numbered.replace("127.0.0.1", "localhost");
    let trusted = format!("sslrootcert={}", cluster.certificate());
    for url in [
        format!("{numbered}?sslmode=require"),
        format!("{numbered}?sslmode=verify-ca&{trusted}"),
        format!("{named}?sslmode=verify-full&{trusted}"),
    ] {
        open(&url).await;
    }
    for url in [format!("{numbered}?sslmode=verify-full&{trusted}"), format!("{named}?sslmode=verify-full")] {
        let said = refusal(&url).await;
        assert!(said.contains("name its authority with `sslrootcert`"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_may_not_write_all_tables_is_refused_with_the_right_that_is_missing() {
    let database = TestDatabase::new().await;
    let url = database.fresh().await;
    open(&url).await;
    let (guest, cluster) = (format!("{}_reader", database.name), database.cluster);
    database.by_hand(&format!(
        "CREATE ROLE {guest} LOGIN; GRANT USAGE ON SCHEMA s0 TO {guest}; \
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA s0 TO {guest}"
    ));
    let guests = cluster.url(&database.name, "s0").replace("portcullis@", &format!("{guest}@"));
    let mut needed = rights_on_all_relations(&database).await;
    assert!(needed.contains(&"INSERT on revocations".to_owned()), "{needed:?}");
    needed.retain(|right| !right.ends_with(" on portcullis_migrations"));
    for right in needed {
        database.by_hand(&format!("REVOKE {right} FROM {guest}"));
        let said = refusal(&guests).await;
        assert!(said.contains(&right), "{right} is not missed: {said}");
        database.by_hand(&format!("GRANT {right} TO {guest}"));
    }
    open(&guests).await;
}

/// Each right on each table of the schema that was made first, and on each view.
async fn rights_on_all_relations(database: &TestDatabase) -> Vec<String> {
    let rights = "SELECT needed || ' on ' || table_name FROM information_schema.tables, \
        unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS needed \
        WHERE table_schema = 's0' AND (table_type = 'BASE TABLE' OR needed = 'SELECT')";
    let mut db = PgConnection::connect(&database.url()).await.unwrap();
    sqlx::query_scalar(rights).fetch_all(&mut db).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_gives_one_process_of_the_server_to_two_clients_is_refused() {
    let database = TestDatabase::new().await;
    let url = database.fresh().await;
    let folder = TempDir::new().unwrap();
    let through = transaction_pooler(&url, folder.path()).await;
    let said = refusal(&through).await;
    assert!(said.contains("pool_mode = session"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_proxy_is_sent_a_setting_that_it_refuses() {
    let database = TestDatabase::new().await;
    let folder = TempDir::new().unwrap();
    let (through, sent) = greeting(&database.fresh().await, folder.path());
    let (sent, _) = tokio::join!(sent, try_open(&through));
    assert!(sent.contains("search_path") && !sent.contains("extra_float_digits"), "{sent}");
}

/// Functions in the search path that fit the arguments exactly would come before those of the system.
#[tokio::test(flavor = "multi_thread")]
async fn functions_of_the_same_names_in_the_schema_are_not_called() {
    let database = TestDatabase::new().await;
    let url = database.fresh().await;
    for signature in
        ["hashtextextended(text, bigint)", "pg_listening_channels()", "quote_ident(name)", "unnest(text[])"]
    {
        database.by_hand(&format!(
            "CREATE FUNCTION {signature} RETURNS TEXT LANGUAGE plpgsql AS $$ BEGIN RAISE 'called'; END $$"
        ));
    }
    let store = try_open(&url).await.unwrap();
    store.described().await.unwrap();
    let (stores, listener) = (store.stores(), Arc::new(ChangeRecorder::default()));
    let _watch = stores.feed.watch(listener.clone()).await.unwrap();
    let jo = new_user_key(&tenant("acme"));
    stores.attempts.clear(&jo).await.unwrap();
    let signed_in = session(&jo);
    stores.sessions.insert(&signed_in).await.unwrap();
    assert_eq!(listener.news().await, [Change::Session(signed_in.key)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_is_told_version_role_and_what_durability_depends_on() {
    let database = TestDatabase::new().await;
    let store = try_open(&database.fresh().await).await.unwrap();
    let said = store.described().await.unwrap();
    assert!(said.starts_with("PostgreSQL 1"), "{said}");
    assert!(said.ends_with(", primary, synchronous_commit=on, fsync=off, full_page_writes=off"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_another_encoding_is_refused() {
    let cluster = shared_cluster().await;
    let make = "CREATE DATABASE latin OWNER portcullis ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0";
    execute(&cluster.operators_url("postgres"), make).await;
    assert!(refusal(&cluster.url("latin", "")).await.contains("--encoding=UTF8"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_is_refused() {
    let mut cluster = own_cluster().await;
    cluster.restart_as_standby();
    let said = refusal(&cluster.url("portcullis", "")).await;
    assert!(said.contains("name the primary"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_left_to_pg_dump() {
    let database = TestDatabase::new().await;
    let url = DatabaseUrl::parse(&database.fresh().await).unwrap();
    let fault = url.backup(Path::new("/nowhere/copy")).await.unwrap_err();
    assert!(fault.to_string().contains("`pg_dump`"), "{fault}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_store_says_so_and_keeps_no_connection() {
    let database = TestDatabase::new().await;
    let store = try_open(&database.fresh().await).await.unwrap();
    let stores = store.stores();
    store.ping().await.unwrap();
    store.close().await;
    let late = stores.sessions.insert(&session(&new_user_key(&tenant("acme")))).await;
    assert!(late.unwrap_err().to_string().contains("has been closed"));
    // It succeeds only if no connection is left.
    execute(&database.cluster.operators_url("postgres"), &format!("DROP DATABASE {}", database.name)).await;
}
