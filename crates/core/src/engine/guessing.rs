//! Guesses at passwords: the one place where one is looked at, whatever the surface.
//!
//! Somebody who does not exist is guessed at like somebody who does, with the same steps and the same writes: nobody
//! learns from outside which one it was, nor whether an account is locked.

use std::time::Duration;

use tokio::time::sleep;

use super::{Engine, Tenant};
use crate::event::{Event, What};
use crate::guess::{GuessKey, GuessLimits, Outcome, Reserved, Settled};
use crate::id::{UserId, UserKey};
use crate::mailing::Mailing;
use crate::password::{HashRefused, Password, PasswordHash, Verified};
use crate::secret::SecretHash;
use crate::store::StoreError;
use crate::ticket::{Purpose, Ticket};

/// How long to wait for others who are guessing at the same account.
const PAUSE: Duration = Duration::from_millis(20);

/// How often.
const PAUSES: u32 = 250;

/// A password, and whose it is said to be.
pub(super) struct Guess<'a> {
    pub(super) tenant: &'a Tenant,
    pub(super) whose: GuessKey,
    /// The hash of the password; none where there is no such user, or none who can be signed in with one.
    pub(super) hash: Option<PasswordHash>,
    /// Whether the user may be signed in at all. Otherwise no password is the right one.
    pub(super) stands: bool,
    pub(super) password: Password,
}

/// How it turned out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Guessed {
    /// It is the password.
    Right(Verified),
    /// It is, and the account is locked.
    Locked,
    /// It is not, or nobody looked.
    Wrong,
}

impl Engine {
    /// Looks at a guess, if that may be looked at; at the same cost if not.
    pub(super) async fn guess<E>(&self, guess: Guess<'_>) -> Result<Guessed, E>
    where
        E: From<HashRefused> + From<StoreError>,
    {
        let Guess { tenant, whose, hash, stands, password } = guess;
        let limits = &tenant.policy.guesses;
        let reserved = self.reserve::<E>(tenant, &whose, limits).await?;
        let looked_at = reserved != Reserved::Refused;
        let verified = match self.passwords.verify(password, hash.filter(|_| looked_at)).await {
            Ok(verified) => verified,
            Err(busy) => {
                self.settle(tenant, &whose, reserved, Outcome::Unused).await?;
                return Err(busy.into());
            }
        };
        let is_right = looked_at && stands && verified != Verified::No;
        let outcome = match (looked_at, is_right) {
            (false, _) => Outcome::Unused,
            (true, true) => Outcome::Right,
            (true, false) => Outcome::Wrong,
        };
        self.settle(tenant, &whose, reserved, outcome).await?;
        Ok(match (is_right, reserved) {
            (false, _) => Guessed::Wrong,
            (true, Reserved::Granted) => Guessed::Right(verified),
            (true, _) => Guessed::Locked,
        })
    }

    /// Waits while as many are being looked at as may all be wrong.
    async fn reserve<E>(&self, tenant: &Tenant, whose: &GuessKey, limits: &GuessLimits) -> Result<Reserved, E>
    where
        E: From<HashRefused> + From<StoreError>,
    {
        for _ in 0..PAUSES {
            match tenant.home.stores.guesses.reserve(whose, limits, self.clock.now()).await? {
                Reserved::Crowded => sleep(PAUSE).await,
                reserved => return Ok(reserved),
            }
        }
        Err(HashRefused::Busy { retry_after: Duration::from_secs(1) }.into())
    }

    async fn settle(
        &self,
        tenant: &Tenant,
        whose: &GuessKey,
        reserved: Reserved,
        outcome: Outcome,
    ) -> Result<(), StoreError> {
        if reserved == Reserved::Refused {
            return Ok(());
        }
        let (guesses, limits) = (&tenant.home.stores.guesses, &tenant.policy.guesses);
        let settled = guesses.settle(whose, reserved, outcome, limits, self.clock.now()).await?;
        match settled {
            Settled::LockedNow => self.tell_of_lock(tenant, whose).await,
            Settled::Noted => Ok(()),
        }
    }

    /// Sends the owner a link that opens the account. A device that has locked itself out gets none: the account is open.
    async fn tell_of_lock(&self, tenant: &Tenant, whose: &GuessKey) -> Result<(), StoreError> {
        self.report(&Event::of_user(&whose.user, What::Locked));
        if whose.device.is_some() {
            return Ok(());
        }
        let epochs = tenant.home.stores.epochs.read(&whose.user).await?;
        let ticket =
            Ticket::new(&whose.user, Purpose::Unlock, epochs, self.clock.now(), self.random.as_ref());
        let mailing = Mailing::of_ticket(&ticket, self.random.as_ref());
        self.send_ticket(&tenant.home, &ticket, &mailing).await?;
        Ok(())
    }
}

/// Those who do not exist, as far as guesses are counted: a bounded number of them, so that a stranger who makes up names
/// fills no store. No user has an id of this kind.
pub(super) fn nobody(tenant: &Tenant, login: &str) -> UserKey {
    let hash = SecretHash::of(&[b"nobody", tenant.id.as_str().as_bytes(), login.as_bytes()]);
    let mut bytes = [0; 16];
    for (byte, hashed) in bytes.iter_mut().rev().zip(hash.as_bytes()).take(2) {
        *byte = *hashed;
    }
    UserKey { tenant: tenant.id.clone(), id: UserId::from_uuid(uuid::Uuid::from_bytes(bytes)) }
}
