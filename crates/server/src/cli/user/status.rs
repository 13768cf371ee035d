//! `portcullis user disable`, `portcullis user enable`, `portcullis user unlock`

use std::io::Write;

use portcullis_core::engine::Engine;
use portcullis_core::id::TenantId;

use crate::cli::escaped::Escaped;
use crate::cli::failure::Failure;
use crate::cli::target::UserSelector;

pub(super) async fn disable(
    selector: &UserSelector,
    engine: &Engine,
    tenant: &TenantId,
    out: &mut (dyn Write + Send),
) -> Result<(), Failure> {
    let found = selector.find(engine, tenant).await?;
    let user = engine.disable_user(&found.key).await?;
    Ok(writeln!(
        out,
        "{} is disabled: the user cannot sign in, and all sessions have ended.",
        Escaped(user.email.as_typed())
    )?)
}

pub(super) async fn enable(
    selector: &UserSelector,
    engine: &Engine,
    tenant: &TenantId,
    out: &mut (dyn Write + Send),
) -> Result<(), Failure> {
    let found = selector.find(engine, tenant).await?;
    let user = engine.enable_user(&found.key).await?;
    Ok(writeln!(out, "{} is enabled and can sign in again.", Escaped(user.email.as_typed()))?)
}

pub(super) async fn unlock(
    selector: &UserSelector,
    engine: &Engine,
    tenant: &TenantId,
    out: &mut (dyn Write + Send),
) -> Result<(), Failure> {
    let found = selector.find(engine, tenant).await?;
    engine.unlock_user(&found.key).await?;
    Ok(writeln!(out, "{} is unlocked.", Escaped(found.email.as_typed()))?)
}
