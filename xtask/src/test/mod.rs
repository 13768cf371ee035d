//! `test`: everything, on a machine that has Rust, a C compiler and nothing else.
//!
//! What tests need is made sure of first ([`crate::debian`], [`tools`]); a need that cannot be met is a failure and
//! never a test that was left out. Arguments go to every `cargo test` as they are: a part of a test's name, for one.
//! Without any, the server is then killed a few times under load, its tokens are shared by many tabs, it is replaced
//! under load, and its stores fail, as `torture` does it many times.
//!
//! Every step builds the whole workspace with the same features of its dependencies, so that none of them is built
//! twice, and without optimisation. Last, what is shipped is made and tried, which takes a release build.

pub(crate) mod tools;

use std::process::Command;
use std::time::{Duration, Instant};

use crate::debian;
use crate::failure::VerbFailure;
use crate::say;
use crate::workspace::{self, Workspace, cargo};

const INTEROP: &str = "interop";
const FEATURE: &str = "portcullis-server/interop";
const TORTURE: &str = "portcullis-torture";
/// How often the server is killed here; `cargo xtask torture` does it more often.
const ROUNDS: &str = "20";
/// How often the tabs of a browser share a token here.
const TAB_ROUNDS: &str = "10";
/// How often a server takes over from another one here.
const RESTARTS: &str = "10";
/// How often a store fails here: each kind of fault once.
const FAULTS: &str = "14";

/// The verb.
pub(crate) fn run(arguments: &[String]) -> Result<(), VerbFailure> {
    let workspace = Workspace::load()?;
    let obstacle = if arguments.is_empty() { debian::obstacle_to_roots() } else { None };
    let mut summary = Summary::default();
    let result = summary
        .time("needs", || make_ready(&workspace))
        .and_then(|places| steps(&workspace, arguments, &places))
        .and_then(|steps| run_all(steps, obstacle, &mut summary));
    say::line(&summary.text());
    result
}

/// Installs what is missing and returns the variables that say where it is.
fn make_ready(workspace: &Workspace) -> Result<Vec<tools::ToolPlace>, VerbFailure> {
    debian::make_sure(&debian::FOR_TESTS)?;
    tools::make_sure(workspace)
}

/// A command, by name.
struct TestStep {
    name: &'static str,
    command: Command,
}

/// What not every machine can do: left out loudly, as it is no success.
const PACKAGES: &str = "packages";

fn steps(
    workspace: &Workspace,
    filter: &[String],
    places: &[tools::ToolPlace],
) -> Result<Vec<TestStep>, VerbFailure> {
    let mut steps = vec![
        TestStep { name: "workspace", command: cargo_test(&[], filter) },
        TestStep { name: "stories", command: this_program("stories", filter)? },
        TestStep { name: INTEROP, command: cargo_test(&["--features", FEATURE, "--test", INTEROP], filter) },
    ];
    if filter.is_empty() {
        steps.push(TestStep { name: "binaries", command: build_binaries() });
        steps.push(TestStep { name: "torture", command: torture(workspace) });
        steps.push(TestStep { name: PACKAGES, command: this_program(PACKAGES, &[])? });
    }
    for step in &mut steps {
        step.command.current_dir(&workspace.root);
        step.command.envs(places.iter().map(|place| (place.variable, &place.path)));
    }
    Ok(steps)
}

fn cargo_test(arguments: &[&str], filter: &[String]) -> Command {
    let mut command = cargo();
    command.args(["test", "--workspace"]).args(arguments).args(filter);
    command
}

/// Another verb of this program.
fn this_program(verb: &str, arguments: &[String]) -> Result<Command, VerbFailure> {
    let program = std::env::current_exe().map_err(VerbFailure::doing("cannot find this program"))?;
    let mut command = Command::new(program);
    command.arg(verb).args(arguments);
    Ok(command)
}

/// The tests are named only because their dependencies count: without them cargo would build others again.
fn build_binaries() -> Command {
    let mut command = cargo();
    command.args(["build", "--workspace", "--features", FEATURE, "--test", INTEROP]);
    command.args(["--bin", "portcullis", "--bin", TORTURE]);
    command
}

