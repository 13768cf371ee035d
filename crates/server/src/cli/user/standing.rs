//! `portcullis user disable`, `portcullis user enable`, `portcullis user unlock`

use std::io::Write;

use portcullis_core::engine::Engine;
use portcullis_core::id::TenantId;

use crate::cli::audience::Who;
use crate::cli::failure::Failure;
use crate::cli::printable::Shown;

pub(super) async fn disable(
    who: &Who,
    engine: &Engine,
    tenant: &TenantId,
    out: &mut (dyn Write + Send),
) -> Result<(), Failure> {
    let found = who.find(engine, tenant).await?;
    let user = engine.disable_user(&found.key).await?;
    Ok(writeln!(out, "{} may not sign in any more, and every session is ended.", Shown(user.email.shown()))?)
}

pub(super) async fn enable(
    who: &Who,
    engine: &Engine,
    tenant: &TenantId,
    out: &mut (dyn Write + Send),
) -> Result<(), Failure> {
    let found = who.find(engine, tenant).await?;
    let user = engine.enable_user(&found.key).await?;
    Ok(writeln!(out, "{} may sign in again.", Shown(user.email.shown()))?)
}

pub(super) async fn unlock(
    who: &Who,
    engine: &Engine,
    tenant: &TenantId,
    out: &mut (dyn Write + Send),
) -> Result<(), Failure> {
    let found = who.find(engine, tenant).await?;
    engine.unlock_user(&found.key).await?;
    Ok(writeln!(out, "{} is not locked any more.", Shown(found.email.shown()))?)
}
