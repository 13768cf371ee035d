//! The cluster of `compose.yaml`: three containers of the image, and PostgreSQL, Redis and nginx as Debian has them, in
//! the place of their images. Names, variables, commands and nginx's configuration are those of the files. All of them
//! share one loopback interface, so each listens on an address of its own.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::compose::{ComposeFile, repository};
use crate::image::{Container, RunningContainer};
use crate::network::{Network, WITH_ITS_TEST};
use crate::shell::{Outcome, run};

const NODES: [(&str, &str); 3] =
    [("server-1", "127.0.0.11"), ("server-2", "127.0.0.12"), ("server-3", "127.0.0.13")];
const POSTGRES: (&str, &str) = ("postgres", "127.0.0.21");
const REDIS: (&str, &str) = ("redis", "127.0.0.22");
/// Where nginx's connections come from, and where it listens.
const NGINX: &str = "127.0.0.1";

/// Everything that runs. It is stopped with its owner, the servers first.
pub(crate) struct Cluster {
    servers: Vec<(RunningContainer, Container)>,
    _stores: Vec<StoreProcess>,
    network: Arc<Network>,
    _folder: TempDir,
}

/// A process of Debian's own; it is killed with its owner.
struct StoreProcess(Child);

impl Drop for StoreProcess {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Cluster {
    pub(crate) fn start() -> Self {
        let compose = ComposeFile::read();
        let folder = tempfile::tempdir().unwrap();
        let network = Arc::new(Network::with(&[&NODES[..], &[POSTGRES, REDIS]].concat()));
        let mut stores = vec![
            start_postgres(&network, folder.path(), &compose.environment("postgres")),
            start_redis(&network, folder.path(), &compose.command("redis")),
        ];
        let servers = NODES.map(|(name, address)| start_node(&network, &compose, name, address));
        stores.push(start_nginx(&network, folder.path()));
        let cluster = Self { servers: servers.into(), _stores: stores, network, _folder: folder };
        wait("nginx answers", || (cluster.through_nginx(&["/readyz"]).0 == "200").then_some(()));
        cluster
    }

    /// Stops a node while requests are sent, and some more afterwards. Says with which code it ended, and what the
    /// requests were answered.
    pub(crate) fn stop_a_node_under(
        &mut self,
        request: impl Fn(&Self) -> String,
    ) -> (Option<i32>, BTreeSet<String>) {
        let (node, _container) = self.servers.pop().unwrap();
        let mut answers = BTreeSet::new();
        let code = thread::scope(|scope| {
            let stopping = scope.spawn(|| node.stop());
            while !stopping.is_finished() {
                answers.insert(request(self));
            }
            stopping.join().unwrap()
        });
        answers.extend((0..2 * NODES.len()).map(|_| request(self)));
        (code, answers)
    }

    pub(crate) fn through_nginx(&self, words: &[&str]) -> (String, Value) {
        self.ask(NGINX, words)
    }

    pub(crate) fn on_node(&self, number: usize, words: &[&str]) -> (String, Value) {
        self.ask(NODES[number].0, words)
    }

    pub(crate) fn on_all_nodes(&self, words: &[&str]) -> [String; 3] {
        [0, 1, 2].map(|number| self.on_node(number, words).0)
    }

    pub(crate) fn eventually_on_all_nodes(&self, words: &[&str], status: &str) {
        wait("all nodes say it", || (self.on_all_nodes(words) == [status; 3]).then_some(()));
    }

    /// What all nodes have logged.
    pub(crate) fn logs(&self) -> String {
        self.servers.iter().map(|(_, container)| container.log()).collect()
    }

    pub(crate) fn sessions_in_redis(&self) -> usize {
        let mut count = Network::command(Some(&self.network), "redis-cli");
        let said = Outcome::of(count.args(["-h", REDIS.0, "DBSIZE"])).ok();
        said.trim().parse().unwrap()
    }

