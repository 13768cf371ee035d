//! `packages`: makes what is shipped, and tries it as operators do, on Debian roots of its own.
//!
//! The tests are in `tools/package-test`. They install a package, boot systemd in a container and mount file systems,
//! so they need root; they change nothing outside of their own folders.

use crate::debian;
use crate::dist;
use crate::failure::VerbFailure;
use crate::test::tools;
use crate::workspace::{self, Workspace, cargo};

const TESTS: &str = "portcullis-package-test";
/// Tells the tests where what is tried is.
const VARIABLE: &str = "PORTCULLIS_TEST_DIST";
/// As fast as it can be built; what it does is the same.
const PROFILE: &str = "release";

/// The verb. Arguments are parts of the names of tests.
pub(crate) fn run(arguments: &[String]) -> Result<(), VerbFailure> {
    if let Some(obstacle) = debian::obstacle_to_roots() {
        return Err(VerbFailure::Usage(format!("packages are tried on Debian roots: {obstacle}")));
    }
    debian::make_sure(&debian::FOR_PACKAGES)?;
    let workspace = Workspace::load()?;
    let places = tools::for_packages(&workspace)?;
    let _turn = dist::turn(&workspace)?;
    let made = dist::make_twice(&workspace, PROFILE)?;
    let mut tests = cargo();
    tests.args(["test", "--package", TESTS, "--features", "packages"]).args(arguments);
    tests.env(VARIABLE, made).envs(places.iter().map(|place| (place.variable, &place.path)));
    workspace::run(tests.current_dir(&workspace.root))
}
