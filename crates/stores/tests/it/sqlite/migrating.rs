use std::path::Path;

use portcullis_core::clock::Timestamp;
use portcullis_core::email::Email;
use portcullis_core::id::{TenantId, UserId, UserKey};
use portcullis_core::session::SessionState;
use portcullis_core::store::conformance::records::{bare_user, by_id, session, tenant};
use portcullis_core::store::{Page, UserHandle};
use portcullis_core::tenant::TenantRecord;
use portcullis_core::user::{PersonName, Role, User};
use sqlx::migrate::{Migrate as _, Migration, MigrationType};
use sqlx::{AssertSqlSafe, Connection as _, SqlSafeStr as _};

use super::{TestDirectory, migrations, open};

const FIRST: [(i64, &str, &str); 2] = [
    (1, "records", include_str!("../../../src/sqlite/migrations/0001_records.sql")),
    (2, "changes", include_str!("../../../src/sqlite/migrations/0002_changes.sql")),
];

/// More users than the migration reads at a time.
const USERS: i64 = 1_201;

/// A database as the first version left it, with the rows that these statements write.
async fn old(path: &Path, statements: &str) {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut db = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
    db.ensure_migrations_table("portcullis_migrations").await.unwrap();
    for (version, description, sql) in FIRST {
        let sql = sql.into_sql_str();
        let migration = Migration::new(version, description.into(), MigrationType::Simple, sql, false);
        db.apply("portcullis_migrations", &migration).await.unwrap();
    }
    sqlx::raw_sql(AssertSqlSafe(statements.to_owned())).execute(&mut db).await.unwrap();
    db.close().await.unwrap();
}

fn id(number: i64) -> String {
    format!("00000000-0000-7000-8000-{number:012}")
}

#[tokio::test]
async fn a_database_of_the_first_version_keeps_its_users_sessions_and_tenants() {
    let directory = TestDirectory::new();
    let path = directory.fresh();
    let signed_in = session(&bare_user(&tenant("acme"), "jo@example.com").key);
    old(
        &path,
        &format!(
            "INSERT INTO tenants (id, created) VALUES ('acme', 7);
            INSERT INTO users SELECT 'acme', printf('00000000-0000-7000-8000-%012d', value), 'u' || value || '@Example.com',
                'u' || value || '@example.com', 'ÄNNE ' || value, NULL, NULL, 'manager', NULL, '[]', NULL, 5, 6, 3
                FROM (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < {USERS})
                SELECT value FROM n);
            INSERT INTO sessions (tenant, id, user_id, strategy, device_name, address, user_agent, created, last_seen,
                idle_expires, absolute_expires, epoch_user, epoch_tenant, epoch_everyone)
                VALUES ('acme', '{}', '{}', 'jwt', '', '', '', 1, 2, 300, 400, 0, 0, 0);",
            signed_in.key.id, signed_in.user,
        ),
    )
    .await;
    let pending: Vec<bool> = migrations(&path).await.unwrap().iter().map(|step| !step.applied).collect();
    let (of_the_first_version, later) = pending.split_at(2);
    assert_eq!(of_the_first_version, [false; 2]);
    assert!(!later.is_empty() && later.iter().all(|is_pending| *is_pending), "{later:?}");

    let stores = open(&path).await.stores();
    let acme: TenantId = tenant("acme");
    let at = Timestamp::from_millis;
    assert_eq!(stores.tenants.find(&acme).await.unwrap(), Some(TenantRecord::new(acme.clone(), at(7))));
    let found = stores.sessions.find(&by_id(&signed_in), at(2)).await.unwrap();
    assert_eq!(found.map(|found| found.state), Some(SessionState::Live));

    let key = UserKey { tenant: acme.clone(), id: id(USERS).parse::<UserId>().unwrap() };
    let email = Email::parse(&format!("u{USERS}@Example.com")).unwrap();
    let name = PersonName::new(&format!("ÄNNE {USERS}")).ok();
    let last = User { updated: at(6), version: 3, ..User::new(key, email, name, Role::Manager, at(5)) };
    let by_address = UserHandle::Email(acme.clone(), last.email.clone());
    assert_eq!(stores.users.find(&by_address).await.unwrap().as_ref(), Some(&last));

    let page = Page { after: None, limit: 10_000 };
    let all = stores.users.list(&acme, "änne", page).await.unwrap();
    assert_eq!(all.len(), usize::try_from(USERS).unwrap(), "a user is not found by name");
    assert_eq!(stores.users.list(&acme, &format!("Änne {USERS}"), page).await.unwrap(), [last]);
}
