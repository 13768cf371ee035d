//! The requests of the device-session surface, over HTTP and TCP alike.
//!
//! A request has the members that are declared here and no others: a user who signs up states no role, tenant or id.

mod admin;

use std::convert::identity;
use std::fmt;

use portcullis_core::email::Email;
use portcullis_core::id::SessionId;
use portcullis_core::mobile::Mobile;
use portcullis_core::password::Password;
use portcullis_core::secret::PlainSecret;
use portcullis_core::store::Page;
use portcullis_core::user::PersonName;
use portcullis_core::username::{LoginName, Username};
use utoipa::openapi::schema::ObjectBuilder;
use uuid::Uuid;

use super::declare::request;
use super::member::{
    Flag, Member, Optional, OptionalSecret, PresentText, RequiredText, email_address, id, known_password,
    mobile_number, new_password, next_sample_password, one_time_code, sample_password, secret, token,
};
use super::page::{LARGEST_PAGE, PageOf};

pub use admin::{CreateUserBody, ListUsersQuery, SessionPath, SetRoleBody, UserPath, UserSessionsQuery};

/// The most characters of a device's name.
const LONGEST_DEVICE_NAME: usize = 100;

fn sample_username(schema: ObjectBuilder) -> ObjectBuilder {
    schema.max_length(Some(64)).examples(["ann"])
}

fn sample_name(schema: ObjectBuilder) -> ObjectBuilder {
    schema.examples(["Ann Droid"])
}

request! {
    /// Sign-up.
    SignUpBody as "DeviceSignUp", under policy {
        /// Unique in the tenant, compared without regard to case; it reads neither as an address nor as a number.
        username: Option<Username> = "username", Optional(PresentText(Username::parse).with(sample_username));
        /// The address; unique in the tenant, compared without regard to case.
        email: Email = "email", email_address();
        /// Unique in the tenant, compared without separators.
        mobile: Option<Mobile> = "mobile", Optional(mobile_number());
        /// At least 8 characters in development mode and where a second step is forced, at least 15 otherwise, and none
        /// that is commonly used.
        password: Password = "password", new_password(policy).with(sample_password);
        /// The name.
        name: Option<PersonName> = "name", Optional(PresentText(PersonName::new).with(sample_name));
    }
}

request! {
    /// The first step of a sign-in.
    DeviceLoginBody as "LogIn" {
        /// The user name, the address or the mobile number.
        name: LoginName = "usernameOrEmailOrMobile",
            RequiredText(LoginName::parse).with(|name| name.examples(["ann@example.com"]));
        /// The password.
        password: Password = "password", known_password().with(sample_password);
        /// Whether the client keeps a device proof itself, in place of the cookie.
        native: bool = "native", Flag { in_query: false };
        /// The device proof of an earlier sign-in, which is kept.
        device_secret: Option<PlainSecret> = "deviceSecret", OptionalSecret(&[]);
    }
}

request! {
    /// The second step of a sign-in.
    VerifyLoginBody as "VerifyLogin" {
        /// The `loginId` that the first step answered.
        login: Uuid = "loginId", id(identity);
        /// The code from the mail.
        otp: PlainSecret = "otp", one_time_code();
        /// Whether the client keeps a device proof itself, in place of the cookie.
        native: bool = "native", Flag { in_query: false };
        /// The device proof of an earlier sign-in, which is kept.
        device_secret: Option<PlainSecret> = "deviceSecret", OptionalSecret(&[]);
    }
}

request! {
    /// A request for another code.
    ResendCodeBody as "ResendCode" {
        /// The `loginId` that the first step answered.
        login: Uuid = "loginId", id(identity);
    }
}

request! {
    /// The end of a lock: a body, a form, or the query of the link.
    UnlockBody as "Unlock" {
        /// The secret of the link.
        token: PlainSecret = "token", secret();
    }
}

request! {
    /// A request for a link to choose another password.
    ForgotPasswordBody as "ForgotPassword" {
        /// The address of the account.
        email: Email = "email", email_address();
    }
}

request! {
    /// Another password, from a client that has the link. The password policy is that of the link's tenant.
    ResetPasswordBody as "ResetPassword" {
        /// The secret of the link.
        token: PlainSecret = "token", secret();
        /// The password from now on; none of the last five.
        new: Password = "newPassword", known_password().with(next_sample_password);
    }
}

request! {
    /// The end of one session.
    EndSessionBody as "EndSession" {
        /// The public id of the session.
        session: SessionId = "sessionId", id(SessionId::from_uuid);
    }
}

request! {
    /// Another name for the device of a session.
    RenameSessionBody as "RenameSession" {
        /// The session.
        session: SessionId = "sessionId", id(SessionId::from_uuid);
        /// What the user calls the device.
        device_name: String = "deviceName", RequiredText(device_name).with(|name| {
            let lengths = name.min_length(Some(1)).max_length(Some(LONGEST_DEVICE_NAME));
            lengths.examples(["Ann's telephone"])
        });
    }
}

request! {
    /// One known device.
    DevicePath as "Device", derives(PartialEq, Eq) {
        /// The device.
        device: Uuid = "deviceId", id(identity);
    }
}

/// What is wrong with a device's name.
#[derive(Clone, Copy)]
enum InvalidDeviceName {
    Empty,
    TooLong,
    ControlCharacter,
}

impl fmt::Display for InvalidDeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("should not be empty"),
            Self::TooLong => write!(f, "must be shorter than or equal to {LONGEST_DEVICE_NAME} characters"),
            Self::ControlCharacter => f.write_str("must not contain control characters"),
        }
    }
}

fn device_name(text: &str) -> Result<String, InvalidDeviceName> {
    if text.trim().is_empty() {
        Err(InvalidDeviceName::Empty)
    } else if text.chars().count() > LONGEST_DEVICE_NAME {
        Err(InvalidDeviceName::TooLong)
    } else if text.chars().any(char::is_control) {
        Err(InvalidDeviceName::ControlCharacter)
    } else {
        Ok(text.to_owned())
    }
}

request! {
    /// A refresh.
    DeviceRefreshBody as "DeviceRefresh" {
        /// The newest refresh token.
        token: PlainSecret = "refreshToken", token();
        /// The device proof, where one was handed out.
        device_secret: Option<PlainSecret> = "deviceSecret", OptionalSecret(&[]);
    }
}

request! {
    /// Which of the user's own sessions to list. One page holds all of most users.
    OwnSessionsQuery as "OwnSessions", derives(PartialEq, Eq) {
        /// Where the page begins, and how long it is.
        page: Page<SessionId> = "cursor", PageOf(LARGEST_PAGE, SessionId::from_uuid);
        /// The sessions that have ended lately, instead of those that live.
        ended: bool = "ended", Flag { in_query: true };
    }
}

#[cfg(test)]
mod tests;
