//! The device-session surface, told as stories; where a story is the same over HTTP and TCP, it is told over both.

mod admin;
mod browsers;
mod canaries;
mod crowds;
mod devices;
mod gateway;
mod isolation;
mod links;
mod locks;
mod mail;
mod outage;
mod pages;
mod tenants;
mod walk;

use portcullis_core::tenant::{SecondStep, TenantSettings};

/// What a tenant decides that wants no second step.
fn without_codes() -> TenantSettings {
    TenantSettings { otp: Some(SecondStep::Off), ..TenantSettings::default() }
}
