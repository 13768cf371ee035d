//! How an operator's command mends what an operator or another program has written.

use portcullis_core::id::UserKey;
use portcullis_core::store::conformance::records::{
    NOW, email, mobile, new_user_key, session, tenant, user, username,
};
use portcullis_core::store::{MendOutcome, Page, RecordKind, Stores, UnreadableRecord, UserHandle};
use portcullis_core::user::{PersonName, Role, User, UserCorrection};

use super::{TestDirectory, by_hand, open};

/// What stands in the columns of the users, what is given up, and what the mended user has.
type Spoiled = (&'static str, &'static [&'static str], fn(&User, &User) -> bool);

/// A user with an address that was proven, and one more who is never touched.
struct TwoUsers {
    path: std::path::PathBuf,
    stores: Stores,
    jo: User,
}

impl TwoUsers {
    async fn new(directory: &TestDirectory) -> Self {
        let path = directory.fresh();
        let stores = open(&path).await.stores();
        let acme = tenant("acme");
        let jo = user(&acme, "jo@example.com");
        for user in [&jo, &user(&acme, "bob@example.com")] {
            stores.users.insert(user).await.unwrap();
        }
        Self { path, stores, jo }
    }

    fn spoil(&self, assignment: &str) {
        by_hand(&self.path, &format!("UPDATE users SET {assignment} WHERE email LIKE 'jo@%'"));
    }

    async fn unreadable(&self) -> Vec<UnreadableRecord> {
        self.stores.users.unreadable(&self.jo.key.tenant).await.unwrap()
    }

    /// Mends the first record that cannot be read.
    async fn mend(&self, correction: &UserCorrection) -> MendOutcome {
        let record = &self.unreadable().await[0];
        self.stores.users.mend(&self.jo.key.tenant, record, correction).await.unwrap()
    }

    async fn found(&self, key: &UserKey) -> Option<User> {
        self.stores.users.find(&UserHandle::Id(key.clone())).await.unwrap()
    }
}

fn spelling() -> UserCorrection {
    UserCorrection::of_spelling(new_user_key(&tenant("acme")).id, NOW)
}

fn giving_up() -> UserCorrection {
    UserCorrection { gives_up: true, ..spelling() }
}

// ASVS-map: AU6
#[tokio::test]
async fn a_value_in_another_spelling_gets_the_one_that_it_is_looked_up_by() {
    let directory = TestDirectory::new();
    for (spoiled, is_proven) in [
        ("id = upper(id)", true),
        ("id = replace(id, '-', '')", true),
        ("email_canonical = upper(email_canonical)", true),
        ("email_canonical = ''", false),
        ("username_canonical = upper(username_canonical)", true),
        ("username_canonical = NULL", true),
        ("mobile = '+(' || substr(mobile, 2) || ')'", true),
        ("version = -1", true),
    ] {
        let users = TwoUsers::new(&directory).await;
        users.spoil(spoiled);
        assert_eq!(users.unreadable().await.len(), 1, "{spoiled}");
        let MendOutcome::Mended { user, lost } = users.mend(&spelling()).await else {
            panic!("{spoiled}");
        };
        assert_eq!(lost, [""; 0], "{spoiled}");
        let found = users.found(&users.jo.key).await.unwrap();
        assert_eq!((&found, users.unreadable().await.len()), (&*user, 0), "{spoiled}");
        let (version, updated) = (found.version, NOW);
        let expected = User { version, updated, email_verified: is_proven, ..users.jo.clone() };
        assert_eq!(found, expected, "{spoiled}");
        let by_address = UserHandle::Email(tenant("acme"), email("jo@example.com"));
        assert_eq!(users.stores.users.find(&by_address).await.unwrap(), Some(found), "{spoiled}");
    }
}

/// Mended into either, one user could be given the account of another.
#[tokio::test]
async fn of_two_addresses_that_differ_the_operator_states_the_right_one() {
    let directory = TestDirectory::new();
    let users = TwoUsers::new(&directory).await;
    users.spoil("email_canonical = 'eve@example.com'");
    for silent in [spelling(), giving_up()] {
        assert_eq!(users.mend(&silent).await, MendOutcome::Unclear(vec!["email"]));
    }
    let stated = UserCorrection { email: Some(email("eve@example.com")), ..spelling() };
    let MendOutcome::Mended { user, lost } = users.mend(&stated).await else { panic!("not mended") };
    assert_eq!((lost.len(), user.email.canonical()), (0, "eve@example.com"));
    assert_eq!(users.found(&users.jo.key).await.as_ref(), Some(&*user));
}

const SPOILED: [Spoiled; 14] = [
    ("id = '42'", &["id"], |user, was| user.key != was.key && user.email == was.email),
    ("id = ''", &["id"], |user, was| user.key != was.key),
    ("email = 'jo@'", &["email"], |user, was| user.email == was.email && user.email_verified),
    ("username = 'a b'", &["username"], |user, _| user.username.is_none()),
    ("username = NULL", &["username"], |user, _| user.username.is_none()),
    ("username_canonical = 'eve'", &["username"], |user, _| user.username.is_none()),
    ("mobile = 'at home'", &["mobile"], |user, _| user.mobile.is_none()),
    ("family_name = ''", &["name"], |user, _| user.name.is_none()),
    ("role = 'superadmin'", &["role"], |user, _| user.role == Role::User),
    ("password = 'md5'", &["password"], |user, was| {
        user.password.is_none() && user.former_passwords == was.former_passwords
    }),
    ("password = CAST(x'ff' AS TEXT)", &["password"], |user, _| user.password.is_none()),
    ("former_passwords = '{}'", &["former_passwords"], |user, was| {
        user.former_passwords.is_empty() && user.password == was.password
    }),
    ("devices = '7'", &["devices"], |user, _| user.devices.is_empty()),
    (
        "id = '42', role = '', devices = '7', mobile = 'x'",
        &["id", "mobile", "role", "devices"],
        |user, was| user.name == was.name && user.username == was.username,
    ),
];

#[tokio::test]
async fn what_cannot_be_read_is_given_up_only_if_the_operator_says_so() {
    let directory = TestDirectory::new();
    for (spoiled, columns, is_right) in SPOILED {
        let users = TwoUsers::new(&directory).await;
        users.spoil(spoiled);
        let before = users.unreadable().await;
        let MendOutcome::Unclear(named) = users.mend(&spelling()).await else { panic!("{spoiled}") };
        assert_eq!((named.as_slice(), users.unreadable().await), (columns, before), "{spoiled}");
        let MendOutcome::Mended { user, lost } = users.mend(&giving_up()).await else {
            panic!("{spoiled}");
        };
        assert_eq!((lost.as_slice(), users.unreadable().await.len()), (columns, 0), "{spoiled}");
        assert_eq!(users.found(&user.key).await.as_ref(), Some(&*user), "{spoiled}");
        assert!(is_right(&user, &users.jo), "{spoiled}: {user:?}");
    }
}

#[tokio::test]
async fn what_the_operator_states_takes_the_place_of_what_cannot_be_read() {
    let directory = TestDirectory::new();
    let users = TwoUsers::new(&directory).await;
    users.spoil("email = 'jo@', email_canonical = 'jo@', username = 'a b', mobile = 'x', family_name = ''");
    assert_eq!(users.mend(&giving_up()).await, MendOutcome::Unclear(vec!["email"]), "no address, no user");
    let stated = UserCorrection {
        email: Some(email("Jo@Example.org")),
        username: Some(username("Jo.Bloggs")),
        mobile: Some(mobile("+491701234567")),
        name: PersonName::new("Jo Bloggs").ok(),
        ..spelling()
    };
    let MendOutcome::Mended { user, lost } = users.mend(&stated).await else { panic!("not mended") };
    assert_eq!((lost.len(), users.unreadable().await.len()), (0, 0));
    assert_eq!(users.found(&users.jo.key).await.as_ref(), Some(&*user));
    let User { email, username, mobile, name, .. } = stated_user(&users.jo, stated);
    assert_eq!((&user.email, &user.username, &user.mobile, &user.name), (&email, &username, &mobile, &name));
    assert!(!user.email_verified, "nothing was ever mailed to that address");
    assert_eq!(user.password, users.jo.password);
}

fn stated_user(jo: &User, stated: UserCorrection) -> User {
    let UserCorrection { email, username, mobile, name, .. } = stated;
    User { email: email.unwrap(), username, mobile, name, ..jo.clone() }
}

/// Two users would be one.
// ASVS-map: AU6
#[tokio::test]
async fn a_record_is_not_mended_into_what_another_user_has() {
    let directory = TestDirectory::new();
    let users = TwoUsers::new(&directory).await;
    users.spoil("email_canonical = 'JO@EXAMPLE.COM'");
    let newcomer = user(&tenant("acme"), "jo@example.com");
    users.stores.users.insert(&User { username: None, ..newcomer.clone() }).await.unwrap();
    assert_eq!(users.mend(&giving_up()).await, MendOutcome::Clash);
    let stated = UserCorrection { email: Some(email("jo@example.org")), ..spelling() };
    assert!(matches!(users.mend(&stated).await, MendOutcome::Mended { .. }));
    assert!(users.found(&newcomer.key).await.is_some());

    let (old, new) = (users.jo.key.id, newcomer.key.id);
    let spoil = format!("UPDATE users SET id = upper('{new}'), role = '' WHERE id = '{old}'");
    by_hand(&users.path, &spoil);
    assert_eq!(users.mend(&giving_up()).await, MendOutcome::Clash, "the id of another user");
    by_hand(&users.path, &format!("DELETE FROM users WHERE id = '{new}'"));
    let taken = UserCorrection { username: Some(username("BOB.example.com")), ..giving_up() };
    assert_eq!(users.mend(&taken).await, MendOutcome::Clash);
}

#[tokio::test]
async fn a_session_that_cannot_be_read_is_removed_and_no_other() {
    let directory = TestDirectory::new();
    let users = TwoUsers::new(&directory).await;
    let sessions = [(); 2].map(|()| session(&users.jo.key));
    for session in &sessions {
        users.stores.sessions.insert(session).await.unwrap();
    }
    let spoil = format!("UPDATE sessions SET strategy = 'telepathy' WHERE id = '{}'", sessions[0].key.id);
    by_hand(&users.path, &spoil);
    assert_eq!(users.unreadable().await[0].record, RecordKind::Session);
    assert_eq!(users.mend(&spelling()).await, MendOutcome::Unclear(vec!["strategy"]));
    assert_eq!(users.mend(&giving_up()).await, MendOutcome::Discarded);
    assert_eq!(users.unreadable().await, []);
    let page = Page { after: None, limit: 9 };
    let left = users.stores.sessions.list(&users.jo.key, page, NOW).await.unwrap();
    assert_eq!(left, sessions[1..]);
}
