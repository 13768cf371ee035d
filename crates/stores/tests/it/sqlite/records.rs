//! Records other than sessions, with values that only an operator can have written.

use std::path::Path;

use portcullis_core::lockout::{AttemptKey, AttemptRecord, LockoutLimits};
use portcullis_core::machine::SystemRandom;
use portcullis_core::revocation::{FeedKey, FeedTenants};
use portcullis_core::session::{EndReason, Ending};
use portcullis_core::store::conformance::records::{
    NOW, first_mail, issue, new_user_key, presented_secret, queued_mail, session, tenant, ticket,
    ticket_secret, user,
};
use portcullis_core::store::{
    EndScope, Inserted, Page, RecordKind, StoreError, Stored, Stores, UnreadableRecord, Updated, UserHandle,
};
use portcullis_core::tenant::TenantRecord;
use portcullis_core::ticket::TicketPurpose;
use portcullis_core::user::Role;
use rusqlite::Connection;

use super::{TestDirectory, by_hand, open, other_program};

#[track_caller]
fn names<T: std::fmt::Debug>(found: Stored<T>, kind: &str, whose: &str, column: &str) {
    match found {
        Err(StoreError::Corrupt { record, id, field }) => {
            assert_eq!((record, id.as_str(), field), (kind, whose, column));
        }
        other => panic!("{column}: {other:?}"),
    }
}

async fn opened(directory: &TestDirectory) -> (std::path::PathBuf, Stores) {
    let path = directory.fresh();
    let stores = open(&path).await.stores();
    (path, stores)
}

fn spoil(path: &Path, table: &str, column: &str, value: &str) {
    by_hand(path, &format!("UPDATE {table} SET {column} = {value}"));
}

#[tokio::test]
async fn a_user_that_makes_no_sense_is_named() {
    let directory = TestDirectory::new();
    let (path, stores) = opened(&directory).await;
    let jo = user(&tenant("acme"), "jo@example.com");
    for (column, value, named) in [
        ("username", "'mallory'", "username_canonical"),
        ("username", "NULL", "username_canonical"),
        ("username_canonical", "NULL", "username_canonical"),
        ("username", "'a b'", "username"),
        ("mobile", "'+49 170 1234567'", "mobile"),
        ("mobile", "'jo'", "mobile"),
        ("email", "'jo'", "email"),
        ("email_canonical", "'JO@EXAMPLE.COM'", "email_canonical"),
    ] {
        assert_eq!(stores.users.insert(&jo).await.unwrap(), Inserted::Done);
        spoil(&path, "users", column, value);
        let found = stores.users.find(&UserHandle::Id(jo.key.clone())).await;
        names(found, "user", &jo.key.id.to_string(), named);
        by_hand(&path, "DELETE FROM users");
    }
}

/// What says who a user is must be read; the rest permits nothing until an operator mends it.
// ASVS-map: LG3
#[tokio::test]
async fn a_column_that_permits_something_permits_nothing_while_it_cannot_be_read() {
    let directory = TestDirectory::new();
    let (path, stores) = opened(&directory).await;
    let jo = user(&tenant("acme"), "jo@example.com");
    for (column, value) in [
        ("role", "'superadmin'"),
        ("password", "'$scrypt$ln=16$abc'"),
        ("family_name", "''"),
        ("given_name", "''"),
        ("former_passwords", "'{}'"),
        ("devices", "'[{\"hash\":\"AA\",\"used\":1}]'"),
        ("devices", "'{}'"),
    ] {
        assert_eq!(stores.users.insert(&jo).await.unwrap(), Inserted::Done);
        spoil(&path, "users", column, value);
        let named = column.strip_prefix("family_").or(column.strip_prefix("given_")).unwrap_or(column);
        let handle = UserHandle::Id(jo.key.clone());
        let found = stores.users.find(&handle).await.unwrap().unwrap();
        assert_eq!(found.unreadable, [named]);
        assert!(
            !(found.role == Role::Admin
                || found
                    .password
                    .as_ref()
                    .is_some_and(|hash| { column == "password" && hash.is_readable() }))
        );
        let listed = stores.users.list(&jo.key.tenant, "", Page { after: None, limit: 9 }).await.unwrap();
        assert_eq!(listed, std::slice::from_ref(&found));
        let unreadable = stores.users.unreadable(&jo.key.tenant).await.unwrap();
        let expected = UnreadableRecord { record: RecordKind::User, id: jo.key.id.to_string(), field: named };
        assert_eq!(unreadable, [expected]);

        let password = found.password.clone();
        let mended = found.with_role(Role::User, NOW);
        assert_eq!(stores.users.update(&mended).await.unwrap(), Updated::Done);
        let found = stores.users.find(&handle).await.unwrap().unwrap();
        assert_eq!(found.password, password, "a hash that a later version may read is kept");
        assert_eq!(found.unreadable.is_empty(), column != "password");
        by_hand(&path, "DELETE FROM users");
    }
}

