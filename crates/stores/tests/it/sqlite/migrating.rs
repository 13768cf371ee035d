use std::path::Path;

use portcullis_core::clock::Timestamp;
use portcullis_core::email::Email;
use portcullis_core::id::{TenantId, UserId, UserKey};
use portcullis_core::session::SessionState;
use portcullis_core::store::conformance::records::{bare_user, by_id, session, tenant};
use portcullis_core::store::{Page, UserHandle};
use portcullis_core::tenant::TenantRecord;
use portcullis_core::user::{PersonName, Role, User};

use super::{TestDirectory, migrations, open, other_program};

/// What the first version wrote, with the history that its library kept.
const FIRST: [&str; 3] = [
    include_str!("../../../src/sqlite/migrations/0001_records.sql"),
    include_str!("../../../src/sqlite/migrations/0002_changes.sql"),
    "CREATE TABLE portcullis_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL,
        installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL, checksum BLOB NOT NULL,
        execution_time BIGINT NOT NULL);
    INSERT INTO portcullis_migrations (version, description, success, checksum, execution_time) VALUES
        (1, 'records', TRUE,
        x'526d2ead8f0841eb4b119daace9b2b27f9b13b6bdc54a70c9f7e0e90a0d9f4411eedd02e5d3c0a958533221687c4b8b9', 2066443),
        (2, 'changes', TRUE,
        x'aa7c3e1cf134c31956b596dc31f834261fa54b8f17f12b701157da3d5dba2c9135136c6c29517f7c539f74deb4659bf1', 1035221)",
];

/// More users than the migration reads at a time.
const USERS: i64 = 1_201;

/// A database as the first version left it, with the rows that these statements write.
fn old(path: &Path, statements: &str) {
    let db = other_program(path);
    FIRST.iter().chain([&statements]).for_each(|sql| db.execute_batch(sql).unwrap());
}

fn id(number: i64) -> String {
    format!("00000000-0000-7000-8000-{number:012}")
}

// ASVS-map: OP4
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
    );
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
