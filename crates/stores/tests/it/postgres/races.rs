use portcullis_core::store::conformance::records::{NOW, email, new_user_key, tenant, user};
use portcullis_core::store::{MendOutcome, UserHandle};
use portcullis_core::user::{User, UserCorrection};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use super::faults::is_waiting_for_a_lock;
use super::{TestDatabase, open};

/// The statement that finds a name taken breaks its transaction off. What was decided before is decided anew.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_another_takes_while_a_record_is_mended_is_a_clash() {
    let database = TestDatabase::new().await;
    let url = database.fresh().await;
    let stores = open(&url).await;
    let acme = tenant("acme");
    let (jo, bob) = (user(&acme, "jo@example.com"), user(&acme, "bob@example.com"));
    for user in [&jo, &User { username: None, ..bob.clone() }] {
        stores.users.insert(user).await.unwrap();
    }
    database.by_hand("UPDATE users SET role = 'superadmin' WHERE email LIKE 'jo@%'");
    let spoiled = stores.users.unreadable(&acme).await.unwrap().remove(0);
    let mut other = PgConnection::connect(&url).await.unwrap();
    let takes = "UPDATE users SET email_canonical = 'eve@example.com' WHERE email LIKE 'bob@%'";
    other.execute(AssertSqlSafe(format!("BEGIN; {takes}"))).await.unwrap();

    let stated = UserCorrection {
        email: Some(email("eve@example.com")),
        gives_up: true,
        ..UserCorrection::of_spelling(new_user_key(&acme).id, NOW)
    };
    let users = stores.users.clone();
    let mending = tokio::spawn(async move { users.mend(&tenant("acme"), &spoiled, &stated).await.unwrap() });
    let mut watcher = PgConnection::connect(&url).await.unwrap();
    while !is_waiting_for_a_lock(&mut watcher).await {}
    other.execute("COMMIT").await.unwrap();
    assert_eq!(mending.await.unwrap(), MendOutcome::Clash);
    let found = stores.users.find(&UserHandle::Id(jo.key)).await.unwrap();
    assert_eq!(found.map(|user| user.email), Some(jo.email));
}
