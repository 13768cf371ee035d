//! `portcullis user create`

use clap::Args;
use portcullis_core::email::Email;
use portcullis_core::engine::{Engine, NewUser, UserAdminError};
use portcullis_core::id::TenantId;
use portcullis_core::mobile::Mobile;
use portcullis_core::user::{PersonName, Role};
use portcullis_core::username::{LoginName, Username};

use super::UserJson;
use crate::cli::context::CommandContext;
use crate::cli::escaped::Escaped;
use crate::cli::failure::Failure;
use crate::cli::output::write_json;
use crate::cli::password::PasswordSource;
use crate::cli::target::email;

/// Create a user
///
/// The command asks for the password on the terminal, or reads it from standard input. The password must satisfy the
/// same rules as at sign-up: 8 characters in development mode, otherwise 15 (8 if otp is forced) and not a common one.
/// In development mode the command creates a missing database; with a public URL it refuses to.
#[derive(Args, Debug)]
pub(super) struct CreateUser {
    /// Email address to sign in with, unique in the tenant
    #[arg(long, value_parser = email)]
    email: Email,
    /// User name to sign in with instead, unique in the tenant
    #[arg(long, value_name = "NAME", value_parser = Username::parse)]
    username: Option<Username>,
    /// Mobile number to sign in with instead, unique in the tenant
    #[arg(long, value_name = "NUMBER", value_parser = Mobile::parse)]
    mobile: Option<Mobile>,
    /// Full name of the user
    #[arg(long, value_parser = PersonName::new)]
    name: PersonName,
    /// Role: user, manager or admin
    #[arg(long, default_value = "user")]
    role: Role,
    #[command(flatten)]
    pub(super) password: PasswordSource,
    /// Write the user as JSON, for programs
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(
    CreateUser { email, username, mobile, name, role, password, json }: CreateUser,
    context: &mut CommandContext<'_>,
) -> Result<(), Failure> {
    let CommandContext { engine, tenant, .. } = *context;
    let password = password.read()?;
    let new = NewUser { email, username, mobile, name: Some(name), role };
    let made = engine.create_user(tenant, new.clone(), password).await;
    if let Err(UserAdminError::Taken) = made {
        return Err(taken(&new, engine, tenant).await);
    }
    let user = made?;
    if json {
        return write_json(&UserJson { user: &user, locked: None }, context.out);
    }
    let (email, role, id) = (Escaped(user.email.as_typed()), user.role, user.key.id);
    context.say(format_args!("Created {email} ({role}, id {id}) in tenant {tenant}."))
}

/// The message that names what another user already has.
async fn taken(new: &NewUser, engine: &Engine, tenant: &TenantId) -> Failure {
    let email = LoginName::Email(new.email.clone());
    let others = [
        new.username.clone().map(|name| (name.to_string(), LoginName::Username(name))),
        new.mobile.clone().map(|number| (number.to_string(), LoginName::Mobile(number))),
    ];
    let named = [(new.email.as_typed().to_owned(), email)].into_iter().chain(others.into_iter().flatten());
    for (shown, name) in named {
        if engine.user_by_login(tenant, &name).await.is_ok() {
            return Failure::other(format_args!(
                "tenant {tenant} already has a user {shown}; `portcullis user password` sets another password"
            ));
        }
    }
    UserAdminError::Taken.into()
}
