//! The Debian packages that tests and the bench need.
//!
//! A table for each. What is there already counts wherever it came from: a package is missing when its proof is, not
//! when dpkg does not know it. Only root installs; another user gets the one command to run.

use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::failure::VerbFailure;
use crate::say;
use crate::workspace;

/// A package, and what shows that it need not be installed.
pub(crate) struct DebianPackage {
    name: &'static str,
    proof: PackageProof,
}

enum PackageProof {
    /// A program on the path.
    Program(&'static str),
    /// Modules that Python can import.
    PythonModules(&'static str),
    /// The PostgreSQL server, whose programs Debian keeps off the path.
    PostgresServer,
}

const FAKETIME: DebianPackage = DebianPackage { name: "faketime", proof: PackageProof::Program("faketime") };
const POSTGRES: DebianPackage = DebianPackage { name: "postgresql", proof: PackageProof::PostgresServer };
const NGINX: DebianPackage = DebianPackage { name: "nginx-light", proof: PackageProof::Program("nginx") };
const REDIS: DebianPackage =
    DebianPackage { name: "redis-server", proof: PackageProof::Program("redis-server") };

/// What tests need.
pub(crate) const FOR_TESTS: [DebianPackage; 14] = [
    DebianPackage { name: "caddy", proof: PackageProof::Program("caddy") },
    DebianPackage { name: "chromium", proof: PackageProof::Program("chromium") },
    DebianPackage { name: "curl", proof: PackageProof::Program("curl") },
    FAKETIME,
    DebianPackage { name: "jq", proof: PackageProof::Program("jq") },
    DebianPackage { name: "man-db", proof: PackageProof::Program("man") },
    NGINX,
    DebianPackage { name: "nodejs", proof: PackageProof::Program("node") },
    DebianPackage { name: "npm", proof: PackageProof::Program("npm") },
    POSTGRES,
    DebianPackage { name: "python3-venv", proof: PackageProof::PythonModules("ensurepip, venv") },
    REDIS,
    DebianPackage { name: "sqlite3", proof: PackageProof::Program("sqlite3") },
    DebianPackage { name: "strace", proof: PackageProof::Program("strace") },
];

/// What makes the packages of a release.
pub(crate) const FOR_DIST: [DebianPackage; 2] = [
    DebianPackage { name: "dpkg-dev", proof: PackageProof::Program("dpkg-shlibdeps") },
    DebianPackage { name: "xz-utils", proof: PackageProof::Program("xz") },
];

/// What tries these packages.
pub(crate) const FOR_PACKAGES: [DebianPackage; 9] = [
    DebianPackage { name: "curl", proof: PackageProof::Program("curl") },
    DebianPackage { name: "iproute2", proof: PackageProof::Program("ip") },
    DebianPackage { name: "lintian", proof: PackageProof::Program("lintian") },
    DebianPackage { name: "mmdebstrap", proof: PackageProof::Program("mmdebstrap") },
    NGINX,
    POSTGRES,
    REDIS,
    DebianPackage { name: "python3-venv", proof: PackageProof::PythonModules("ensurepip, venv") },
    DebianPackage { name: "systemd-container", proof: PackageProof::Program("systemd-nspawn") },
];

/// What the bench needs that compares the gateway with nginx.
pub(crate) const FOR_GATEWAY: [DebianPackage; 1] = [NGINX];

/// What the bench needs that compares the server with others.
pub(crate) const FOR_PEERS: [DebianPackage; 1] = [REDIS];

/// What the bench needs that compares stores.
pub(crate) const FOR_STORES: [DebianPackage; 2] = [POSTGRES, REDIS];

/// What torture needs that kills servers on stores, and lets stores fail.
pub(crate) const FOR_TORTURE: [DebianPackage; 3] = [FAKETIME, POSTGRES, REDIS];

/// Installs what is missing.
pub(crate) fn make_sure(packages: &[DebianPackage]) -> Result<(), VerbFailure> {
    if missing(packages).is_empty() {
        return Ok(());
    }
    if !is_root() || !is_on_path("apt-get") {
        return Err(VerbFailure::Usage(advice(&missing(packages))));
    }
    // Another test command may be installing: `apt-get` does not wait for another one.
    let _turn = workspace::lock(&std::env::temp_dir().join("portcullis-apt.lock"))?;
    let missing = missing(packages);
    if missing.is_empty() { Ok(()) } else { install(&missing) }
}

fn missing(packages: &[DebianPackage]) -> Vec<&'static str> {
    packages.iter().filter(|package| !package.proof.holds()).map(|package| package.name).collect()
}

fn install(missing: &[&str]) -> Result<(), VerbFailure> {
    say::line(&format!("xtask: installing Debian packages: {}", missing.join(" ")));
    // A machine whose package lists are old asks for versions that the mirrors no longer have.
    workspace::run(apt_get().arg("update"))?;
    workspace::run(apt_get().args(["install", "--yes", "--no-install-recommends"]).args(missing))
}

fn advice(missing: &[&str]) -> String {
    let names = missing.join(" ");
    format!(
        "{names} must be installed; run this and try again:\n  \
         sudo apt-get update && sudo apt-get install --yes --no-install-recommends {names}"
    )
}

fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    command
        .args(["--quiet=2", "-o", "Dpkg::Use-Pty=0"])
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null());
    command
}

