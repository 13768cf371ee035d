//! The variables that sentences of a mail may use. Text that a user or a stranger typed is defanged here. No secret is
//! among them, so none gets into a subject.

use std::time::Duration;

use minijinja::context;
use minijinja::value::{Value, merge_maps};
use portcullis_core::clock::Timestamp;
use portcullis_core::outgoing_mail::MailContent;

use super::defang::defang;

/// The most characters of a user's name.
pub(super) const LONGEST_NAME: usize = 64;
/// The most characters of a device's name.
const LONGEST_DEVICE: usize = 100;
/// The most characters of an address: an IPv6 address with its zone.
const LONGEST_ADDRESS: usize = 64;

/// What a mail is made of.
#[derive(Clone, Copy)]
pub(super) struct MailInput<'a> {
    pub(super) tenant_name: &'a str,
    /// The name of its user.
    pub(super) name: Option<&'a str>,
    /// What it tells; `None` in the mail with which an operator tries the mail server.
    pub(super) content: Option<&'a MailContent>,
    pub(super) at: Timestamp,
}

/// The variables of a mail.
pub(super) fn variables(input: MailInput<'_>) -> Value {
    let MailInput { tenant_name, name, content, at: now } = input;
    let name = name.map(|name| defang(name, LONGEST_NAME)).filter(|name| !name.is_empty());
    let common = context! { tenant => tenant_name, name => name };
    let special = match content {
        Some(MailContent::Code { expires, device, address, .. }) => {
            merge_maps([life(*expires, now), origin(device, address)])
        }
        Some(
            MailContent::Unlock { expires, .. }
            | MailContent::Reset { expires, .. }
            | MailContent::Welcome { expires, .. },
        ) => life(*expires, now),
        Some(MailContent::PasswordChanged { at }) => context! { at => moment(*at) },
        Some(
            MailContent::NewDevice { device, address, at }
            | MailContent::RefreshReused { device, address, at }
            | MailContent::RefreshShared { device, address, at },
        ) => merge_maps([origin(device, address), context! { at => moment(*at) }]),
        Some(MailContent::SignUpAttempted) => context! {},
        None => context! { at => moment(now) },
    };
    merge_maps([common, special])
}

fn life(expires: Timestamp, now: Timestamp) -> Value {
    let minutes = expires.since(now).as_millis().div_ceil(Duration::from_mins(1).as_millis());
    context! { expires => moment(expires), minutes => u64::try_from(minutes).unwrap_or(u64::MAX) }
}

fn origin(device: &str, address: &str) -> Value {
    context! { device => defang(device, LONGEST_DEVICE), address => defang(address, LONGEST_ADDRESS) }
}

/// To the minute: `2026-01-28 22:12 UTC`.
fn moment(at: Timestamp) -> String {
    let text = at.to_string();
    let minute = text.get(..16).unwrap_or(&text).replacen('T', " ", 1);
    format!("{minute} UTC")
}
