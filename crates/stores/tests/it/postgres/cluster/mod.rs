#![cfg(test)]
//! A PostgreSQL server of the tests' own, on Debian's programs.

mod machine;

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use super::ReservedPort;
use machine::{PausedProcesses, as_owner, children, hand_over, program, signal, succeeds};

/// The password of the user `portcullis` over TCP. Through the socket none is asked for.
pub(crate) const PASSWORD: &str = "p@ss:w/?";

/// `portcullis` owns a database of its name, and has no more rights than an operator must give.
const MADE_FIRST: &str = "CREATE ROLE portcullis LOGIN PASSWORD 'p@ss:w/?'\n\
    CREATE DATABASE portcullis OWNER portcullis\n";

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
pub(crate) struct Cluster {
    folder: PathBuf,
    port: ReservedPort,
    running: Option<Child>,
}

impl Cluster {
    /// Makes a server, and waits until it takes connections.
    pub(crate) fn start() -> Self {
        let mut cluster = Self::in_new_folder();
        let mut initdb = cluster.tool("initdb");
        initdb.args(["--username=postgres", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]);
        initdb.args(["--auth-local=trust", "--auth-host=scram-sha-256", "--pgdata"]).arg(cluster.data());
        succeeds(initdb);
        let mut made = cluster.tool("postgres");
        made.args(["--single", "-F", "-D"]).arg(cluster.data()).arg("postgres");
        fs::write(cluster.folder.join("first.sql"), MADE_FIRST).unwrap();
        made.stdin(File::open(cluster.folder.join("first.sql")).unwrap());
        succeeds(made);
        cluster.run();
        cluster
    }

    /// Makes a standby, which follows this server as soon as it runs.
    pub(crate) fn standby(&self) -> Self {
        let mut standby = Self::in_new_folder();
        let mut copy = standby.tool("pg_basebackup");
        copy.args(["--write-recovery-conf", "--checkpoint=fast", "--no-sync", "--username=postgres", "-h"]);
        copy.arg(&self.folder).args(["-p", &self.port.number().to_string(), "-D"]).arg(standby.data());
        succeeds(copy);
        standby.run();
        standby
    }

    fn in_new_folder() -> Self {
        let folder = TempDir::with_prefix("portcullis-postgres-").unwrap().keep();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        fs::write(folder.join("certificate.pem"), certified.cert.pem()).unwrap();
        fs::write(folder.join("key.pem"), certified.signing_key.serialize_pem()).unwrap();
        fs::set_permissions(folder.join("key.pem"), fs::Permissions::from_mode(0o600)).unwrap();
        hand_over(&folder);
        Self { folder, port: ReservedPort::new(), running: None }
    }

    /// One of the server's programs, as its user and in its folder.
    fn tool(&self, name: &str) -> Command {
        let mut tool = as_owner(&program(name));
        tool.current_dir(&self.folder);
        tool
    }

    /// Runs the server under a shell, which ends it, and removes its folder, once this process has ended.
    pub(crate) fn run(&mut self) {
        self.spawn();
        self.wait_until_up();
    }

    fn spawn(&mut self) {
        let mut shell = as_owner(Path::new("sh"));
        let script = "folder=$1; shift; \"$@\" & server=$!; read last; kill -INT $server; wait $server; \
            [ \"$last\" ] || rm -rf \"$folder\"";
        shell.args(["-c", script, "sh"]).arg(&self.folder);
        shell.arg(program("postgres")).arg("-D").arg(self.folder.join("data")).arg("-k").arg(&self.folder);
        shell.args(["-cssl=on", "-cssl_cert_file=../certificate.pem", "-cssl_key_file=../key.pem"]);
        shell.args(["-h", "127.0.0.1", "-p", &self.port.number().to_string()]).args(SETTINGS);
        let log = File::options().create(true).append(true).open(self.folder.join("log")).unwrap();
        shell.stdin(Stdio::piped()).stdout(log.try_clone().unwrap()).stderr(log).current_dir(&self.folder);
        self.running = Some(shell.spawn().unwrap());
    }

    fn wait_until_up(&self) {
        for _ in 0..3_000 {
            let mut asked = Command::new(program("pg_isready"));
            asked
                .args(["-q", "-d", "postgres", "-p", &self.port.number().to_string(), "-h"])
                .arg(&self.folder);
            if asked.status().unwrap().success() {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        panic!("the server does not start: {}", fs::read_to_string(self.folder.join("log")).unwrap());
    }

    /// Ends the server as a fault would: without a word to its clients.
    pub(crate) fn kill(&mut self) {
        signal("QUIT", &[self.process()]);
        self.wait();
    }

    /// Stops all processes of the server where they are, as a machine that hangs does, until the guard is dropped.
    pub(crate) fn pause(&self) -> PausedProcesses {
        let postmaster = self.process();
        // It makes no more of them.
        let first = PausedProcesses::stop(vec![postmaster.clone()]);
        first.with(children(&postmaster))
    }

    fn process(&self) -> String {
        let lines = fs::read_to_string(self.data().join("postmaster.pid")).unwrap();
        lines.lines().next().unwrap().to_owned()
    }

    /// Makes a standby the primary.
    pub(crate) fn promote(&self) {
        self.by_hand("postgres", "SELECT pg_promote()");
    }

    /// Ends the server, with its clients' sessions, and runs it as a standby.
    pub(crate) fn restart_as_standby(&mut self) {
        self.wait();
        fs::write(self.data().join("standby.signal"), "").unwrap();
        self.run();
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
    pub(crate) fn url(&self, database: &str, schema: &str) -> String {
        let options =
            if schema.is_empty() { String::new() } else { format!("?options=-csearch_path%3D{schema}") };
        format!("postgres://portcullis@{}/{database}{options}", self.place())
    }

    /// The URL of a database for the operator of the server, who may do everything.
    pub(crate) fn operators_url(&self, database: &str) -> String {
        format!("postgres://postgres@{}/{database}", self.place())
    }

    /// The socket, as the URL of a host names it.
    pub(crate) fn place(&self) -> String {
        format!("{}:{}", self.folder.to_str().unwrap().replace('/', "%2F"), self.port.number())
    }

    /// The certificate that the server shows over TCP, for the host `localhost`.
    pub(crate) fn certificate(&self) -> String {
        self.folder.join("certificate.pem").to_str().unwrap().to_owned()
    }

    /// User and password, as a URL has them.
    pub(crate) fn login() -> String {
        let encoded =
            PASSWORD.replace('@', "%40").replace(':', "%3A").replace('/', "%2F").replace('?', "%3F");
        format!("portcullis:{encoded}")
    }

    /// The URL of a database over TCP, for a user with a password.
    pub(crate) fn tcp_url(&self, login: &str, database: &str) -> String {
        format!("postgres://{login}@127.0.0.1:{}/{database}", self.port.number())
    }

    /// Runs what the operator of the server types into PostgreSQL's shell.
    pub(crate) fn by_hand(&self, database: &str, sql: &str) {
        let mut shell = Command::new(program("psql"));
        shell.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-h"]).arg(&self.folder);
        shell.args(["-p", &self.port.number().to_string(), "-d", database, "-c", sql]);
        succeeds(shell);
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.wait();
        fs::remove_dir_all(&self.folder).unwrap();
    }
}
