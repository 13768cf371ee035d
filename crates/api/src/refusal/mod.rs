//! Refusals: the one table from errors to code, status and text, and its renderings.
//!
//! Every error of the engine becomes a [`Refusal`] in an exhaustive `match`: a new error does not compile until its
//! author has decided what clients see. Each code has its sentence once, in the table of codes. An outage is 503, never
//! 401.

mod code;
mod from_engine;
mod operation_texts;
mod rendering;

use std::borrow::Cow;
use std::error::Error;
use std::time::Duration;

pub use code::Code;
pub use operation_texts::OperationTexts;
pub(crate) use rendering::{EnvelopeBody, PlainBody, ProblemBody};
pub use rendering::{RefusedRequest, Rendering};

use portcullis_core::id::SessionId;
use portcullis_core::user::Role;
use tracing::{error, warn};

use crate::request::{NotJson, RequestFaults};

/// The most characters of an unknown tenant's name that an answer repeats: more than a valid name has.
const LONGEST_NAME: usize = 100;

/// Why a request is refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// For client programs; it has a status.
    pub code: Code,
    /// The sentence that people read.
    pub reason: Reason,
    /// How long a client should wait before it tries again.
    pub retry_after: Option<Duration>,
    /// Whether the request had a token that was rejected (RFC 6750, section 3.1).
    pub invalid_token: bool,
    /// The session that it is about; `None` where the client must not learn of one.
    pub session: Option<SessionId>,
    /// The tenant that the request named, as it was written; it need not be a valid name.
    pub tenant: Option<String>,
    /// What failed in the server, for its log and no client.
    pub cause: Option<String>,
}

/// The sentence of a refusal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reason {
    /// The title of the status.
    Plain,
    /// This sentence.
    Text(Cow<'static, str>),
    /// A sentence for each fault of the body.
    Faults(Vec<String>),
    /// There is no such route; the sentence names it.
    NoRoute,
}

impl Refusal {
    const fn new(code: Code, reason: Reason) -> Self {
        Self {
            code,
            reason,
            retry_after: None,
            invalid_token: false,
            session: None,
            tenant: None,
            cause: None,
        }
    }

    /// A refusal with the sentence of its code.
    #[must_use]
    pub const fn plain(code: Code) -> Self {
        match code.text() {
            Some(text) => Self::because(code, text),
            None => Self::new(code, Reason::Plain),
        }
    }

    /// A refusal with a sentence of its own.
    #[must_use]
    pub const fn because(code: Code, text: &'static str) -> Self {
        Self::new(code, Reason::Text(Cow::Borrowed(text)))
    }

    /// The caller is signed in, but the role is none of these; the text names them in this order.
    #[must_use]
    pub fn insufficient_role(required: &[Role]) -> Self {
        let names: Vec<&str> = required.iter().map(|role| role.as_str()).collect();
        let text = format!("Insufficient role. Required: {}", names.join(", "));
        Self { reason: Reason::Text(Cow::Owned(text)), ..Self::plain(Code::InsufficientRole) }
    }

    /// Too many requests from one address; the client may try again after this time.
    #[must_use]
    pub fn too_many_requests(retry_after: Duration) -> Self {
        Self::plain(Code::TooManyRequests).later(retry_after)
    }

    /// Too many attempts of one user at codes or mails; the client may try again after this time.
    #[must_use]
    pub fn too_many_attempts(retry_after: Duration) -> Self {
        Self::plain(Code::TooManyAttempts).later(retry_after)
    }

    /// The route does not exist.
    #[must_use]
    pub const fn no_route() -> Self {
        Self::new(Code::NotFound, Reason::NoRoute)
    }

    /// `Retry-After`, in whole seconds, rounded up.
    #[must_use]
    pub fn retry_after_seconds(&self) -> Option<u64> {
        self.retry_after.map(|wait| wait.as_millis().div_ceil(1000).max(1).try_into().unwrap_or(u64::MAX))
    }

    /// The same, which may succeed after this time.
    #[must_use]
    pub fn later(self, retry_after: Duration) -> Self {
        Self { retry_after: Some(retry_after), ..self }
    }

    /// The same, with what failed in the server.
    fn caused_by(self, cause: &dyn Error) -> Self {
        Self { cause: Some(cause.to_string()), ..self }
    }

    /// Logs what failed in the server, if anything did. The code that renders a refusal calls this once.
    pub fn log(&self) {
        let Some(cause) = &self.cause else { return };
        if self.code.status() == 503 {
            warn!(cause, "a request was answered 503");
        } else {
            error!(cause, "a request was answered 500");
        }
    }

    /// The same, about a session.
    #[must_use]
    pub fn about_session(self, session: SessionId) -> Self {
        Self { session: Some(session), ..self }
    }

    /// The same, about a tenant that the request named like this.
    #[must_use]
    pub fn about_tenant(self, named: &str) -> Self {
        Self { tenant: Some(named.chars().take(LONGEST_NAME).collect()), ..self }
    }
}

impl From<RequestFaults> for Refusal {
    fn from(faults: RequestFaults) -> Self {
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
