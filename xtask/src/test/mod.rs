//! `test`: everything, on a machine that has Rust, a C compiler and nothing else.
//!
//! What tests need is made sure of first ([`debian`], [`tools`]); a need that cannot be met is a failure and never a
//! test that was left out. Arguments go to every `cargo test` as they are: a part of a test's name, for one.

mod debian;
mod tools;

use std::process::Command;
use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::say;
use crate::workspace::{self, Workspace, cargo};

const SERVER: &str = "portcullis-server";
const INTEROP: &str = "interop";

/// The verb.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let workspace = Workspace::load()?;
    let mut summary = Summary::default();
    let result = summary
        .time("needs", || make_ready(&workspace))
        .and_then(|places| run_all(steps(&workspace, arguments, &places), &mut summary));
    say::line(&summary.text());
    result
}

/// Installs what is missing and returns the variables that say where it is.
fn make_ready(workspace: &Workspace) -> Result<Vec<tools::Place>, Failure> {
    debian::make_sure()?;
    tools::make_sure(workspace)
}

/// A run of cargo, by name.
struct Step {
    name: &'static str,
    command: Command,
}

fn steps(workspace: &Workspace, filter: &[String], places: &[tools::Place]) -> Vec<Step> {
    let mut steps = vec![Step { name: "workspace", command: cargo_test(&["--workspace"]) }];
    let server = workspace.package(SERVER);
    if server.is_some_and(|server| server.features.contains_key(INTEROP)) {
        let command = cargo_test(&["--package", SERVER, "--features", INTEROP, "--test", INTEROP]);
        steps.push(Step { name: INTEROP, command });
    }
    for step in &mut steps {
        step.command.args(filter).current_dir(&workspace.root);
        step.command.envs(places.iter().map(|place| (place.variable, &place.path)));
    }
    steps
}

fn cargo_test(arguments: &[&str]) -> Command {
    let mut command = cargo();
    command.arg("test").args(arguments);
    command
}

/// Runs steps until one fails.
fn run_all(steps: Vec<Step>, summary: &mut Summary) -> Result<(), Failure> {
    let mut result = Ok(());
    for mut step in steps {
        if result.is_ok() {
            result = summary.time(step.name, || workspace::run(&mut step.command));
        } else {
            summary.rows.push((step.name, "not run", Duration::ZERO));
        }
    }
    result
}

/// What was run, how it ended and how long it took.
#[derive(Default)]
struct Summary {
    rows: Vec<(&'static str, &'static str, Duration)>,
}

impl Summary {
    #[expect(
        clippy::disallowed_methods,
        reason = "how long a step took is told to the reader; nothing depends on it"
    )]
    fn time<T>(
        &mut self,
        name: &'static str,
        step: impl FnOnce() -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let start = Instant::now();
        let result = step();
        let end = if result.is_ok() { "ok" } else { "FAILED" };
        self.rows.push((name, end, start.elapsed()));
        result
    }

    fn text(&self) -> String {
        let rows = self.rows.iter();
        let rows =
            rows.map(|(name, end, time)| format!("  {name:<10} {end:<8} {:>7.1} s", time.as_secs_f64()));
        std::iter::once("\nxtask test:".to_owned()).chain(rows).collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace(features: &serde_json::Value) -> Workspace {
        let json = serde_json::json!({
            "workspace_root": "/r", "target_directory": "/r/t",
            "packages": [{
                "name": SERVER, "manifest_path": "/r/Cargo.toml", "features": features, "dependencies": [], "targets": [],
            }],
        });
        serde_json::from_value(json).unwrap()
    }

    fn words(step: &Step) -> Vec<String> {
        step.command.get_args().map(|word| word.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn the_comparison_with_other_languages_runs_as_soon_as_the_server_offers_it() {
        assert_eq!(steps(&workspace(&serde_json::json!({})), &[], &[]).len(), 1);
        let both = steps(&workspace(&serde_json::json!({"interop": []})), &[], &[]);
        assert_eq!(
            words(&both[1]).join(" "),
            "test --package portcullis-server --features interop --test interop"
        );
    }

    #[test]
    fn every_step_is_filtered_and_told_where_the_tools_are() {
        let places = [tools::Place { variable: "PORTCULLIS_TEST_PYTHON", path: "/p".into() }];
        for step in steps(&workspace(&serde_json::json!({"interop": []})), &["refresh".to_owned()], &places) {
            assert_eq!(words(&step).last().unwrap(), "refresh");
            let mut variables = step.command.get_envs();
            assert!(variables.any(|(name, path)| name == places[0].variable && path == Some("/p".as_ref())));
        }
    }

    #[test]
    fn a_step_that_fails_stops_the_run_and_shows_in_the_summary() {
        let step = |name, program| Step { name, command: Command::new(program) };
        let mut summary = Summary::default();
        let result = run_all(
            vec![step("first", "true"), step("second", "false"), step("third", "true")],
            &mut summary,
        );
        assert!(result.is_err());
        let ends: Vec<&str> = summary.rows.iter().map(|(_, end, _)| *end).collect();
        assert_eq!(ends, ["ok", "FAILED", "not run"]);
        assert!(summary.text().contains("second     FAILED"), "{}", summary.text());
    }
}
