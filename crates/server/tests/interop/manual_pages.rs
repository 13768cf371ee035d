//! The manual pages, read by the program `man`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::server_process::ServerDirectory;

/// What `man` writes of a page: its text, and its warnings.
fn read(page: &Path) -> (String, String) {
    let mut man = Command::new("man");
    man.args(["--warnings", "-E", "UTF-8", "-l"]).arg(page);
    man.env("MANWIDTH", "100").env("LC_ALL", "C.UTF-8");
    let output = man.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr))
}

#[test]
fn every_page_is_read_without_a_warning_and_by_the_index_of_the_manual() {
    let home = ServerDirectory::new();
    assert!(home.run(["man-pages", "pages"]).status.success());
    let folder = home.path().join("pages");
    let pages: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(pages.len() > 30, "{pages:?}");
    for page in &pages {
        let (text, warnings) = read(page);
        assert_eq!(warnings, "", "{page:?}");
        assert!(!text.contains('`'), "{page:?}: {text}");
        let indexed = Command::new("lexgrog").arg(page).output().unwrap();
        let name = page.file_stem().unwrap().to_str().unwrap();
        let known = String::from_utf8(indexed.stdout).unwrap();
        assert!(known.contains(&format!("\"{name} - ")), "{known}");
    }
}

#[test]
fn a_page_says_what_the_help_says() {
    let home = ServerDirectory::new();
    assert!(home.run(["man-pages", "pages"]).status.success());
    let (text, _) = read(&home.path().join("pages/portcullis.1"));
    for line in [
        "       portcullis - Authentication and session server",
        "       portcullis-config(1)",
        "       2      The command line or the configuration is wrong.",
        "       PORTCULLIS_JWT_SECRET, JWT_SECRET",
        "   Secrets and tokens",
        "SEE ALSO",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}: {text}");
    }
    assert!(text.contains("a summary with '-h'"), "an apostrophe is one: {text}");
}
