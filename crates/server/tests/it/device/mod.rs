//! Device sessions. What is the same over HTTP and TCP is tested over both.

mod admin;
mod contention;
mod cross_site;
mod device_proof;
mod gateway;
mod known_devices;
mod lifecycle;
mod lockout;
mod mail;
mod outage;
mod pagination;
mod resent_codes;
mod reset_links;
mod secret_leaks;
mod tenant_isolation;
mod tenants;
mod unreadable_records;

use portcullis_core::tenant::{SecondStep, TenantSettings};

/// The settings of a tenant without a second step.
fn without_codes() -> TenantSettings {
    TenantSettings { otp: Some(SecondStep::Off), ..TenantSettings::default() }
}
