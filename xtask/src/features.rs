//! `features`: every crate compiles with each of its features alone, with none, and with those that need each other.
//!
//! In a build of the whole workspace a feature that a neighbour switches on hides that a crate forgot to ask for it. So
//! each crate is checked by itself. Features of tests are left out: only what a dependent can switch on counts.

use crate::failure::VerbFailure;
use crate::say;
use crate::workspace::{self, Package, Workspace, cargo};

/// Features that say little alone: live sessions in Redis are kept beside a database.
const TOGETHER: [[&str; 2]; 2] = [["redis", "sqlite"], ["redis", "postgres"]];

/// The verb.
pub(crate) fn run(arguments: &[String]) -> Result<(), VerbFailure> {
    if let Some(unknown) = arguments.first() {
        return Err(VerbFailure::Usage(format!("features takes no arguments, and `{unknown}` is one")));
    }
    for package in &Workspace::load()?.packages {
        for feature in choices(package) {
            let shown = if feature.is_empty() { "no features" } else { &feature };
            say::line(&format!("xtask: checking {} with {shown}", package.name));
            let mut check = cargo();
            check.args(["check", "--locked", "--quiet", "--package", &package.name, "--no-default-features"]);
            workspace::run(check.args(["--features", &feature]))?;
        }
    }
    Ok(())
}

/// No feature, then each of the crate's own, then those that need each other.
fn choices(package: &Package) -> impl Iterator<Item = String> {
    let own = package.features.keys().filter(|feature| *feature != "default").cloned();
    let has = |feature: &&str| package.features.contains_key(*feature);
    let together = TOGETHER.iter().filter(move |pair| pair.iter().all(has)).map(|pair| pair.join(","));
    std::iter::once(String::new()).chain(own).chain(together)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_is_checked_without_features_with_each_of_its_own_and_with_those_that_need_each_other() {
        let workspace = Workspace::load().unwrap();
        let choices: Vec<String> = choices(workspace.package("portcullis").unwrap()).collect();
        assert_eq!(
            choices,
            [
                "",
                "axum",
                "postgres",
                "redis",
                "routes",
                "sqlite",
                "verifier",
                "redis,sqlite",
                "redis,postgres"
            ]
        );
    }
}
