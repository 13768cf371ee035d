use std::sync::Mutex;
use std::time::Duration;

use portcullis_api::refusal::Code;
use portcullis_core::clock::{Ticks, Timestamp};
use portcullis_core::id::SessionId;
use uuid::Uuid;

use super::buckets::{MOST_BUCKETS, SHARED};
use super::*;
use std::net::Ipv6Addr;

/// A clock whose ticks are moved by hand.
struct Hand(Mutex<Duration>);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(0)
    }

    fn ticks(&self) -> Ticks {
        Ticks::new(*self.0.lock().unwrap())
    }
}

struct Limiters {
    rates: RateLimits,
    clock: Arc<Hand>,
}

const DEFAULT: RateLimit = RateLimit { address: NonZeroU32::new(60), tenant: None, spares_loopback: false };

fn world(allowance: RateLimit) -> Limiters {
    let clock = Arc::new(Hand(Mutex::new(Duration::from_secs(1_000_000))));
    let as_clock: Arc<dyn Clock> = clock.clone();
    Limiters { rates: RateLimits::new(allowance, &as_clock), clock }
}

impl Limiters {
    fn pass(&self, span: Duration) {
        *self.clock.0.lock().unwrap() += span;
    }

    fn admitted_as(&self, tenant: &str, requester: &Requester, requests: usize) -> usize {
        let tenant = tenant.parse().unwrap();
        (0..requests).filter(|_| self.rates.admit(&tenant, requester).is_ok()).count()
    }

    /// How many of these requests are let in.
    fn admitted(&self, tenant: &str, address: &str, requests: usize) -> usize {
        self.admitted_as(tenant, &Requester::Address(address.parse().unwrap()), requests)
    }
}

// ASVS-map: AU1
#[test]
fn a_place_is_let_in_a_third_of_its_minute_at_once_and_then_as_time_passes() {
    let world = world(DEFAULT);
    assert_eq!(world.admitted("acme", "192.0.2.7", 1000), 20);
    world.pass(Duration::from_secs(5));
    assert_eq!(world.admitted("acme", "192.0.2.7", 1000), 5);
    world.pass(Duration::from_hours(1));
    assert_eq!(world.admitted("acme", "192.0.2.7", 1000), 20);
}

#[test]
fn a_refusal_says_when_one_more_is_let_in() {
    let rate = NonZeroU32::new(3);
    let world = world(RateLimit { address: rate, ..DEFAULT });
    assert_eq!(world.admitted("acme", "192.0.2.7", 1), 1);
    world.pass(Duration::from_millis(500));
    let place = Requester::Address("192.0.2.7".parse().unwrap());
    let refusal = world.rates.admit(&"acme".parse().unwrap(), &place).unwrap_err();
    assert_eq!((refusal.code, refusal.retry_after), (Code::TooManyRequests, Some(Duration::from_secs(20))));
    world.pass(Duration::from_millis(19_400));
    assert_eq!(world.admitted("acme", "192.0.2.7", 1), 0);
    world.pass(Duration::from_millis(100));
    assert_eq!(world.admitted("acme", "192.0.2.7", 2), 1);
}

// ASVS-map: TN1, TN6
#[test]
fn what_one_tenant_or_address_has_used_up_another_has_not() {
    let world = world(DEFAULT);
    for (tenant, address) in [
        ("acme", "192.0.2.7"),
        ("umbrella", "192.0.2.7"),
        ("acme", "192.0.2.8"),
        ("acme", "2001:db8:1:1::1"),
        ("acme", "2001:db8:1:2::1"),
    ] {
        assert_eq!(world.admitted(tenant, address, 30), 20, "{tenant} {address}");
    }
}

#[test]
fn a_customer_is_one_place_whatever_address_it_takes() {
    let world = world(DEFAULT);
    for host in 0..20 {
        assert_eq!(world.admitted("acme", &format!("2001:db8:1:1:{host}::{host}"), 1), 1);
    }
    assert_eq!(world.admitted("acme", "2001:db8:1:1:ffff:ffff:ffff:ffff", 1), 0);
    assert_eq!(world.admitted("acme", "192.0.2.7", 20), 20);
    assert_eq!(world.admitted("acme", "::ffff:192.0.2.7", 1), 0);
}

