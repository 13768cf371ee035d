//! What the gateway says of a request to an upstream, signed.
//!
//! An upstream that other machines can reach, too, cannot tell the gateway's identity headers from theirs. It verifies
//! the assertion instead, with the key that the gateway publishes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
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

/// The most assertions that are kept to be sent again.
const KEPT: usize = 10_000;

/// Makes assertions.
pub struct Assertions {
    key: AssertionKey,
    clock: Arc<dyn Clock>,
    kept: Mutex<HashMap<KeptFor, Kept>>,
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
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = kept.get(&kept_for).filter(|found| now.since(found.made) < REUSED) {
            return Some(found.value.clone());
        }
        let value = self.signed(user, upstream)?;
        if kept.len() >= KEPT {
            kept.retain(|_, old| now.since(old.made) < REUSED);
        }
        if kept.len() < KEPT {
            kept.insert(kept_for, Kept { made: now, value: value.clone() });
        }
        Some(value)
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
