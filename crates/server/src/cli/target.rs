//! Whom a command is about: a tenant, a user of it.

use std::str::FromStr;

use clap::Args;
use portcullis_core::email::Email;
use portcullis_core::engine::{Engine, UserAdminError};
use portcullis_core::id::{TenantId, UserId, UserKey};
use portcullis_core::user::User;
use portcullis_core::username::LoginName;

use super::failure::Failure;

/// The tenant that a command works in.
#[derive(Args, Clone, Debug)]
pub(super) struct TenantOption {
    /// The tenant; without this, the one called default
    #[arg(long, value_name = "NAME", global = true)]
    tenant: Option<TenantId>,
}

impl TenantOption {
    pub(super) fn id(&self) -> TenantId {
        self.tenant.clone().unwrap_or_else(TenantId::default_tenant)
    }
}

/// How a user is named on the command line: by id, or by what they sign in with.
#[derive(Clone, Debug)]
pub(super) enum UserSelector {
    Id(UserId),
    Login { name: LoginName, typed: String },
}

impl FromStr for UserSelector {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(id) = text.parse() {
            return Ok(Self::Id(id));
        }
        let login = |name| Self::Login { name, typed: text.to_owned() };
        LoginName::parse(text)
            .map(login)
            .map_err(|_| "neither an email address, a user name, a mobile number nor the id of a user")
    }
}

impl UserSelector {
    /// The user who is meant.
    pub(super) async fn find(&self, engine: &Engine, tenant: &TenantId) -> Result<User, Failure> {
        let found = match self {
            Self::Login { name, .. } => engine.user_by_login(tenant, name).await,
            Self::Id(id) => engine.user(&UserKey { tenant: tenant.clone(), id: *id }).await,
        };
        found.map_err(|fault| match fault {
            UserAdminError::NotFound => Failure::other(format_args!(
                "there is no user {} in tenant {tenant}; `portcullis user list --tenant {tenant}` shows who there is",
                self.text()
            )),
            fault => fault.into(),
        })
    }

    fn text(&self) -> String {
        match self {
            Self::Login { typed, .. } => typed.clone(),
            Self::Id(id) => id.to_string(),
        }
    }
}

/// An address, with a refusal for people.
pub(super) fn email(text: &str) -> Result<Email, &'static str> {
    Email::parse(text).map_err(|_| "not an email address")
}
