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

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/gateway.md");
    const FORWARD_AUTH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/forward-auth.md");
    const BEGIN: &str = "<!-- from the tables of keys: UPDATE_DOCS=1 cargo test -p portcullis-gateway -->\n";
    const END: &str = "<!-- end -->";

    #[test]
    fn the_page_shows_the_keys_as_they_are() {
        let page = std::fs::read_to_string(PAGE).unwrap();
        let (before, rest) = page.split_once(BEGIN).expect("the mark where the tables begin");
        let (_, after) = rest.split_once(END).expect("the mark where the tables end");
        let right = format!("{before}{BEGIN}{}{END}{after}", documentation());
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(PAGE, right).unwrap();
        } else {
            assert!(page == right, "docs/gateway.md is old: run again with UPDATE_DOCS=1");
        }
    }

    #[test]
    fn the_examples_of_the_pages_are_files_without_faults() {
        let pages = [PAGE, FORWARD_AUTH].map(|page| std::fs::read_to_string(page).unwrap()).concat();
        let examples = pages.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
        // The page of forward-auth has one of the server, too.
        let examples: Vec<&str> = examples.filter(|example| example.contains("feed_key_file")).collect();
        assert_eq!(examples.len(), 3);
        let authority = rcgen::generate_simple_self_signed(["internal".to_owned()]).unwrap();
        for example in examples {
            let environment = std::collections::BTreeMap::new();
            let open = |path: &std::path::Path| {
                Ok(match path.to_str() {
                    Some("gateway.toml") => example.to_owned(),
                    Some("internal-ca.pem") => authority.cert.pem(),
                    _ => "key".to_owned(),
                })
            };
            let sources = super::super::GatewaySources {
                file: "gateway.toml".into(),
                environment: &environment,
                listen: None,
                open: &open,
            };
            super::super::GatewayConfig::read(&sources).unwrap();
        }
    }
}
