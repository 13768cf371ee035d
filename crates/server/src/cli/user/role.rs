//! `portcullis user role`

use std::io::Write;

use clap::Args;
use portcullis_core::engine::Engine;
use portcullis_core::id::TenantId;
use portcullis_core::user::Role;

use crate::cli::escaped::Escaped;
use crate::cli::failure::Failure;
use crate::cli::target::UserSelector;

/// Give a user another role
///
/// Whoever asks the server knows it at once; a token that names a role names the former one until it is renewed.
#[derive(Args, Debug)]
pub(super) struct SetRole {
    /// An email address, a user name, a mobile number or an id
    #[arg(value_name = "USER")]
    selector: UserSelector,
    /// user, manager or admin
    role: Role,
}

pub(super) async fn run(
    SetRole { selector, role }: &SetRole,
    engine: &Engine,
    tenant: &TenantId,
    out: &mut (dyn Write + Send),
) -> Result<(), Failure> {
    let found = selector.find(engine, tenant).await?;
    let user = engine.set_role(&found.key, *role).await?;
    Ok(writeln!(out, "{} has the role {}.", Escaped(user.email.as_typed()), user.role)?)
}
