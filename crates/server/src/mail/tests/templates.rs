//! Texts and layouts that operators replace.

use std::fs;

use tempfile::TempDir;

use super::*;

const SUBJECT: &str = r#"subject = "Your sign-in code for {{ tenant }}""#;
const ENGLISH: &str = include_str!("../../../../http/src/templates/built_in/en.toml");

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn with(files: &[(&str, &str)]) -> Result<Composer, String> {
    let folder = folder(files);
    let path = folder.path().to_string_lossy().into_owned();
    composer_with(&[("TEMPLATES", &path)]).map_err(|faults| faults.replace(&format!("{path}/"), ""))
}

fn faults(files: &[(&str, &str)]) -> String {
    with(files).err().expect("there is a fault")
}

#[test]
fn an_operator_replaces_any_file_and_the_others_stay() {
    let german = ENGLISH.replace("Your sign-in code for", "Ihr Anmeldecode bei");
    let text = "{{ language }}|{{ greeting }}|{{ code or link }}";
    let composer = with(&[("de.toml", &german), ("layout.txt", text), ("logo.png", "")]).unwrap();
    let german = |tag: &str| {
        let mail = OutgoingMail { language: Some(tag.to_owned()), ..mail(code("x")) };
        let (raw, read) = sent(&composer, &mail);
        assert!(html(&raw).contains("<!doctype html>"));
        (read.subject, read.text)
    };
    for tag in ["de", "DE", "de-AT", "de_CH"] {
        assert_eq!(
            german(tag),
            ("Ihr Anmeldecode bei Portcullis".to_owned(), format!("de|Hello Ann,|{CODE}")),
            "{tag}"
        );
    }
}

#[test]
fn a_language_without_texts_is_english() {
    let composer = example_composer();
    for tag in ["fr", "", "../../etc/passwd", "en\nx"] {
        let mail = OutgoingMail { language: Some(tag.to_owned()), ..mail(code("x")) };
        assert_eq!(sent(&composer, &mail).1.subject, "Your sign-in code for Portcullis", "{tag}");
    }
}

#[test]
fn the_configured_language_must_be_there() {
    let fault = composer_with(&[("LANGUAGE", "de")]).err().unwrap();
    assert!(fault.contains("there are no texts in \"de\""), "{fault}");
    let folder = folder(&[("de.toml", ENGLISH)]);
    let path = folder.path().to_string_lossy().into_owned();
    assert!(composer_with(&[("LANGUAGE", "de-at"), ("TEMPLATES", &path)]).is_ok());
}

#[test]
fn a_slip_is_reported_at_the_start_with_its_file_and_line() {
    let line = |text: &str| 1 + ENGLISH.lines().position(|line| line.contains(text)).unwrap();
    let (subject, device) = (line("Your sign-in code"), line("{{ device }} ({{ address }}):"));
    for (from, to, expected) in [
        ("{{ device }} ({{ address }}):", "{{ devise }}", format!("de.toml:{device}: undefined value")),
        ("Your sign-in code", "{{ code }}", format!("de.toml:{subject}: undefined value")),
        ("Your sign-in code", "{% if", format!("de.toml:{subject}: syntax error")),
        (SUBJECT, "subjekt = \"x\"", format!("de.toml:{subject}: unknown field")),
        (SUBJECT, "subject = 5", format!("de.toml:{subject}: invalid type")),
        ("[code]", "[code", format!("de.toml:{}: ", line("[code]"))),
        (SUBJECT, "subject = \"\"\"\nx\n{{ y }}\"\"\"", format!("de.toml:{}: undefined value", subject + 2)),
        ("[unlock]", "[lock]", "de.toml:".to_owned()),
    ] {
        let fault = faults(&[("de.toml", &ENGLISH.replacen(from, to, 1))]);
        assert!(fault.starts_with(&expected), "{to}: {fault}");
        assert!(!fault.contains('\n'), "{fault}");
    }
}

#[test]
fn a_layout_is_reported_with_its_line_and_must_show_the_code_or_the_link() {
    for (name, text, expected) in [
        ("layout.txt", "\n{{ code }}{{ link }}\n{{ colour }}", "layout.txt:3: undefined value"),
        ("layout.html", "{{ code }}{{ link }}\n{% endif %}", "layout.html:2: syntax error"),
        ("layout.txt", "{{ code }}", "layout.txt: does not show link"),
        ("layout.html", "{{ link }}", "layout.html: does not show code"),
        ("layout.htm", "", "layout.htm: is not a template"),
        ("English.toml", ENGLISH, "English.toml: is not a template"),
    ] {
        let fault = faults(&[(name, text)]);
        assert!(fault.starts_with(expected), "{text}: {fault}");
    }
}

#[test]
fn all_faults_are_reported_together_and_each_once() {
    let fault = faults(&[
        ("layout.txt", "{{ code }}{{ link }}{{ x }}"),
        ("layout.html", "{{ code }}"),
        ("a.html", ""),
    ]);
    assert_eq!(fault.split("; ").count(), 2, "{fault}");
}

#[test]
fn a_missing_folder_is_reported() {
    let fault = composer_with(&[("TEMPLATES", "no/such/folder")]).err().unwrap();
    assert!(fault.starts_with("no/such/folder: cannot be read"), "{fault}");
}

#[test]
fn exported_templates_give_the_same_mails() {
    let folder = TempDir::new().unwrap();
    let exported = folder.path().join("own");
    let names: Vec<String> = portcullis_http::templates::export(&exported, false)
        .unwrap()
        .iter()
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(names, ["en.toml", "layout.txt", "layout.html", "page.html", "page.css"]);
    let own = composer_with(&[
        ("FROM", "Example <no-reply@example.com>"),
        ("TEMPLATES", &exported.to_string_lossy()),
    ])
    .unwrap();
    for message in messages_of_all_kinds() {
        let (own, built_in) = (sent(&own, &mail(message.clone())), sent(&example_composer(), &mail(message)));
        assert_eq!((own.1, html(&own.0)), (built_in.1, html(&built_in.0)));
    }
}

#[test]
fn templates_are_exported_all_or_none_unless_they_may_overwrite() {
    let folder = folder(&[("page.css", "mine")]);
    let style = folder.path().join("page.css");
    let fault = portcullis_http::templates::export(folder.path(), false).unwrap_err().to_string();
    assert_eq!(fault, format!("{} would be overwritten; --force overwrites", style.display()));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    assert_eq!(portcullis_http::templates::export(folder.path(), true).unwrap().len(), 5);
    assert_ne!(fs::read_to_string(style).unwrap(), "mine");
}
