//! The network of a client: the unit in which clients are limited and take turns.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::{IpAddr, Ipv6Addr};

use crate::id::TenantId;

/// The network of one customer: an IPv4 address, or the /64 of an IPv6 address.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ClientNetwork(Unit);

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Unit {
    Network(IpAddr),
    /// The hash of a tenant's name.
    Tenant(u64),
}

impl ClientNetwork {
    /// The network that an address belongs to.
    #[must_use]
    pub const fn of(address: IpAddr) -> Self {
        Self(Unit::Network(match address.to_canonical() {
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))),
            v4 @ IpAddr::V4(_) => v4,
        }))
    }

    /// The clients of a tenant whose addresses are not known, because the gateway in front of them tells none: as one
    /// network, so that they take no turn from another tenant's. Names of accounts would not do: a client can make up
    /// any number of them, and each would have turns of its own.
    #[must_use]
    pub fn unknown_of(tenant: &TenantId) -> Self {
        let mut hash = DefaultHasher::new();
        tenant.as_str().hash(&mut hash);
        Self(Unit::Tenant(hash.finish()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customer_is_one_network_whatever_address_it_takes() {
        let network = |text: &str| ClientNetwork::of(text.parse().unwrap());
        assert_eq!(network("2001:db8:1:1::1"), network("2001:db8:1:1:ffff:ffff:ffff:ffff"));
        assert_ne!(network("2001:db8:1:1::1"), network("2001:db8:1:2::1"));
        assert_eq!(network("192.0.2.7"), network("::ffff:192.0.2.7"));
        assert_ne!(network("192.0.2.7"), network("192.0.2.8"));
    }
}
