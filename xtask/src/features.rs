//! `features`: every crate compiles with each of its features alone, and with none.
//!
//! In a build of the whole workspace a feature that a neighbour switches on hides that a crate forgot to ask for it. So
//! each crate is checked by itself. Features of tests are left out: only what a dependent can switch on counts.

use crate::failure::VerbFailure;
use crate::say;
use crate::workspace::{self, Package, Workspace, cargo};

/// The verb.
pub(crate) fn run(arguments: &[String]) -> Result<(), VerbFailure> {
    if let Some(unknown) = arguments.first() {
        return Err(VerbFailure::Usage(format!("features takes no arguments, and `{unknown}` is one")));
    }
    for package in &Workspace::load()?.packages {
        for feature in choices(package) {
            let shown = if feature.is_empty() { "no features" } else { feature };
            say::line(&format!("xtask: checking {} with {shown}", package.name));
            let mut check = cargo();
            check.args(["check", "--locked", "--quiet", "--package", &package.name, "--no-default-features"]);
            workspace::run(check.args(["--features", feature]))?;
        }
    }
    Ok(())
}

/// No feature, then each of the crate's own.
fn choices(package: &Package) -> impl Iterator<Item = &str> {
    let own = package.features.keys().map(String::as_str).filter(|feature| *feature != "default");
    std::iter::once("").chain(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_is_checked_without_features_and_with_each_of_its_own() {
        let workspace = Workspace::load().unwrap();
        let choices: Vec<&str> = choices(workspace.package("portcullis").unwrap()).collect();
        assert_eq!(choices, ["", "axum", "postgres", "redis", "sqlite"]);
    }
}
