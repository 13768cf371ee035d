//! Texts and layouts of a team's own.

use std::fs;

use tempfile::TempDir;

use super::*;

const ENGLISH: &str = include_str!("../texts/en.toml");

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
    made(&[("TEMPLATES", &path)]).map_err(|faults| faults.replace(&format!("{path}/"), ""))
}

fn refused(files: &[(&str, &str)]) -> String {
    with(files).err().expect("it is refused")
}

#[test]
fn a_team_replaces_any_file_and_the_others_stay() {
    let german = ENGLISH.replace("Your sign-in code", "Ihr Anmeldecode");
    let text = "{{ language }}|{{ greeting }}|{{ code or link }}";
    let composer = with(&[("de.toml", &german), ("layout.txt", text), ("logo.png", "")]).unwrap();
    let german = |tag: &str| {
        let mail = OutgoingMail { language: Some(tag.to_owned()), ..mail(code("x")) };
        let (raw, read) = sent(&composer, &mail);
        assert!(html(&raw).contains("<!doctype html>"));
        (read.subject, read.text)
    };
    for tag in ["de", "DE", "de-AT", "de_CH"] {
        assert_eq!(german(tag), ("Ihr Anmeldecode".to_owned(), format!("de|Hello Ann,|{CODE}")), "{tag}");
    }
}

#[test]
fn a_language_without_texts_is_english() {
    let composer = ours();
    for tag in ["fr", "", "../../etc/passwd", "en\nx"] {
        let mail = OutgoingMail { language: Some(tag.to_owned()), ..mail(code("x")) };
        assert_eq!(sent(&composer, &mail).1.subject, "Your sign-in code", "{tag}");
    }
}

#[test]
fn the_configured_language_must_be_there() {
    let fault = made(&[("LANGUAGE", "de")]).err().unwrap();
    assert!(fault.contains("there are no texts in \"de\""), "{fault}");
    let folder = folder(&[("de.toml", ENGLISH)]);
    let path = folder.path().to_string_lossy().into_owned();
    assert!(made(&[("LANGUAGE", "de-at"), ("TEMPLATES", &path)]).is_ok());
}

#[test]
fn a_slip_is_told_at_the_start_with_its_file_and_line() {
    let line = |text: &str| 1 + ENGLISH.lines().position(|line| line.contains(text)).unwrap();
    let (subject, device) = (line("Your sign-in code"), line("{{ device }} ({{ address }}):"));
    for (from, to, told) in [
        ("{{ device }} ({{ address }}):", "{{ devise }}", format!("de.toml:{device}: undefined value")),
        ("Your sign-in code", "{{ code }}", format!("de.toml:{subject}: undefined value")),
        ("Your sign-in code", "{% if", format!("de.toml:{subject}: syntax error")),
        ("subject = \"Your sign-in code\"", "subjekt = \"x\"", format!("de.toml:{subject}: unknown field")),
        ("subject = \"Your sign-in code\"", "subject = 5", format!("de.toml:{subject}: invalid type")),
        ("[code]", "[code", format!("de.toml:{}: ", line("[code]"))),
        (
            "subject = \"Your sign-in code\"",
            "subject = \"\"\"\nx\n{{ y }}\"\"\"",
            format!("de.toml:{}: undefined value", subject + 2),
        ),
        ("[unlock]", "[lock]", "de.toml:".to_owned()),
    ] {
        let fault = refused(&[("de.toml", &ENGLISH.replacen(from, to, 1))]);
        assert!(fault.starts_with(&told), "{to}: {fault}");
        assert!(!fault.contains('\n'), "{fault}");
    }
}

#[test]
fn a_layout_is_told_of_with_its_line_and_must_show_what_the_letter_is_for() {
    for (name, text, told) in [
        ("layout.txt", "\n{{ code }}{{ link }}\n{{ colour }}", "layout.txt:3: undefined value"),
        ("layout.html", "{{ code }}{{ link }}\n{% endif %}", "layout.html:2: syntax error"),
        ("layout.txt", "{{ code }}", "layout.txt: does not show link"),
        ("layout.html", "{{ link }}", "layout.html: does not show code"),
        ("layout.htm", "", "layout.htm: is nothing that letters are made of"),
        ("English.toml", ENGLISH, "English.toml: is nothing that letters are made of"),
    ] {
        let fault = refused(&[(name, text)]);
        assert!(fault.starts_with(told), "{text}: {fault}");
    }
}

#[test]
fn every_fault_is_told_at_once_and_once() {
    let fault = refused(&[
        ("layout.txt", "{{ code }}{{ link }}{{ x }}"),
        ("layout.html", "{{ code }}"),
        ("a.html", ""),
    ]);
    assert_eq!(fault.split("; ").count(), 2, "{fault}");
}

#[test]
fn a_folder_that_is_not_there_is_told() {
    let fault = made(&[("TEMPLATES", "no/such/folder")]).err().unwrap();
    assert!(fault.starts_with("no/such/folder: cannot be read"), "{fault}");
}
