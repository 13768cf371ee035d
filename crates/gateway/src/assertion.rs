//! What the gateway says of a request to an upstream, signed.
//!
//! An upstream that other machines can reach, too, cannot tell the gateway's identity headers from theirs. It verifies
//! the assertion instead, with the key that the gateway publishes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::HeaderValue;
use http::header::HeaderName;
use portcullis_core::clock::{Clock, Ticks};
use portcullis_core::id::{SessionId, TenantId, UserId};
use portcullis_core::key::{AssertionKey, Jwks};
use portcullis_core::user::Role;
use serde::Serialize;

use crate::headers::AssertedUser;

/// The header of an assertion.
pub const ASSERTION: HeaderName = HeaderName::from_static("x-portcullis-assertion");

/// For how long an assertion may be believed.
const LIFETIME: Duration = Duration::from_mins(1);

/// For how long one is sent again: so each that is sent has half a minute left.
const REUSED: Duration = Duration::from_secs(30);

/// The most assertions that are kept to be sent again, in each of two generations.
const KEPT: usize = 10_000;

/// Makes assertions.
pub struct Assertions {
    key: AssertionKey,
    clock: Arc<dyn Clock>,
    kept: Mutex<KeptAssertions>,
}

/// What may be sent again. When the young ones are too many they become the old ones, and the old ones go: so none is
/// looked for that could go.
#[derive(Default)]
struct KeptAssertions {
    young: HashMap<KeptFor, Kept>,
    old: HashMap<KeptFor, Kept>,
}

impl KeptAssertions {
    fn find(&self, of: &KeptFor, now: Ticks) -> Option<HeaderValue> {
        let found = self.young.get(of).or_else(|| self.old.get(of));
        found.filter(|found| now.since(found.made) < REUSED).map(|found| found.value.clone())
    }

    fn keep(&mut self, of: KeptFor, kept: Kept) {
        if self.young.len() >= KEPT {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(of, kept);
    }
}

/// An assertion is sent again for the same user, session, role and upstream alone.
#[derive(Clone, PartialEq, Eq, Hash)]
struct KeptFor {
    tenant: TenantId,
    user: UserId,
    session: Option<SessionId>,
    role: Option<Role>,
    upstream: String,
}

struct Kept {
    made: Ticks,
    value: HeaderValue,
}

#[derive(Serialize)]
struct AssertedClaims<'a> {
    iss: &'static str,
    aud: &'a str,
    sub: UserId,
    tid: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<Role>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<SessionId>,
    iat: i64,
    exp: i64,
}

impl Assertions {
    /// Makes assertions with this key.
    #[must_use]
    pub fn new(key: AssertionKey, clock: Arc<dyn Clock>) -> Self {
        Self { key, clock, kept: Mutex::default() }
    }

    /// The public key, for upstreams.
    #[must_use]
    pub fn jwks(&self) -> Jwks {
        self.key.jwks()
    }

    /// The assertion for an upstream; `None` if it cannot be signed.
    #[must_use]
    pub fn of(&self, user: &AssertedUser, upstream: &str) -> Option<HeaderValue> {
        let now = self.clock.ticks();
        let kept_for = KeptFor {
            tenant: user.tenant.clone(),
            user: user.id,
            session: user.session,
            role: user.role,
            upstream: upstream.to_owned(),
        };
        if let Some(found) = self.kept().find(&kept_for, now) {
            return Some(found);
        }
        // Others need not wait for a signature: two of one session are as good as one.
        let value = self.signed(user, upstream)?;
        self.kept().keep(kept_for, Kept { made: now, value: value.clone() });
        Some(value)
    }

    fn kept(&self) -> MutexGuard<'_, KeptAssertions> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn signed(&self, user: &AssertedUser, upstream: &str) -> Option<HeaderValue> {
        let now = self.clock.now();
        let claims = AssertedClaims {
            iss: "portcullis-gateway",
            aud: upstream,
            sub: user.id,
            tid: user.tenant.as_str(),
            role: user.role,
            sid: user.session,
            iat: now.as_seconds(),
            exp: now.plus(LIFETIME).as_seconds(),
        };
        let mut value = HeaderValue::try_from(self.key.sign(&claims).ok()?).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use portcullis_core::machine::{SystemClock, SystemRandom};

    use super::*;

    fn session(number: u128) -> AssertedUser {
        AssertedUser {
            id: UserId::from_uuid(uuid::Uuid::nil()),
            tenant: TenantId::default_tenant(),
            role: Some(Role::User),
            session: Some(SessionId::from_uuid(uuid::Uuid::from_u128(number))),
        }
    }

    #[test]
    fn however_many_sessions_there_are_the_memory_is_bounded_and_those_of_late_are_sent_again() {
        let key = AssertionKey::generate(&SystemRandom).unwrap();
        let assertions = Assertions::new(key, Arc::new(SystemClock));
        let kept_for = |number: u64| KeptFor {
            tenant: TenantId::default_tenant(),
            user: UserId::from_uuid(uuid::Uuid::nil()),
            session: Some(SessionId::from_uuid(uuid::Uuid::from_u128(number.into()))),
            role: Some(Role::User),
            upstream: "http://a".to_owned(),
        };
        let value = |number: u64| HeaderValue::from(number);
        let now = SystemClock.ticks();
        let most = KEPT as u64;
        for number in 1..=most * 3 {
            assertions.kept().keep(kept_for(number), Kept { made: now, value: value(number) });
        }
        let lengths = |kept: &KeptAssertions| (kept.young.len(), kept.old.len());
        assert_eq!(lengths(&assertions.kept()), (KEPT, KEPT));
        assert_eq!(assertions.kept().find(&kept_for(most * 2), now), Some(value(most * 2)));
        assert_eq!(assertions.kept().find(&kept_for(most), now), None);
        assert_eq!(assertions.kept().find(&kept_for(most * 3), now.plus(REUSED)), None);
        assert_eq!(assertions.of(&session(u128::from(most * 3)), "http://a"), Some(value(most * 3)));
        assert_ne!(assertions.of(&session(u128::from(most * 3)), "http://b"), Some(value(most * 3)));
        assert_eq!(assertions.of(&session(0), "http://a"), assertions.of(&session(0), "http://a"));
    }
}
