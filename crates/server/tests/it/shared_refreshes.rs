//! Refreshes at two servers on one database: what one of them has been told, the other obeys at once.

use portcullis_core::clock::Clock as _;
use portcullis_core::email::Email;
use portcullis_core::id::TenantId;
use portcullis_core::machine::SystemClock;
use portcullis_core::strategy::StrategyName;
use portcullis_core::user::Role;

use crate::fixture::{Credentials, DataDirectory, TestServer, TestUser, eventually};
use crate::sign_in::claims;

/// Those whose access tokens last although the session ends, and those whose sessions are looked up.
const ROTATING: [StrategyName; 2] = [StrategyName::Refresh, StrategyName::Denylist];

/// No grace window: what is repeated later than in the same millisecond is repeated late.
const WITHOUT_GRACE: [(&str, &str); 2] =
    [("STRATEGIES_REFRESH_GRACE", "0s"), ("STRATEGIES_DENYLIST_GRACE", "0s")];

/// Returns in a later millisecond.
async fn in_a_later_millisecond() {
    let now = SystemClock.now();
    while SystemClock.now() == now {
        tokio::task::yield_now().await;
    }
}

fn alarms(servers: [&TestServer; 2], about: &str) -> usize {
    let waiting = servers.map(|server| server.mailbox.waiting_for(TestUser::ANN.email));
    waiting.concat().into_iter().filter(|kind| *kind == about).count()
}

// ASVS-map: RT4
#[tokio::test]
async fn a_rider_at_another_server_is_refused_at_the_third_generation_and_the_user_is_told_once() {
    for strategy in ROTATING {
        let home = DataDirectory::new();
        let (here, there) = (home.server_with(&WITHOUT_GRACE).await, home.server_with(&WITHOUT_GRACE).await);
        let ann = TestUser::ANN.registered(&here).await;
        let mut own = ann.signs_in_natively(&here, strategy).await;
        let (mut rider, mut statuses) = (own.clone(), Vec::new());
        for _ in 0..20 {
            own = own.renewed(&own.refreshes(&here).await.status(201));
            in_a_later_millisecond().await;
            let answer = rider.refreshes(&there).await;
            statuses.push(answer.status);
            if answer.status == 201 {
                rider = rider.renewed(&answer);
            }
        }
        // The first two are answers that may have been lost.
        assert_eq!(statuses, [[201; 2].as_slice(), &[401; 18]].concat(), "{strategy}");
        eventually("the user is told", || async {
            (alarms([&here, &there], "refresh_shared") > 0).then_some(())
        })
        .await;
        own.refreshes(&there).await.status(201);
        assert_eq!(alarms([&here, &there], "refresh_shared"), 1, "{strategy}");
    }
}

// ASVS-map: RT4, RT1
#[tokio::test]
async fn a_rider_without_the_proof_at_another_server_ends_the_session_at_both() {
    for strategy in ROTATING {
        let home = DataDirectory::new();
        let (here, there) = (home.server().await, home.server().await);
        let ann = TestUser::ANN.registered(&here).await;
        let signed_in = ann.signs_in_natively(&here, strategy).await;
        let own = signed_in.renewed(&signed_in.refreshes(&here).await.status(201));
        let rider = Credentials { proof: None, ..own.clone() };
        rider.refreshes(&there).await.status(401);
        for server in [&here, &there] {
            own.refreshes(server).await.status(401);
        }
        eventually("the user is told", || async {
            (alarms([&here, &there], "refresh_reused") > 0).then_some(())
        })
        .await;
        assert_eq!(alarms([&here, &there], "refresh_reused"), 1, "{strategy}");
    }
}

// ASVS-map: RT8
#[tokio::test]
async fn a_refresh_obeys_at_once_what_another_server_has_done_to_the_user() {
    for strategy in ROTATING {
        let home = DataDirectory::new();
        let (here, there) = (home.server().await, home.server().await);
        let ann = TestUser::ANN.registered(&here).await;
        let email = Email::parse(ann.email).unwrap();
        let key = here.engine.user_by_email(&TenantId::default_tenant(), &email).await.unwrap().key;
        let mut held = ann.signs_in_natively(&here, strategy).await;
        // Each time `there` has just seen the session, and what `here` is told next it has not heard of.
        for (role, word) in [(Role::Admin, "admin"), (Role::User, "user"), (Role::Manager, "manager")] {
            held = held.renewed(&held.refreshes(&there).await.status(201));
            held.profile(&there).await.status(200);
            here.engine.set_role(&key, role).await.unwrap();
            held = held.renewed(&held.refreshes(&there).await.status(201));
            // Redis compares no versions of users: there the view decides, until it has heard of the role.
            while there.sessions_are_in_redis() && claims(&held.credential)["role"] != word {
                held = held.renewed(&held.refreshes(&there).await.status(201));
            }
            assert_eq!(claims(&held.credential)["role"], word, "{strategy}");
        }
        let other = ann.signs_in(&there, strategy).await;
        other.profile(&there).await.status(200);
        held.changes_password(&here, ann.password, "another correct horse").await.status(201);
        other.refreshes(&there).await.status(401);

        let ann = ann.with_password("another correct horse");
        let held = ann.signs_in_natively(&there, strategy).await;
        held.profile(&there).await.status(200);
        here.engine.disable_user(&key).await.unwrap();
        held.refreshes(&there).await.status(401);
        here.engine.enable_user(&key).await.unwrap();
        held.refreshes(&there).await.status(401);
    }
}
