//! The tenant and the user that a command works on.

use std::str::FromStr;

use clap::Args;
use portcullis_core::email::Email;
use portcullis_core::engine::UserAdminError;
use portcullis_core::id::{TenantId, UserId, UserKey};
use portcullis_core::store::StoreError;
use portcullis_core::user::User;
use portcullis_core::username::LoginName;

use super::context::CommandContext;
use super::failure::Failure;

/// The tenant that a command works in.
#[derive(Args, Clone, Debug)]
pub(super) struct TenantOption {
    /// The tenant [default: default]
    #[arg(long, value_name = "NAME", global = true)]
    tenant: Option<TenantId>,
}

impl TenantOption {
    /// Whether the command line names a tenant.
    pub(super) const fn is_named(&self) -> bool {
        self.tenant.is_some()
    }

    pub(super) fn id(&self) -> TenantId {
        self.tenant.clone().unwrap_or_else(TenantId::default_tenant)
    }
}

// Without a text of its own, so that the help of each command remains.
#[derive(Args, Debug)]
pub(super) struct NamedUser {
    /// An email address, a user name, a mobile number or an id
    #[arg(value_name = "USER")]
    pub(super) selector: UserSelector,
}

/// A user on the command line: an id, or a name that the user signs in with.
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
            .map_err(|_| "not an email address, a user name, a mobile number or the id of a user")
    }
}

impl UserSelector {
    /// The user, read from the store.
    pub(super) async fn find(&self, context: &CommandContext<'_>) -> Result<User, Failure> {
        let CommandContext { engine, tenant, .. } = context;
        let found = match self {
            Self::Login { name, .. } => engine.user_by_login(tenant, name).await,
            Self::Id(id) => engine.user(&UserKey { tenant: (*tenant).clone(), id: *id }).await,
        };
        found.map_err(|fault| match fault {
            UserAdminError::NotFound => Failure::other(format_args!(
                "there is no user {} in tenant {tenant}; `portcullis user list --tenant {tenant}` lists its users",
                self.text()
            )),
            UserAdminError::Store(fault @ StoreError::Corrupt { .. }) => {
                Failure::other(format_args!("{fault}; `portcullis mend` mends such records"))
            }
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

/// Parses an email address.
pub(super) fn email(text: &str) -> Result<Email, &'static str> {
    Email::parse(text).map_err(|_| "not an email address")
}
