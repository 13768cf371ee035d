//! `portcullis user password`

use std::io::Write;

use clap::Args;
use portcullis_core::engine::Engine;
use portcullis_core::id::TenantId;

use crate::cli::escaped::Escaped;
use crate::cli::failure::Failure;
use crate::cli::password::PasswordSource;
use crate::cli::target::UserSelector;

/// Set a user's password, and end all sessions of the user
///
/// The command asks for the password on the terminal, or reads it from standard input. The password must satisfy the
/// same rules as at sign-up.
#[derive(Args, Debug)]
pub(super) struct SetPassword {
    /// An email address, a user name, a mobile number or an id
    #[arg(value_name = "USER")]
    selector: UserSelector,
    #[command(flatten)]
    password: PasswordSource,
}

impl SetPassword {
    pub(super) fn check(&self) -> Result<(), Failure> {
        self.password.check()
    }
}

pub(super) async fn run(
    SetPassword { selector, password }: &SetPassword,
    engine: &Engine,
    tenant: &TenantId,
    out: &mut (dyn Write + Send),
) -> Result<(), Failure> {
    let found = selector.find(engine, tenant).await?;
    let user = engine.set_password(&found.key, password.read()?).await?;
    Ok(writeln!(
        out,
        "The password of {} is set, and all sessions of the user have ended.",
        Escaped(user.email.as_typed())
    )?)
}
