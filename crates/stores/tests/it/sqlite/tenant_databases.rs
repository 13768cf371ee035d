use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use portcullis_core::engine::{AuthenticationError, Engine, TenantAdminError, TenantError};
use portcullis_core::id::{SessionId, TenantId, UserId};
use portcullis_core::machine::SystemClock;
use portcullis_core::store::conformance::fixture::{Fixture, HeldCredentials, RegisteredUser};
use portcullis_core::store::conformance::records::{NOW, new_user_key, tenant};
use portcullis_core::store::{Page, StoreError, Stores, TenantDatabases as _, Updated, UserHandle};
use portcullis_core::strategy::StrategyName;
use portcullis_core::tenant::{TenantRecord, TenantSettings};
use portcullis_stores::TenantDatabaseRegistry;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::{TestDirectory, by_hand, open};

const USERS: Page<UserId> = Page { after: None, limit: 100 };
const SESSIONS: Page<SessionId> = Page { after: None, limit: 100 };

fn registry(directory: &TestDirectory) -> Arc<TenantDatabaseRegistry> {
    Arc::new(TenantDatabaseRegistry::new(directory.place.path(), Arc::new(SystemClock)))
}

/// Creates a tenant whose users live in this database.
async fn create_tenant_in(fixture: &Fixture, tenant: &TenantId, database: &str) {
    fixture.tenant_databases().get_or_create(database).await.unwrap();
    fixture.create_tenant(tenant).await;
    let tenants = &fixture.stores().tenants;
    let record = tenants.find(tenant).await.unwrap().unwrap();
    let moved = TenantRecord { database: Some(database.to_owned()), version: record.version + 1, ..record };
    assert_eq!(tenants.update(&moved).await.unwrap(), Updated::Done);
}

async fn sessions(stores: &Stores, member: &RegisteredUser) -> Vec<SessionId> {
    let sessions = stores.sessions.list(&member.user.key, SESSIONS, NOW).await.unwrap();
    sessions.into_iter().map(|session| session.key.id).collect()
}

async fn is_signed_out(held: &HeldCredentials, engine: &Engine) {
    let signing_out = async {
        while held.authenticate(engine).await.is_ok() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_mins(3), signing_out).await.expect("a session without a row lives on");
}

// ASVS-map: TN1, SE4
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_tenants_in_two_files_share_nothing_and_a_row_that_is_deleted_signs_out() {
    let directory = TestDirectory::new();
    let registry = registry(&directory);
    let shared = open(&directory.fresh()).await.stores();
    let mut fixture = Fixture::new(shared.clone());
    fixture.builder = fixture.builder.tenant_databases(registry.clone());
    let engine = fixture.node().await;
    let mut all = Vec::new();
    for name in ["acme", "globex"] {
        let (tenant, database) = (tenant(name), format!("sqlite:tenants/{name}.db"));
        create_tenant_in(&fixture, &tenant, &database).await;
        let jo = fixture.register(&engine, &tenant, "jo@example.com").await;
        let held = jo.password_sign_in(&engine, StrategyName::SessionJwt).await;
        assert_eq!(held.identity(&engine).await.user, jo.user.key);
        all.push((jo, held, registry.open(&database).await.unwrap()));
    }

    for (jo, held, own) in &all {
        let key = &jo.user.key;
        let found = own.users.list(&key.tenant, "", USERS).await.unwrap();
        assert!(found.iter().map(|user| &user.key).eq([key]));
        assert_eq!(sessions(own, jo).await, [held.session().id]);
        let others = all.iter().map(|(.., own)| own).chain([&shared]);
        for other in others.filter(|stores| !Arc::ptr_eq(&stores.users, &own.users)) {
            assert_eq!(other.users.list(&key.tenant, "", USERS).await.unwrap(), []);
            assert_eq!(sessions(other, jo).await, []);
        }
    }

    by_hand(&directory.place.path().join("tenants/acme.db"), "DELETE FROM sessions");
    let [(_, acme, _), (_, globex, _)] = &all[..] else { panic!("two tenants") };
    is_signed_out(acme, &engine).await;
    assert!(globex.authenticate(&engine).await.is_ok());
}

