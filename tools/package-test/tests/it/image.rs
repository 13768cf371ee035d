//! The image without an engine for containers: its file system, made by the same program as in the `Dockerfile`, and
//! containers of it, run as the `Dockerfile` says: as that user, on a read-only root with one volume.

use std::collections::HashMap;
use std::fs::{self, File, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use crate::compose::{ComposeFile, repository};
use crate::network::Network;
use crate::release;
use crate::shell::{Outcome, run};

const DATA: &str = "var/lib/portcullis";

/// What an operator's file has in it.
const MASTER_KEY: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// How often a server is asked whether it is healthy, 50 ms apart: it may have a slow machine to start on.
const TRIES: usize = 2_400;

/// What a container's engine mounts, and then runs: `$1` is the root, `$2` the volume, `$3` the file of the key, `$4`
/// where it is inside, and `$5` the user. The program is process 1 inside, as without `--init`.
const ENGINE: &str = r#"set -e
mount --bind "$1" "$1"
mount --bind "$2" "$1/var/lib/portcullis"
: >>"$1/etc/hosts"
mount --bind /etc/hosts "$1/etc/hosts"
mkdir -p "$(dirname "$1$4")"
: >>"$1$4"
mount --bind "$3" "$1$4"
mount -o remount,bind,ro "$1"
mount -t proc proc "$1/proc"
root=$1 user=$5
shift 5
exec chroot --userspec="$user" "$root" "$@"
"#;

/// The file system, and what the `Dockerfile` says of it.
pub(crate) struct Image {
    folder: PathBuf,
    /// By their first word.
    instructions: Vec<(String, String)>,
}

impl Image {
    /// The image, which is made once for all tests.
    pub(crate) fn get() -> &'static Self {
        static IMAGE: OnceLock<Image> = OnceLock::new();
        IMAGE.get_or_init(Self::make)
    }

    /// It takes the place of the one before.
    fn make() -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("image");
        if folder.exists() {
            fs::remove_dir_all(&folder).unwrap();
        }
        fs::create_dir_all(&folder).unwrap();
        let program = unpacked_program(&folder);
        let make_root = repository().join("packaging/container/make-root");
        let root = folder.join("root");
        // Whatever the umask is, user 10001 can read what it needs.
        let under_umask = ["-c", "umask 077; exec \"$@\"", "sh", make_root.to_str().unwrap()];
        run("sh", &[&under_umask[..], &[root.to_str().unwrap(), program.to_str().unwrap()]].concat());
        let dockerfile = fs::read_to_string(repository().join("Dockerfile")).unwrap();
        Self { folder, instructions: instructions(&dockerfile) }
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.folder.join("root")
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

/// A container, running or not, with a volume and a key of its own.
pub(crate) struct Container {
    image: &'static Image,
    network: Option<Arc<Network>>,
    environment: HashMap<String, String>,
    key_file: String,
    folder: TempDir,
}

impl Container {
    /// One of a service of the file, which listens here: all containers share this machine's network, or the one that
    /// is given.
    pub(crate) fn new(
        network: Option<Arc<Network>>,
        compose: &ComposeFile,
        service: &str,
        address: SocketAddr,
    ) -> Self {
        let image = Image::get();
        let mut environment = compose.environment(service);
        // A sign-in without a code by mail, so that it takes one request.
        environment.insert("PORTCULLIS_STRATEGIES_ENABLED".to_owned(), "device,session-jwt".to_owned());
        environment.insert("PORTCULLIS_LISTEN".to_owned(), address.to_string());
        let folder = tempfile::tempdir().unwrap();
        let covered = fs::metadata(image.root().join(DATA)).unwrap();
        let container = Self { image, network, environment, key_file: compose.key_file(service), folder };
        // A new volume gets owner and permissions of the folder that it covers.
        fs::create_dir(container.volume()).unwrap();
        fs::set_permissions(container.volume(), Permissions::from_mode(covered.mode())).unwrap();
        chown(container.volume(), Some(covered.uid()), Some(covered.gid())).unwrap();
        fs::write(container.key(), MASTER_KEY).unwrap();
        fs::set_permissions(container.key(), Permissions::from_mode(0o400)).unwrap();
        chown(container.key(), Some(covered.uid()), None).unwrap();
        container
    }

    /// States another value than the file does.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn volume(&self) -> PathBuf {
        self.folder.path().join("volume")
    }

    /// What the server has said since its last start.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap()
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn key(&self) -> PathBuf {
        self.folder.path().join("master.key")
    }

    /// A program in the container, as an engine runs it: as process 1 of its own. If the test is killed, the outer of
    /// the two namespaces ends, and takes the inner one with it.
    fn command(&self, words: &[String]) -> Command {
        let mut command = Network::lasting(self.network.as_deref(), "unshare");
        command.args(["--pid", "--kill-child", "--", "unshare", "--pid", "--fork"]);
        command.args(["--mount", "--propagation=private", "--", "sh", "-c", ENGINE, "engine"]);
        command.args([self.image.root(), self.volume(), self.key()]).arg(&self.key_file);
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
        let log = File::create(self.log_path()).unwrap();
        let mut serving = self.serving();
        serving.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let mut running = RunningContainer(serving.spawn().unwrap());
        for _ in 0..TRIES {
            if self.is_healthy() {
                return running;
            }
            let ended = running.0.try_wait().unwrap();
            assert!(ended.is_none(), "{}", self.log());
            thread::sleep(Duration::from_millis(50));
        }
        panic!("it never became healthy:\n{}", self.log());
    }
}

/// The process in a container; it is killed with its owner.
pub(crate) struct RunningContainer(Child);

impl RunningContainer {
    /// Stops it as engines do, and says with which code it ended.
    pub(crate) fn stop(mut self) -> Option<i32> {
        run("kill", &["-TERM", &self.innermost()]);
        self.0.wait().unwrap().code()
    }

    /// The program itself: the others wait for it, and end with its code.
    fn innermost(&self) -> String {
        let mut innermost = self.0.id().to_string();
        while let Ok(children) = fs::read_to_string(format!("/proc/{innermost}/task/{innermost}/children")) {
            let Some(child) = children.split_whitespace().next() else { break };
            child.clone_into(&mut innermost);
        }
        innermost
    }
}

impl Drop for RunningContainer {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            run("kill", &["-KILL", &self.innermost()]);
            // It is gone with what ran in it.
            let _ = self.0.wait();
        }
    }
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
