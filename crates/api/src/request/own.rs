//! Requests that a service declares for itself, read and refused as the library's own are.

use portcullis_core::email::Email;
use portcullis_core::id::{SessionId, UserId};
use portcullis_core::mobile::Mobile;
use portcullis_core::password::{Password, PasswordPolicy};
use portcullis_core::secret::PlainSecret;
use portcullis_core::user::{PersonName, Role};
use portcullis_core::username::{LoginName, Username};
use serde_json::Value;

use super::member::{
    Member, PresentText, RequiredText, RoleName, email_address, id, known_password, mobile_number,
    new_password, token,
};
use super::{Body, RequestFaults};

/// A request that is read of its members. [`body!`](crate::body!) declares one.
pub trait ReadBody: Sized {
    /// Reads the members.
    ///
    /// # Errors
    /// The [`RequestFaults`] of the members, one message each.
    fn read_body(body: &Body) -> Result<Self, RequestFaults>;
}

/// What a member of a request is read as: a type of the library, or one of your own.
///
/// ```
/// use portcullis_api::request::{Body, BodyMember, RequestFaults};
///
/// /// A colour, as in `#3a7bd5`.
/// struct Colour(String);
///
/// impl BodyMember for Colour {
///     fn read_member(body: &Body, name: &str, faults: &mut RequestFaults) -> Option<Self> {
///         let is_colour = |text: &&str| text.len() == 7 && text.starts_with('#');
///         match body.text(name).filter(is_colour) {
///             Some(text) => Some(Self(text.to_owned())),
///             None => faults.add(name, "must be a hexadecimal color"),
///         }
///     }
/// }
///
/// portcullis_api::body! {
///     struct Label { title: String, colour: Colour }
/// }
/// # use portcullis_api::request::ReadBody as _;
/// # let refused = Label::read_body(&Body::parse(br#"{"title": 7}"#).unwrap()).err().unwrap();
/// # assert_eq!(refused.messages(), ["title must be a string", "colour must be a hexadecimal color"]);
/// # let read = Label::read_body(&Body::parse(br##"{"title": "", "colour": "#3a7bd5"}"##).unwrap()).unwrap();
/// # assert_eq!((read.title.as_str(), read.colour.0.as_str()), ("", "#3a7bd5"));
/// ```
pub trait BodyMember: Sized {
    /// The value of the member of this name. If it has none, `faults` gets a message that begins with the name.
    fn read_member(body: &Body, name: &str, faults: &mut RequestFaults) -> Option<Self>;
}

/// A text with at least one character.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NonEmptyText(pub String);

/// A password that is chosen, of at least so many characters: one that is too short is refused together with the other
/// faults of the request. What else the policy asks for, the engine says.
#[derive(Clone, Debug)]
pub struct NewPassword<const MIN_LENGTH: usize>(pub Password);

