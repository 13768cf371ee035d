//! How one member of a request is read and documented.

use std::convert::Infallible;
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

use super::decimal::ascii_digit;
use super::{Body, RequestFaults, fault_of};

/// The length of a UUID in text: Rust parses other forms too, class-validator does not.
const UUID_LENGTH: usize = 36;

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

/// The schema of a text that must not be empty.
fn not_empty() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).min_length(Some(1))
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
pub(super) struct RequiredText<P>(pub(super) P);

impl<T, E: Display, P: Fn(&str) -> Result<T, E>> Member for RequiredText<P> {
    type Value = T;

    fn read(&self, body: &Body, name: &str, faults: &mut RequestFaults) -> Option<T> {
        parsed((self.0)(required_text(body, name, faults)?), name, faults)
    }

    fn schema(&self) -> ObjectBuilder {
        not_empty()
    }
}

/// A text of a certain form, which must be there but has its own message for an empty one.
pub(super) struct PresentText<P>(pub(super) P);

impl<T, E: Display, P: Fn(&str) -> Result<T, E>> Member for PresentText<P> {
    type Value = T;

    fn read(&self, body: &Body, name: &str, faults: &mut RequestFaults) -> Option<T> {
        parsed((self.0)(text(body, name, faults)?), name, faults)
    }

    fn schema(&self) -> ObjectBuilder {
        not_empty()
    }
}

/// A text of a certain form, with one message for all that is not.
struct Form<P>(P, &'static str);

impl<T, P: Fn(&str) -> Option<T>> Member for Form<P> {
    type Value = T;

    fn read(&self, body: &Body, name: &str, faults: &mut RequestFaults) -> Option<T> {
        let value = body.member(name).and_then(Value::as_str).and_then(&self.0);
        value.or_else(|| faults.add(name, self.1))
    }

    fn schema(&self) -> ObjectBuilder {
        not_empty()
    }
}

/// A member that may be absent.
pub(super) struct Optional<M>(pub(super) M);

impl<M: Member> Member for Optional<M> {
    type Value = Option<M::Value>;
    const IS_REQUIRED: bool = false;

    fn read(&self, body: &Body, name: &str, faults: &mut RequestFaults) -> Option<Self::Value> {
        if body.member(name).is_some() { self.0.read(body, name, faults).map(Some) } else { Some(None) }
    }

    fn schema(&self) -> ObjectBuilder {
        self.0.schema()
    }

    fn documented(&self, name: &'static str, about: String) -> Vec<MemberDoc> {
        let members = self.0.documented(name, about);
        members.into_iter().map(|member| MemberDoc { required: false, ..member }).collect()
    }
}

/// An email address.
pub(super) fn email_address() -> impl Member<Value = Email> {
    Form(|text: &str| Email::parse(text).ok(), "must be an email").with(|schema| {
        let email = SchemaFormat::Custom("email".to_owned());
        schema.format(Some(email)).examples(["ann@example.com"])
    })
}

/// A mobile number.
pub(super) fn mobile_number() -> impl Member<Value = Mobile> {
    Form(|text: &str| Mobile::parse(text).ok(), "must be a valid phone number")
        .with(|schema| schema.examples(["+49 170 1234567"]))
}

fn password(text: &str) -> Result<Password, String> {
    let longest = Password::MAX_LENGTH;
    Password::new(text).map_err(|_| format!("must be shorter than or equal to {longest} bytes"))
}

fn password_format(schema: ObjectBuilder) -> ObjectBuilder {
    schema.format(Some(SchemaFormat::KnownFormat(KnownFormat::Password)))
}

/// A password that the user has; no policy applies.
pub(super) fn known_password() -> impl Member<Value = Password> {
    RequiredText(password).with(password_format)
}

/// A password that is set, under this policy.
pub(super) fn new_password(policy: &PasswordPolicy) -> impl Member<Value = Password> {
    let checked = |text: &str| {
        let password = password(text)?;
        policy.check(&password, &[]).map_err(|weak| fault_of(&weak)).map(|()| password)
    };
    RequiredText(checked).with(password_format)
}

/// An example of a password, for its schema.
pub(super) fn sample_password(schema: ObjectBuilder) -> ObjectBuilder {
    schema.examples(["correct horse battery staple"])
}

/// An example of the next one.
pub(super) fn next_sample_password(schema: ObjectBuilder) -> ObjectBuilder {
    schema.examples(["tractor pencil moonlight river"])
}

/// A token that a client program was given: what is missing is its type.
pub(super) fn token() -> impl Member<Value = PlainSecret> {
    PresentText(|text: &str| match text {
        "" => Err("should not be empty"),
        text => Ok(PlainSecret::presented(text)),
    })
}

/// A token or another secret.
pub(super) fn secret() -> impl Member<Value = PlainSecret> {
    RequiredText(|text: &str| Ok::<_, Infallible>(PlainSecret::presented(text)))
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

    /// A sample that is no secret of the reader's would be a wrong one, which ends a session.
    fn schema(&self) -> ObjectBuilder {
        ObjectBuilder::new().schema_type(Type::String).examples([Value::Null])
    }
}

/// The digits of a one-time code.
const CODE: usize = 6;

/// The most characters of a code as a person types it: white space around every digit.
const LONGEST_CODE: usize = 64;

/// The one-time code from a mail. White space in it does not count, and its digits may be of any script: keyboards type
/// those of their language, and mail programs group them.
pub(super) fn one_time_code() -> impl Member<Value = PlainSecret> {
    let code = |text: &str| {
        let typed = text.chars().take(LONGEST_CODE + 1).filter(|c| !c.is_whitespace());
        let digits = typed.map(ascii_digit).collect::<Option<String>>()?;
        let fits = digits.len() == CODE && text.chars().nth(LONGEST_CODE).is_none();
        fits.then(|| PlainSecret::presented(&digits))
    };
    Form(code, "must be a 6 digit code")
        .with(|schema| schema.min_length(Some(CODE)).max_length(Some(LONGEST_CODE)).examples(["123456"]))
}

/// True or false, and false where it is absent.
pub(super) struct Flag {
    /// Whether it may be a word, as a query spells it.
    pub(super) in_query: bool,
}

impl Member for Flag {
    type Value = bool;
    const IS_REQUIRED: bool = false;

    fn read(&self, body: &Body, name: &str, faults: &mut RequestFaults) -> Option<bool> {
        let flag = match body.member(name) {
            None => Some(false),
            Some(Value::Bool(flag)) => Some(*flag),
            Some(Value::String(word)) if self.in_query => word.parse().ok(),
            Some(_) => None,
        };
        flag.or_else(|| faults.add(name, "must be a boolean value"))
    }

    fn schema(&self) -> ObjectBuilder {
        ObjectBuilder::new().schema_type(Type::Boolean).examples([false])
    }
}

/// An id.
pub(super) fn id<T>(of: fn(Uuid) -> T) -> impl Member<Value = T> {
    let parse = |text: &str| Uuid::try_parse(text).ok().filter(|_| text.len() == UUID_LENGTH);
    Form(move |text: &str| parse(text).map(of), "must be a UUID")
        .with(|schema| schema.format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid))))
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

    fn read(&self, body: &Body, name: &str, faults: &mut RequestFaults) -> Option<Role> {
        Optional(RoleName).read(body, name, faults).map(Option::unwrap_or_default)
    }

    fn documented(&self, name: &'static str, about: String) -> Vec<MemberDoc> {
        Optional(RoleName).documented(name, about)
    }
}
