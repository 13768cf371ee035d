//! The requests of the admin API. The path names the user.

use portcullis_core::email::Email;
use portcullis_core::id::{SessionId, UserId};
use portcullis_core::mobile::Mobile;
use portcullis_core::store::Page;
use portcullis_core::user::{PersonName, Role};
use portcullis_core::username::Username;
use utoipa::openapi::schema::{ObjectBuilder, Type};

use super::{sample_name, sample_username};
use crate::request::declare::request;
use crate::request::member::{
    Flag, Member, Optional, OptionalRole, PresentText, RoleName, email_address, id, mobile_number,
};
use crate::request::page::{ADMIN_PAGE, PageOf};
use crate::request::{Body, RequestFaults};

/// The most characters of a search: an address is no longer.
const LONGEST_SEARCH: usize = 254;

request! {
    /// A new user, who chooses a password by mail.
    CreateUserBody as "CreateUser" {
        /// The address; unique in the tenant, compared without regard to case.
        email: Email = "email", email_address();
        /// Unique in the tenant, compared without regard to case; it reads neither as an address nor as a number.
        username: Option<Username> = "username", Optional(PresentText(Username::parse).with(sample_username));
        /// Unique in the tenant, compared without separators.
        mobile: Option<Mobile> = "mobile", Optional(mobile_number());
        /// The name.
        name: Option<PersonName> = "name", Optional(PresentText(PersonName::new).with(sample_name));
        /// The role; `user` where none is given.
        role: Role = "role", OptionalRole;
    }
}

request! {
    /// Another role for a user.
    SetRoleBody as "SetRole", derives(PartialEq, Eq) {
        /// The user.
        user: UserId = "userId", id(UserId::from_uuid);
        /// The role from now on.
        role: Role = "role", RoleName;
    }
}

request! {
    /// One user.
    UserPath as "User", derives(PartialEq, Eq) {
        /// The user.
        user: UserId = "userId", id(UserId::from_uuid);
    }
}

request! {
    /// One session of a user.
    SessionPath as "Session", derives(PartialEq, Eq) {
        /// The user.
        user: UserId = "userId", id(UserId::from_uuid);
        /// The session.
        session: SessionId = "sessionId", id(SessionId::from_uuid);
    }
}

request! {
    /// Which users to list.
    ListUsersQuery as "ListUsers", derives(PartialEq, Eq) {
        /// Where the page begins, and how long it is.
        page: Page<UserId> = "cursor", PageOf(ADMIN_PAGE, UserId::from_uuid);
        /// Only users who match it.
        search: Option<String> = "search", Search;
    }
}

request! {
    /// Which sessions of a user to list.
    UserSessionsQuery as "UserSessions", derives(PartialEq, Eq) {
        /// The user.
        user: UserId = "userId", id(UserId::from_uuid);
        /// Where the page begins, and how long it is.
        page: Page<SessionId> = "cursor", PageOf(ADMIN_PAGE, SessionId::from_uuid);
        /// The sessions that have ended lately, instead of those that live.
        ended: bool = "ended", Flag { in_query: true };
    }
}

/// A text to search for; `None` where it is absent or blank.
struct Search;

impl Member for Search {
    type Value = Option<String>;
    const IS_REQUIRED: bool = false;

    fn read(&self, body: &Body, name: &str, faults: &mut RequestFaults) -> Option<Option<String>> {
        let text = Optional(PresentText(|text: &str| Ok::<_, &str>(text.trim().to_owned())))
            .read(body, name, faults)?;
        let text = text.filter(|text| !text.is_empty());
        if text.as_ref().is_some_and(|text| text.chars().count() > LONGEST_SEARCH) {
            return faults
                .add(name, format_args!("must be shorter than or equal to {LONGEST_SEARCH} characters"));
        }
        Some(text)
    }

    fn schema(&self) -> ObjectBuilder {
        ObjectBuilder::new().schema_type(Type::String).max_length(Some(LONGEST_SEARCH))
    }
}
