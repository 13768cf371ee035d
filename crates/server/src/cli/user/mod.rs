//! `portcullis user …`

mod create;
mod list;

use clap::{Args, Subcommand};
use portcullis_core::clock::Timestamp;
use portcullis_core::mobile::Mobile;
use portcullis_core::user::{PersonName, Role, User};
use portcullis_core::username::Username;
use portcullis_stores::IfMissing;

use super::context::CommandContext;
use super::database::with_engine;
use super::escaped::Escaped;
use super::failure::Failure;
use super::output::Output;
use super::password::PasswordSource;
use super::target::{NamedUser, TenantOption};
use crate::config::Config;
use create::CreateUser;

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
    Create(CreateUser),
    List(list::ListUsers),
    /// Disable a user: end all sessions, and refuse every sign-in from now on
    ///
    /// An access token that is verified by its signature alone (strategies jwt and refresh) stays valid until it
    /// expires.
    Disable(NamedUser),
    /// Enable a user, who can then sign in again
    ///
    /// Sessions that were ended stay ended.
    Enable(NamedUser),
    /// Unlock an account that wrong passwords have locked
    ///
    /// The count of wrong passwords begins again. The password stays the same.
    Unlock(NamedUser),
    /// Change the role of a user
    ///
    /// Strategies that look sessions up apply the new role within a second. Under jwt and refresh, the role in a token
    /// counts until the token expires.
    Role {
        #[command(flatten)]
        user: NamedUser,
        /// New role: user, manager or admin
        role: Role,
    },
    /// Set a user's password, and end all sessions of the user
    ///
    /// The command asks for the password on the terminal, or reads it from standard input. The password must satisfy
    /// the same rules as at sign-up.
    Password {
        #[command(flatten)]
        user: NamedUser,
        #[command(flatten)]
        password: PasswordSource,
    },
}

pub(super) async fn run(command: UserCommand, config: &Config, out: &mut Output<'_>) -> Result<(), Failure> {
    let UserCommand { tenant, action } = command;
    if let UserAction::Create(CreateUser { password, .. }) | UserAction::Password { password, .. } = &action {
        password.check()?;
    }
    let is_create = matches!(action, UserAction::Create(_));
    let missing = if is_create { IfMissing::Create } else { IfMissing::Refuse };
    with_engine(config, &tenant.id(), missing, out, async |context| action.run(context).await).await
}

impl UserAction {
    async fn run(self, context: &mut CommandContext<'_>) -> Result<(), Failure> {
        let engine = context.engine;
        match self {
            Self::Create(arguments) => create::run(arguments, context).await,
            Self::List(arguments) => list::run(&arguments, context).await,
            Self::Disable(NamedUser { selector }) => {
                let user = engine.disable_user(&selector.find(context).await?.key).await?;
                context.say_of(&user, "is disabled: the user cannot sign in, and all sessions have ended.")
            }
            Self::Enable(NamedUser { selector }) => {
                let user = engine.enable_user(&selector.find(context).await?.key).await?;
                context.say_of(&user, "is enabled and can sign in again.")
            }
            Self::Unlock(NamedUser { selector }) => {
                let user = selector.find(context).await?;
                engine.unlock_user(&user.key).await?;
                context.say_of(&user, "is unlocked.")
            }
            Self::Role { user, role } => {
                let user = engine.set_role(&user.selector.find(context).await?.key, role).await?;
                context.say_of(&user, format_args!("has the role {}.", user.role))
            }
            Self::Password { user, password } => {
                let found = user.selector.find(context).await?;
                let user = engine.set_password(&found.key, password.read()?).await?;
                let shown = Escaped(user.email.as_typed());
                context.say(format_args!(
                    "The password of {shown} is set, and all sessions of the user have ended."
                ))
            }
        }
    }
}

json_object! {
    /// A user as JSON. `locked` is the end of a lockout.
    UserJson { user: &'a User, locked: Option<Timestamp> } => {
        "id": user.key.id,
        "tenant": user.key.tenant,
        "email": user.email.as_typed(),
        "username": user.username.as_ref().map(Username::as_typed),
        "mobile": user.mobile.as_ref().map(Mobile::as_str),
        "name": user.name.as_ref().map(PersonName::full),
        "role": user.role.as_str(),
        "created": user.created,
        "updated": user.updated,
        "disabled": user.disabled,
        "locked": locked,
    }
}
