//! `portcullis tenant suspend`, `portcullis tenant resume`

use std::io::Write;

use portcullis_core::engine::Engine;
use portcullis_core::id::TenantId;

use crate::cli::failure::Failure;

pub(super) async fn suspend(
    tenant: &TenantId,
    engine: &Engine,
    out: &mut (dyn Write + Send),
) -> Result<(), Failure> {
    engine.suspend_tenant(tenant).await?;
    Ok(writeln!(
        out,
        "Tenant {tenant} is suspended: its users cannot sign in, and all of their sessions have ended."
    )?)
}

pub(super) async fn resume(
    tenant: &TenantId,
    engine: &Engine,
    out: &mut (dyn Write + Send),
) -> Result<(), Failure> {
    engine.resume_tenant(tenant).await?;
    Ok(writeln!(
        out,
        "Tenant {tenant} is active: its users can sign in again. Sessions that were ended stay ended."
    )?)
}
