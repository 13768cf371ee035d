//! Servers of the tests' own, on Debian's programs.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use tempfile::TempDir;

use super::{PATIENCE, PAUSE, run};

/// A PostgreSQL server; dropping it ends it.
pub(crate) struct PostgresProcess {
    server: Child,
    folder: TempDir,
}

impl PostgresProcess {
    pub(crate) fn start() -> Self {
        let folder = TempDir::new().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let data = folder.path().join("data");
        let mut initdb = postgres_tool("initdb");
        initdb.args(["--username=portcullis", "--encoding=UTF8", "--auth=trust", "--no-sync", "--pgdata"]);
        run(initdb.arg(&data).current_dir(folder.path()));
        let mut serve = postgres_tool("postgres");
        serve.arg("-D").arg(&data).arg("-k").arg(folder.path()).args(["-h", "", "-cfsync=off"]);
        serve.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).current_dir(folder.path());
        let started = Self { server: serve.spawn().unwrap(), folder };
        wait_until(|| started.shell("SELECT 1").output().unwrap().status.success());
        started
    }

    /// The URL of the database, through the socket.
    pub(crate) fn url(&self) -> String {
        let socket = self.folder.path().to_str().unwrap().replace('/', "%2F");
        format!("postgres://portcullis@{socket}/postgres")
    }

    /// Runs what an operator types into PostgreSQL's shell.
    pub(crate) fn by_hand(&self, sql: &str) -> String {
        run(&mut self.shell(sql))
    }

    fn shell(&self, sql: &str) -> Command {
        let mut shell = Command::new("psql");
        shell.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", "portcullis", "-d", "postgres"]);
        shell.arg("-h").arg(self.folder.path()).args(["-c", sql]);
        shell
    }
}

impl Drop for PostgresProcess {
    fn drop(&mut self) {
        // A fast end; its socket and its memory go with it.
        let _ = Command::new("kill").args(["-INT", &self.server.id().to_string()]).status();
        let _ = self.server.wait();
    }
}

/// A Redis server without a file; dropping it ends it.
pub(crate) struct RedisProcess {
    server: Child,
    port: u16,
}

impl RedisProcess {
    pub(crate) fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut serve = Command::new("redis-server");
        serve.args(["--bind", "127.0.0.1", "--save", "", "--port", &port.to_string()]);
        let server = serve.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        let started = Self { server, port };
        wait_until(|| started.shell("PING").output().unwrap().status.success());
        started
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Runs what an operator types into Redis' shell.
    pub(crate) fn by_hand(&self, command: &str) {
        run(&mut self.shell(command));
    }

    fn shell(&self, command: &str) -> Command {
        let mut shell = Command::new("redis-cli");
        shell.args(["-e", "-p", &self.port.to_string(), command]);
        shell
    }
}

impl Drop for RedisProcess {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn wait_until(is_up: impl Fn() -> bool) {
    for _ in 0..PATIENCE {
        if is_up() {
            return;
        }
        thread::sleep(PAUSE);
    }
    panic!("the server does not start");
}

/// One of the programs of the server, of its newest version, as a user other than root: it refuses to be root.
fn postgres_tool(name: &str) -> Command {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let found = versions.map(|version| version.unwrap().path().join("bin").join(name));
    let program: PathBuf = found.filter(|path| path.is_file()).max().expect("Debian's package `postgresql`");
    if fs::metadata(Path::new("/proc/self")).unwrap().uid() != 0 {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "postgres", "--regid", "postgres", "--clear-groups"]).arg(program);
    command
}
