//! The bodies of the routes under each strategy.

use portcullis_core::email::Email;
use portcullis_core::password::{Password, PasswordPolicy};
use portcullis_core::secret::PlainSecret;
use portcullis_core::user::PersonName;

use utoipa::openapi::schema::{ObjectBuilder, Type};

use super::declare::request;
use super::member::{
    Flag, Member, MemberDoc, Optional, OptionalSecret, PresentText, email_address, known_password,
    new_password, next_sample_password, sample_password,
};
use super::{Body, RequestFaults};

/// How a sign-up gives the user's name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NameForm {
    /// `name`.
    Full,
    /// `firstName` and `lastName`, or `name`.
    Parts,
}

request! {
    /// Sign-up.
    RegisterBody as "SignUp", under policy {
        /// The address; unique in the tenant, compared without regard to case.
        email: Email = "email", email_address();
        /// At least 8 characters in development mode, at least 15 otherwise, and none that is commonly used.
        password: Password = "password", new_password(policy).with(sample_password);
        /// The name.
        name: PersonName = "name", PresentText(PersonName::new).with(|name| name.examples(["Ann Droid"]));
    }
}

request! {
    /// Sign-up with a name in two parts, or in one.
    RegisterInPartsBody as "SignUpInParts", under policy {
        /// The address; unique in the tenant, compared without regard to case.
        email: Email = "email", email_address();
        /// At least 8 characters in development mode, at least 15 otherwise, and none that is commonly used.
        password: Password = "password", new_password(policy).with(sample_password);
        /// The name, where it is not given in parts.
        name: PersonName = "name", NameInParts;
    }
}

impl RegisterBody {
    /// Reads a sign-up whose name is in this form.
    ///
    /// # Errors
    /// The [`RequestFaults`] of the members, one message each.
    pub fn read_as(form: NameForm, body: &Body, policy: &PasswordPolicy) -> Result<Self, RequestFaults> {
        match form {
            NameForm::Full => Self::read(body, policy),
            NameForm::Parts => {
                let RegisterInPartsBody { email, password, name } = RegisterInPartsBody::read(body, policy)?;
                Ok(Self { email, password, name })
            }
        }
    }
}

/// `firstName` and `lastName`, joined; or `name`, with the part that stands beside it; or `firstName` alone.
struct NameInParts;

impl Member for NameInParts {
    type Value = PersonName;
    const IS_REQUIRED: bool = false;

    fn read(&self, body: &Body, name: &str, faults: &mut RequestFaults) -> Option<PersonName> {
        let text = |name, faults: &mut _| Optional(PresentText(PersonName::new)).read(body, name, faults);
        let parts = (text("firstName", faults), text("lastName", faults));
        let has_both = matches!(parts, (Some(Some(_)), Some(Some(_))));
        // Where both parts are there, they are the name.
        let whole = if has_both { Some(None) } else { text(name, faults) };
        let (first, last, whole) = (parts.0?, parts.1?, whole?);
        let [first, last, whole] = [&first, &last, &whole].map(|text| text.as_ref().map(PersonName::full));
        match (first, last, whole) {
            (Some(first), Some(last), _) => PersonName::from_parts(first, last).ok(),
            (first, last, Some(whole)) => PersonName::with_part(whole, first, last).ok(),
            (Some(first), None, None) => PersonName::new(first).ok(),
            (None, _, None) => faults.add("firstName", "must be a string"),
        }
    }

    fn schema(&self) -> ObjectBuilder {
        ObjectBuilder::new().schema_type(Type::String).min_length(Some(1))
    }

    fn documented(&self, name: &'static str, about: String) -> Vec<MemberDoc> {
        let text = |name, about: String, example: Option<&str>| {
            let schema =
                example.into_iter().fold(self.schema(), |schema, example| schema.examples([example]));
            MemberDoc { name, about, required: false, schema: schema.into() }
        };
        vec![
            text("firstName", "The first name.".to_owned(), Some("Ann")),
            text("lastName", "The last name.".to_owned(), Some("Droid")),
            text(name, about, None),
        ]
    }
}

request! {
    /// Sign-in.
    LoginBody as "SignIn" {
        /// The address.
        email: Email = "email", email_address();
        /// The password.
        password: Password = "password", known_password().with(sample_password);
        /// Whether to hand out a device proof with the refresh token; the client then sends it with each refresh.
        native: bool = "native", Flag { in_query: false };
        /// The device proof of an earlier sign-in; also under the name `deviceSecret`. Strangers who lock the account
        /// do not lock out a device that shows it.
        device_secret: Option<PlainSecret> = "device_secret", OptionalSecret(&["deviceSecret"]);
    }
}

request! {
    /// A refresh. The token may come as a bearer token instead, or under the names `refreshToken` and `token`.
    RefreshBody as "Refresh" {
        /// The newest refresh token.
        token: Option<PlainSecret> = "refresh_token", OptionalSecret(&["refreshToken", "token"]);
        /// The device proof, where one was handed out; also under the name `deviceSecret`.
        device_secret: Option<PlainSecret> = "device_secret", OptionalSecret(&["deviceSecret"]);
    }
}

request! {
    /// A change of password.
    ChangePasswordBody as "ChangePassword", under policy {
        /// The password so far.
        current: Password = "currentPassword", known_password().with(sample_password);
        /// The password from now on; none of the last five.
        new: Password = "newPassword", new_password(policy).with(next_sample_password);
    }
}
