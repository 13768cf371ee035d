//! Puts the commit that a release is built from into the binary.

use std::process::Command;

/// `cargo run` sets it for the program, too, so it must not look like a setting: those begin with `PORTCULLIS_`.
const NAME: &str = "BUILD_COMMIT";

fn main() {
    println!("cargo:rerun-if-env-changed={NAME}");
    println!("cargo:rerun-if-changed=build.rs");
    let stated = std::env::var(NAME).ok();
    // Another build is made too often to be made anew for every commit.
    let is_release = std::env::var("PROFILE").is_ok_and(|profile| profile == "release");
    if is_release {
        println!("cargo:rerun-if-changed=../../.git/logs/HEAD");
    }
    if let Some(commit) = stated.or_else(|| is_release.then(head).flatten()) {
        println!("cargo:rustc-env={NAME}={commit}");
    }
}

/// The commit that is checked out; `None` outside a repository.
fn head() -> Option<String> {
    let output = Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok().filter(|_| output.status.success())?;
    Some(text.trim().to_owned())
}
