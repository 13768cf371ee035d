//! The cap on wrong codes: a hundred in a row for one user, however many sign-ins they are spread over.
//!
//! The limits of tickets bound guesses for a quarter of an hour. Who has the password and goes on for weeks would hit a
//! code in the end. As with passwords, an attempt is reserved before and settled after, and a known device has a
//! counter of its own. An unlock link, a reset or an administrator opens the account to codes again.

use std::time::Duration;

use super::device_proof::DeviceSecret;
use super::{EngineCore, EngineTask, Tenant, VerifyCodeError};
use crate::clock::Timestamp;
use crate::event::{Event, EventKind};
use crate::id::UserKey;
use crate::lockout::{AttemptEffect, AttemptKey, AttemptOutcome, AttemptPermit, LockoutLimits};
use crate::secret::SecretHash;
use crate::store::{Stored, UserHandle};
use crate::ticket::{RedeemOutcome, TicketKey};

const WRONG_IN_A_ROW: u32 = 100;

const LIMITS: LockoutLimits = LockoutLimits {
    max_failures: WRONG_IN_A_ROW,
    lock_duration: Duration::ZERO,
    max_attempts_while_locked: 0,
    permanent_after: WRONG_IN_A_ROW,
};

/// A code that may be compared. It must be settled.
pub(super) struct CodeAttempt {
    whose: AttemptKey,
    is_known_device: bool,
}

/// Under which key the codes from a known device, or from all other ones, are counted.
fn counter_of(user: &UserKey, device: Option<&SecretHash>) -> AttemptKey {
    let counter = match device {
        Some(device) => SecretHash::of(&[b"codes", device.as_bytes()]),
        None => SecretHash::of(&[b"codes"]),
    };
    AttemptKey { user: user.clone(), device: Some(counter) }
}

impl EngineCore {
    /// Until when no code of a user is compared, as
    /// [`AttemptRecord::locked`](crate::lockout::AttemptRecord::locked) says it; `None` if codes are.
    pub(super) async fn codes_locked_until(
        &self,
        tenant: &Tenant,
        user: &UserKey,
    ) -> Stored<Option<Timestamp>> {
        let attempts = tenant.stores.records.attempts.find(&counter_of(user, None)).await?;
        Ok(attempts.locked(self.clock.now(), &LIMITS))
    }
}

impl EngineTask {
    /// Reserves an attempt at the code of a sign-in; `None` if there is no such sign-in.
    pub(super) async fn reserve_code_attempt(
        &self,
        tenant: &Tenant,
        login: &TicketKey,
        device: Option<&DeviceSecret>,
    ) -> Result<Option<CodeAttempt>, VerifyCodeError> {
        let stores = &tenant.stores.records;
        let Some(ticket) = stores.tickets.find(login).await? else { return Ok(None) };
        let user = stores.users.find(&UserHandle::Id(ticket.user_key())).await?;
        let known =
            user.as_ref().zip(device).and_then(|(user, device)| self.counted_device(user, &device.secret));
        let whose = counter_of(&ticket.user_key(), known.as_ref());
        if stores.attempts.reserve(&whose, &LIMITS, self.clock.now()).await? == AttemptPermit::Granted {
            return Ok(Some(CodeAttempt { whose, is_known_device: known.is_some() }));
        }
        self.report(&Event::of_user(&whose.user, EventKind::CodeRefused));
        Err(VerifyCodeError::TooMany)
    }

    /// Counts how the attempt turned out. At the last wrong code the owner gets a link that opens the account.
    pub(super) async fn settle_code_attempt(
        &self,
        tenant: &Tenant,
        attempt: CodeAttempt,
        redeemed: &RedeemOutcome,
    ) -> Stored<()> {
        let outcome = match redeemed {
            RedeemOutcome::Done(_) => AttemptOutcome::Right,
            RedeemOutcome::Wrong => AttemptOutcome::Wrong,
            RedeemOutcome::Gone | RedeemOutcome::Expired | RedeemOutcome::Exhausted => AttemptOutcome::Unused,
        };
        let CodeAttempt { whose, is_known_device } = attempt;
        let (attempts, now) = (&tenant.stores.records.attempts, self.clock.now());
        if attempts.settle(&whose, AttemptPermit::Granted, outcome, &LIMITS, now).await?
            == AttemptEffect::LockedNow
        {
            let kind = if is_known_device { EventKind::DeviceLocked } else { EventKind::Locked };
            self.report(&Event::of_user(&whose.user, kind));
            self.send_unlock_link(&tenant.stores, &whose.user).await?;
        }
        Ok(())
    }
}
