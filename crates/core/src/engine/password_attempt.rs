//! Guesses at passwords: the one place where one is looked at, whatever the surface.
//!
//! Somebody who does not exist is guessed at like somebody who does, with the same steps and the same writes: nobody
//! learns from outside which one it was, nor whether an account is locked.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::sleep;

use super::tenant_stores::TenantStores;
use super::uniform_delay::UniformDelay;
use super::whole::whole;
use super::{Engine, Tenant};
use crate::event::{Event, EventKind};
use crate::id::{UserId, UserKey};
use crate::lockout::{AttemptEffect, AttemptKey, AttemptOutcome, AttemptPermit, LockoutLimits};
use crate::password::{HashRefused, Password, PasswordHash, PasswordMatch};
use crate::queued_mail::QueuedMail;
use crate::secret::SecretHash;
use crate::store::StoreError;
use crate::ticket::{Ticket, TicketPurpose};
use crate::token::cookie;

/// How long to wait for others who are guessing at the same account.
const PAUSE: Duration = Duration::from_millis(20);

/// How often.
const PAUSES: u32 = 250;

/// A password, and whose it is said to be.
pub(super) struct PasswordAttempt<'a> {
    pub(super) tenant: &'a Tenant,
    pub(super) whose: AttemptKey,
    /// The hash of the password; none where there is no such user, or none who can be signed in with one.
    pub(super) hash: Option<PasswordHash>,
    /// Whether the user may be signed in at all. Otherwise no password is the right one.
    pub(super) stands: bool,
    pub(super) password: Password,
    pub(super) pace: &'a mut UniformDelay,
}

/// How it turned out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum AttemptResult {
    /// It is the password.
    Right(PasswordMatch),
    /// It is, and the account is locked.
    Locked,
    /// It is not.
    Wrong,
    /// It is not, or nobody looked: there were too many wrong ones.
    Blocked,
}

impl Engine {
    /// Looks at a guess, if that may be looked at; at the same cost if not.
    pub(super) async fn attempt_password<E>(&self, guess: PasswordAttempt<'_>) -> Result<AttemptResult, E>
    where
        E: From<HashRefused> + From<StoreError>,
    {
        let PasswordAttempt { tenant, whose, hash, stands, password, pace } = guess;
        let (reserved, look) = self.reserve::<E>(tenant, &whose).await?;
        let looked_at = reserved != AttemptPermit::Refused;
        let looking = self.passwords.verify(password, hash.filter(|_| looked_at));
        let verified = match pace.hashing(looking).await {
            Ok(verified) => verified,
            Err(busy) => {
                look.settled(AttemptOutcome::Unused).await?;
                return Err(busy.into());
            }
        };
        let is_right = looked_at && stands && verified != PasswordMatch::No;
        let outcome = match (looked_at, is_right) {
            (false, _) => AttemptOutcome::Unused,
            (true, true) => AttemptOutcome::Right,
            (true, false) => AttemptOutcome::Wrong,
        };
        look.settled(outcome).await?;
        Ok(match (is_right, reserved) {
            (false, AttemptPermit::Granted) => AttemptResult::Wrong,
            (false, _) => AttemptResult::Blocked,
            (true, AttemptPermit::Granted) => AttemptResult::Right(verified),
            (true, _) => AttemptResult::Locked,
        })
    }

    /// Waits while as many are being looked at as may all be wrong.
    async fn reserve<E>(
        &self,
        tenant: &Tenant,
        whose: &AttemptKey,
    ) -> Result<(AttemptPermit, ReservedAttempt), E>
    where
        E: From<HashRefused> + From<StoreError>,
    {
        let engine = self.myself()?;
        for _ in 0..PAUSES {
            let (engine, stores, whose) = (engine.clone(), tenant.stores.clone(), whose.clone());
            let limits = tenant.policy.lockout;
            // On its own: of whoever hangs up now, nobody would know whether the store has reserved the look.
            let asking = AttemptReservation { engine, stores, limits, whose }.asked_for();
            let (reserved, look) = whole("reserve a guess", asking).await?;
            if reserved != AttemptPermit::TooManyInFlight {
                return Ok((reserved, look));
            }
            sleep(PAUSE).await;
        }
        Err(HashRefused::Busy { retry_after: Duration::from_secs(1) }.into())
    }

    /// Sends the owner a link that opens the account. A device that has locked itself out gets none: the account is open.
    async fn tell_of_lock(&self, stores: &TenantStores, whose: &AttemptKey) -> Result<(), StoreError> {
        if whose.device.is_some() {
            self.report(&Event::of_user(&whose.user, EventKind::DeviceLocked));
            return Ok(());
        }
        self.report(&Event::of_user(&whose.user, EventKind::Locked));
        let epochs = stores.records.epochs.read(&whose.user).await?;
        let ticket =
            Ticket::new(&whose.user, TicketPurpose::Unlock, epochs, self.clock.now(), self.random.as_ref());
        let queued = QueuedMail::for_ticket(&ticket, self.random.as_ref());
        self.send_ticket(stores, &ticket, &queued).await?;
        Ok(())
    }
}

/// A guess that was reserved. Whoever hangs up before it is settled gives it back and has learned nothing; otherwise a
/// few who hang up would keep everybody else from being looked at.
struct ReservedAttempt(Option<(AttemptReservation, AttemptPermit)>);

struct AttemptReservation {
    engine: Arc<Engine>,
    stores: Arc<TenantStores>,
    limits: LockoutLimits,
    whose: AttemptKey,
}

impl ReservedAttempt {
    /// Settles it, on a task of its own: an account that is locked and an owner who is not told would be worse than
    /// either.
    async fn settled(mut self, outcome: AttemptOutcome) -> Result<(), StoreError> {
        let Some((reservation, reserved)) = self.0.take() else { return Ok(()) };
        whole("settle a guess", reservation.settle(reserved, outcome)).await
    }
}

impl Drop for ReservedAttempt {
    fn drop(&mut self) {
        // Without a runtime nobody is left who could be kept waiting.
        if let Some(((reservation, reserved), runtime)) = self.0.take().zip(Handle::try_current().ok()) {
            runtime.spawn(reservation.settle(reserved, AttemptOutcome::Unused));
        }
    }
}

impl AttemptReservation {
    async fn asked_for(self) -> Result<(AttemptPermit, ReservedAttempt), StoreError> {
        let Self { engine, stores, limits, whose } = &self;
        let reserved = stores.records.attempts.reserve(whose, limits, engine.clock.now()).await?;
        match reserved {
            AttemptPermit::Granted | AttemptPermit::Locked => {
                Ok((reserved, ReservedAttempt(Some((self, reserved)))))
            }
            AttemptPermit::TooManyInFlight => Ok((reserved, ReservedAttempt(None))),
            AttemptPermit::Refused => Ok((reserved, self.decoy_reservation().await?)),
        }
    }

