//! What packages bring beside the binary: completions and manual pages.

use std::collections::BTreeMap;
use std::fs;

use crate::fixture::{CommandOutput, Workdir};

/// They work whatever the configuration is.
fn home() -> Workdir {
    let home = Workdir::new().variable("PORTCULLIS_CONFIG", "p.toml").variable("PORTCULLIS_NONSENSE", "x");
    home.file("p.toml", "listen = \n", 0o644);
    home
}

#[test]
fn bash_completes_commands_and_flags() {
    let home = home();
    let complete = |words: &str| {
        let line = format!(
            "source <('{}' completions bash) && COMP_WORDS=({words}) && COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)) && \
             _portcullis portcullis \"${{COMP_WORDS[-1]}}\" && echo \"${{COMPREPLY[@]}}\"",
            env!("CARGO_BIN_EXE_portcullis")
        );
        let said = CommandOutput::of(&home.command("bash").args(["-c", &line]).output().unwrap()).done();
        assert_eq!(said.err, "", "{words}");
        said.out.trim().to_owned()
    };
    assert_eq!(complete("portcullis comp"), "completions");
    assert_eq!(complete("portcullis user unl"), "unlock");
    assert_eq!(complete("portcullis config init --mas"), "--master-key-file");
    assert_eq!(complete("portcullis completions z"), "zsh");
}

#[test]
fn each_shell_has_completions_that_know_every_command() {
    let home = home();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = home.run(&format!("completions {shell}")).done().out;
        for word in ["man-pages", "end-all", "--master-key-file"] {
            // fish writes a flag without its dashes.
            assert!(script.contains(word.trim_start_matches('-')), "{shell}: {word}");
        }
    }
    let refused = home.run("completions tcsh").refused(2);
    assert!(refused.contains("invalid value 'tcsh'") && refused.contains("powershell"), "{refused}");
}

#[test]
fn manual_pages_are_the_same_each_time_and_replace_older_ones() {
    let home = home();
    let written = |folder: &str| -> BTreeMap<String, String> {
        let said = home.run(&format!("man-pages {folder}")).done().out;
        let pages = said.lines().map(|path| {
            let name = path.rsplit('/').next().unwrap().to_owned();
            (name, fs::read_to_string(home.path(path)).unwrap())
        });
        pages.collect()
    };
    let pages = written("a/b");
    assert!(pages["portcullis.1"].contains(".SH ENVIRONMENT") && pages.len() > 30, "{:?}", pages.keys());
    assert!(pages["portcullis-config-init.1"].contains(r"\-\-master\-key\-file"));
    assert_eq!(fs::read_dir(home.path("a/b")).unwrap().count(), pages.len());
    home.file("a/b/portcullis.1", "an older one", 0o600);
    assert_eq!(written("a/b"), pages);
    assert_eq!(written("c"), pages);
    assert!(home.run("man-pages p.toml").refused(1).starts_with("p.toml cannot be written to: "));
}
