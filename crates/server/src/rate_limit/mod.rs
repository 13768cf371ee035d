//! Rate limits of the costly public requests: sign-up, sign-in and refresh.
//!
//! Requests are counted by tenant and client address (IPv6: the /64, which one customer has). The limits are generous
//! enough for an office behind one address; they keep one client from taking every password hash. They do not bound the
//! guesses at one account, which the brute-force lockout does. Each node counts what it sees.
//!
//! Memory is bounded: a full bucket is forgotten, and if too many are not full, further clients share buckets.

mod buckets;

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;

use portcullis_api::refusal::Refusal;
use portcullis_core::clock::Clock;
use portcullis_core::id::TenantId;

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

/// Counts requests and refuses those above the limits.
pub struct RateLimits {
    addresses: Option<Buckets>,
    tenants: Option<Buckets>,
    spares_loopback: bool,
}

impl RateLimits {
    /// Starts to count, by this clock.
    #[must_use]
    pub fn new(allowance: RateLimit, clock: &Arc<dyn Clock>) -> Self {
        let buckets = |rate: NonZeroU32| Buckets::new(rate, clock.clone());
        Self {
            addresses: allowance.address.map(buckets),
            tenants: allowance.tenant.map(buckets),
            spares_loopback: allowance.spares_loopback,
        }
    }

    /// Counts a request to a tenant, which need not exist.
    ///
    /// # Errors
    /// A [`Refusal`] with `Retry-After`: the limit is reached.
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

/// The network of one customer: an IPv4 address, or the /64 of an IPv6 address.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))),
    }
}

#[cfg(test)]
mod tests;
