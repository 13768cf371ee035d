//! How one member of a request is read and documented.

use std::fmt::Display;

use portcullis_core::email::Email;
use portcullis_core::mobile::Mobile;
use portcullis_core::password::{Password, PasswordPolicy};
use portcullis_core::secret::PlainSecret;
use portcullis_core::user::Role;
use serde_json::Value;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use super::{Body, RequestFaults, fault_of};

/// The length of a UUID in text: Rust parses other forms too, class-validator does not.
const UUID_LENGTH: usize = 36;
/// The digits of a one-time code.
const OTP_LENGTH: usize = 6;

/// A member as the documentation shows it.
pub(crate) struct MemberDoc {
    pub(crate) name: &'static str,
    pub(crate) about: String,
    pub(crate) required: bool,
    pub(crate) schema: RefOr<Schema>,
}

/// A kind of member: how it is read, and its schema.
pub(super) trait Member: Sized {
    /// What it is read as.
    type Value;

    /// Whether a request without it is at fault.
    const IS_REQUIRED: bool = true;

    /// The value; otherwise one message in `faults`.
    fn read(&self, body: &Body, name: &str, faults: &mut RequestFaults) -> Option<Self::Value>;

    fn schema(&self) -> ObjectBuilder {
        ObjectBuilder::new().schema_type(Type::String)
    }

    fn documented(&self, name: &'static str, about: String) -> Vec<MemberDoc> {
        vec![MemberDoc { name, about, required: Self::IS_REQUIRED, schema: self.schema().into() }]
    }

    /// The member with more in its schema.
    fn with(self, refine: fn(ObjectBuilder) -> ObjectBuilder) -> Refined<Self> {
        Refined { member: self, refine }
    }
}

pub(super) struct Refined<M> {
    member: M,
    refine: fn(ObjectBuilder) -> ObjectBuilder,
}

impl<M: Member> Member for Refined<M> {
    type Value = M::Value;
    const IS_REQUIRED: bool = M::IS_REQUIRED;

    fn read(&self, body: &Body, name: &str, faults: &mut RequestFaults) -> Option<M::Value> {
        self.member.read(body, name, faults)
    }

    fn schema(&self) -> ObjectBuilder {
        (self.refine)(self.member.schema())
    }
}

/// A text that must not be empty.
fn required_text<'b>(body: &'b Body, name: &str, faults: &mut RequestFaults) -> Option<&'b str> {
    match body.member(name) {
        None => faults.add(name, "should not be empty"),
        Some(Value::String(text)) if text.is_empty() => faults.add(name, "should not be empty"),
        Some(Value::String(text)) => Some(text),
        Some(_) => faults.add(name, "must be a string"),
    }
}

/// A text, which may be empty.
fn text<'b>(body: &'b Body, name: &str, faults: &mut RequestFaults) -> Option<&'b str> {
    body.member(name).and_then(Value::as_str).or_else(|| faults.add(name, "must be a string"))
}

fn parsed<T, E: Display>(result: Result<T, E>, name: &str, faults: &mut RequestFaults) -> Option<T> {
    result.map_or_else(|fault| faults.add(name, fault), Some)
}

/// A text of a certain form that must not be empty.
pub(super) struct RequiredText<T, E>(pub(super) fn(&str) -> Result<T, E>);

impl<T, E: Display> Member for RequiredText<T, E> {
    type Value = T;

    fn read(&self, body: &Body, name: &str, faults: &mut RequestFaults) -> Option<T> {
        parsed((self.0)(required_text(body, name, faults)?), name, faults)
    }
}

/// A text of a certain form, which must be there but has its own message for an empty one.
pub(super) struct PresentText<T, E>(pub(super) fn(&str) -> Result<T, E>);

impl<T, E: Display> Member for PresentText<T, E> {
    type Value = T;

    fn read(&self, body: &Body, name: &str, faults: &mut RequestFaults) -> Option<T> {
        parsed((self.0)(text(body, name, faults)?), name, faults)
    }
}

/// A text of a certain form, or none.
pub(super) struct OptionalText<T, E>(pub(super) fn(&str) -> Result<T, E>);

impl<T, E: Display> Member for OptionalText<T, E> {
    type Value = Option<T>;
    const IS_REQUIRED: bool = false;

