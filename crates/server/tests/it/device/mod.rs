//! The device-session surface, told as stories; where a story is the same over HTTP and TCP, it is told over both.

mod admin;
mod contention;
mod cross_site;
mod device_proof;
mod gateway;
mod lifecycle;
mod lockout;
mod mail;
mod outage;
mod pagination;
mod reset_links;
mod secret_leaks;
mod tenant_isolation;
mod tenants;

use portcullis_core::tenant::{SecondStep, TenantSettings};

/// What a tenant decides that wants no second step.
fn without_codes() -> TenantSettings {
    TenantSettings { otp: Some(SecondStep::Off), ..TenantSettings::default() }
}
