#![cfg(test)]
//! A PostgreSQL server of the tests' own, on Debian's programs.

use std::fs::{self, File};
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;
use tokio::time::sleep;

/// The password of the user `portcullis` over TCP. Through the socket none is asked for.
pub(super) const PASSWORD: &str = "p@ss:w/?";

/// What the tests need not wait for: nothing here survives a power cut.
const SETTINGS: [&str; 6] = [
    "-cfsync=off",
    "-cfull_page_writes=off",
    "-cmax_connections=400",
    "-clog_min_messages=fatal",
    "-F",
    "-cmax_wal_size=256MB",
];

/// A server, which ends with this value or with the process that it was started by.
pub(super) struct Cluster {
    folder: PathBuf,
    port: u16,
    running: Option<Child>,
}

impl Cluster {
    pub(super) fn start() -> Self {
        let folder = TempDir::with_prefix("portcullis-postgres-").unwrap().keep();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(folder.join("password"), PASSWORD).unwrap();
        let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        fs::write(folder.join("certificate.pem"), certified.cert.pem()).unwrap();
        fs::write(folder.join("key.pem"), certified.signing_key.serialize_pem()).unwrap();
        fs::set_permissions(folder.join("key.pem"), fs::Permissions::from_mode(0o600)).unwrap();
        hand_over(&folder);
        let mut initdb = as_owner(&program("initdb"));
        initdb.args(["--username=portcullis", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]);
        initdb
            .args(["--auth-local=trust", "--auth-host=scram-sha-256", "--pwfile"])
            .arg(folder.join("password"));
        let made = initdb.arg("--pgdata").arg(folder.join("data")).current_dir(&folder).output().unwrap();
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let mut cluster = Self { folder, port: free_port(), running: None };
        cluster.run();
        cluster
    }

    /// Runs the server under a shell, which ends it, and removes its folder, once this process has ended.
    pub(super) fn run(&mut self) {
        let mut shell = as_owner(Path::new("sh"));
        let script = "folder=$1; shift; \"$@\" & server=$!; read last; kill -INT $server; wait $server; \
            [ \"$last\" ] || rm -rf \"$folder\"";
        shell.args(["-c", script, "sh"]).arg(&self.folder);
        shell.arg(program("postgres")).arg("-D").arg(self.folder.join("data")).arg("-k").arg(&self.folder);
        shell.args(["-cssl=on", "-cssl_cert_file=../certificate.pem", "-cssl_key_file=../key.pem"]);
        shell.args(["-h", "127.0.0.1", "-p", &self.port.to_string()]).args(SETTINGS);
        let log = File::options().create(true).append(true).open(self.folder.join("log")).unwrap();
        shell.stdin(Stdio::piped()).stdout(log.try_clone().unwrap()).stderr(log).current_dir(&self.folder);
        self.running = Some(shell.spawn().unwrap());
    }

    /// Waits until the server takes connections.
    pub(super) async fn is_up(&self) {
        let url = self.url("postgres", "");
        for _ in 0..3_000 {
            match PgConnection::connect(&url).await {
                Ok(db) => return db.close().await.unwrap(),
                Err(_) => sleep(Duration::from_millis(20)).await,
            }
        }
        panic!("the server does not start: {}", fs::read_to_string(self.folder.join("log")).unwrap());
    }

    /// Ends the server as a fault would: without a word to its clients.
    pub(super) fn kill(&mut self) {
        let lines = fs::read_to_string(self.data().join("postmaster.pid")).unwrap();
        let process = lines.lines().next().unwrap();
        let killed = Command::new("sh").args(["-c", &format!("kill -QUIT {process}")]).status().unwrap();
        assert!(killed.success());
        self.wait();
    }

    /// Ends the server, with its clients' sessions, and runs it as a standby.
    pub(super) async fn restart_as_standby(&mut self) {
        self.wait();
        fs::write(self.data().join("standby.signal"), "").unwrap();
        self.run();
        self.is_up().await;
    }

    fn wait(&mut self) {
        if let Some(mut running) = self.running.take() {
            running.stdin.take().unwrap().write_all(b"the folder stays\n").unwrap();
            running.wait().unwrap();
        }
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// The URL of a database through the socket.
    pub(super) fn url(&self, database: &str, schema: &str) -> String {
        let host = self.folder.to_str().unwrap().replace('/', "%2F");
        let options =
            if schema.is_empty() { String::new() } else { format!("?options=-csearch_path%3D{schema}") };
        format!("postgres://portcullis@{host}:{}/{database}{options}", self.port)
    }

    /// The certificate that the server shows over TCP, for the host `localhost`.
    pub(super) fn certificate(&self) -> String {
        self.folder.join("certificate.pem").to_str().unwrap().to_owned()
    }

    /// User and password, as a URL has them.
    pub(super) fn login() -> String {
        let encoded =
            PASSWORD.replace('@', "%40").replace(':', "%3A").replace('/', "%2F").replace('?', "%3F");
        format!("portcullis:{encoded}")
    }

    /// The URL of a database over TCP, for a user with a password.
    pub(super) fn tcp_url(&self, login: &str, database: &str) -> String {
        format!("postgres://{login}@127.0.0.1:{}/{database}", self.port)
    }

    /// Runs what an operator types into PostgreSQL's shell.
    pub(super) fn by_hand(&self, database: &str, sql: &str) {
        let mut shell = Command::new(program("psql"));
        shell.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-U", "portcullis", "-h"]).arg(&self.folder);
        shell.args(["-p", &self.port.to_string(), "-d", database, "-c", sql]);
        let done = shell.output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.wait();
        fs::remove_dir_all(&self.folder).unwrap();
    }
}

/// One of Debian's programs of the server, of its newest version.
fn program(name: &str) -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut found: Vec<PathBuf> =
        versions.map(|version| version.unwrap().path().join("bin").join(name)).collect();
    found.retain(|path| path.is_file());
    found.sort();
    found.pop().expect("no PostgreSQL server: these tests need Debian's package `postgresql`")
}

/// The user that the server runs as, for it refuses to run as root.
fn owner() -> Option<&'static str> {
    (fs::metadata("/proc/self").unwrap().uid() == 0).then_some("postgres")
}

fn as_owner(program: &Path) -> Command {
    let Some(owner) = owner() else { return Command::new(program) };
    let mut command = Command::new("setpriv");
    command.args(["--reuid", owner, "--regid", owner, "--clear-groups"]).arg(program);
    command
}

fn hand_over(folder: &Path) {
    if let Some(owner) = owner() {
        let given = Command::new("chown").args(["-R", owner]).arg(folder).status().unwrap();
        assert!(given.success());
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
