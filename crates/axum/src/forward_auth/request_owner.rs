//! Whose request it is, as a proxy is told.

use std::time::Duration;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use portcullis_api::answer::identity_headers::{
    AGE, ENDS_WITH, EPOCHS, SESSION_ID, TENANT_ID, USER_ID, USER_ROLE,
};
use portcullis_core::engine::CheckedCredential;
use portcullis_core::id::{SessionId, UserKey};
use portcullis_core::session::Epochs;
use portcullis_core::strategy::Carrier;
use portcullis_core::user::Role;

/// Whose request it is: what a valid credential says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RequestOwner {
    /// The user.
    pub user: UserKey,
    /// What the user may do.
    pub role: Option<Role>,
    /// The session that the credential names.
    pub session: Option<SessionId>,
    /// Whether a browser sends the credential by itself, whichever page asks for that.
    pub by_cookie: bool,
    /// The session with whose end the credential ends; `None` if its strategy keeps none.
    pub ends_with: Option<SessionId>,
    /// The epochs that the credential was issued under.
    pub epochs: Epochs,
    /// How long ago it was proven that no revocation is missing from this.
    pub age: Duration,
}

impl From<CheckedCredential> for RequestOwner {
    fn from(checked: CheckedCredential) -> Self {
        let CheckedCredential { identity, carrier, ends_with, epochs, age, .. } = checked;
        Self {
            user: identity.user,
            role: identity.role,
            session: Some(identity.session),
            by_cookie: carrier == Carrier::Cookie,
            ends_with,
            epochs,
            age,
        }
    }
}

impl RequestOwner {
    /// Says it in headers. Each is there even if it is empty: of one that is not, a proxy may pass on what the client
    /// has written.
    pub(super) fn write(&self, headers: &mut HeaderMap) {
        let id = |id: Option<SessionId>| id.map_or_else(String::new, |id| id.to_string());
        let Self { user, epochs, .. } = self;
        put(headers, USER_ID, user.id.to_string());
        put(headers, TENANT_ID, user.tenant.to_string());
        put(headers, USER_ROLE, self.role.map_or("", Role::as_str).to_owned());
        put(headers, SESSION_ID, id(self.session));
        put(headers, ENDS_WITH, id(self.ends_with));
        put(headers, EPOCHS, format!("{},{},{}", epochs.user, epochs.tenant, epochs.everyone));
        // Rounded up: a proof is never said to be younger than it is.
        put(headers, AGE, self.age.as_nanos().div_ceil(1_000_000).to_string());
    }
}

fn put(headers: &mut HeaderMap, name: &'static str, value: String) {
    // Ids, words and numbers can always stand in a header.
    let value = HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static(""));
    headers.insert(HeaderName::from_static(name), value);
}
