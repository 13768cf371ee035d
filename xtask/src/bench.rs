//! `bench` and `torture`: a build of the server, then the tool that measures it, or kills it under load.
//!
//! What is measured is built as it is shipped, because its figures stand beside those of other programs that are. That
//! takes minutes longer than a release build. `torture` uses a release build.
//!
//! Neither is a test: their figures depend on the machine. Each is a crate in `tools/` with arguments of its
//! own, which are passed on unchanged. What the server is compared with on demand is built on demand.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use crate::debian;
use crate::dist;
use crate::failure::VerbFailure;
use crate::say;
use crate::workspace::{self, Workspace, cargo};

const SERVER: &str = "portcullis-server";
/// The server with an allocator that counts.
const COUNTED: &str = "portcullis-counted";

/// The library without the server.
const LIBRARY: &str = "portcullis-library-bench";
/// The argument that asks for a comparison with another library.
const PEERS: &str = "--peers";
/// The argument that asks for a comparison of the stores that nodes share, or lets nothing but stores fail.
const STORES: &str = "--stores";
/// The arguments that let stores fail, and that choose those under a server that is killed.
const FAULTS: &str = "--faults";
const ON: &str = "--on";
/// The arguments that choose cases, and that measure all there is.
const ONLY: &str = "--only";
const WRITE: &str = "--write";
/// What the names of the cases have in them for which nginx is needed, and a name that has it and needs none.
const PROXIES: [&str; 2] = ["gateway", "nginx"];
const GATEWAY_MEMORY: &str = "gateway-memory";
/// The service with that library, in a workspace of its own.
const PEER: &str = "portcullis-peer";

const RELEASE: &str = "release";
/// Where what is measured is built, below `target`: `dist` is for what is shipped.
const MEASURED: &str = "bench";

/// Measures what is shipped.
pub(crate) fn bench(arguments: &[String]) -> Result<(), VerbFailure> {
    let mut words: Vec<OsString> = arguments.iter().map(OsString::from).collect();
    if arguments.iter().any(|word| word == PEERS) {
        debian::make_sure(&debian::FOR_PEERS)?;
        words.extend(["--peer".into(), build_peer()?]);
    }
    if arguments.iter().any(|word| word == STORES) {
        debian::make_sure(&debian::FOR_STORES)?;
    }
    if compares_gateway(arguments) {
        debian::make_sure(&debian::FOR_GATEWAY)?;
    }
    let workspace = Workspace::load()?;
    let target = workspace.target.join(MEASURED);
    with_server(&workspace, &target, dist::PROFILE, "portcullis-bench", &[SERVER, COUNTED, LIBRARY], &words)
}

/// Whether nginx is asked for, by the name of a case or because all is measured that can be.
fn compares_gateway(arguments: &[String]) -> bool {
    let following = arguments.iter().skip(1);
    let apart =
        arguments.iter().zip(following).filter(|(word, _)| *word == ONLY).map(|(_, name)| name.as_str());
    let joined = arguments.iter().filter_map(|word| word.strip_prefix(ONLY)?.strip_prefix('='));
    let mut names = apart.chain(joined);
    arguments.iter().any(|word| word == WRITE)
        || names.any(|name| name != GATEWAY_MEMORY && PROXIES.iter().any(|proxy| name.contains(proxy)))
}

/// Builds the service, apart from the workspace, so that nothing else waits for what only it needs.
fn build_peer() -> Result<OsString, VerbFailure> {
    let workspace = Workspace::load()?;
    let (manifest, target) = (workspace.root.join("tools/peer/Cargo.toml"), workspace.target.join("peer"));
    say::line(&format!("xtask: building {PEER} for release"));
    let mut build = cargo();
    build.args(["build", "--release", "--locked", "--manifest-path"]).arg(manifest);
    workspace::run(build.arg("--target-dir").arg(&target))?;
    Ok(target.join("release").join(PEER).into())
}

/// Kills and restarts a release build under load.
pub(crate) fn torture(arguments: &[String]) -> Result<(), VerbFailure> {
    let words: Vec<OsString> = arguments.iter().map(OsString::from).collect();
    let starts_stores = |word: &String| word == STORES || word.starts_with(FAULTS) || word.starts_with(ON);
    if arguments.iter().any(starts_stores) {
        debian::make_sure(&debian::FOR_TORTURE)?;
    }
    let workspace = Workspace::load()?;
    with_server(&workspace, &workspace.target, RELEASE, "portcullis-torture", &[SERVER], &words)
}

fn with_server(
    workspace: &Workspace,
    target: &Path,
    profile: &str,
    tool: &str,
    programs: &[&str],
    arguments: &[OsString],
) -> Result<(), VerbFailure> {
    if workspace.package(tool).is_none() {
        return Err(VerbFailure::Usage(format!(
            "this workspace has no crate `{tool}`; it belongs under tools/"
        )));
    }
    let names = [programs, &[tool]].concat();
    say::line(&format!("xtask: building {} with the profile {profile}", names.join(", ")));
    let packages = names.iter().flat_map(|name| ["--package", name]);
    // All at once, so that what they share is built once.
    let mut build = cargo();
    build.args(["build", "--profile", profile, "--target-dir"]).arg(target).args(packages);
    workspace::run(&mut build)?;
    workspace::run(Command::new(target.join(profile).join(tool)).args(arguments))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nginx_is_installed_for_those_who_ask_for_it() {
        let asks =
            |line: &str| compares_gateway(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        for line in ["--only gateway", "--rounds 3 --only=gateway", "--only nginx", "--peers --write"] {
            assert!(asks(line), "{line}");
        }
        for line in ["", "--only profile", "--only gateway-memory", "--rounds 3 --only"] {
            assert!(!asks(line), "{line}");
        }
    }

    #[test]
    fn the_peer_is_compared_in_one_version_and_no_other() {
        let folder = Workspace::load().unwrap().root.join("tools/peer");
        let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let (_, rest) = manifest.split_once("[dependencies]\n").unwrap();
        let dependencies: Vec<&str> = rest.lines().take_while(|line| !line.is_empty()).collect();
        assert!(dependencies.iter().any(|line| line.starts_with("tower-sessions ")), "{dependencies:?}");
        assert!(dependencies.iter().all(|line| line.contains(r#""="#)), "{dependencies:?}");
        assert!(folder.join("Cargo.lock").is_file());
    }
}