    fn read(&self, body: &Body, name: &str, faults: &mut RequestFaults) -> Option<Option<T>> {
        if body.member(name).is_none() {
            return Some(None);
        }
        parsed((self.0)(text(body, name, faults)?), name, faults).map(Some)
    }
}

/// An email address.
pub(super) struct EmailAddress;

impl Member for EmailAddress {
    type Value = Email;

    fn read(&self, body: &Body, name: &str, faults: &mut RequestFaults) -> Option<Email> {
        let email = body.member(name).and_then(Value::as_str).and_then(|text| Email::parse(text).ok());
        email.or_else(|| faults.add(name, "must be an email"))
    }

    fn schema(&self) -> ObjectBuilder {
        let email = SchemaFormat::Custom("email".to_owned());
        ObjectBuilder::new().schema_type(Type::String).format(Some(email)).examples(["ann@example.com"])
    }
}

/// A mobile number, or none.
pub(super) struct OptionalMobile;

impl Member for OptionalMobile {
    type Value = Option<Mobile>;
    const IS_REQUIRED: bool = false;

    fn read(&self, body: &Body, name: &str, faults: &mut RequestFaults) -> Option<Option<Mobile>> {
        let Some(value) = body.member(name) else { return Some(None) };
        let mobile = value.as_str().and_then(|text| Mobile::parse(text).ok());
        mobile.map_or_else(|| faults.add(name, "must be a valid phone number"), |mobile| Some(Some(mobile)))
    }

    fn schema(&self) -> ObjectBuilder {
        ObjectBuilder::new().schema_type(Type::String).examples(["+49 170 1234567"])
    }
}

/// A password that the user has; no policy applies.
pub(super) struct KnownPassword;

impl Member for KnownPassword {
    type Value = Password;

    fn read(&self, body: &Body, name: &str, faults: &mut RequestFaults) -> Option<Password> {
        let text = required_text(body, name, faults)?;
        let longest = Password::MAX_LENGTH;
        let too_long = || faults.add(name, format_args!("must be shorter than or equal to {longest} bytes"));
        Password::new(text).ok().or_else(too_long)
    }

    fn schema(&self) -> ObjectBuilder {
        let format = SchemaFormat::KnownFormat(KnownFormat::Password);
        ObjectBuilder::new().schema_type(Type::String).format(Some(format))
    }
}

/// A password that is set, under this policy.
pub(super) struct NewPassword<'p>(pub(super) &'p PasswordPolicy);

impl Member for NewPassword<'_> {
    type Value = Password;

    fn read(&self, body: &Body, name: &str, faults: &mut RequestFaults) -> Option<Password> {
        let password = KnownPassword.read(body, name, faults)?;
        match self.0.check(&password, &[]) {
            Ok(()) => Some(password),
            Err(weak) => faults.add(name, fault_of(&weak)),
        }
    }

    fn schema(&self) -> ObjectBuilder {
        KnownPassword.schema()
    }
}

/// An example of a password, for its schema.
pub(super) fn sample_password(schema: ObjectBuilder) -> ObjectBuilder {
    schema.examples(["correct horse battery staple"])
}

/// A token or another secret.
pub(super) struct Secret;

impl Member for Secret {
    type Value = PlainSecret;

    fn read(&self, body: &Body, name: &str, faults: &mut RequestFaults) -> Option<PlainSecret> {
        required_text(body, name, faults).map(PlainSecret::presented)
    }
}

/// A secret or none, under its name or the first of these others.
pub(super) struct OptionalSecret(pub(super) &'static [&'static str]);

impl Member for OptionalSecret {
    type Value = Option<PlainSecret>;
    const IS_REQUIRED: bool = false;

    fn read(&self, body: &Body, name: &str, faults: &mut RequestFaults) -> Option<Option<PlainSecret>> {
        let mut spellings = [name].into_iter().chain(self.0.iter().copied());
        let Some(spelling) = spellings.find(|spelling| body.member(spelling).is_some()) else {
            return Some(None);
        };
        text(body, spelling, faults).map(|text| Some(PlainSecret::presented(text)))
    }
}

/// The one-time code from a mail.
pub(super) struct OneTimeCode;

impl Member for OneTimeCode {
    type Value = PlainSecret;

