//! Pages as HTML.

use std::collections::BTreeMap;
use std::fs;

use portcullis_core::tenant::TenantSettings;
use tempfile::TempDir;

use super::page::Pages;
use super::render::{PageInput, render};
use crate::config::{Config, Flags};
use crate::templates::{PageKind, export};

const ENGLISH: &str = include_str!("../../templates/built_in/en.toml");
const PAGE: &str = include_str!("../../templates/built_in/page.html");

fn load(variables: &[(&str, &str)]) -> Result<Pages, String> {
    let env: BTreeMap<String, String> =
        variables.iter().map(|(name, value)| (format!("PORTCULLIS_{name}"), (*value).to_owned())).collect();
    let config = Config::read(&Flags::default(), &env, &|_| Ok(String::new())).unwrap();
    Pages::load(&config).map_err(|fault| fault.to_string())
}

/// The faults of a folder with this file.
fn fault(name: &str, text: &str) -> String {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join(name), text).unwrap();
    let path = folder.path().to_string_lossy().into_owned();
    load(&[("MAIL_TEMPLATES", &path)]).unwrap_err().replace(&format!("{path}/"), "")
}

#[test]
fn a_slip_in_a_page_is_reported_at_the_start_with_its_file_and_line() {
    let line = |text: &str, within: &str| 1 + text.lines().position(|line| line.contains(within)).unwrap();
    let title = line(PAGE, "<title>");
    for (name, text, expected) in [
        (
            "page.html",
            PAGE.replacen("{{ title }}", "{{ titel }}", 1),
            format!("page.html:{title}: undefined value"),
        ),
        (
            "page.html",
            PAGE.replace("{{ form.token }}", ""),
            "page.html: does not post `form.token`".to_owned(),
        ),
        (
            "page.html",
            PAGE.replace("name=\"newPassword\"", ""),
            "page.html: has no field with name=\"newPassword\"".to_owned(),
        ),
        (
            "page.html",
            PAGE.replace("<h1>", "<h1 style=\"color:red\">"),
            "page.html: has \"style=\", which browsers block".to_owned(),
        ),
        (
            "page.html",
            PAGE.replace("<h1>", "<script>1</script><h1>"),
            "page.html: has \"<script\", which browsers block".to_owned(),
        ),
        (
            "de.toml",
            ENGLISH.replace("Continue to {{ tenant }}", "Weiter zu {{ tennant }}"),
            format!("de.toml:{}: undefined value", line(ENGLISH, "Continue to")),
        ),
        ("de.toml", ENGLISH.replace("cross_site =", "cross ="), "de.toml:".to_owned()),
        (
            "de.toml",
            ENGLISH.replace("label = \"New password\"\n", ""),
            format!("de.toml:{}: the page of this title must have", line(ENGLISH, "[pages.reset]") + 1),
        ),
        (
            "de.toml",
            ENGLISH.replace("title = \"Account unlocked\"", "title = \"\"\nbutton = \"x\""),
            format!("de.toml:{}: the page of this title must have", line(ENGLISH, "[pages.unlock_done]") + 1),
        ),
    ] {
        let fault = fault(name, &text);
        assert!(fault.starts_with(&expected), "{expected}: {fault}");
    }
}

#[test]
fn exported_templates_give_the_same_pages() {
    let folder = TempDir::new().unwrap();
    export(folder.path(), false).unwrap();
    let own = load(&[("MAIL_TEMPLATES", &folder.path().to_string_lossy())]).unwrap();
    let built_in = load(&[]).unwrap();
    for kind in [PageKind::Reset, PageKind::UnlockDone, PageKind::IncompleteLink] {
        let token = (kind == PageKind::Reset).then_some("a.b.c");
        let input = PageInput { token, ..PageInput::notice(kind) };
        let html = |pages: &Pages| {
            render(&pages.templates, &pages.style.path, &pages.installation(), input).unwrap()
        };
        assert_eq!(html(&own), html(&built_in));
    }
}

#[test]
fn a_changed_style_has_another_url() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("page.css"), "body { color: green }").unwrap();
    let own = load(&[("MAIL_TEMPLATES", &folder.path().to_string_lossy())]).unwrap();
    assert_ne!(own.style.path, load(&[]).unwrap().style.path);
}

#[test]
fn a_tenants_own_language_name_logo_and_link_count_before_those_of_the_installation() {
    let pages = load(&[
        ("TENANT_NAME", "Example"),
        ("TENANT_LOGO_URL", "https://example.com/logo.svg"),
        ("TENANT_HOME_URL", "https://example.com/home"),
    ])
    .unwrap();
    let common = pages.installation();
    assert_eq!((common.language.as_str(), common.name.as_str()), ("en", "Example"));
    assert_eq!(common.logo.unwrap().as_str(), "https://example.com/logo.svg");
    let own = pages.view(&TenantSettings {
        language: Some("de".to_owned()),
        name: Some("Acme".to_owned()),
        home_url: Some("https://acme.example/".to_owned()),
        // Written by another program.
        logo_url: Some("javascript:alert(1)".to_owned()),
        ..TenantSettings::default()
    });
    assert_eq!((own.language.as_str(), own.name.as_str()), ("de", "Acme"));
    assert_eq!((own.home.unwrap().as_str(), own.logo), ("https://acme.example/", None));
}
