//! The image without an engine for containers: its file system, made by the same program as in the `Dockerfile`, and
//! containers of it, run as the `Dockerfile` says: as that user, on a read-only root with one volume.

use std::collections::HashMap;
use std::fs::{self, File, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use crate::compose::repository;
use crate::network::Network;
use crate::release;
use crate::shell::{Outcome, run};

const DATA: &str = "var/lib/portcullis";

/// What a container's engine mounts, and then runs: `$1` is the root, `$2` the volume, `$3` the user.
const ENGINE: &str = r#"set -e
mount --bind "$1" "$1"
mount --bind "$2" "$1/var/lib/portcullis"
: >>"$1/etc/hosts"
mount --bind /etc/hosts "$1/etc/hosts"
mount -o remount,bind,ro "$1"
mount -t proc proc "$1/proc"
root=$1 user=$3
shift 3
exec chroot --userspec="$user" "$root" "$@"
"#;

/// The file system, and what the `Dockerfile` says of it.
pub(crate) struct Image {
    folder: TempDir,
    /// By their first word.
    instructions: Vec<(String, String)>,
}

impl Image {
    pub(crate) fn make() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = unpacked_program(folder.path());
        let make_root = repository().join("packaging/container/make-root");
        let root = folder.path().join("root");
        run(make_root.to_str().unwrap(), &[root.to_str().unwrap(), program.to_str().unwrap()]);
        let dockerfile = fs::read_to_string(repository().join("Dockerfile")).unwrap();
        Self { folder, instructions: instructions(&dockerfile) }
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    fn instruction(&self, name: &str) -> &str {
        let found = self.instructions.iter().rev().find(|(word, _)| word == name);
        &found.expect("an instruction of the Dockerfile").1
    }

    fn words(&self, name: &str) -> Vec<String> {
        let text = self.instruction(name);
        serde_json::from_str(&text[text.find('[').unwrap()..]).unwrap()
    }

    /// The variables that it brings.
    fn environment(&self) -> impl Iterator<Item = (&str, &str)> {
        let lines = self.instructions.iter().filter(|(word, _)| word == "ENV");
        lines.filter_map(|(_, text)| text.split_once('='))
    }
}

/// A container, running or not, with a volume of its own.
pub(crate) struct Container<'a> {
    image: &'a Image,
    network: Option<&'a Network>,
    environment: HashMap<String, String>,
    volume: TempDir,
    pub(crate) address: SocketAddr,
}

impl<'a> Container<'a> {
    /// One of an image, which listens here: all containers share this machine's network, or the one that is given.
    pub(crate) fn new(
        image: &'a Image,
        network: Option<&'a Network>,
        mut environment: HashMap<String, String>,
        address: SocketAddr,
    ) -> Self {
        // A sign-in without a code by mail, so that it takes one request.
        environment.insert("PORTCULLIS_STRATEGIES_ENABLED".to_owned(), "device,session-jwt".to_owned());
        environment.insert("PORTCULLIS_LISTEN".to_owned(), address.to_string());
        let volume = new_volume(&image.root().join(DATA));
        Self { image, network, environment, volume, address }
    }

    pub(crate) fn volume(&self) -> &Path {
        self.volume.path()
    }

    /// A program in the container, as an engine runs it.
    fn command(&self, words: &[String]) -> Command {
        let mut command = Network::command(self.network, "unshare");
        command.args(["--mount", "--propagation=private", "--", "sh", "-c", ENGINE, "engine"]);
        command.args([&self.image.root(), self.volume.path()] as [&Path; 2]);
        command.arg(self.image.instruction("USER")).args(words);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command.envs(self.image.environment()).envs(&self.environment);
        command
    }

    /// What the server says that does not start without what the operator configures.
    pub(crate) fn refused(&self) -> String {
        let mut bare = self.serving();
        self.environment.keys().filter(|name| *name != "PORTCULLIS_LISTEN").for_each(|name| {
            bare.env_remove(name);
        });
        Outcome::of(&mut bare).refused()
    }

    fn serving(&self) -> Command {
        self.command(&[self.image.words("ENTRYPOINT"), self.image.words("CMD")].concat())
    }

    pub(crate) fn is_healthy(&self) -> bool {
        Outcome::of(&mut self.command(&self.image.words("HEALTHCHECK"))).success
    }

    /// Starts it, and waits until it is healthy.
    pub(crate) fn start(&self) -> RunningContainer {
        let log_path = self.image.folder.path().join(format!("{}.log", self.address));
        let log = File::create(&log_path).unwrap();
        let mut serving = self.serving();
        serving.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let mut running = RunningContainer(serving.spawn().unwrap());
        while !self.is_healthy() {
            let ended = running.0.try_wait().unwrap();
            assert!(ended.is_none(), "{}", fs::read_to_string(&log_path).unwrap());
            thread::sleep(Duration::from_millis(50));
        }
        running
    }
}

/// The process in a container; it is killed with its test.
pub(crate) struct RunningContainer(Child);

impl RunningContainer {
    /// Stops it as engines do, and says with which code it ended.
    pub(crate) fn stop(mut self) -> Option<i32> {
        run("kill", &["-TERM", &self.0.id().to_string()]);
        self.0.wait().unwrap().code()
    }
}

impl Drop for RunningContainer {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A new volume gets owner and permissions of the folder that it covers.
fn new_volume(covered: &Path) -> TempDir {
    let volume = tempfile::tempdir().unwrap();
    let covered = fs::metadata(covered).unwrap();
    fs::set_permissions(&volume, Permissions::from_mode(covered.mode())).unwrap();
    chown(volume.path(), Some(covered.uid()), Some(covered.gid())).unwrap();
    volume
}

fn unpacked_program(folder: &Path) -> PathBuf {
    let archive = release::file(".tar.gz");
    let to = ["-C", folder.to_str().unwrap(), "-xzf", archive.to_str().unwrap(), "--strip-components=1"];
    run("tar", &[&to[..], &["--wildcards", "*/portcullis"]].concat());
    folder.join("portcullis")
}

fn instructions(dockerfile: &str) -> Vec<(String, String)> {
    let lines = dockerfile.lines().filter(|line| !line.starts_with('#'));
    let pairs = lines.filter_map(|line| line.split_once(' '));
    pairs.map(|(word, rest)| (word.to_owned(), rest.to_owned())).collect()
}
