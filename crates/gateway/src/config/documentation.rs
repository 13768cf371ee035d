//! The keys as tables of `docs/gateway.md`.

use std::fmt::Write as _;

use super::key::GatewayKey;
use super::route_settings::ROUTE_SETTINGS;
use super::settings::SETTINGS;

/// The keys outside the routes and those of a route, as two tables.
#[must_use]
pub fn documentation() -> String {
    let mut text = String::new();
    table(&mut text, SETTINGS);
    text.push('\n');
    table(&mut text, ROUTE_SETTINGS);
    text
}

fn table<D>(text: &mut String, keys: &[GatewayKey<D>]) {
    text.push_str("| key | default | meaning |\n|---|---|---|\n");
    for key in keys {
        let default = if key.default.is_empty() { "–".to_owned() } else { format!("`{}`", key.default) };
        let _ = writeln!(text, "| `{}` | {default} | {} |", key.name, key.doc);
    }
}