/// How many handles of this process are open on the file.
fn handles(path: &Path) -> usize {
    let open = fs::read_dir("/proc/self/fd").unwrap().flatten();
    open.filter(|handle| fs::read_link(handle.path()).is_ok_and(|file| file == path)).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_is_opened_once_however_often_and_however_it_is_asked_for() {
    let directory = TestDirectory::new();
    let registry = registry(&directory);
    let path = directory.place.path().canonicalize().unwrap().join("a.db");
    let spellings =
        ["sqlite:a.db".to_owned(), "sqlite:./a.db".to_owned(), format!("sqlite://{}", path.display())];
    registry.get_or_create("sqlite:a.db").await.unwrap();
    let mut openings = JoinSet::new();
    for database in spellings.into_iter().cycle().take(30) {
        let registry = registry.clone();
        openings.spawn(async move { registry.open(&database).await.map(drop) });
    }
    assert!(openings.join_all().await.into_iter().all(|opened| opened.is_ok()));
    assert_eq!(handles(&path), 1, "the writer's alone, because there was no read");
}

#[tokio::test]
async fn what_cannot_be_opened_says_why() {
    let directory = TestDirectory::new();
    let registry = registry(&directory);
    fs::write(directory.place.path().join("letter"), "a letter to a friend. ".repeat(100)).unwrap();
    for (database, why) in [
        ("mongodb://u:hunter2@h/d", "write sqlite:PATH"),
        ("sqlite:", "names no file"),
        ("sqlite:letter", "letter is no SQLite database"),
        ("sqlite:letter/a.db", "letter cannot be made"),
    ] {
        let fault = registry.get_or_create(database).await.unwrap_err();
        assert!(matches!(fault, StoreError::Unavailable { .. }), "{fault:?}");
        let said = fault.to_string();
        assert!(said.contains(why) && !said.contains("hunter2"), "{said}");
    }
    fs::remove_file(directory.place.path().join("letter")).unwrap();
    registry.get_or_create("sqlite:letter").await.expect("it can be made now");
}

// ASVS-map: RV3
#[tokio::test]
async fn a_database_that_is_gone_is_an_outage_of_its_tenant_until_it_is_back_and_is_not_made_anew() {
    let directory = TestDirectory::new();
    let mut fixture = Fixture::new(open(&directory.fresh()).await.stores());
    let before = registry(&directory);
    fixture.builder = fixture.builder.tenant_databases(before.clone());
    let (acme, database) = (tenant("acme"), "sqlite:volume/acme.db".to_owned());
    let node = fixture.node().await;
    node.create_tenant(acme.clone(), TenantSettings::default(), Some(database)).await.unwrap();
    let held = fixture
        .register(&node, &acme, "jo@example.com")
        .await
        .password_sign_in(&node, StrategyName::Denylist)
        .await;
    drop(node);
    before.close().await;

    let volume = directory.place.path().join("volume");
    let elsewhere = volume.with_file_name("elsewhere");
    fs::rename(&volume, &elsewhere).unwrap();
    fixture.builder = fixture.builder.tenant_databases(registry(&directory));
    let node = fixture.node().await;
    let said = node.tenant(&acme).await.unwrap_err().to_string();
    assert!(
        said.contains("tenant acme") && said.contains("acme.db") && said.contains("mount the volume"),
        "{said}"
    );
    assert!(is_outage(&held, &node).await && !volume.exists());

    // The directory exists, and the file is missing or empty.
    fs::create_dir(&volume).unwrap();
    assert!(is_outage(&held, &node).await && fs::read_dir(&volume).unwrap().next().is_none());
    fs::write(volume.join("acme.db"), "").unwrap();
    assert!(node.tenant(&acme).await.unwrap_err().to_string().contains("acme.db is empty"));
    assert!(is_outage(&held, &node).await);

    fs::remove_dir_all(&volume).unwrap();
    fs::rename(&elsewhere, &volume).unwrap();
    let outage = async { while is_outage(&held, &node).await {} };
    timeout(Duration::from_mins(3), outage).await.expect("the outage goes on");
    let back = held.authenticate(&node).await;
    assert!(back.is_ok(), "{back:?}");
}

async fn is_outage(held: &HeldCredentials, engine: &Engine) -> bool {
    matches!(held.authenticate(engine).await, Err(AuthenticationError::Tenant(TenantError::Store(_))))
}

#[tokio::test]
async fn a_tenant_is_made_where_a_first_attempt_broke_off_or_a_database_is_there_already() {
    let directory = TestDirectory::new();
    let mut fixture = Fixture::new(open(&directory.fresh()).await.stores());
    // The first attempt had created the file when it broke off.
    fs::write(directory.place.path().join("acme.db"), "").unwrap();
    for name in ["acme", "globex"] {
        fixture.builder = fixture.builder.tenant_databases(registry(&directory));
        let (node, tenant) = (fixture.node().await, tenant(name));
        let database = Some("sqlite:acme.db".to_owned());
        node.create_tenant(tenant.clone(), TenantSettings::default(), database).await.unwrap();
        fixture.register(&node, &tenant, "jo@example.com").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_processes_that_make_one_tenant_at_once_one_does() {
    let directory = TestDirectory::new();
    let mut fixture = Fixture::new(open(&directory.fresh()).await.stores());
    let mut making = JoinSet::new();
    for _ in 0..4 {
        fixture.builder = fixture.builder.tenant_databases(registry(&directory));
        let node = fixture.node().await;
        let database = Some("sqlite:acme.db".to_owned());
        making.spawn(
            async move { node.create_tenant(tenant("acme"), TenantSettings::default(), database).await },
        );
    }
    let made = making.join_all().await;
    let is_taken = |made: &&Result<TenantRecord, _>| matches!(made, Err(TenantAdminError::Taken(_)));
    assert_eq!(made.iter().filter(is_taken).count(), 3, "{made:?}");
    assert!(made.iter().any(Result::is_ok), "{made:?}");
    fixture.builder = fixture.builder.tenant_databases(registry(&directory));
    let node = fixture.node().await;
    fixture.register(&node, &tenant("acme"), "jo@example.com").await;
}

#[tokio::test]
async fn what_was_closed_is_out_of_reach_and_nothing_is_opened_any_more() {
    let directory = TestDirectory::new();
    let registry = registry(&directory);
    let stores = registry.get_or_create("sqlite:a.db").await.unwrap();
    registry.close().await;
    let path = directory.place.path().join("a.db");
    assert!(path.exists() && !path.with_extension("db-wal").exists(), "the write-ahead log is left behind");
    let jo = new_user_key(&tenant("acme"));
    for late in [
        stores.users.find(&UserHandle::Id(jo)).await.err(),
        registry.get_or_create("sqlite:b.db").await.err(),
    ] {
        assert!(matches!(late, Some(StoreError::Unavailable { .. })), "{late:?}");
    }
    assert!(!directory.place.path().join("b.db").exists());
    registry.close().await;
}