impl PackageProof {
    fn holds(&self) -> bool {
        match self {
            Self::Program(name) => is_on_path(name),
            Self::PythonModules(names) => python_imports(names),
            Self::PostgresServer => has_postgres_server(),
        }
    }
}

fn is_on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Debian has it on root's path alone.
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders.map(|folder| folder.join(program)).any(|file| file.is_file())
}

fn has_postgres_server() -> bool {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    versions.map(|version| version.path().join("bin/postgres")).any(|server| server.is_file())
}

fn python_imports(names: &str) -> bool {
    let mut command = Command::new("python3");
    command.args(["-c", &format!("import {names}")]).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// The owner of our own entry in `/proc` is who we act as.
pub(crate) fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0)
}

/// Why no root of Debian can be made and started here: both take root that may mount. Root of a usual container may
/// not.
pub(crate) fn obstacle_to_roots() -> Option<&'static str> {
    obstacle(is_root(), may_mount)
}

fn obstacle(is_root: bool, may_mount: impl FnOnce() -> bool) -> Option<&'static str> {
    if !is_root {
        return Some(
            "that needs root. With a folder of its own, root leaves nothing in yours:\n  \
             sudo env PATH=\"$PATH\" CARGO_TARGET_DIR=/var/tmp/portcullis-packages cargo xtask packages",
        );
    }
    (!may_mount()).then_some(
        "that mounts file systems, and root of this container may not: run it on a machine, or give the container the \
         capability CAP_SYS_ADMIN (`docker run --privileged`)",
    )
}

fn may_mount() -> bool {
    let mut unshare = Command::new("unshare");
    let unshare = unshare.args(["--mount", "true"]).stderr(Stdio::null());
    unshare.status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_tells_what_is_there_from_what_is_not() {
        assert!(PackageProof::Program("sh").holds());
        assert!(!PackageProof::Program("no-such-program").holds());
        assert!(!PackageProof::PythonModules("no_such_module").holds());
    }

    #[test]
    fn whoever_may_not_install_is_told_one_command() {
        let advice = advice(&["npm", "strace"]);
        assert!(
            advice.ends_with("&& sudo apt-get install --yes --no-install-recommends npm strace"),
            "{advice}"
        );
    }
    #[test]
    fn roots_are_made_by_root_that_may_mount() {
        assert!(obstacle(false, || true).unwrap().contains("sudo env"));
        assert!(obstacle(true, || false).unwrap().contains("CAP_SYS_ADMIN"));
        assert_eq!(obstacle(true, || true), None);
    }
}
