//! Password attempts: the one place where a password is compared, whatever the surface.
//!
//! An attempt on a user who does not exist takes the same steps and the same writes as one on a user who does: no
//! client learns which one it was, nor whether an account is locked.

use std::pin::pin;
use std::time::Duration;

use tokio::time::sleep;

use super::tenant_stores::TenantStores;
use super::{EngineCore, EngineTask, Tenant};
use crate::event::{Event, EventKind};
use crate::id::{UserId, UserKey};
use crate::lockout::{AttemptEffect, AttemptKey, AttemptOutcome, AttemptPermit};
use crate::password::{HashRefused, Password, PasswordHash, PasswordMatch};
use crate::queued_mail::QueuedMail;
use crate::secret::SecretHash;
use crate::store::{StoreError, Stored};
use crate::ticket::{Ticket, TicketPurpose};
use crate::token::cookie;

/// How long to wait for other attempts on the same account.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// When to ask the store again though no attempt has ended in this process: one may have ended in another, whose own
/// attempts are woken at once. Each time twice as late, up to the last.
const FIRST_LOOK: Duration = Duration::from_millis(20);
const LAST_LOOK: Duration = Duration::from_millis(80);

/// A password, and whose it is said to be.
pub(super) struct PasswordAttempt<'a> {
    pub(super) tenant: &'a Tenant,
    pub(super) whose: AttemptKey,
    /// The hash of the password; `None` if there is no such user, or none who can be signed in with a password.
    pub(super) hash: Option<PasswordHash>,
    /// Whether the user may be signed in at all. Otherwise no password is the right one.
    pub(super) stands: bool,
    pub(super) password: Password,
}

/// How an attempt turned out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum AttemptResult {
    /// It is the password.
    Right(PasswordMatch),
    /// It is the password, and the account is locked.
    Locked,
    /// It is not the password.
    Wrong,
    /// It is not the password, or was not compared because there were too many wrong ones.
    Blocked,
}

/// An attempt that the store has counted and that must be settled.
struct ReservedAttempt {
    /// What the attempt may do.
    permit: AttemptPermit,
    /// What is settled: the attempt itself, or the decoy that stands in for one that was refused.
    settled: AttemptKey,
    settled_permit: AttemptPermit,
}

