//! The bodies of the device-session surface, over HTTP and TCP alike.
//!
//! What a body may say is what is read here by name; role, tenant and id of whoever signs up are not among it.

mod admin;
pub mod schema;

use std::fmt;

use portcullis_core::email::Email;
use portcullis_core::id::SessionId;
use portcullis_core::mobile::Mobile;
use portcullis_core::password::{Password, PasswordPolicy};
use portcullis_core::secret::PlainSecret;
use portcullis_core::store::Page;
use portcullis_core::user::PersonName;
use portcullis_core::username::{LoginName, Username};
use uuid::Uuid;

use super::members::LARGEST_PAGE;
use super::{Body, Faults};

pub use admin::{CreateUser, ListUsers, OneSession, OneUser, SetRole, UserSessions};

/// The digits of a one-time code.
const OTP_LENGTH: usize = 6;
/// The most characters of a device's name.
const LONGEST_DEVICE_NAME: usize = 100;

/// Sign-up.
#[derive(Debug)]
pub struct SignUp {
    /// The user name.
    pub username: Option<Username>,
    /// The address.
    pub email: Email,
    /// The mobile number.
    pub mobile: Option<Mobile>,
    /// The password.
    pub password: Password,
    /// The name.
    pub name: Option<PersonName>,
}

impl SignUp {
    /// Reads a sign-up.
    ///
    /// # Errors
    /// The [`Faults`] of its members; those of the password by `policy`.
    pub fn read(body: &Body, policy: &PasswordPolicy) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let username = body.username(&mut faults);
        let email = body.email(&mut faults);
        let mobile = body.mobile(&mut faults);
        let password = body.new_password("password", policy, &mut faults);
        let name = body.name(&mut faults);
        let read = email.zip(password);
        faults.none_or(read.map(|(email, password)| Self { username, email, mobile, password, name }))
    }
}

/// The first step of a sign-in.
#[derive(Debug)]
pub struct LogIn {
    /// Who.
    pub name: LoginName,
    /// The password.
    pub password: Password,
    /// Whether the client keeps a device proof itself.
    pub native: bool,
    /// The device proof of an earlier sign-in.
    pub device_secret: Option<PlainSecret>,
}

impl LogIn {
    /// Reads the first step of a sign-in.
    ///
    /// # Errors
    /// The [`Faults`] of its members.
    pub fn read(body: &Body) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let name = body.parsed("usernameOrEmailOrMobile", LoginName::parse, &mut faults);
        let password = body.password("password", &mut faults);
        let native = body.flag("native", &mut faults);
        let device_secret = body.device_secret(&mut faults);
        let read = name.zip(password);
        faults.none_or(read.map(|(name, password)| Self { name, password, native, device_secret }))
    }
}

/// The second step of a sign-in.
#[derive(Debug)]
pub struct VerifyLogin {
    /// Which sign-in.
    pub login: Uuid,
    /// Its code.
    pub otp: PlainSecret,
    /// Whether the client keeps a device proof itself.
    pub native: bool,
    /// The device proof of an earlier sign-in.
    pub device_secret: Option<PlainSecret>,
}

impl VerifyLogin {
    /// Reads the second step of a sign-in.
    ///
    /// # Errors
    /// The [`Faults`] of its members.
    pub fn read(body: &Body) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let login = body.uuid("loginId", &mut faults);
        let otp = otp(body, &mut faults);
        let native = body.flag("native", &mut faults);
        let device_secret = body.device_secret(&mut faults);
        let read = login.zip(otp);
        faults.none_or(read.map(|(login, otp)| Self { login, otp, native, device_secret }))
    }
}

fn otp(body: &Body, faults: &mut Faults) -> Option<PlainSecret> {
    let is_code = |text: &&str| text.len() == OTP_LENGTH && text.bytes().all(|c| c.is_ascii_digit());
    let code = body.member("otp").and_then(|value| value.as_str()).filter(is_code);
    code.map(PlainSecret::presented)
        .or_else(|| faults.add("otp", format_args!("must be a {OTP_LENGTH} digit code")))
}

/// The end of a lock.
#[derive(Debug)]
pub struct Unlock {
    /// The secret of the link.
    pub token: PlainSecret,
}

