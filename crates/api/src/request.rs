//! Request bodies.
//!
//! A body is read member by member, so that every fault is found and each has one message, in the words that clients of
//! NestJS services know from the class-validator library. Unknown members are ignored.
//!
//! ```
//! use portcullis_api::request::{Body, SignIn};
//!
//! let body = Body::parse(br#"{"email": "ann@example.com"}"#).unwrap();
//! assert_eq!(SignIn::read(&body).unwrap_err().messages(), ["password should not be empty"]);
//! ```

pub mod device;
mod form;
pub(crate) mod members;
pub mod schema;

use std::fmt;

use portcullis_core::email::Email;
use portcullis_core::password::{Password, PasswordPolicy, WeakPassword};
use portcullis_core::secret::PlainSecret;
use portcullis_core::user::PersonName;
use serde_json::{Map, Value};

/// A body that is JSON.
#[derive(Clone, PartialEq, Default)]
pub struct Body(Map<String, Value>);

/// Nothing of it: there are passwords in it.
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
pub struct Faults(Vec<String>);

impl Body {
    /// The members of a JSON text. Without a text there are none, nor are there in a text that is not an object: each
    /// member that is due is then missed by name.
    ///
    /// # Errors
    /// [`NotJson`]: no JSON, no UTF-8, or nested deeper than anybody means.
    pub fn parse(bytes: &[u8]) -> Result<Self, NotJson> {
        if bytes.is_empty() {
            return Ok(Self(Map::new()));
        }
        match serde_json::from_slice(bytes) {
            Ok(Value::Object(members)) => Ok(Self(members)),
            Ok(_) => Ok(Self(Map::new())),
            Err(_) => Err(NotJson),
        }
    }

    fn member(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    fn flag(&self, name: &str, faults: &mut Faults) -> bool {
        match self.member(name) {
            None => false,
            Some(Value::Bool(flag)) => *flag,
            Some(_) => {
                faults.add::<()>(name, "must be a boolean value");
                false
            }
        }
    }

    fn email(&self, faults: &mut Faults) -> Option<Email> {
        let email = self.member("email").and_then(Value::as_str).and_then(|text| Email::parse(text).ok());
        email.or_else(|| faults.add("email", "must be an email"))
    }

    fn password(&self, name: &str, faults: &mut Faults) -> Option<Password> {
        let text = match self.member(name) {
            None => return faults.add(name, "should not be empty"),
            Some(Value::String(text)) if text.is_empty() => return faults.add(name, "should not be empty"),
            Some(Value::String(text)) => text,
            Some(_) => return faults.add(name, "must be a string"),
        };
        let too_long =
            || faults.add(name, format_args!("must be shorter than or equal to {} bytes", Password::LONGEST));
        Password::new(text).ok().or_else(too_long)
    }

    fn new_password(&self, name: &str, policy: &PasswordPolicy, faults: &mut Faults) -> Option<Password> {
        let password = self.password(name, faults)?;
        match policy.check(&password, &[]) {
            Ok(()) => Some(password),
            Err(weak) => faults.add(name, fault_of(&weak)),
        }
    }

    fn text(&self, name: &str, faults: &mut Faults) -> Option<&str> {
        self.member(name).and_then(Value::as_str).or_else(|| faults.add(name, "must be a string"))
    }

    /// The first of several spellings of one member.
    fn spelled(&self, spellings: &[&str], faults: &mut Faults) -> Option<&str> {
        let name = spellings.iter().find(|name| self.member(name).is_some())?;
        self.text(name, faults)
    }
}

/// What is wrong with a password, without the name of the member: the core calls it `password`, whatever the body does.
pub(crate) fn fault_of(weak: &WeakPassword) -> String {
    let text = weak.to_string();
    text.strip_prefix("password ").map_or_else(|| text.clone(), str::to_owned)
}

impl Faults {
    /// The messages.
    #[must_use]
    pub fn messages(&self) -> &[String] {
        &self.0
    }

    /// The messages.
    #[must_use]
    pub fn into_messages(self) -> Vec<String> {
        self.0
    }

    fn add<T>(&mut self, name: &str, fault: impl fmt::Display) -> Option<T> {
        self.0.push(format!("{name} {fault}"));
        None
    }

