//! How often one place may ask for what costs us something: signing up and in, and renewing.
//!
//! A place is a tenant and an address, an IPv6 address by its /64, which one customer has whole. The numbers are generous
//! enough for an office behind one address; they are there so that no place takes all the hashes there are. What bounds
//! guesses at one account is elsewhere, and so is a limit over several nodes: each node counts what it sees.
//!
//! Memory is bounded. A place that has its whole allowance again is forgotten; if ever too many have not, newcomers share.

mod buckets;

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;

use portcullis_api::refusal::Refusal;
use portcullis_core::clock::Clock;
use portcullis_core::id::TenantId;

use buckets::{BucketKey, Buckets};

/// How often is allowed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RateLimit {
    /// Requests a minute of one address in one tenant; none is any number.
    pub address: Option<NonZeroU32>,
    /// Requests a minute of one tenant, wherever they come from; none is any number.
    pub tenant: Option<NonZeroU32>,
    /// Whether this machine itself may ask as often as it likes.
    pub spares_loopback: bool,
}

/// Counts who asks how often.
pub struct RateLimits {
    addresses: Option<Buckets>,
    tenants: Option<Buckets>,
    spares_loopback: bool,
}

impl RateLimits {
    /// Counts from now on, by this clock.
    #[must_use]
    pub fn new(allowance: RateLimit, clock: &Arc<dyn Clock>) -> Self {
        let buckets = |rate: NonZeroU32| Buckets::new(rate, clock.clone());
        Self {
            addresses: allowance.address.map(buckets),
            tenants: allowance.tenant.map(buckets),
            spares_loopback: allowance.spares_loopback,
        }
    }

    /// Counts a request of a client in a tenant, which need not exist.
    ///
    /// # Errors
    /// A [`Refusal`] that says when to come back: it was one too many.
    pub fn admit(&self, tenant: &TenantId, address: IpAddr) -> Result<(), Refusal> {
        let address = address.to_canonical();
        if self.spares_loopback && address.is_loopback() {
            return Ok(());
        }
        if let Some(addresses) = &self.addresses {
            addresses.take(BucketKey::Address(tenant.clone(), network(address)))?;
        }
        if let Some(tenants) = &self.tenants {
            tenants.take(BucketKey::Tenant(tenant.clone()))?;
        }
        Ok(())
    }
}

/// What one customer has: an IPv4 address, or the first half of an IPv6 address.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))),
    }
}

impl fmt::Debug for RateLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rates").field("spares_loopback", &self.spares_loopback).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