/// A page that is not full is the last one, so records that are left out must not shorten it.
// ASVS-map: SE5
#[tokio::test]
async fn records_that_cannot_be_read_are_left_out_of_lists_and_end_with_the_others() {
    let directory = TestDirectory::new();
    let (path, stores) = opened(&directory).await;
    let acme = tenant("acme");
    let mut users = Vec::new();
    for number in 0..12 {
        let user = user(&acme, &format!("jo{number:02}@example.com"));
        stores.users.insert(&user).await.unwrap();
        users.push(user);
    }
    users.sort_by_key(|user| user.key.id);
    for (user, change) in users.iter().zip(["id = '42'", "id = upper(id)", "email = ''", "username = 'a b'"])
    {
        by_hand(&path, &format!("UPDATE users SET {change} WHERE id = '{}'", user.key.id));
    }
    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let page = stores.users.list(&acme, "", Page { after, limit: 3 }).await.unwrap();
        after = page.last().map(|user| user.key.id);
        listed.extend(page.iter().map(|user| user.key.id));
        if page.len() < 3 {
            break;
        }
    }
    assert_eq!(listed, users[4..].iter().map(|user| user.key.id).collect::<Vec<_>>());
    assert_eq!(stores.users.unreadable(&acme).await.unwrap().len(), 4);

    let jo = &users[11].key;
    let sessions = [(); 4].map(|()| session(jo));
    for session in &sessions {
        stores.sessions.insert(session).await.unwrap();
    }
    for (session, change) in sessions.iter().zip(["id = '42'", "strategy = 'telepathy'", "device_name = 'x'"])
    {
        by_hand(&path, &format!("UPDATE sessions SET {change} WHERE id = '{}'", session.key.id));
    }
    let page = Page { after: None, limit: 9 };
    assert_eq!(stores.sessions.list(jo, page, NOW).await.unwrap().len(), 2);
    let ending = Ending { at: NOW, reason: EndReason::Admin };
    assert_eq!(stores.sessions.end(&EndScope::User(jo.clone()), ending).await.unwrap().len(), 3);
    let live = "SELECT count(*) FROM sessions WHERE ended_at IS NULL";
    let live: i64 = other_program(&path).query_row(live, [], |row| row.get(0)).unwrap();
    assert_eq!(live, 0, "the one that cannot be read has ended, too");
}

#[tokio::test]
async fn a_tenant_that_makes_no_sense_keeps_no_other_from_a_list() {
    let directory = TestDirectory::new();
    let (path, stores) = opened(&directory).await;
    for name in ["acme", "globex", "initech"] {
        stores.tenants.insert(&TenantRecord::new(tenant(name), NOW)).await.unwrap();
    }
    by_hand(&path, "UPDATE tenants SET settings = '[1]' WHERE id = 'acme'");
    let listed = stores.tenants.list(Page { after: None, limit: 2 }).await.unwrap();
    assert_eq!(listed.iter().map(|tenant| tenant.id.as_str()).collect::<Vec<_>>(), ["globex", "initech"]);
}

#[tokio::test]
async fn a_tenant_that_makes_no_sense_is_named() {
    let directory = TestDirectory::new();
    let (path, stores) = opened(&directory).await;
    let acme = TenantRecord::new(tenant("acme"), NOW);
    stores.tenants.insert(&acme).await.unwrap();
    for settings in ["''", "'{\"strategies\":[\"telepathy\"]}'", "'{\"lock_for\":-1}'", "'[1]'"] {
        spoil(&path, "tenants", "settings", settings);
        names(stores.tenants.find(&acme.id).await, "tenant", "acme", "settings");
    }
    spoil(&path, "tenants", "settings", "'{\"a newer version knows\":1}'");
    assert_eq!(stores.tenants.find(&acme.id).await.unwrap().as_ref(), Some(&acme));
    spoil(&path, "tenants", "version", "-1");
    names(stores.tenants.find(&acme.id).await, "tenant", "acme", "version");
}

#[tokio::test]
async fn a_ticket_that_makes_no_sense_is_named_and_opens_nothing() {
    let directory = TestDirectory::new();
    let (path, stores) = opened(&directory).await;
    for (column, value) in [("state", "'ajar'"), ("purpose", "'tea'"), ("wrong", "-1"), ("epoch_user", "-1")]
    {
        let ticket = ticket(&new_user_key(&tenant("acme")), TicketPurpose::Code, NOW, 1);
        assert!(issue(&stores, &ticket).await);
        spoil(&path, "tickets", column, value);
        let redeemed =
            stores.tickets.redeem(&ticket.key, TicketPurpose::Code, &presented_secret(1), None, NOW).await;
        names(redeemed, "ticket", &ticket.key.id.to_string(), column);
        by_hand(&path, "DELETE FROM tickets");
    }
}

#[tokio::test]
async fn corrupt_attempts_are_named_and_forgotten_with_the_user() {
    let directory = TestDirectory::new();
    let (path, stores) = opened(&directory).await;
    let key = AttemptKey { user: new_user_key(&tenant("acme")), device: None };
    let limits = LockoutLimits::default();
    for (column, value) in [("in_row", "-1"), ("in_lock", "5000000000"), ("pending", "'[\"noon\"]'")] {
        stores.attempts.reserve(&key, &limits, NOW).await.unwrap();
        spoil(&path, "guesses", column, value);
        let reserved = stores.attempts.reserve(&key, &limits, NOW).await;
        names(reserved, "guesses of user", &key.user.id.to_string(), column);
        stores.attempts.clear(&key.user).await.unwrap();
        assert_eq!(stores.attempts.find(&key).await.unwrap(), AttemptRecord::default());
    }
}