    /// What was read, if nothing was at fault.
    fn none_or<T>(self, read: Option<T>) -> Result<T, Self> {
        match read {
            Some(read) if self.0.is_empty() => Ok(read),
            _ => Err(self),
        }
    }
}

/// Sign-up.
#[derive(Debug)]
pub struct SignUp {
    /// The address.
    pub email: Email,
    /// The password.
    pub password: Password,
    /// The name.
    pub name: PersonName,
}

/// Whether a sign-up may give the name in two parts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Names {
    /// `name`.
    Whole,
    /// `firstName` and `lastName`, or `name`.
    Parts,
}

impl SignUp {
    /// Reads a sign-up.
    ///
    /// # Errors
    /// The [`Faults`] of its members; those of the password by `policy`.
    pub fn read(body: &Body, names: Names, policy: &PasswordPolicy) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let email = body.email(&mut faults);
        let password = body.new_password("password", policy, &mut faults);
        let name = match names {
            Names::Whole => whole_name(body, &mut faults),
            Names::Parts => name_in_parts(body, &mut faults),
        };
        let read = match (email, password, name) {
            (Some(email), Some(password), Some(name)) => Some(Self { email, password, name }),
            _ => None,
        };
        faults.none_or(read)
    }
}

fn whole_name(body: &Body, faults: &mut Faults) -> Option<PersonName> {
    let text = body.text("name", faults)?;
    match PersonName::new(text) {
        Ok(name) => Some(name),
        Err(fault) => faults.add("name", fault),
    }
}

fn name_in_parts(body: &Body, faults: &mut Faults) -> Option<PersonName> {
    let has = |name: &str| body.member(name).is_some();
    if has("name") && !(has("firstName") && has("lastName")) {
        return whole_name(body, faults);
    }
    let (given, family) = (body.text("firstName", faults), body.text("lastName", faults));
    let (given, family) = (given?, family?);
    for (name, text) in [("firstName", given), ("lastName", family)] {
        if let Err(fault) = PersonName::new(text) {
            faults.add::<()>(name, fault);
        }
    }
    PersonName::from_parts(given, family).ok()
}

/// Sign-in.
#[derive(Debug)]
pub struct SignIn {
    /// The address.
    pub email: Email,
    /// The password.
    pub password: Password,
    /// Whether the client keeps a device proof.
    pub native: bool,
}

impl SignIn {
    /// Reads a sign-in.
    ///
    /// # Errors
    /// The [`Faults`] of its members.
    pub fn read(body: &Body) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let email = body.email(&mut faults);
        let password = body.password("password", &mut faults);
        let native = body.flag("native", &mut faults);
        let read = email.zip(password).map(|(email, password)| Self { email, password, native });
        faults.none_or(read)
    }
}

/// A refresh; the token may come in a header instead.
#[derive(Debug)]
pub struct Refresh {
    /// The token.
    pub token: Option<PlainSecret>,
    /// The device proof.
    pub device_secret: Option<PlainSecret>,
}

impl Refresh {
    /// Reads a refresh.
    ///
    /// # Errors
    /// The [`Faults`] of its members.
    pub fn read(body: &Body) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let token = body.spelled(&["refresh_token", "refreshToken", "token"], &mut faults);
        let device_secret = body.spelled(&["device_secret", "deviceSecret"], &mut faults);
        let [token, device_secret] = [token, device_secret].map(|text| text.map(PlainSecret::presented));
        faults.none_or(Some(Self { token, device_secret }))
    }
}

/// A change of password.
#[derive(Debug)]
pub struct ChangePassword {
    /// The password so far.
    pub current: Password,
    /// The password from now on.
    pub new: Password,
}

impl ChangePassword {
    /// Reads a change of password.
    ///
    /// # Errors
    /// The [`Faults`] of its members; those of the new password by `policy`.
    pub fn read(body: &Body, policy: &PasswordPolicy) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let current = body.password("currentPassword", &mut faults);
        let new = body.new_password("newPassword", policy, &mut faults);
        let read = current.zip(new).map(|(current, new)| Self { current, new });
        faults.none_or(read)
    }
}

#[cfg(test)]
mod tests;
