//! Refusals: the one table from errors to code, status and text, and its three renderings.
//!
//! Every error of the engine becomes a [`Refusal`] here, in an exhaustive `match`, so that a new error does not compile
//! until somebody has decided what clients see. An outage is 503 and never becomes a 401.

mod code;
mod from_engine;
mod operation_texts;
mod rendering;

use std::borrow::Cow;
use std::time::Duration;

pub use code::Code;
pub use operation_texts::OperationTexts;
pub(crate) use rendering::{EnvelopeBody, PlainBody, ProblemBody};
pub use rendering::{RefusedRequest, Rendering};

use portcullis_core::id::SessionId;
use portcullis_core::user::Role;

use crate::request::{Faults, NotJson};

/// The most characters that are repeated of what somebody took for a tenant's name: more than a name has.
const LONGEST_NAME: usize = 100;

/// What a client is told when it does not get what it asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// Which one, for programs; it has a status.
    pub code: Code,
    /// Why, for people.
    pub reason: Reason,
    /// When trying again may help.
    pub retry_after: Option<Duration>,
    /// Whether a token was shown and not believed (RFC 6750, section 3.1).
    pub invalid_token: bool,
    /// The session that it is about, where the client may know.
    pub session: Option<SessionId>,
    /// The tenant that was named, where it is about that: as it was written, which need not be a name that can be.
    pub tenant: Option<String>,
}

/// Why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reason {
    /// The code says it all.
    Plain,
    /// A sentence.
    Text(Cow<'static, str>),
    /// A sentence for each fault of the body.
    Faults(Vec<String>),
    /// There is no such route; the sentence names it.
    NoRoute,
}

impl Refusal {
    const fn new(code: Code, reason: Reason) -> Self {
        Self { code, reason, retry_after: None, invalid_token: false, session: None, tenant: None }
    }

    /// A refusal that its code explains.
    #[must_use]
    pub const fn plain(code: Code) -> Self {
        Self::new(code, Reason::Plain)
    }

    /// A refusal with a sentence of its own.
    #[must_use]
    pub const fn because(code: Code, text: &'static str) -> Self {
        Self::new(code, Reason::Text(Cow::Borrowed(text)))
    }

    /// Somebody is signed in whose credential says nothing of a role.
    #[must_use]
    pub const fn missing_role() -> Self {
        Self::because(Code::MissingRole, "Missing role")
    }

    /// Somebody is signed in whose role is none of these, which are named in their order.
    #[must_use]
    pub fn insufficient_role(required: &[Role]) -> Self {
        let names: Vec<&str> = required.iter().map(|role| role.as_str()).collect();
        let text = format!("Insufficient role. Required: {}", names.join(", "));
        Self { reason: Reason::Text(Cow::Owned(text)), ..Self::plain(Code::InsufficientRole) }
    }

    /// Too many requests from one place; one more is welcome after a while.
    #[must_use]
    pub fn too_many_requests(retry_after: Duration) -> Self {
        Self::because(Code::TooManyRequests, "Too many requests, please try again later.").later(retry_after)
    }

    /// Too many tries of one person's, at codes or for mails; one more is welcome after a while.
    #[must_use]
    pub fn too_many_attempts(retry_after: Duration) -> Self {
        Self::plain(Code::TooManyAttempts).later(retry_after)
    }

    /// A route that is not there.
    #[must_use]
    pub const fn no_route() -> Self {
        Self::new(Code::NotFound, Reason::NoRoute)
    }

    /// `Retry-After`, in whole seconds: no sooner than trying again may help.
    #[must_use]
    pub fn retry_after_seconds(&self) -> Option<u64> {
        self.retry_after.map(|wait| wait.as_millis().div_ceil(1000).max(1).try_into().unwrap_or(u64::MAX))
    }

    /// Something that may work in a while.
    #[must_use]
    pub fn later(self, retry_after: Duration) -> Self {
        Self { retry_after: Some(retry_after), ..self }
    }

    /// The same, about a session.
    #[must_use]
    pub fn about_session(self, session: SessionId) -> Self {
        Self { session: Some(session), ..self }
    }

    /// The same, about a tenant that was named so.
    #[must_use]
    pub fn about_tenant(self, named: &str) -> Self {
        Self { tenant: Some(named.chars().take(LONGEST_NAME).collect()), ..self }
    }
}

impl From<Faults> for Refusal {
    fn from(faults: Faults) -> Self {
        Self { reason: Reason::Faults(faults.into_messages()), ..Self::plain(Code::ValidationFailed) }
    }
}

impl From<NotJson> for Refusal {
    fn from(_: NotJson) -> Self {
        Self::because(Code::BadRequest, "Request body is not valid JSON")
    }
}

#[cfg(test)]
mod tests;