impl Unlock {
    /// Reads the end of a lock: a body, a form, or the query of the link.
    ///
    /// # Errors
    /// The [`Faults`] of its members.
    pub fn read(body: &Body) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let token = body.secret("token", &mut faults);
        faults.none_or(token.map(|token| Self { token }))
    }
}

/// A request for a link to choose another password.
#[derive(Debug)]
pub struct Forgot {
    /// Whose.
    pub email: Email,
}

impl Forgot {
    /// Reads a request for a link.
    ///
    /// # Errors
    /// The [`Faults`] of its members.
    pub fn read(body: &Body) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let email = body.email(&mut faults);
        faults.none_or(email.map(|email| Self { email }))
    }
}

/// Another password, for whoever has the link.
#[derive(Debug)]
pub struct Reset {
    /// The secret of the link.
    pub token: PlainSecret,
    /// The password from now on.
    pub new: Password,
}

impl Reset {
    /// Reads another password: a body or a form.
    ///
    /// # Errors
    /// The [`Faults`] of its members. Whether the password is a good one depends on whose link it is.
    pub fn read(body: &Body) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let token = body.secret("token", &mut faults);
        let new = body.password("newPassword", &mut faults);
        faults.none_or(token.zip(new).map(|(token, new)| Self { token, new }))
    }
}

/// The end of one session.
#[derive(Clone, Copy, Debug)]
pub struct EndSession {
    /// Which one.
    pub session: SessionId,
}

impl EndSession {
    /// Reads the end of one session.
    ///
    /// # Errors
    /// The [`Faults`] of its members.
    pub fn read(body: &Body) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let session = body.uuid("sessionId", &mut faults).map(SessionId::from_uuid);
        faults.none_or(session.map(|session| Self { session }))
    }
}

/// Another name for the device of a session; the session is named by the path.
#[derive(Debug)]
pub struct Rename {
    /// Which session.
    pub session: SessionId,
    /// The name.
    pub device_name: String,
}

/// What is wrong with a device's name.
#[derive(Clone, Copy)]
enum NotADeviceName {
    Empty,
    TooLong,
    ControlCharacter,
}

impl fmt::Display for NotADeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("should not be empty"),
            Self::TooLong => write!(f, "must be shorter than or equal to {LONGEST_DEVICE_NAME} characters"),
            Self::ControlCharacter => f.write_str("must not contain control characters"),
        }
    }
}

fn device_name(text: &str) -> Result<String, NotADeviceName> {
    if text.trim().is_empty() {
        Err(NotADeviceName::Empty)
    } else if text.chars().count() > LONGEST_DEVICE_NAME {
        Err(NotADeviceName::TooLong)
    } else if text.chars().any(char::is_control) {
        Err(NotADeviceName::ControlCharacter)
    } else {
        Ok(text.to_owned())
    }
}

impl Rename {
    /// Reads another name, from a body that [has its path](Body::with_path).
    ///
    /// # Errors
    /// The [`Faults`] of its members.
    pub fn read(body: &Body) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let session = body.uuid("sessionId", &mut faults).map(SessionId::from_uuid);
        let device_name = body.parsed("deviceName", device_name, &mut faults);
        faults.none_or(session.zip(device_name).map(|(session, device_name)| Self { session, device_name }))
    }
}

/// A refresh.
#[derive(Debug)]
pub struct Refresh {
    /// The refresh token.
    pub token: PlainSecret,
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
        let token = body.secret("refreshToken", &mut faults);
        let device_secret = body.device_secret(&mut faults);
        faults.none_or(token.map(|token| Self { token, device_secret }))
    }
}

/// Which of one's own sessions to list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OwnSessions {
    /// Which stretch of the list; of nearly everybody the whole of it, where nobody says.
    pub page: Page<SessionId>,
    /// The ended ones, instead of those that live.
    pub ended: bool,
}

impl OwnSessions {
    /// Reads the query of a list.
    ///
    /// # Errors
    /// The [`Faults`] of its members.
    pub fn read(query: &Body) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let page = query.page(LARGEST_PAGE, SessionId::from_uuid, &mut faults);
        let ended = query.spelled_flag("ended", &mut faults);
        faults.none_or(Some(Self { page, ended }))
    }
}

#[cfg(test)]
mod tests;