/// Declares requests: each member is a field, its type and, where it is another one, its name in JSON. Every fault of a
/// request has a message. A member that may be absent or null is an `Option`.
///
/// ```
/// use portcullis_api::request::{Body, NonEmptyText, ReadBody as _};
/// use portcullis_core::email::Email;
///
/// portcullis_api::body! {
///     /// An invitation.
///     struct Invite {
///         name: NonEmptyText = "displayName",
///         email: Email,
///         is_urgent: Option<bool> = "isUrgent",
///     }
/// }
///
/// let refused = Invite::read_body(&Body::parse(br#"{"email": "ann", "isUrgent": "very"}"#).unwrap()).err().unwrap();
/// let faults =
///     ["displayName should not be empty", "email must be an email", "isUrgent must be a boolean value"];
/// assert_eq!(refused.messages(), faults);
/// # let read = br#"{"displayName": "Ann", "email": "ann@example.com", "isUrgent": null}"#;
/// # let read = Invite::read_body(&Body::parse(read).unwrap()).unwrap();
/// # assert_eq!((read.name.0.as_str(), read.email.as_typed(), read.is_urgent), ("Ann", "ann@example.com", None));
/// ```
#[macro_export]
macro_rules! body {
    ($(
        $(#[$about:meta])*
        $visible:vis struct $name:ident {
            $($(#[$member_about:meta])* $field_visible:vis $field:ident: $type:ty $(= $json:literal)?),+ $(,)?
        }
    )+) => {$(
        $(#[$about])*
        $visible struct $name {
            $($(#[$member_about])* $field_visible $field: $type),+
        }

        impl $crate::request::ReadBody for $name {
            fn read_body(
                body: &$crate::request::Body
            ) -> ::std::result::Result<Self, $crate::request::RequestFaults> {
                let mut faults = $crate::request::RequestFaults::default();
                $(let $field = <$type as $crate::request::BodyMember>::read_member(
                    body,
                    $crate::member_name!($field $($json)?),
                    &mut faults,
                );)+
                match ($($field,)+) {
                    ($(::std::option::Option::Some($field),)+) if faults.messages().is_empty() => {
                        ::std::result::Result::Ok(Self { $($field),+ })
                    }
                    _ => ::std::result::Result::Err(faults),
                }
            }
        }
    )+};
}

/// The name of a member in JSON.
#[doc(hidden)]
#[macro_export]
macro_rules! member_name {
    ($field:ident $json:literal) => {
        $json
    };
    ($field:ident) => {
        ::std::stringify!($field)
    };
}

/// What has no members.
impl ReadBody for () {
    fn read_body(_: &Body) -> Result<Self, RequestFaults> {
        Ok(())
    }
}

impl<T: BodyMember> BodyMember for Option<T> {
    fn read_member(body: &Body, name: &str, faults: &mut RequestFaults) -> Option<Self> {
        if body.member(name).is_some() { T::read_member(body, name, faults).map(Some) } else { Some(None) }
    }
}

impl<const MIN_LENGTH: usize> BodyMember for NewPassword<MIN_LENGTH> {
    fn read_member(body: &Body, name: &str, faults: &mut RequestFaults) -> Option<Self> {
        let policy = PasswordPolicy { min_length: MIN_LENGTH, refuse_common: false };
        new_password(&policy).read(body, name, faults).map(Self)
    }
}

/// A text that every database takes.
fn stored_text(text: &str) -> Result<String, &'static str> {
    if text.contains('\0') { Err("must not contain NUL characters") } else { Ok(text.to_owned()) }
}

/// Implements [`BodyMember`] by kinds of members.
macro_rules! members {
    ($($type:ty: $member:expr;)+) => {$(
        impl BodyMember for $type {
            fn read_member(body: &Body, name: &str, faults: &mut RequestFaults) -> Option<Self> {
                $member.read(body, name, faults)
            }
        }
    )+};
}

members! {
    Email: email_address();
    LoginName: RequiredText(LoginName::parse);
    Mobile: mobile_number();
    NonEmptyText: RequiredText(|text: &str| stored_text(text).map(Self));
    Password: known_password();
    PersonName: PresentText(PersonName::new);
    PlainSecret: token();
    Role: RoleName;
    SessionId: id(SessionId::from_uuid);
    String: PresentText(stored_text);
    UserId: id(UserId::from_uuid);
    Username: RequiredText(Username::parse);
}

/// Implements [`BodyMember`] by the values of JSON.
macro_rules! values {
    ($($type:ty: $read:expr, $fault:literal;)+) => {$(
        impl BodyMember for $type {
            fn read_member(body: &Body, name: &str, faults: &mut RequestFaults) -> Option<Self> {
                body.value(name).as_deref().and_then($read).or_else(|| faults.add(name, $fault))
            }
        }
    )+};
}

values! {
    bool: Value::as_bool, "must be a boolean value";
    f64: Value::as_f64, "must be a number conforming to the specified constraints";
    i64: Value::as_i64, "must be an integer number";
}