#[tokio::test]
async fn a_corrupt_mail_keeps_no_other_from_being_sent() {
    let directory = TestDirectory::new();
    let (path, stores) = opened(&directory).await;
    let jo = new_user_key(&tenant("acme"));
    stores.mail.put(&queued_mail(&jo, NOW)).await.unwrap();
    spoil(&path, "mail", "about", "'the weather'");
    assert_eq!(stores.mail.claim(NOW, 1).await.unwrap(), []);
    let good = queued_mail(&jo, NOW);
    stores.mail.put(&good).await.unwrap();
    let claimed = stores.mail.claim(NOW, 1).await.unwrap();
    assert_eq!(claimed.into_iter().map(|queued_mail| queued_mail.id).collect::<Vec<_>>(), [good.id]);
    assert_eq!(stores.mail.waiting(NOW).await.unwrap(), 2);
}

#[tokio::test]
async fn tickets_attempts_and_mails_are_not_announced() {
    let directory = TestDirectory::new();
    let (path, stores) = opened(&directory).await;
    let jo = new_user_key(&tenant("acme"));
    let ticket = ticket(&jo, TicketPurpose::Code, NOW, 1);
    issue(&stores, &ticket).await;
    stores.tickets.arm(&ticket.key, first_mail(&ticket).id, &ticket_secret(2), NOW).await.unwrap();
    stores.tickets.redeem(&ticket.key, TicketPurpose::Code, &presented_secret(2), None, NOW).await.unwrap();
    let key = AttemptKey { user: jo.clone(), device: None };
    stores.attempts.reserve(&key, &LockoutLimits::default(), NOW).await.unwrap();
    stores.mail.put(&queued_mail(&jo, NOW)).await.unwrap();
    stores.mail.claim(NOW, 1).await.unwrap();
    by_hand(&path, "DELETE FROM tickets; DELETE FROM guesses; DELETE FROM mail");
    let changes = "SELECT count(*) FROM changes";
    let changes: i64 = other_program(&path).query_row(changes, [], |row| row.get(0)).unwrap();
    assert_eq!(changes, 0);
}

/// The query plan of a statement.
fn plan(db: &Connection, statement: &str) -> String {
    let mut plan = db.prepare(&format!("EXPLAIN QUERY PLAN {statement}")).unwrap();
    let steps = plan.raw_query().mapped(|row| row.get::<_, String>(3));
    steps.map(Result::unwrap).collect::<Vec<_>>().join("; ")
}

#[tokio::test]
async fn what_every_sign_in_asks_for_is_looked_up_and_not_searched() {
    let directory = TestDirectory::new();
    let (path, _stores) = opened(&directory).await;
    let db = other_program(&path);
    for statement in [
        "SELECT * FROM users WHERE tenant = $1 AND username_canonical = $2",
        "SELECT * FROM users WHERE tenant = $1 AND mobile = $2",
        "SELECT count(*) FROM tickets WHERE tenant = $1 AND user_id = $2 AND purpose = $3 AND created > $4",
        "SELECT * FROM tickets WHERE purpose = $1 AND expires <= $2 LIMIT $3",
        "SELECT * FROM guesses WHERE changed <= $1 LIMIT $2",
        "SELECT tenant, id FROM mail WHERE due <= $1 AND expires > $1 ORDER BY due, id LIMIT $3",
        "SELECT tenant, id FROM mail WHERE expires <= $1 LIMIT $2",
    ] {
        let plan = plan(&db, statement);
        assert!(plan.starts_with("SEARCH") && !plan.contains("TEMP B-TREE"), "{statement}: {plan}");
    }
    let mails_of_ticket = plan(&db, "DELETE FROM mail WHERE tenant = $1 AND ticket = $2");
    assert!(mails_of_ticket.contains("mail_of_ticket (tenant=? AND ticket=?)"), "{mails_of_ticket}");
}

#[tokio::test]
async fn a_feed_key_that_makes_no_sense_is_named_and_opens_nothing_and_stays() {
    let directory = TestDirectory::new();
    let (path, stores) = opened(&directory).await;
    let key = FeedKey::generate(FeedTenants::All, NOW, &SystemRandom).0;
    stores.feed_keys.insert(&key).await.unwrap();
    spoil(&path, "feed_keys", "tenants", "'\"most\"'");
    names(stores.feed_keys.find(&key.hash).await, "feed key", &key.id.to_string(), "tenants");
    names(stores.feed_keys.remove(key.id).await, "feed key", &key.id.to_string(), "tenants");
    spoil(&path, "feed_keys", "tenants", "'\"all\"'");
    assert_eq!(stores.feed_keys.remove(key.id).await.unwrap(), Some(key));
}
