//! `config init`: a configuration file to begin with, and a master key.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use crate::fixture::Workdir;

fn mode(home: &Workdir, name: &str) -> u32 {
    home.path(name).metadata().unwrap().permissions().mode() & 0o777
}

fn read(home: &Workdir, name: &str) -> String {
    fs::read_to_string(home.path(name)).unwrap()
}

/// The names of the files in the folder, sorted.
fn files(home: &Workdir) -> Vec<String> {
    let entries = fs::read_dir(home.path(".")).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The text with its settings commented in: those that are not have no space after the mark.
fn commented_in(text: &str) -> String {
    let commented_in = |line: &str| match line.strip_prefix('#') {
        Some(setting) if !setting.starts_with([' ', '-']) => setting.to_owned(),
        _ => line.to_owned(),
    };
    text.lines().map(commented_in).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_server_starts_in_production_with_what_is_made_once_the_lines_for_it_are_filled_in() {
    let home = Workdir::new();
    let said = home.run("config init").done();
    assert_eq!(files(&home), ["master.key", "portcullis.toml"]);
    assert_eq!((mode(&home, "master.key"), mode(&home, "portcullis.toml")), (0o600, 0o644));
    let key = read(&home, "master.key");
    assert!(key.trim().len() == 64 && !said.out.contains(key.trim()) && said.err.is_empty(), "{said:?}");
    let text = read(&home, "portcullis.toml");
    assert!(!text.contains(key.trim()));
    let path = home.path("master.key");
    assert!(text.contains(&format!("\nmaster_key_file = \"{}\"\n", path.display())), "{text}");
    let checked = home.run("config check --config portcullis.toml").done().out;
    assert!(!checked.contains("warning"), "{checked}");

    let (before, rest) = text.split_once("---- What production needs ----").unwrap();
    let (needed, after) = rest.split_once("\n# ----").unwrap();
    let filled_in = commented_in(needed);
    home.file("production.toml", &format!("{before}{filled_in}\n# ----{after}"), 0o644);
    let checked = home.run("config check --config production.toml").done().out;
    assert!(checked.contains("https://auth.example.com") && !checked.contains("warning"), "{checked}");
    let home = home.variable("PORTCULLIS_CONFIG", "production.toml");
    let server = home.serve();
    assert_eq!(server.get("/readyz", None).status, 200);
}

#[test]
fn what_exists_is_kept_and_what_is_missing_is_made() {
    let home = Workdir::new();
    home.run("config init").done();
    let (key, text) = (read(&home, "master.key"), read(&home, "portcullis.toml"));
    let said = home.run("config init --listen 127.0.0.1:9").done().out;
    assert_eq!(said.matches("Kept ").count(), 2, "{said}");
    fs::remove_file(home.path("portcullis.toml")).unwrap();
    let said = home.run("config init").done().out;
    assert!(said.contains("Kept ") && said.contains("Made "), "{said}");
    assert_eq!((read(&home, "master.key"), read(&home, "portcullis.toml")), (key, text));
}

/// The file that a package installs names the key, which the package does not have.
#[test]
fn the_key_that_an_installed_file_names_is_made_where_it_says() {
    let home = Workdir::new();
    let path = home.path("keys/of/portcullis.key");
    let text = home.run(&format!("config init --stdout --master-key-file {}", path.display())).done().out;
    assert!(files(&home).is_empty());
    home.file("installed.toml", &text, 0o644);
    let home = home.variable("PORTCULLIS_CONFIG", "installed.toml");
    assert_eq!(home.run("config check").code, 2, "there is no key yet");
    let said = home.run("config init").done().out;
    assert!(said.contains("Kept ") && said.contains("Made ") && !said.contains("warning"), "{said}");
    assert_eq!((mode(&home, "keys/of/portcullis.key"), read(&home, "installed.toml")), (0o600, text));
    home.run("config check").done();
    assert_eq!(home.run("config init").done().out.matches("Kept ").count(), 2);
}

#[test]
fn a_key_that_no_setting_names_comes_with_the_line_that_does() {
    let home = Workdir::new();
    home.file("p.toml", "listen = \"localhost:4000\"\n", 0o644);
    let said = home.run("config init p.toml").done().out;
    let path = home.path("master.key");
    let line = format!("add to {}: master_key_file = \"{}\"", home.path("p.toml").display(), path.display());
    assert!(said.lines().last().unwrap().ends_with(&line), "{said}");
}

#[test]
fn a_key_that_is_stated_needs_no_file() {
    let home = Workdir::in_production();
    let said = home.run("config init").done().out;
    assert!(said.contains("it is set by variable PORTCULLIS_MASTER_KEY"), "{said}");
    assert_eq!(files(&home), ["portcullis.toml"]);
    home.run("config check --config portcullis.toml").done();
}

#[test]
fn a_broken_file_is_kept_and_said_to_be_broken() {
    let home = Workdir::new().variable("PORTCULLIS_NONSENSE", "x");
    home.file("p.toml", "listen = \n", 0o644);
    let said = home.run("config init --config p.toml").done().out;
    assert!(said.contains("p.toml cannot be read; `portcullis config check"), "{said}");
    assert_eq!(read(&home, "p.toml"), "listen = \n");
    assert_eq!(files(&home), ["master.key", "p.toml"]);
}

#[test]
fn a_file_that_is_no_key_is_left_alone_and_said_to_be_none() {
    let home = Workdir::new();
    home.file("master.key", "", 0o600);
    assert!(home.run("config init").refused(1).contains("master.key is there and holds no master key"));
    assert_eq!(files(&home), ["master.key"]);
    fs::remove_file(home.path("master.key")).unwrap();
    symlink("elsewhere", home.path("master.key")).unwrap();
    assert!(home.run("config init").refused(1).contains("master.key is there and cannot be read"));
    assert_eq!(files(&home), ["master.key"]);
}

#[test]
fn what_cannot_be_made_is_named_and_leaves_nothing() {
    let home = Workdir::new();
    home.file("file", "", 0o600);
    let said = home.run("config init file/p.toml").refused(1);
    assert!(said.contains("file/master.key cannot be made: "), "{said}");
    assert!(home.run("config init --listen nowhere").refused(2).contains("flag --listen"));
    assert_eq!(files(&home), ["file"]);
}

#[test]
fn standard_output_gets_the_text_alone() {
    let home = Workdir::new();
    let text = home.run("config init --stdout").done().out;
    assert_eq!(home.run("config init -").done().out, text);
    assert!(text.contains("\n#master_key_file = "), "{text}");
    let given = home.run("config init - --data-dir /var/lib/portcullis --master-key-file /a/key").done().out;
    for line in ["data_dir = \"/var/lib/portcullis\"", "master_key_file = \"/a/key\""] {
        assert!(given.lines().any(|found| found == line), "{line}: {given}");
    }
    assert!(home.run("config init p.toml --stdout").refused(2).contains("cannot be used with"));
    assert!(files(&home).is_empty());
}