    /// What stands for a look that may not be had: it costs the store what a look costs, and nobody learns by the time of
    /// an answer that an account is locked, or that it is there.
    async fn decoy_reservation(self) -> Result<ReservedAttempt, StoreError> {
        let (now, random) = (self.engine.clock.now(), self.engine.random.as_ref());
        let user = UserKey { tenant: self.whose.user.tenant.clone(), id: UserId::generate(now, random) };
        let whose = AttemptKey { user, device: None };
        let reserved = self.stores.records.attempts.reserve(&whose, &self.limits, now).await?;
        Ok(ReservedAttempt(Some((Self { whose, ..self }, reserved))))
    }

    async fn settle(self, reserved: AttemptPermit, outcome: AttemptOutcome) -> Result<(), StoreError> {
        let Self { engine, stores, limits, whose } = self;
        let now = engine.clock.now();
        match stores.records.attempts.settle(&whose, reserved, outcome, &limits, now).await? {
            AttemptEffect::LockedNow => engine.tell_of_lock(&stores, &whose).await,
            AttemptEffect::Noted => Ok(()),
        }
    }
}

/// Bytes that tell those apart who do not exist: sixteen million of them, so that a stranger who makes up names fills no
/// store and cannot use all of them up either.
const DECOY_BYTES: usize = 3;

impl Engine {
    /// Who somebody is who does not exist, as far as guesses and messages are counted. No user has an id of this kind.
    ///
    /// Which name is which of them is a secret of the tenant's: whoever knew two names of one could use it up by the one
    /// and see by the other whether that is somebody.
    pub(super) fn decoy_user(&self, tenant: &Tenant, login: &str) -> UserKey {
        let name = format!("nobody:{login}");
        let keyed = tenant.keyring.device_signer(self.clock.now()).map(|key| cookie::sign(key, &name));
        let hash =
            SecretHash::of(&[b"nobody", tenant.id.as_str().as_bytes(), keyed.unwrap_or(name).as_bytes()]);
        let mut bytes = [0; 16];
        for (byte, hashed) in bytes.iter_mut().rev().zip(hash.as_bytes()).take(DECOY_BYTES) {
            *byte = *hashed;
        }
        UserKey { tenant: tenant.id.clone(), id: UserId::from_uuid(uuid::Uuid::from_bytes(bytes)) }
    }
}
