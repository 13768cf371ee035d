//! Headers that an upstream believes: a client's are taken away in every spelling, then ours are set.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use portcullis_api::answer::identity_headers;
use portcullis_core::id::{SessionId, TenantId, UserId};
use portcullis_core::user::Role;

const USER: HeaderName = HeaderName::from_static(identity_headers::USER_ID);
const TENANT: HeaderName = HeaderName::from_static(identity_headers::TENANT_ID);
const ROLE: HeaderName = HeaderName::from_static(identity_headers::USER_ROLE);
const SESSION: HeaderName = HeaderName::from_static(identity_headers::SESSION_ID);

/// Folded names of headers by which upstreams learn who the user is, or read another path or method than was matched.
const BELIEVED: [&str; 12] = [
    identity_headers::USER_ID,
    identity_headers::TENANT_ID,
    identity_headers::USER_ROLE,
    identity_headers::SESSION_ID,
    "x-original-url",
    "x-rewrite-url",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-real-ip",
    "x-forwarded",
    "forwarded",
];

/// Families of such headers.
const FAMILIES: [&str; 2] = ["x-portcullis-", "x-forwarded-"];

/// A name as the most generous upstream sees it: many make variables of headers, and cannot tell one separator from
/// another then.
#[must_use]
pub fn folded(name: &str) -> String {
    let fold = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    name.chars().map(fold).collect()
}

/// Whether an upstream may believe a header of this name.
#[must_use]
pub fn is_believed(name: &HeaderName) -> bool {
    // Names of headers are in lower case already.
    let is_one = |name: &str| BELIEVED.contains(&name) || FAMILIES.iter().any(|of| name.starts_with(of));
    let name = name.as_str();
    let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if is_plain { is_one(name) } else { is_one(&folded(name)) }
}

pub(super) fn take_believed(headers: &mut HeaderMap) {
    let found: Vec<HeaderName> = headers.keys().filter(|name| is_believed(name)).cloned().collect();
    for name in found {
        headers.remove(name);
    }
}

/// Who a request is from, as upstreams are told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AssertedUser {
    /// The user.
    pub id: UserId,
    /// The user's tenant.
    pub tenant: TenantId,
    /// What the user may do.
    pub role: Option<Role>,
    /// The session; `None` under a strategy without one.
    pub session: Option<SessionId>,
}

impl AssertedUser {
    /// Sets the identity headers. What is unknown is empty rather than absent, so that no other value can stand there.
    pub fn set(&self, headers: &mut HeaderMap) {
        headers.insert(USER, value(&self.id.to_string()));
        headers.insert(TENANT, value(self.tenant.as_str()));
        headers.insert(ROLE, HeaderValue::from_static(self.role.map_or("", Role::as_str)));
        let session = self.session.map(|session| session.to_string()).unwrap_or_default();
        headers.insert(SESSION, value(&session));
    }
}

/// Ids are letters, digits, hyphens and underscores.
fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}
