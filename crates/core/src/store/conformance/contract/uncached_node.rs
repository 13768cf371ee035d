//! A node without a view, which changes sessions by compare-and-set.

use super::Answered;
use crate::clock::Timestamp;
use crate::id::SessionKey;
use crate::session::{RotationOutcome, RotationRequest, SessionState};
use crate::store::{SessionHandle, Stores, Updated};

/// Rotates as a node does that knows nothing: it decides on what it reads, and again if another writer was first.
pub(super) async fn rotate(stores: &Stores, key: &SessionKey, request: &RotationRequest) -> RotationOutcome {
    let handle = SessionHandle::Id(key.clone());
    while let Some(before) = stores.sessions.find(&handle, request.now).await.answered() {
        let rotated = before.clone().rotate(request);
        let Some(next) = rotated.to_write(&before) else { return rotated };
        if stores.sessions.update(next, None).await.answered() == Updated::Done {
            return rotated;
        }
    }
    RotationOutcome::Gone
}

/// Records a use in the same way; `false` if the session is gone or has ended.
pub(super) async fn touch(
    stores: &Stores,
    key: &SessionKey,
    seen: Timestamp,
    idle_expires: Option<Timestamp>,
) -> bool {
    let handle = SessionHandle::Id(key.clone());
    while let Some(live) =
        stores.sessions.find(&handle, seen).await.answered().filter(|it| it.state == SessionState::Live)
    {
        let version = live.version;
        let used = live.touch(seen, idle_expires);
        if used.version == version || stores.sessions.update(&used, None).await.answered() == Updated::Done {
            return true;
        }
    }
    false
}
