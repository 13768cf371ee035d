//! `portcullis user create`

use std::io::Write;

use clap::Args;
use portcullis_core::email::Email;
use portcullis_core::engine::{AccountError, Engine, NewUser};
use portcullis_core::id::TenantId;
use portcullis_core::user::{PersonName, Role};

use super::Record;
use crate::cli::audience::email;
use crate::cli::failure::Failure;
use crate::cli::password::Source;
use crate::cli::shown::{Shown, write_json};

/// Make a user
///
/// The password is asked for on the terminal or read from standard input, and must satisfy the same rules as at
/// sign-up: 8 characters in development mode, else 15 and not a common one. In development mode a database that is
/// not there is made; with a public URL it is refused.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The address to sign in with, unique in the tenant
    #[arg(long, value_parser = email)]
    email: Email,
    /// What the user is called
    #[arg(long, value_parser = PersonName::whole)]
    name: PersonName,
    /// What the user may do: user, manager or admin
    #[arg(long, default_value = "user")]
    role: Role,
    #[command(flatten)]
    password: Source,
    /// Write the user as JSON, for programs
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub(super) fn check(&self) -> Result<(), Failure> {
        self.password.check()
    }
}

pub(super) async fn run(
    Arguments { email, name, role, password, json }: Arguments,
    engine: &Engine,
    tenant: &TenantId,
    out: &mut (dyn Write + Send),
) -> Result<(), Failure> {
    let password = password.read()?;
    let shown = email.shown().to_owned();
    let new = NewUser { role, ..NewUser::new(email, Some(name)) };
    let user = engine.create_user(tenant, new, password).await.map_err(|fault| match fault {
        AccountError::Taken => Failure::other(format_args!(
            "tenant {tenant} has a user {shown} already; `portcullis user password` sets another password"
        )),
        fault => fault.into(),
    })?;
    if json {
        return write_json(&Record::of(&user), out);
    }
    let (email, role, id) = (user.email.shown(), user.role, user.key.id);
    Ok(writeln!(out, "Made {} ({role}, id {id}) in tenant {tenant}.", Shown(email))?)
}