// ASVS-map: TN6
#[test]
fn a_tenant_may_have_a_limit_of_its_own() {
    let world = world(RateLimit { tenant: NonZeroU32::new(90), ..DEFAULT });
    assert_eq!(world.admitted("acme", "192.0.2.7", 20), 20);
    assert_eq!(world.admitted("acme", "192.0.2.8", 20), 10);
    assert_eq!(world.admitted("acme", "192.0.2.9", 20), 0);
    assert_eq!(world.admitted("umbrella", "192.0.2.9", 20), 20);
}

#[test]
fn this_machine_is_spared_where_it_is_told_so_and_nowhere_else() {
    let spared = world(RateLimit { spares_loopback: true, ..DEFAULT });
    for (address, admitted) in [("127.0.0.1", 99), ("::1", 99), ("::ffff:127.0.0.1", 99), ("192.0.2.7", 20)] {
        assert_eq!(spared.admitted("acme", address, 99), admitted, "{address}");
    }
    assert_eq!(world(DEFAULT).admitted("acme", "127.0.0.1", 99), 20);
}

#[test]
fn without_a_limit_there_is_none() {
    assert_eq!(world(RateLimit { address: None, ..DEFAULT }).admitted("acme", "192.0.2.7", 9999), 9999);
}

#[test]
fn a_full_bucket_is_forgotten() {
    let world = world(DEFAULT);
    let kept = || world.rates.addresses.as_ref().unwrap().len();
    assert_eq!(world.admitted("acme", "192.0.2.7", 20), 20);
    for tenant in 0..500 {
        assert_eq!(world.admitted(&format!("t{tenant}"), "192.0.2.8", 1), 1);
    }
    assert_eq!(kept(), 501);
    world.pass(Duration::from_secs(3));
    assert_eq!(world.admitted("acme", "192.0.2.7", 20), 3);
    assert_eq!(kept(), 1);
}

// ASVS-map: AU1
#[test]
fn however_many_places_ask_memory_is_bounded_and_so_is_what_they_get() {
    let world = world(DEFAULT);
    let requests = MOST_BUCKETS + 40_000;
    let tenant = "acme".parse().unwrap();
    let places = (0..requests).map(|n| IpAddr::V6(Ipv6Addr::from_bits((n as u128) << 64)));
    let admitted = places.filter(|key| world.rates.admit(&tenant, &Requester::Address(*key)).is_ok()).count();
    let shared = usize::try_from(SHARED).unwrap();
    assert!(world.rates.addresses.as_ref().unwrap().len() <= MOST_BUCKETS + shared);
    assert!((MOST_BUCKETS..=MOST_BUCKETS + shared * 20).contains(&admitted), "{admitted}");
    assert!(admitted < requests);
}

// ASVS-map: AU1
#[test]
fn without_an_address_an_account_has_a_limit_and_what_names_none_shares_ten() {
    let world = world(DEFAULT);
    let named = |name: &str| Requester::Named(name.to_owned());
    assert_eq!(world.admitted_as("acme", &named("ann@example.com"), 1000), 20);
    assert_eq!(world.admitted_as("acme", &named("bob@example.com"), 1000), 20);
    assert_eq!(world.admitted_as("umbrella", &named("ann@example.com"), 1000), 20);
    assert_eq!(world.admitted_as("acme", &Requester::Unknown, 1000), 200);
    assert_eq!(world.admitted("acme", "0.0.0.0", 1000), 20);
}

#[test]
fn a_refresh_that_proves_its_device_is_counted_by_its_session_alone() {
    let world = world(RateLimit { address: NonZeroU32::new(3), ..DEFAULT });
    let tenant: TenantId = "acme".parse().unwrap();
    let place = Requester::Address("192.0.2.7".parse().unwrap());
    let session =
        |id| Some(SessionKey { tenant: tenant.clone(), id: SessionId::from_uuid(Uuid::from_u128(id)) });
    let refreshed = |id, requests: usize| {
        (0..requests).filter(|_| world.rates.admit_refresh(&tenant, &place, session(id)).is_ok()).count()
    };
    assert_eq!((refreshed(1, 1000), refreshed(2, 1000)), (200, 200));
    assert_eq!(world.admitted("acme", "192.0.2.7", 9), 1, "nothing was taken from the address");
    assert!(world.rates.admit_refresh(&tenant, &place, None).is_err());
}
