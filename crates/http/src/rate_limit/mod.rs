//! Rate limits of what costs a password hash, and of the other costly public requests.
//!
//! Requests are counted by tenant and client address (IPv6: the /64, which one customer has). A refresh that proves its
//! device is counted by its session instead: a browser with many tabs takes nothing from others at its address. A
//! trusted gateway's request without an address is counted by the account or session that it names. A change of a
//! password costs several hashes, and is counted by account and by session as well, whatever addresses it comes from.
//!
//! The limits are generous enough for an office behind one address; they keep one client from taking every password
//! hash. They do not bound the guesses at one account, which the brute-force lockout does. Each node counts what it
//! sees.
//!
//! Memory is bounded: a full bucket is forgotten, and if too many are not full, further clients share buckets.

mod buckets;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU32;
use std::sync::{Arc, Once};

use portcullis_api::refusal::Refusal;
use portcullis_core::client_network::ClientNetwork;
use portcullis_core::clock::Clock;
use portcullis_core::engine::Identity;
use portcullis_core::id::{SessionKey, TenantId};
use portcullis_core::secret::SecretHash;
use tracing::warn;

use buckets::{BucketKey, Buckets};

/// The limits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RateLimit {
    /// Requests a minute of one address in one tenant; `None` is no limit.
    pub address: Option<NonZeroU32>,
    /// Requests a minute of one tenant, from all addresses; `None` is no limit.
    pub tenant: Option<NonZeroU32>,
    /// Whether clients on this machine have no limit.
    pub spares_loopback: bool,
}

/// Who a request is counted against.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Requester {
    /// The clients at this address.
    Address(IpAddr),
    /// The account, sign-in or session that a trusted gateway's request names, where it has no address.
    Named(String),
    /// A trusted gateway's request that has no address and names nothing that is there already, such as a sign-up.
    Unknown,
}

impl Requester {
    /// The client at this address. Clients without one, on a Unix socket, count as one.
    #[must_use]
    pub fn at(address: Option<IpAddr>) -> Self {
        Self::Address(address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)))
    }

    /// The address; `None` if it is not known.
    #[must_use]
    pub const fn address(&self) -> Option<IpAddr> {
        match self {
            Self::Address(address) => Some(*address),
            Self::Named(_) | Self::Unknown => None,
        }
    }
}

/// Refreshes a minute of one session that prove its device: a third of them at once is two hundred tabs.
const OF_SESSION: NonZeroU32 = NonZeroU32::MIN.saturating_add(599);

/// How many addresses' limit the requests share that have no address and name nothing.
const UNKNOWN: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);

/// Counts requests and refuses those above the limits.
pub struct RateLimits {
    addresses: Option<Buckets>,
    sessions: Option<Buckets>,
    unknown: Option<Buckets>,
    tenants: Option<Buckets>,
    changes_of_account: Option<Buckets>,
    changes_of_session: Option<Buckets>,
    spares_loopback: bool,
    has_warned: Once,
}

impl fmt::Debug for RateLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RateLimits")
    }
}

impl RateLimits {
    /// Starts to count, by this clock.
    #[must_use]
    pub fn new(allowance: RateLimit, clock: &Arc<dyn Clock>) -> Self {
        let buckets = |rate: NonZeroU32| Buckets::new(rate, clock.clone());
        Self {
            addresses: allowance.address.map(buckets),
            sessions: allowance.address.map(|_| buckets(OF_SESSION)),
            unknown: allowance.address.map(|rate| buckets(rate.saturating_mul(UNKNOWN))),
            tenants: allowance.tenant.map(buckets),
            changes_of_account: allowance.address.map(|rate| buckets(part_of(rate, ACCOUNT))),
            changes_of_session: allowance.address.map(|rate| buckets(part_of(rate, SESSION))),
            spares_loopback: allowance.spares_loopback,
            has_warned: Once::new(),
        }
    }

    /// Counts a request to a tenant, which need not exist.
    ///
    /// # Errors
    /// A [`Refusal`] with `Retry-After`: the limit is reached.
    pub fn admit(&self, tenant: &TenantId, requester: &Requester) -> Result<(), Refusal> {
        if self.spares(requester) {
            return Ok(());
        }
        match requester {
            Requester::Address(address) => {
                let network = ClientNetwork::of(*address);
                take(self.addresses.as_ref(), || BucketKey::Network(tenant.clone(), network))?;
            }
            Requester::Named(name) => {
                take(self.addresses.as_ref(), || {
                    BucketKey::Named(tenant.clone(), SecretHash::of(&[name.as_bytes()]))
                })?;
            }
            Requester::Unknown => {
                self.has_warned.call_once(|| {
                    warn!("a trusted gateway sends requests without the member ip: those that name no account share one limit");
                });
                take(self.unknown.as_ref(), || BucketKey::Tenant(tenant.clone()))?;
            }
        }
        take(self.tenants.as_ref(), || BucketKey::Tenant(tenant.clone()))
    }

    /// Counts a refresh, which belongs to this session if it has proven so.
    ///
    /// # Errors
    /// A [`Refusal`] with `Retry-After`: the limit is reached.
    pub fn admit_refresh(
        &self,
        tenant: &TenantId,
        requester: &Requester,
        proven: Option<SessionKey>,
    ) -> Result<(), Refusal> {
        let Some(session) = proven else { return self.admit(tenant, requester) };
        if self.spares(requester) {
            return Ok(());
        }
        let tenant = session.tenant.clone();
        take(self.sessions.as_ref(), || BucketKey::Session(session))?;
        take(self.tenants.as_ref(), || BucketKey::Tenant(tenant))
    }

    fn spares(&self, requester: &Requester) -> bool {
        let is_here = |address: &IpAddr| address.to_canonical().is_loopback();
        self.spares_loopback && matches!(requester, Requester::Address(address) if is_here(address))
    }

    /// Counts a signed-in user's change of the password.
    ///
    /// # Errors
    /// A [`Refusal`] with `Retry-After`: the session's limit is reached, or the account's.
    pub fn admit_password_change(&self, who: &Identity, requester: &Requester) -> Result<(), Refusal> {
        if self.spares(requester) {
            return Ok(());
        }
        let session = SessionKey { tenant: who.user.tenant.clone(), id: who.session };
        take(self.changes_of_session.as_ref(), || BucketKey::Session(session))?;
        take(self.changes_of_account.as_ref(), || BucketKey::Account(who.user.clone()))
    }
}

fn take(buckets: Option<&Buckets>, key: impl FnOnce() -> BucketKey) -> Result<(), Refusal> {
    buckets.map_or(Ok(()), |buckets| buckets.take(key()))
}

/// A change of password costs up to seven hashes, and few people need more than one a day. So an account may change it
/// by this part of the rate of an address, and a session by the next: a stolen one does not use up the account's.
const ACCOUNT: u32 = 10;
const SESSION: u32 = 20;

fn part_of(rate: NonZeroU32, divisor: u32) -> NonZeroU32 {
    NonZeroU32::new(rate.get() / divisor).unwrap_or(NonZeroU32::MIN)
}

#[cfg(test)]
mod tests;
