//! `portcullis user role`

use std::io::Write;

use clap::Args;
use portcullis_core::engine::Engine;
use portcullis_core::id::TenantId;
use portcullis_core::user::Role;

use crate::cli::escaped::Escaped;
use crate::cli::failure::Failure;
use crate::cli::target::UserSelector;

/// Change the role of a user
///
/// Strategies that look sessions up apply the new role within a second. Under jwt and refresh, the role in a token
/// counts until the token expires.
#[derive(Args, Debug)]
pub(super) struct SetRole {
    /// An email address, a user name, a mobile number or an id
    #[arg(value_name = "USER")]
    selector: UserSelector,
    /// New role: user, manager or admin
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
