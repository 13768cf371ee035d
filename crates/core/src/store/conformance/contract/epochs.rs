//! What an [`EpochStore`](crate::store::EpochStore) must do.

use super::super::records::{NOW, bare_session, ending, new_user_key, tenant};
use super::{Answered, each};
use crate::id::UserKey;
use crate::session::{EndReason, Epochs, Session, SessionState};
use crate::store::{EndScope, EpochScope, Stores};

pub(super) async fn all(make: &impl AsyncFn() -> Stores) {
    each!(make;
        epochs_begin_at_zero_and_count_up,
        an_epoch_is_of_one_user_or_one_tenant,
        a_session_of_an_older_epoch_is_over,
    );
}

async fn epochs(stores: &Stores, user: &UserKey) -> Epochs {
    stores.epochs.read(user).await.answered()
}

async fn advance(stores: &Stores, scope: EpochScope) {
    stores.epochs.advance(&scope, ending(EndReason::Admin)).await.answered();
}

/// Epochs start at zero, also for an unknown user. `advance` and the end of all of a user's sessions count one of the
/// three up by one.
// ASVS-map: RV5
pub async fn epochs_begin_at_zero_and_count_up(stores: &Stores) {
    let jo = new_user_key(&tenant("acme"));
    assert_eq!(epochs(stores, &jo).await, Epochs::default());
    advance(stores, EpochScope::Tenant(jo.tenant.clone())).await;
    assert_eq!(epochs(stores, &jo).await, Epochs { user: 0, tenant: 1, everyone: 0 });
    advance(stores, EpochScope::Everyone).await;
    advance(stores, EpochScope::Everyone).await;
    assert_eq!(epochs(stores, &jo).await, Epochs { user: 0, tenant: 1, everyone: 2 });
    let scope = EndScope::User(jo.clone());
    stores.sessions.end(&scope, ending(EndReason::LogoutAll)).await.answered();
    assert_eq!(epochs(stores, &jo).await, Epochs { user: 1, tenant: 1, everyone: 2 });
}

/// Counting one user's or one tenant's epoch up leaves all others as they are.
pub async fn an_epoch_is_of_one_user_or_one_tenant(stores: &Stores) {
    let (jo, ann) = (new_user_key(&tenant("acme")), new_user_key(&tenant("acme")));
    let bob = new_user_key(&tenant("globex"));
    stores.sessions.end(&EndScope::User(jo.clone()), ending(EndReason::LogoutAll)).await.answered();
    advance(stores, EpochScope::Tenant(jo.tenant.clone())).await;
    assert_eq!(epochs(stores, &ann).await, Epochs { tenant: 1, ..Epochs::default() });
    assert_eq!(epochs(stores, &bob).await, Epochs::default());
}

/// A session keeps the epochs that it was made under, so that it is over when one of them is counted up. A session that
/// is made afterwards is live.
// ASVS-map: RV5
pub async fn a_session_of_an_older_epoch_is_over(stores: &Stores) {
    let jo = new_user_key(&tenant("acme"));
    for scope in [EpochScope::Tenant(jo.tenant.clone()), EpochScope::Everyone] {
        let before = Session { epochs: epochs(stores, &jo).await, ..bare_session(&jo) };
        stores.sessions.insert(&before).await.answered();
        advance(stores, scope).await;
        let after = Session { epochs: epochs(stores, &jo).await, ..bare_session(&jo) };
        stores.sessions.insert(&after).await.answered();
        let now = epochs(stores, &jo).await;
        for (session, lives) in [(before, false), (after, true)] {
            let found = stores.sessions.find(&super::super::records::by_id(&session), NOW).await.answered();
            let is_live = found.is_some_and(|found| found.state_at(NOW, now) == SessionState::Live);
            assert_eq!(is_live, lives);
        }
    }
}
