//! `portcullis user …`

mod create;
mod list;
mod password;
mod role;
mod status;

use std::io::Write;

use clap::{Args, Subcommand};
use portcullis_core::clock::Timestamp;
use portcullis_core::engine::Engine;
use portcullis_core::id::{TenantId, UserId};
use portcullis_core::mobile::Mobile;
use portcullis_core::user::{PersonName, User};
use portcullis_core::username::Username;
use portcullis_stores::IfMissing;
use serde::Serialize;

use super::database::with_engine;
use super::failure::Failure;
use super::target::{TenantOption, UserSelector};
use crate::config::Config;

pub(super) use list::everyone;

#[derive(Args, Debug)]
pub(super) struct UserCommand {
    #[command(flatten)]
    tenant: TenantOption,
    #[command(subcommand)]
    action: UserAction,
}

#[derive(Subcommand, Debug)]
enum UserAction {
    Create(create::CreateUser),
    List(list::ListUsers),
    /// Disable a user: end all sessions, and refuse every sign-in from now on
    ///
    /// An access token that is verified by its signature alone (strategies jwt and refresh) stays valid until it
    /// expires.
    Disable {
        /// An email address, a user name, a mobile number or an id
        #[arg(value_name = "USER")]
        selector: UserSelector,
    },
    /// Enable a user, who can then sign in again
    ///
    /// Sessions that were ended stay ended.
    Enable {
        /// An email address, a user name, a mobile number or an id
        #[arg(value_name = "USER")]
        selector: UserSelector,
    },
    /// Unlock an account that wrong passwords have locked
    ///
    /// The count of wrong passwords begins again. The password stays the same.
    Unlock {
        /// An email address, a user name, a mobile number or an id
        #[arg(value_name = "USER")]
        selector: UserSelector,
    },
    Role(role::SetRole),
    Password(password::SetPassword),
}

pub(super) async fn run(
    UserCommand { tenant, action }: UserCommand,
    config: &Config,
    out: &mut (dyn Write + Send),
) -> Result<(), Failure> {
    match &action {
        UserAction::Create(arguments) => arguments.check()?,
        UserAction::Password(arguments) => arguments.check()?,
        _ => (),
    }
    let is_create = matches!(action, UserAction::Create(_));
    let missing = if is_create { IfMissing::Create } else { IfMissing::Refuse };
    let tenant = tenant.id();
    with_engine(config, &tenant, missing, async |engine| action.run(engine, &tenant, out).await).await
}

impl UserAction {
    async fn run(
        self,
        engine: &Engine,
        tenant: &TenantId,
        out: &mut (dyn Write + Send),
    ) -> Result<(), Failure> {
        match self {
            Self::Create(arguments) => create::run(arguments, engine, tenant, out).await,
            Self::List(arguments) => list::run(&arguments, engine, tenant, out).await,
            Self::Disable { selector } => status::disable(&selector, engine, tenant, out).await,
            Self::Enable { selector } => status::enable(&selector, engine, tenant, out).await,
            Self::Unlock { selector } => status::unlock(&selector, engine, tenant, out).await,
            Self::Role(arguments) => role::run(&arguments, engine, tenant, out).await,
            Self::Password(arguments) => password::run(&arguments, engine, tenant, out).await,
        }
    }
}

/// A user as JSON.
#[derive(Serialize)]
struct UserJson<'a> {
    id: UserId,
    tenant: &'a TenantId,
    email: &'a str,
    username: Option<&'a str>,
    mobile: Option<&'a str>,
    name: Option<&'a str>,
    role: &'static str,
    created: Timestamp,
    updated: Timestamp,
    disabled: Option<Timestamp>,
    locked: Option<Timestamp>,
}

impl<'a> UserJson<'a> {
    /// `locked` is the end of a lockout.
    fn of(user: &'a User, locked: Option<Timestamp>) -> Self {
        Self {
            id: user.key.id,
            tenant: &user.key.tenant,
            email: user.email.as_typed(),
            username: user.username.as_ref().map(Username::as_typed),
            mobile: user.mobile.as_ref().map(Mobile::as_str),
            name: user.name.as_ref().map(PersonName::full),
            role: user.role.as_str(),
            created: user.created,
            updated: user.updated,
            disabled: user.disabled,
            locked,
        }
    }
}
