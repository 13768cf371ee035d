//! Pages as HTML.

use std::fs;
use std::path::Path;

use portcullis_core::tenant::TenantSettings;
use tempfile::TempDir;

use super::page::{Branding, PageSettings, Pages};
use super::render::{PageInput, render};
use crate::templates::{PageKind, export};

const ENGLISH: &str = include_str!("../templates/built_in/en.toml");
const PAGE: &str = include_str!("../templates/built_in/page.html");

fn settings(templates: Option<&Path>) -> PageSettings {
    let branding = Branding { name: "Portcullis".to_owned(), ..Branding::default() };
    PageSettings { templates: templates.map(Path::to_owned), language: "en".to_owned(), branding }
}

fn load(templates: &Path) -> Result<Pages, String> {
    Pages::load(settings(Some(templates))).map_err(|fault| fault.to_string())
}

fn built_in() -> Pages {
    Pages::load(settings(None)).unwrap()
}

/// The faults of a folder with this file.
fn fault(name: &str, text: &str) -> String {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join(name), text).unwrap();
    load(folder.path()).unwrap_err().replace(&format!("{}/", folder.path().display()), "")
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
    let own = load(folder.path()).unwrap();
    let (built_in, unchecked) = (built_in(), Pages::built_in(settings(None).branding));
    for kind in [PageKind::Reset, PageKind::UnlockDone, PageKind::IncompleteLink] {
        let token = (kind == PageKind::Reset).then_some("a.b.c");
        let input = PageInput { token, ..PageInput::notice(kind) };
        let html = |pages: &Pages| {
            render(&pages.templates, &pages.style.path, &pages.installation(), input).unwrap()
        };
        assert_eq!(html(&own), html(&built_in));
        assert_eq!(html(&unchecked), html(&built_in));
    }
}

#[test]
fn a_changed_style_has_another_url() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("page.css"), "body { color: green }").unwrap();
    assert_ne!(load(folder.path()).unwrap().style.path, built_in().style.path);
}

#[test]
fn a_tenants_own_language_name_logo_and_link_count_before_those_of_the_installation() {
    let pages = Pages::built_in(Branding {
        name: "Example".to_owned(),
        logo_url: Some("https://example.com/logo.svg".to_owned()),
        home_url: Some("https://example.com/home".to_owned()),
    });
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
