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
    /// When something was last proven of its tenant, as far as was seen: at first, when it was opened.
    proven: Ticks,
    grace: Duration,
}

impl OpenStream {
    pub(crate) const fn new(user: VerifiedUser, opened: Ticks, grace: Duration) -> Self {
        Self { user, proven: opened, grace }
    }

    /// Waits until the stream must be cut.
    pub(crate) async fn until_cut(mut self, core: &VerifierCore) -> CutReason {
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
    fn reason(&mut self, core: &VerifierCore) -> Result<Duration, CutReason> {
        let now = core.clock.ticks();
        match core.revocations.judge(&self.user.subject(), now) {
            Verdict::Dead => return Err(CutReason::Revoked),
            Verdict::Live(role, _) | Verdict::Stale(role) if self.has_other(role) => {
                return Err(CutReason::RoleChanged);
            }
            Verdict::Live(..) | Verdict::Stale(_) => {}
        }
        let valid = self.user.expires.map_or(Duration::MAX, |expires| expires.since(core.time()));
        if valid.is_zero() {
            return Err(CutReason::Expired);
        }
        // A verifier that reads the snapshot anew has no stamp for a moment. What was proven before, was.
        self.proven = core.revocations.stamp(&self.user.tenant).map_or(self.proven, |at| at.max(self.proven));
        let unproven = now.since(self.proven);
        // Rounded up, so that a timer that fires early does not spin.
        let left = self.grace.checked_sub(unproven).ok_or(CutReason::Unproven)?;
        Ok(left.min(valid).saturating_add(Duration::from_millis(1)))
    }

    fn has_other(&self, role: Option<Role>) -> bool {
        role.is_some_and(|role| self.user.role != Some(role))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use portcullis_core::clock::{Clock, Timestamp};
    use portcullis_core::id::{SessionId, TenantId, UserId};
    use portcullis_core::session::Epochs;
    use portcullis_core::strategy::StrategyName;
    use uuid::Uuid;

    use super::*;
    use crate::Verifier;

    /// Shows what it is set to, in seconds.
    #[derive(Default)]
    struct SetTicks(AtomicU64);

    impl Clock for SetTicks {
        fn now(&self) -> Timestamp {
            Timestamp::from_seconds(0)
        }

        fn ticks(&self) -> Ticks {
            Ticks::new(Duration::from_secs(self.0.load(Ordering::Relaxed)))
        }
    }

    fn user() -> VerifiedUser {
        VerifiedUser {
            tenant: TenantId::default_tenant(),
            id: UserId::from_uuid(Uuid::nil()),
            session: Some(SessionId::from_uuid(Uuid::nil())),
            token: None,
            sid: None,
            role: None,
            strategy: StrategyName::Session,
            signed_in: None,
            expires: None,
            kid: None,
            epochs: Epochs::default(),
            age: Duration::ZERO,
            profile: None,
            gave_code: None,
        }
    }

    /// A verifier that reads the snapshot has no stamp for a moment, and its streams are older than the grace period.
    #[test]
    fn a_stream_outlives_the_reading_of_a_snapshot() {
        let clock = Arc::new(SetTicks::default());
        let core = Verifier::builder("http://127.0.0.1").clock(clock.clone()).core().unwrap();
        let at = |seconds| {
            clock.0.store(seconds, Ordering::Relaxed);
            clock.ticks()
        };
        let mut stream = OpenStream::new(user(), at(1_000), Duration::from_secs(5));
        core.revocations.prove(&TenantId::default_tenant(), at(1_010));
        assert!(stream.reason(&core).is_ok());
        core.revocations.clear();
        at(1_012);
        assert!(stream.reason(&core).is_ok(), "it was proven two seconds ago");
        at(1_016);
        assert_eq!(stream.reason(&core), Err(CutReason::Unproven));
    }
}
