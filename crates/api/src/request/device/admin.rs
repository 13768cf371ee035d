//! The bodies, paths and queries of the administration. Whom they are about is named by the path.

use portcullis_core::email::Email;
use portcullis_core::id::{SessionId, UserId};
use portcullis_core::mobile::Mobile;
use portcullis_core::store::Page;
use portcullis_core::user::{PersonName, Role};
use portcullis_core::username::Username;

use crate::request::members::PAGE;
use crate::request::{Body, Faults};

/// The most characters of what is searched for: an address is no longer.
const LONGEST_SEARCH: usize = 254;

/// A new user. There is no password in it: whoever it is chooses one by mail.
#[derive(Debug)]
pub struct CreateUser {
    /// The address.
    pub email: Email,
    /// The user name.
    pub username: Option<Username>,
    /// The mobile number.
    pub mobile: Option<Mobile>,
    /// The name.
    pub name: Option<PersonName>,
    /// The role.
    pub role: Role,
}

impl CreateUser {
    /// Reads a new user.
    ///
    /// # Errors
    /// The [`Faults`] of its members.
    pub fn read(body: &Body) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let email = body.email(&mut faults);
        let username = body.username(&mut faults);
        let mobile = body.mobile(&mut faults);
        let name = body.name(&mut faults);
        let role = body.member("role").and_then(|_| body.role(&mut faults)).unwrap_or_default();
        faults.none_or(email.map(|email| Self { email, username, mobile, name, role }))
    }
}

/// Another role for a user.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SetRole {
    /// Whose.
    pub user: UserId,
    /// Which.
    pub role: Role,
}

impl SetRole {
    /// Reads another role.
    ///
    /// # Errors
    /// The [`Faults`] of its members.
    pub fn read(body: &Body) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let user = user(body, &mut faults);
        let role = body.role(&mut faults);
        faults.none_or(user.zip(role).map(|(user, role)| Self { user, role }))
    }
}

fn user(body: &Body, faults: &mut Faults) -> Option<UserId> {
    body.uuid("userId", faults).map(UserId::from_uuid)
}

/// One user.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OneUser {
    /// Who.
    pub user: UserId,
}

impl OneUser {
    /// Reads whom a request is about.
    ///
    /// # Errors
    /// The [`Faults`] of its path.
    pub fn read(body: &Body) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let user = user(body, &mut faults);
        faults.none_or(user.map(|user| Self { user }))
    }
}

/// One session of a user.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OneSession {
    /// Whose.
    pub user: UserId,
    /// Which.
    pub session: SessionId,
}

impl OneSession {
    /// Reads which session a request is about.
    ///
    /// # Errors
    /// The [`Faults`] of its path.
    pub fn read(body: &Body) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let user = user(body, &mut faults);
        let session = body.uuid("sessionId", &mut faults).map(SessionId::from_uuid);
        faults.none_or(user.zip(session).map(|(user, session)| Self { user, session }))
    }
}

/// Which users to list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListUsers {
    /// Which stretch of the list.
    pub page: Page<UserId>,
    /// Only those that fit it.
    pub search: Option<String>,
}

impl ListUsers {
    /// Reads the query of a list.
    ///
    /// # Errors
    /// The [`Faults`] of its members.
    pub fn read(query: &Body) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let page = query.page(PAGE, UserId::from_uuid, &mut faults);
        let search = query.spelled(&["search"], &mut faults).map(str::trim).filter(|text| !text.is_empty());
        if search.is_some_and(|text| text.chars().count() > LONGEST_SEARCH) {
            let fault = format_args!("must be shorter than or equal to {LONGEST_SEARCH} characters");
            faults.add::<()>("search", fault);
        }
        faults.none_or(Some(Self { page, search: search.map(str::to_owned) }))
    }
}

/// Which sessions of a user to list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UserSessions {
    /// Whose.
    pub user: UserId,
    /// Which stretch of the list.
    pub page: Page<SessionId>,
    /// The ended ones, instead of those that live.
    pub ended: bool,
}

impl UserSessions {
    /// Reads the query of a list, which [has its path](Body::with_path).
    ///
    /// # Errors
    /// The [`Faults`] of its members.
    pub fn read(query: &Body) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let user = user(query, &mut faults);
        let page = query.page(PAGE, SessionId::from_uuid, &mut faults);
        let ended = query.spelled_flag("ended", &mut faults);
        faults.none_or(user.map(|user| Self { user, page, ended }))
    }
}