    /// The status and the body; `000` where there is no answer.
    fn ask(&self, host: &str, words: &[&str]) -> (String, Value) {
        let (path, options) = words.split_first().unwrap();
        let mut curl = Network::command(Some(&self.network), "curl");
        curl.args(["--silent", "--max-time", "60", "--write-out", "\n%{http_code}"]).args(options);
        let said = Outcome::of(curl.arg(format!("http://{host}:3000{path}"))).text;
        let (body, status) = said.rsplit_once('\n').unwrap();
        (status.to_owned(), serde_json::from_str(body).unwrap_or(Value::Null))
    }
}

fn wait<T>(what: &str, look: impl Fn() -> Option<T>) -> T {
    for _ in 0..1_200 {
        if let Some(found) = look() {
            return found;
        }
        thread::sleep(Duration::from_millis(100));
    }
    panic!("never: {what}")
}

fn start_node(
    network: &Arc<Network>,
    compose: &ComposeFile,
    name: &str,
    address: &str,
) -> (RunningContainer, Container) {
    let address = SocketAddr::new(address.parse().unwrap(), 3000);
    // The file trusts its own network. Here nginx has this address.
    let container = Container::new(Some(network.clone()), compose, name, address)
        .with("PORTCULLIS_PROXIES_TRUSTED", NGINX);
    (container.start(), container)
}

/// As the image does it at its first start: the user is a superuser, and has a database.
fn start_postgres(network: &Network, folder: &Path, environment: &HashMap<String, String>) -> StoreProcess {
    let (data, password) = (folder.join("postgres"), folder.join("password"));
    fs::write(&password, &environment["POSTGRES_PASSWORD"]).unwrap();
    fs::create_dir(&data).unwrap();
    run("chmod", &["755", folder.to_str().unwrap()]);
    run("chown", &["postgres", data.to_str().unwrap(), password.to_str().unwrap()]);
    let user = &environment["POSTGRES_USER"];
    let initdb =
        ["--username", user, "--auth=scram-sha-256", "--no-sync", "--pwfile", password.to_str().unwrap()];
    Outcome::of(as_postgres(None, "initdb").args(initdb).arg("--pgdata").arg(&data)).ok();
    let mut postgres = as_postgres(Some(network), "postgres");
    postgres.arg("-D").arg(&data).args(["-c", &format!("listen_addresses={}", POSTGRES.1)]);
    let log = fs::File::create(folder.join("postgres.log")).unwrap();
    postgres.args(["-c", "unix_socket_directories="]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    let process = StoreProcess(postgres.spawn().unwrap());
    let create = format!("CREATE DATABASE {}", environment["POSTGRES_DB"]);
    wait("PostgreSQL answers", || {
        let mut psql = Network::command(Some(network), "psql");
        psql.args(["--host", POSTGRES.0, "--username", user, "--dbname", "postgres", "--command", &create]);
        Outcome::of(psql.env("PGPASSWORD", &environment["POSTGRES_PASSWORD"])).success.then_some(())
    });
    process
}

/// PostgreSQL refuses to run as root.
fn as_postgres(network: Option<&Network>, program: &str) -> Command {
    let mut command = Network::command(network, "setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).args(WITH_ITS_TEST);
    command.arg("--").arg(postgres_program(program));
    command
}

fn postgres_program(name: &str) -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").unwrap().map(|version| version.unwrap().path());
    let found = versions.map(|version| version.join("bin").join(name)).find(|program| program.exists());
    found.expect("PostgreSQL's server")
}

fn start_redis(network: &Network, folder: &Path, words: &[String]) -> StoreProcess {
    let (program, options) = words.split_first().unwrap();
    let mut redis = Network::lasting(Some(network), program);
    redis.args(options).args(["--bind", REDIS.1, "--protected-mode", "no", "--dir"]).arg(folder);
    let process = StoreProcess(redis.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap());
    wait("Redis answers", || {
        let mut ping = Network::command(Some(network), "redis-cli");
        Outcome::of(ping.args(["-h", REDIS.0, "ping"])).text.contains("PONG").then_some(())
    });
    process
}

fn start_nginx(network: &Network, folder: &Path) -> StoreProcess {
    let conf = fs::read_to_string(repository().join("packaging/container/nginx.conf")).unwrap();
    let conf = conf.replace("listen 3000;", &format!("listen {NGINX}:3000;"));
    let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temporary = paths.map(|path| format!("{path}_temp_path {}/{path};", folder.display())).join("\n");
    let file = folder.join("nginx.conf");
    let head = format!("pid {0}/nginx.pid; error_log {0}/nginx.log;", folder.display());
    fs::write(&file, format!("{head}\nevents {{}}\nhttp {{\naccess_log off;\n{temporary}\n{conf}}}\n"))
        .unwrap();
    let mut nginx = Network::lasting(Some(network), "nginx");
    nginx.arg("-c").arg(&file).args(["-g", "daemon off; master_process off;"]).stdin(Stdio::null());
    StoreProcess(nginx.spawn().unwrap())
}
