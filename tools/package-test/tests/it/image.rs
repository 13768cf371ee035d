//! The image, without an engine for containers: its file system, made by the same program as in the `Dockerfile`, and
//! run as the `Dockerfile` and `compose.yaml` say, as that user, on a read-only root with one volume.

use std::collections::HashMap;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::clients::Clients;
use crate::http::Request;
use crate::release;
use crate::shell::{Outcome, run};

const DATA: &str = "var/lib/portcullis";
/// What a container's engine mounts, and then runs: `$1` is the root, `$2` the volume.
const ENGINE: &str = r#"set -e
mount --bind "$1" "$1"
mount --bind "$2" "$1/var/lib/portcullis"
mount -o remount,bind,ro "$1"
mount -t proc proc "$1/proc"
root=$1 user=$3
shift 3
exec chroot --userspec="$user" "$root" "$@"
"#;

const TO_JSON: &str = "import json, sys, yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1]))))";

/// The file system, a volume, and what is known of how they are run.
struct Image {
    folder: TempDir,
    /// The `Dockerfile`'s instructions, by their first word.
    instructions: Vec<(String, String)>,
    /// Of the service `server` in `compose.yaml`.
    environment: HashMap<String, String>,
    address: SocketAddr,
}

impl Image {
    fn make() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (root, volume) = (folder.path().join("root"), folder.path().join("volume"));
        let repository = repository();
        let program = unpacked_program(folder.path());
        let make_root = repository.join("packaging/container/make-root");
        run(make_root.to_str().unwrap(), &[root.to_str().unwrap(), program.to_str().unwrap()]);
        make_volume(&volume, &root.join(DATA));
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut environment = environment_of_service(&repository.join("compose.yaml"), "server");
        // A sign-in without a code by mail, so that it takes one request.
        environment.insert("PORTCULLIS_STRATEGIES_ENABLED".to_owned(), "device,session-jwt".to_owned());
        environment
            .insert("PORTCULLIS_PUBLIC_URL".to_owned(), format!("http://localhost:{}", address.port()));
        let dockerfile = fs::read_to_string(repository.join("Dockerfile")).unwrap();
        Self { folder, instructions: instructions(&dockerfile), environment, address }
    }

    fn root(&self) -> PathBuf {
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

    /// A program in a container of this image, as an engine runs it.
    fn command(&self, words: &[String], environment: &[(&str, &str)]) -> Command {
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation=private", "--", "sh", "-c", ENGINE, "engine"]);
        command
            .args([self.root(), self.folder.path().join("volume")])
            .arg(self.instruction("USER"))
            .args(words);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        for (_, text) in self.instructions.iter().filter(|(word, _)| word == "ENV") {
            let (name, value) = text.split_once('=').unwrap();
            command.env(name, value);
        }
        // The network is this machine's: another port than the one that may be taken here.
        command.envs(&self.environment).env("PORTCULLIS_LISTEN", self.address.to_string());
        command.envs(environment.iter().copied());
        command
    }

    fn serving(&self) -> Command {
        let words = [self.words("ENTRYPOINT"), self.words("CMD")].concat();
        self.command(&words, &[])
    }

    fn is_healthy(&self) -> bool {
        Outcome::of(&mut self.command(&self.words("HEALTHCHECK"), &[])).success
    }

    fn start(&self) -> Container {
        let log = fs::File::create(self.folder.path().join("log")).unwrap();
        let mut serving = self.serving();
        serving.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let mut container = Container(serving.spawn().unwrap());
        while !self.is_healthy() {
            let ended = container.0.try_wait().unwrap();
            assert!(ended.is_none(), "{}", fs::read_to_string(self.folder.path().join("log")).unwrap());
            thread::sleep(Duration::from_millis(50));
        }
        container
    }
}

/// A process in a container; it is killed with its test.
struct Container(Child);

impl Container {
    /// Stops it as engines do, and says with which code it ended.
    fn stop(mut self) -> Option<i32> {
        run("kill", &["-TERM", &self.0.id().to_string()]);
        self.0.wait().unwrap().code()
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A new volume gets owner and permissions of the folder that it covers.
fn make_volume(volume: &Path, covered: &Path) {
    let covered = fs::metadata(covered).unwrap();
    fs::create_dir(volume).unwrap();
    fs::set_permissions(volume, fs::Permissions::from_mode(covered.mode())).unwrap();
    std::os::unix::fs::chown(volume, Some(covered.uid()), Some(covered.gid())).unwrap();
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
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

/// The environment of a service, with the default where a variable is left to the operator.
fn environment_of_service(compose: &Path, service: &str) -> HashMap<String, String> {
    let python =
        std::env::var_os("PORTCULLIS_TEST_CYCLONEDX").expect("`cargo xtask packages` says where Python is");
    let mut convert = Command::new(python);
    let json = Outcome::of(convert.args(["-c", TO_JSON]).arg(compose)).ok();
    let compose: Value = serde_json::from_str(&json).unwrap();
    let environment = compose["services"][service]["environment"].as_object().unwrap();
    let stated = |value: &str| match value.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) {
        Some(variable) => match variable.split_once(":-") {
            Some((_, default)) => default.to_owned(),
            None => "0123456789abcdef".repeat(4),
        },
        None => value.to_owned(),
    };
    environment.iter().map(|(name, value)| (name.clone(), stated(value.as_str().unwrap()))).collect()
}

#[test]
fn an_image_serves_as_its_own_user_on_a_read_only_root_and_keeps_its_volume() {
    let image = Image::make();
    for shell in ["bin/sh", "usr/bin/sh", "bin/bash", "usr/bin/bash"] {
        assert!(!image.root().join(shell).exists(), "{shell}");
    }
    assert!(!image.is_healthy(), "before it runs");
    let server = image.start();
    let user = json!({ "email": "ann@example.com", "password": "a horse that is correct" });
    let mut stranger = user.clone();
    stranger["name"] = "Ann".into();
    Request::post("/auth/session-jwt/register", &stranger).send(image.address).expect(201);
    let signed_in = Request::post("/auth/session-jwt/login", &user).send(image.address).expect(201);
    let profile =
        Request::get("/auth/session-jwt/profile").bearing(signed_in["access_token"].as_str().unwrap());
    // It stops by itself, and answers what it has begun.
    profile.send(image.address).expect(200);
    assert_eq!(server.stop(), Some(0));
    assert!(!image.is_healthy(), "after its end");
    assert!(image.folder.path().join("volume/portcullis.db").exists());
    let server = image.start();
    profile.send(image.address).expect(200);
    let clients = Clients::at_work(image.address, &profile);
    clients.finish();
    drop(server);
}

#[test]
fn an_image_that_is_not_configured_says_what_it_needs() {
    let image = Image::make();
    let mut bare = image.serving();
    for name in image.environment.keys() {
        bare.env_remove(name);
    }
    let said = Outcome::of(bare.env("PORTCULLIS_LISTEN", "0.0.0.0:0")).refused();
    for setting in ["public_url", "master_key", "mail.transport"] {
        assert!(said.contains(setting), "{said}");
    }
}
