//! Work on this repository: `cargo xtask <verb>`.
//!
//! Every verb is a row of [`VERBS`]. Nothing here is part of the product, and nothing of the product depends on it.

mod bench;
mod cargo_tool;
mod debian;
mod deny;
mod dist;
mod failure;
mod features;
mod finding;
mod packages;
mod say;
mod security_map;
mod stories;
mod test;
mod text_files;
mod tidy;
mod workspace;

use std::process::ExitCode;

use failure::VerbFailure;

/// A verb of the command line.
struct Verb {
    name: &'static str,
    summary: &'static str,
    run: fn(&[String]) -> Result<(), VerbFailure>,
}

const VERBS: [Verb; 11] = [
    Verb { name: "tidy", summary: "check the house rules that the compiler cannot", run: tidy::run },
    Verb {
        name: "features",
        summary: "check that every crate compiles with each feature alone",
        run: features::run,
    },
    Verb { name: "deny", summary: "check bans, licences and sources of dependencies", run: deny::run },
    Verb {
        name: "test",
        summary: "install what tests need and run them all; arguments filter",
        run: test::run,
    },
    Verb {
        name: "stories",
        summary: "run the stories over HTTP and TCP on PostgreSQL and Redis; arguments filter",
        run: stories::run,
    },
    Verb { name: "bench", summary: "measure what is shipped; arguments go to the bench", run: bench::bench },
    Verb {
        name: "torture",
        summary: "kill, starve and race a release build; arguments go on",
        run: bench::torture,
    },
    Verb {
        name: "dist",
        summary: "make what is shipped, into target/dist; `--profile release` for a quick try",
        run: dist::run,
    },
    Verb {
        name: "packages",
        summary: "make what is shipped, and try it on Debian roots; needs root; arguments filter",
        run: packages::run,
    },
    Verb {
        name: "security-map",
        summary: "write which test shows which requirement into docs/security.md; --check only looks",
        run: security_map::run,
    },
    Verb { name: "help", summary: "this list", run: help },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say::complaint(&format!("xtask: {failure}"));
            failure.exit_code()
        }
    }
}

fn dispatch(arguments: &[String]) -> Result<(), VerbFailure> {
    let Some((name, rest)) = arguments.split_first() else {
        return Err(VerbFailure::Usage(format!("which verb?\n{}", list())));
    };
    let verb = VERBS.iter().find(|verb| verb.name == name);
    let verb = verb.ok_or_else(|| VerbFailure::Usage(format!("there is no verb `{name}`\n{}", list())))?;
    (verb.run)(rest)
}

#[expect(clippy::unnecessary_wraps, reason = "every verb has this shape")]
fn help(_: &[String]) -> Result<(), VerbFailure> {
    say::line(&list());
    Ok(())
}

fn list() -> String {
    let rows: Vec<String> =
        VERBS.iter().map(|verb| format!("  cargo xtask {:<12} {}", verb.name, verb.summary)).collect();
    rows.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn an_unknown_verb_and_no_verb_at_all_are_the_callers_mistake() {
        for line in ["dance", ""] {
            let failure = dispatch(&words(line)).unwrap_err();
            assert!(matches!(failure, VerbFailure::Usage(_)), "{line}");
            assert!(failure.to_string().contains("cargo xtask tidy"), "{failure}");
        }
    }

    #[test]
    fn help_names_every_verb() {
        let help = list();
        assert!(VERBS.iter().all(|verb| help.contains(verb.name) && help.contains(verb.summary)));
        assert!(dispatch(&words("help")).is_ok());
    }
}