    fn read(&self, body: &Body, name: &str, faults: &mut RequestFaults) -> Option<PlainSecret> {
        let is_code = |text: &&str| text.len() == OTP_LENGTH && text.bytes().all(|c| c.is_ascii_digit());
        let code = body.member(name).and_then(Value::as_str).filter(is_code);
        code.map(PlainSecret::presented)
            .or_else(|| faults.add(name, format_args!("must be a {OTP_LENGTH} digit code")))
    }

    fn schema(&self) -> ObjectBuilder {
        let pattern = format!("^[0-9]{{{OTP_LENGTH}}}$");
        ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).examples(["123456"])
    }
}

/// True or false, and false where it is absent. A query spells it as a word.
pub(super) struct Flag;

impl Member for Flag {
    type Value = bool;
    const IS_REQUIRED: bool = false;

    fn read(&self, body: &Body, name: &str, faults: &mut RequestFaults) -> Option<bool> {
        match body.member(name) {
            None => Some(false),
            Some(Value::Bool(flag)) => Some(*flag),
            Some(_) => faults.add(name, "must be a boolean value"),
        }
    }

    fn schema(&self) -> ObjectBuilder {
        ObjectBuilder::new().schema_type(Type::Boolean)
    }
}

/// A flag that a query spells as a word.
pub(super) struct QueryFlag;

impl Member for QueryFlag {
    type Value = bool;
    const IS_REQUIRED: bool = false;

    fn read(&self, body: &Body, name: &str, faults: &mut RequestFaults) -> Option<bool> {
        match body.member(name).and_then(Value::as_str) {
            Some("true") => Some(true),
            Some("false") => Some(false),
            _ => Flag.read(body, name, faults),
        }
    }

    fn schema(&self) -> ObjectBuilder {
        Flag.schema()
    }
}

/// An id.
pub(super) struct Id<T>(pub(super) fn(Uuid) -> T);

impl<T> Member for Id<T> {
    type Value = T;

    fn read(&self, body: &Body, name: &str, faults: &mut RequestFaults) -> Option<T> {
        let text = body.member(name).and_then(Value::as_str).filter(|text| text.len() == UUID_LENGTH);
        let uuid = text.and_then(|text| Uuid::try_parse(text).ok());
        uuid.map(self.0).or_else(|| faults.add(name, "must be a UUID"))
    }

    fn schema(&self) -> ObjectBuilder {
        let format = SchemaFormat::KnownFormat(KnownFormat::Uuid);
        ObjectBuilder::new().schema_type(Type::String).format(Some(format))
    }
}

/// The schema of [`Role`].
pub(crate) struct RoleSchema;

impl PartialSchema for RoleSchema {
    fn schema() -> RefOr<Schema> {
        let schema = ObjectBuilder::new().schema_type(Type::String).description(Some("What a user may do."));
        schema.enum_values(Some(Role::ALL.map(Role::as_str))).into()
    }
}

impl ToSchema for RoleSchema {
    fn name() -> std::borrow::Cow<'static, str> {
        "Role".into()
    }
}

/// A role.
pub(super) struct RoleName;

impl Member for RoleName {
    type Value = Role;

    fn read(&self, body: &Body, name: &str, faults: &mut RequestFaults) -> Option<Role> {
        let role = body.member(name).and_then(Value::as_str).and_then(|text| text.parse().ok());
        role.or_else(|| faults.add(name, "must be one of the following values: user, manager, admin"))
    }

    fn documented(&self, name: &'static str, about: String) -> Vec<MemberDoc> {
        let schema = RefOr::Ref(Ref::from_schema_name(RoleSchema::name()));
        vec![MemberDoc { name, about, required: true, schema }]
    }
}

/// A role, `user` where it is absent.
pub(super) struct OptionalRole;

impl Member for OptionalRole {
    type Value = Role;
    const IS_REQUIRED: bool = false;

    fn read(&self, body: &Body, name: &str, faults: &mut RequestFaults) -> Option<Role> {
        if body.member(name).is_some() { RoleName.read(body, name, faults) } else { Some(Role::default()) }
    }

    fn documented(&self, name: &'static str, about: String) -> Vec<MemberDoc> {
        let members = RoleName.documented(name, about);
        members.into_iter().map(|member| MemberDoc { required: false, ..member }).collect()
    }
}