impl EngineTask {
    /// Compares a password if the lockout permits it. If not, the answer is known: no password is hashed, and it takes
    /// as long as if one were.
    ///
    /// A client that hangs up while its password is compared gives the attempt back and has learned nothing.
    /// Otherwise a few such clients would keep all others from being heard.
    pub(super) async fn attempt_password<E>(&self, attempt: PasswordAttempt<'_>) -> Result<AttemptResult, E>
    where
        E: From<HashRefused> + From<StoreError>,
    {
        let PasswordAttempt { tenant, whose, hash, stands, password } = attempt;
        let reserved = self.reserve::<E>(tenant, &whose).await?;
        if reserved.permit == AttemptPermit::Refused {
            let waited = self.pretend_to_hash().await;
            self.settle(tenant, &reserved, AttemptOutcome::Unused).await?;
            return Ok(waited.map(|()| AttemptResult::Blocked)?);
        }
        let verified = self.hashing(self.passwords.verify(self.client, password, hash)).await;
        let is_right = stands && verified.as_ref().is_ok_and(|verified| *verified != PasswordMatch::No);
        let outcome = match (&verified, is_right) {
            (Err(_), _) => AttemptOutcome::Unused,
            (_, true) => AttemptOutcome::Right,
            (_, false) => AttemptOutcome::Wrong,
        };
        self.settle(tenant, &reserved, outcome).await?;
        Ok(match (is_right, reserved.permit, verified?) {
            (false, AttemptPermit::Granted, _) => AttemptResult::Wrong,
            (false, _, _) => AttemptResult::Blocked,
            (true, AttemptPermit::Granted, verified) => AttemptResult::Right(verified),
            (true, _, _) => AttemptResult::Locked,
        })
    }

    async fn reserve<E>(&self, tenant: &Tenant, whose: &AttemptKey) -> Result<ReservedAttempt, E>
    where
        E: From<HashRefused> + From<StoreError>,
    {
        let (attempts, limits) = (&tenant.stores.records.attempts, &tenant.policy.lockout);
        let permit = match attempts.reserve(whose, limits, self.clock.now()).await? {
            AttemptPermit::TooManyInFlight => self.reserve_in_turn::<E>(tenant, whose).await?,
            permit => permit,
        };
        match permit {
            AttemptPermit::Granted | AttemptPermit::Locked => {
                Ok(ReservedAttempt { permit, settled: whose.clone(), settled_permit: permit })
            }
            AttemptPermit::Refused => Ok(self.reserve_decoy(tenant).await?),
            AttemptPermit::TooManyInFlight => {
                Err(HashRefused::Busy { retry_after: Duration::from_secs(1) }.into())
            }
        }
    }

    /// Waits while as many attempts are under way as may all be wrong; [`AttemptPermit::TooManyInFlight`] if that takes
    /// too long.
    async fn reserve_in_turn<E>(&self, tenant: &Tenant, whose: &AttemptKey) -> Result<AttemptPermit, E>
    where
        E: From<HashRefused> + From<StoreError>,
    {
        let (attempts, limits) = (&tenant.stores.records.attempts, &tenant.policy.lockout);
        let (waiting, mut look) = (self.attempt_turns.join(whose), FIRST_LOOK);
        let mut too_long = pin!(sleep(LONGEST_WAIT));
        loop {
            // Before the store is asked: what ends meanwhile must not be missed.
            let mut has_room = pin!(waiting.has_room());
            has_room.as_mut().enable();
            let permit = attempts.reserve(whose, limits, self.clock.now()).await?;
            if permit != AttemptPermit::TooManyInFlight || too_long.is_elapsed() {
                return Ok(permit);
            }
            let next = async {
                tokio::select! {
                    () = has_room => (),
                    () = &mut too_long => (),
                    () = sleep(look) => look = LAST_LOOK.min(look * 2),
                }
            };
            self.while_caller_waits(next).await.ok_or(HashRefused::Stopped)?;
        }
    }

    /// Stands in for an attempt that is refused. It costs the store the same, so that the time of an answer does not
    /// tell that an account is locked, or that it exists.
    async fn reserve_decoy(&self, tenant: &Tenant) -> Stored<ReservedAttempt> {
        let now = self.clock.now();
        let user = UserKey { tenant: tenant.id.clone(), id: UserId::generate(now, self.random.as_ref()) };
        let settled = AttemptKey { user, device: None };
        let attempts = &tenant.stores.records.attempts;
        let settled_permit = attempts.reserve(&settled, &tenant.policy.lockout, now).await?;
        Ok(ReservedAttempt { permit: AttemptPermit::Refused, settled, settled_permit })
    }

    async fn settle(
        &self,
        tenant: &Tenant,
        reserved: &ReservedAttempt,
        outcome: AttemptOutcome,
    ) -> Stored<()> {
        let (attempts, limits) = (&tenant.stores.records.attempts, &tenant.policy.lockout);
        let ReservedAttempt { settled, settled_permit, .. } = reserved;
        let effect = attempts.settle(settled, *settled_permit, outcome, limits, self.clock.now()).await?;
        self.attempt_turns.ended(settled, outcome, effect, limits);
        match effect {
            AttemptEffect::LockedNow => self.tell_of_lock(&tenant.stores, settled).await,
            AttemptEffect::Noted => Ok(()),
        }
    }

    /// Tells the owner that the account is locked. If a device has locked itself out, the account is open.
    async fn tell_of_lock(&self, stores: &TenantStores, whose: &AttemptKey) -> Stored<()> {
        if whose.device.is_some() {
            self.report(&Event::of_user(&whose.user, EventKind::DeviceLocked));
            return Ok(());
        }
        self.report(&Event::of_user(&whose.user, EventKind::Locked));
        self.send_unlock_link(stores, &whose.user).await
    }

    /// Sends the owner a link that opens the account.
    pub(super) async fn send_unlock_link(&self, stores: &TenantStores, user: &UserKey) -> Stored<()> {
        let epochs = stores.records.epochs.read(user).await?;
        let ticket = Ticket::new(user, TicketPurpose::Unlock, epochs, self.clock.now(), self.random.as_ref());
        let queued = QueuedMail::for_ticket(&ticket, self.random.as_ref());
        self.send_ticket(stores, &ticket, &queued).await?;
        Ok(())
    }
}

/// Bytes in which decoy users differ: there are sixteen million of them, so that a stranger who makes up names neither
/// fills the store nor locks all of them.
const DECOY_BYTES: usize = 3;

impl EngineCore {
    /// The decoy user of a name that no user has: attempts and mails are counted under its id, which no user has.
    ///
    /// Which name leads to which decoy is a secret of the tenant's. A client that knew two names of one decoy could
    /// lock it by the one and learn from the other whether that name belongs to a user.
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
