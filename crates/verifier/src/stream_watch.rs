//! When an open stream must be cut.

use std::time::Duration;

use portcullis_core::clock::Ticks;
use portcullis_core::user::Role;
use tokio::time::sleep;

use crate::VerifiedUser;
use crate::revocations::Verdict;
use crate::verifier_core::VerifierCore;

/// How often a stream is looked at without a cause: timers stand still while a machine sleeps.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Why an open stream must be cut.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CutReason {
    /// The session has ended, the user was disabled, the tenant suspended, or the key compromised.
    Revoked,
    /// The user has another role than when the stream was opened.
    RoleChanged,
    /// The token has expired. No leeway: the stream began before.
    Expired,
    /// Nothing was proven for the grace period.
    Unproven,
}

/// A stream that is open.
pub(crate) struct OpenStream {
    user: VerifiedUser,
    opened: Ticks,
    grace: Duration,
}

impl OpenStream {
    pub(crate) const fn new(user: VerifiedUser, opened: Ticks, grace: Duration) -> Self {
        Self { user, opened, grace }
    }

    /// Waits until the stream must be cut.
    pub(crate) async fn until_cut(&self, core: &VerifierCore) -> CutReason {
        let mut changes = core.revocations.changes();
        loop {
            changes.borrow_and_update();
            match self.reason(core) {
                Err(reason) => return reason,
                Ok(left) => {
                    tokio::select! {
                        _ = changes.changed() => {}
                        () = sleep(left.min(LOOK_EVERY)) => {}
                    }
                }
            }
        }
    }

    /// Why the stream must be cut now; otherwise how long it may stay open if nothing happens.
    fn reason(&self, core: &VerifierCore) -> Result<Duration, CutReason> {
        let now = core.clock.ticks();
        match core.revocations.judge(&self.user.subject(), now) {
            Verdict::Dead => return Err(CutReason::Revoked),
            Verdict::Live(role, _) | Verdict::Stale(role) if self.has_other(role) => {
                return Err(CutReason::RoleChanged);
            }
            Verdict::Live(..) | Verdict::Stale(_) => {}
        }
        let valid = self.user.expires.map_or(Duration::MAX, |expires| expires.since(core.clock.now()));
        if valid.is_zero() {
            return Err(CutReason::Expired);
        }
        let stamp = core.revocations.stamp(&self.user.tenant);
        let proven = stamp.map_or(self.opened, |stamp| stamp.max(self.opened));
        let unproven = now.since(proven);
        // Rounded up, so that a timer that fires early does not spin.
        let left = self.grace.checked_sub(unproven).ok_or(CutReason::Unproven)?;
        Ok(left.min(valid).saturating_add(Duration::from_millis(1)))
    }

    fn has_other(&self, role: Option<Role>) -> bool {
        role.is_some_and(|role| self.user.role != Some(role))
    }
}
