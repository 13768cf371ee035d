//! What operations take: bodies, queries and paths.
//!
//! Each request is declared once, in [`device`] or `strategy`: its type, its reader and its schema are made of that
//! list. It is read member by member, so that every fault is found and each has one message, in the words that clients
//! of NestJS services know from the class-validator library. Unknown members are ignored.
//!
//! ```
//! use portcullis_api::request::{Body, LoginBody};
//!
//! let body = Body::parse(br#"{"email": "ann@example.com"}"#).unwrap();
//! assert_eq!(LoginBody::read(&body).unwrap_err().messages(), ["password should not be empty"]);
//! ```

mod decimal;
mod declare;
pub mod device;
mod form;
mod forward_auth;
pub(crate) mod member;
mod own;
mod page;
mod strategy;

use std::borrow::Cow;
use std::fmt;

use portcullis_core::password::WeakPassword;
use serde_json::{Map, Value};

pub use declare::RequestDoc;
pub use forward_auth::VerifyQuery;
pub use own::{BodyMember, NewPassword, NonEmptyText, ReadBody};
pub use strategy::{ChangePasswordBody, LoginBody, NameForm, RefreshBody, RegisterBody, RegisterInPartsBody};

/// A body that is JSON.
#[derive(Clone, PartialEq, Default)]
pub struct Body {
    members: Map<String, Value>,
    /// Whether all members came as texts, so that a text may be that of a number.
    is_of_texts: bool,
}

/// Shows no member: there are passwords among them.
impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Body")
    }
}

/// The body is not JSON.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotJson;

/// What is wrong with the members of a body: a message for each fault.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct RequestFaults(Vec<String>);

impl Body {
    /// The members of a JSON text. An empty text has none, nor has one that is not an object: each required member is
    /// then missed by name.
    ///
    /// # Errors
    /// [`NotJson`]: no JSON, no UTF-8, or nested too deep.
    pub fn parse(bytes: &[u8]) -> Result<Self, NotJson> {
        // Programs of one system write a byte order mark in front (RFC 8259, section 8.1: it may be passed over).
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        serde_json::from_slice::<Value>(bytes).map(Self::from).map_err(|_| NotJson)
    }

    /// The member of this name. `None` if it is absent or null.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Value> {
        self.members.get(name).filter(|value| !value.is_null())
    }

    /// The member of this name as JSON: where all members are texts, what the text says. `None` if it says nothing.
    pub(crate) fn value(&self, name: &str) -> Option<Cow<'_, Value>> {
        let member = self.member(name)?;
        match member.as_str().filter(|_| self.is_of_texts) {
            Some(text) => serde_json::from_str(text).ok().map(Cow::Owned),
            None => Some(Cow::Borrowed(member)),
        }
    }

    /// The member of this name, if it is a text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.member(name).and_then(Value::as_str)
    }
}

/// What is wrong with a password, without the name of the member: the core calls it `password`, whatever the body does.
pub(crate) fn fault_of(weak: &WeakPassword) -> String {
    let text = weak.to_string();
    text.strip_prefix("password ").map_or_else(|| text.clone(), str::to_owned)
}

impl RequestFaults {
    /// One fault: the name of a member, and what is wrong with it.
    #[must_use]
    pub fn of(name: &str, fault: impl fmt::Display) -> Self {
        Self(vec![format!("{name} {fault}")])
    }

    /// One message for each fault.
    #[must_use]
    pub fn messages(&self) -> &[String] {
        &self.0
    }

    /// One message for each fault.
    #[must_use]
    pub fn into_messages(self) -> Vec<String> {
        self.0
    }

    /// Adds a message: the name of a member, and what is wrong with it. Returns `None`, as its reader does then.
    pub fn add<T>(&mut self, name: &str, fault: impl fmt::Display) -> Option<T> {
        self.0.push(format!("{name} {fault}"));
        None
    }
}

#[cfg(test)]
mod tests;
