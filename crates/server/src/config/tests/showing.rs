//! What people are shown, and what never.

use super::*;

// ASVS-map: OP6
#[test]
fn no_secret_is_shown_by_a_report_a_fault_or_debug() {
    let canary = "Kq7w-canary-Kq7w";
    let (long, longer) = (format!("{canary}{SECRET}"), format!("{canary}{OTHER_SECRET}"));
    let good =
        operator().in_production().variable("JWT_SECRET", &long).variable("SESSION_SECRET", &longer).config();
    let report = good.report();
    let shown = format!("{good:?} {}", serde_json::to_string(report).unwrap());
    assert!(!shown.contains(canary) && !shown.contains(KEY), "{shown}");
    assert_eq!(report.row("jwt_secret").unwrap().value.as_deref(), Some("(set)"));

    for setting in settings::all().filter(|setting| setting.secret) {
        for told in [
            operator().variable(&setting.variable(), canary).faults(),
            operator().file(&format!("{} = \"{canary}\"", setting.key)).faults(),
            operator().file(&format!("{} = [\"{canary}\"]", setting.key)).faults(),
            operator().file(&format!("{} = \"{canary}", setting.key)).faults(),
        ] {
            assert!(!told.is_empty() && !told.join("\n").contains(canary), "{told:?}");
        }
    }
}

#[test]
fn a_fault_is_one_line_whatever_was_stated() {
    for setting in settings::all().filter(|setting| setting.key != "data_dir") {
        let Err(faults) = operator().variable(&setting.variable(), "a\nb\u{1b}[2J").read() else { continue };
        assert!(faults.iter().all(|fault| !fault.to_string().contains(char::is_control)), "{faults:?}");
    }
}

#[test]
fn every_setting_is_reported_with_its_value_and_its_source() {
    let config = operator().flag("listen", "127.0.0.1:9").config();
    let row = config.report().row("listen").unwrap();
    assert_eq!((row.shown().as_str(), row.origin.to_string().as_str()), ("127.0.0.1:9", "flag --listen"));
    assert_eq!(config.report().row("config").unwrap().shown(), "(none)");
    let rows = serde_json::to_value(operator().config().report()).unwrap();
    assert_eq!(rows.as_array().unwrap().len(), settings::all().count());
    assert_eq!(rows[0], serde_json::json!({"key": "config", "value": null, "origin": "default"}));
    assert_eq!(operator().flag("listen", "x").variable("PORTCULLIS_X", "y").faults().len(), 2);
}

#[test]
fn the_examples_of_the_documentation_work() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
    let page = std::fs::read_to_string(page).unwrap();
    let examples: Vec<&str> =
        page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(examples.len(), 2);
    let modes: Vec<bool> = examples
        .iter()
        .map(|text| {
            operator()
                .file(
                    &text
                        .replace("/run/secrets/portcullis-master-key", "key")
                        .replace("/run/secrets/portcullis-mail-password", "password"),
                )
                .config()
                .is_development()
        })
        .collect();
    assert_eq!(modes, [true, false]);
}