fn torture(workspace: &Workspace) -> Command {
    let built = workspace.target.join("debug");
    let mut command = Command::new(built.join(TORTURE));
    command
        .args(["--rounds", ROUNDS, "--tab-rounds", TAB_ROUNDS, "--restarts", RESTARTS])
        .args(["--faults", FAULTS, "--server"])
        .arg(built.join("portcullis"));
    command
}

/// Runs steps until one fails. An obstacle is why packages cannot be tried here.
fn run_all(steps: Vec<TestStep>, obstacle: Option<&str>, summary: &mut Summary) -> Result<(), VerbFailure> {
    summary.note = obstacle.map(|obstacle| format!("The packages were NOT tried: {obstacle}"));
    let mut result = Ok(());
    for mut step in steps {
        if step.name == PACKAGES && obstacle.is_some() {
            summary.rows.push((step.name, "NOT RUN", Duration::ZERO));
        } else if result.is_ok() {
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
    /// What the reader must not miss.
    note: Option<String>,
}

impl Summary {
    #[expect(
        clippy::disallowed_methods,
        reason = "how long a step took is told to the reader; nothing depends on it"
    )]
    fn time<T>(
        &mut self,
        name: &'static str,
        step: impl FnOnce() -> Result<T, VerbFailure>,
    ) -> Result<T, VerbFailure> {
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
        let title = std::iter::once("\nxtask test:".to_owned());
        title.chain(rows).chain(self.note.clone()).collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace() -> Workspace {
        let json = serde_json::json!({"workspace_root": "/r", "target_directory": "/r/t", "packages": []});
        serde_json::from_value(json).unwrap()
    }

    fn words(step: &TestStep) -> Vec<String> {
        step.command.get_args().map(|word| word.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn everything_is_run_and_the_server_killed_a_few_times() {
        let steps = steps(&workspace(), &[], &[]).unwrap();
        let names: Vec<&str> = steps.iter().map(|step| step.name).collect();
        assert_eq!(names, ["workspace", "stories", "interop", "binaries", "torture", "packages"]);
        assert_eq!(
            words(&steps[4]).join(" "),
            "--rounds 20 --tab-rounds 10 --restarts 10 --faults 14 --server /r/t/debug/portcullis"
        );
    }

    #[test]
    fn a_filter_asks_for_tests_and_nothing_else() {
        let steps = steps(&workspace(), &["refresh".to_owned()], &[]).unwrap();
        assert_eq!(steps.len(), 3);
        assert!(steps.iter().all(|step| words(step).last().unwrap() == "refresh"));
    }

    #[test]
    fn every_step_is_told_where_the_tools_are() {
        let places = [tools::ToolPlace { variable: "PORTCULLIS_TEST_PYTHON", path: "/p".into() }];
        for step in steps(&workspace(), &[], &places).unwrap() {
            let mut variables = step.command.get_envs();
            assert!(variables.any(|(name, path)| name == places[0].variable && path == Some("/p".as_ref())));
        }
    }

    #[test]
    fn a_step_that_fails_stops_the_run_and_shows_in_the_summary() {
        let step = |name, program| TestStep { name, command: Command::new(program) };
        let mut summary = Summary::default();
        let result = run_all(
            vec![step("first", "true"), step("second", "false"), step("third", "true")],
            None,
            &mut summary,
        );
        assert!(result.is_err());
        let ends: Vec<&str> = summary.rows.iter().map(|(_, end, _)| *end).collect();
        assert_eq!(ends, ["ok", "FAILED", "not run"]);
        assert!(summary.text().contains("second     FAILED"), "{}", summary.text());
    }

    #[test]
    fn what_cannot_be_tried_here_is_no_success_and_the_summary_says_why() {
        let packages = TestStep { name: PACKAGES, command: Command::new("false") };
        let mut summary = Summary::default();
        run_all(vec![packages], Some("no mounts"), &mut summary).unwrap();
        let text = summary.text();
        assert!(text.contains("packages   NOT RUN") && text.ends_with("NOT tried: no mounts"), "{text}");
    }
}
