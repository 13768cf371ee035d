//! What the gateway matched is what Express serves: whatever a client writes, an application of Express behind the
//! gateway must not serve its protected part where the gateway took the path for a public one.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;
use tempfile::TempDir;

use crate::scripts::tool_path;
use crate::server_process::{ServerDirectory, ServerProcess, wait_until};

/// Paths as a client may write them, and what others are put together from: those of the gateway's own test, which
/// models Express and other routers.
const SPELLINGS: &str = include_str!("../../../gateway/tests/it/spellings.txt");
const PIECES: &str = include_str!("../../../gateway/tests/it/pieces_of_paths.txt");

/// The applications of `node/express.mjs`.
const APPS: [&str; 5] = ["routed", "routed exactly", "mounted", "mounted exactly", "files"];

/// A process that listens, until it is dropped.
struct ListeningProcess {
    process: Child,
    address: SocketAddr,
}

impl ListeningProcess {
    /// Starts one that first writes where it listens, as the end of a line.
    fn start(command: &mut Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().rsplit([':', '/']).next().unwrap();
        let port: u16 = port.parse().unwrap_or_else(|_| panic!("no port in {line:?}"));
        Self { process, address: ([127, 0, 0, 1], port).into() }
    }

    fn express(folder: &TempDir) -> Self {
        let script = include_str!("node/express.mjs");
        let mut command = Command::new(tool_path("PORTCULLIS_TEST_RECENT_NODE"));
        command.args(["--input-type=module", "--eval", script, "--"]).arg(folder.path());
        Self::start(command.current_dir(tool_path("PORTCULLIS_TEST_EXPRESS_DIR")).stdin(Stdio::piped()))
    }
}

impl Drop for ListeningProcess {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What a client was answered: the status, which part of an application served it, and the path that this one got.
#[derive(Debug, Default)]
struct ServedAnswer {
    status: u16,
    served: Option<String>,
    target: Option<String>,
}

/// A client that keeps its connection as long as the other side does.
struct KeptConnection {
    address: SocketAddr,
    stream: Option<BufReader<TcpStream>>,
}

impl KeptConnection {
    fn to(address: SocketAddr) -> Self {
        Self { address, stream: None }
    }

    fn get(&mut self, path: &str, app: &str, bearer: &str) -> ServedAnswer {
        let credential =
            if bearer.is_empty() { String::new() } else { format!("authorization: Bearer {bearer}\r\n") };
        let request = format!("GET {path} HTTP/1.1\r\nhost: a.example\r\nx-app: {app}\r\n{credential}\r\n");
        // One that was kept may be closed meanwhile, a new one is not.
        self.asked(&request).or_else(|| self.asked(&request)).unwrap_or_else(|| panic!("no answer to {path}"))
    }

    fn asked(&mut self, request: &str) -> Option<ServedAnswer> {
        let mut stream =
            self.stream.take().unwrap_or_else(|| BufReader::new(TcpStream::connect(self.address).unwrap()));
        stream.get_mut().write_all(request.as_bytes()).ok()?;
        let (mut answer, mut length, mut is_kept) = (ServedAnswer::default(), 0, true);
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let line = line.trim_end();
            if answer.status == 0 {
                answer.status = line.split(' ').nth(1)?.parse().ok()?;
                continue;
            }
            let Some((name, value)) = line.split_once(": ") else { break };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.parse().unwrap(),
                "transfer-encoding" => panic!("{request} is answered in chunks"),
                "connection" => is_kept = value != "close",
                "x-served" => answer.served = Some(value.to_owned()),
                "x-target" => answer.target = Some(value.to_owned()),
                _ => (),
            }
        }
        stream.read_exact(&mut vec![0; length]).ok()?;
        self.stream = is_kept.then_some(stream);
        Some(answer)
    }
}

/// Express behind a gateway: a public part, one for administrators, and the rest for users.
struct ProtectedSite {
    express: ListeningProcess,
    gateway: ListeningProcess,
    /// The access token of a user who is no administrator.
    token: String,
    _server: ServerProcess,
    _files: TempDir,
}

impl ProtectedSite {
    fn start() -> Self {
        let (home, files) = (ServerDirectory::new(), tempfile::tempdir().unwrap());
        let (server, express) = (home.serve(), ListeningProcess::express(&files));
        server.register();
        let key = home.run(["feed", "key", "create", "--tenant", "default", "--json"]);
        let key: Value = serde_json::from_slice(&key.stdout).unwrap();
        let route = |path: &str, keys: &str| {
            format!("[[routes]]\npath = \"{path}\"\nupstream = \"http://{}\"\n{keys}\n", express.address)
        };
        let file = [
            format!("server = \"http://{}\"\nfeed_key = {}\n", server.address(), key["key"]),
            route("/", ""),
            route("/open", "public = true"),
            route("/admin", "roles = [\"admin\"]"),
        ];
        fs::write(home.path().join("gateway.toml"), file.concat()).unwrap();
        let words = ["gateway", "--config", "gateway.toml", "--listen", "127.0.0.1:0"];
        let gateway = ListeningProcess::start(home.command(&words).stderr(Stdio::null()));
        let token = server.access_token("session-jwt");
        let site = Self { express, gateway, token, _server: server, _files: files };
        assert!(wait_until(|| site.client().get("/", "routed", &site.token).status == 200));
        site
    }

    fn client(&self) -> KeptConnection {
        KeptConnection::to(self.gateway.address)
    }

    /// The users that a path leads too far, in any of the applications; and what the others served.
    fn check(&self, client: &mut KeptConnection, path: &str) -> Result<Vec<String>, String> {
        let mut all_served = Vec::new();
        for app in APPS {
            for (bearer, forbidden) in [("", &["rest", "admin"][..]), (&self.token, &["admin"])] {
                let answer = client.get(path, app, bearer);
                let Some(served) = &answer.served else { continue };
                if forbidden.contains(&served.as_str()) {
                    return Err(format!("{path} passes as {:?}, and {app} serves {served}", answer.target));
                }
                all_served.push(served.clone());
            }
        }
        Ok(all_served)
    }
}

// ASVS-map: GW3
#[test]
fn no_spelling_leads_past_the_policy_into_an_application_of_express() {
    let site = ProtectedSite::start();
    let (mut client, mut direct) = (site.client(), KeptConnection::to(site.express.address));
    let (mut served, mut past_the_gateway) = (Vec::new(), 0);
    for path in SPELLINGS.lines() {
        served.extend(site.check(&mut client, path).unwrap());
        for app in APPS {
            past_the_gateway += usize::from(direct.get(path, app, "").served.as_deref() == Some("admin"));
        }
    }
    // The spellings do lead somewhere: many to what is permitted, and without the gateway to what is not.
    let count = |part: &str| served.iter().filter(|it| *it == part).count();
    assert!(count("open") > 40 && count("rest") > 40, "{} {}", count("open"), count("rest"));
    assert!(past_the_gateway > 20, "{past_the_gateway}");
}

// ASVS-map: GW3
#[test]
fn whatever_a_client_writes_express_serves_what_was_matched() {
    let site = ProtectedSite::start();
    let lines = |text: &'static str| prop::sample::select(text.lines().collect::<Vec<_>>());
    let pieces = prop::collection::vec(lines(PIECES), 0..8).prop_map(|pieces| pieces.concat());
    let paths =
        (prop_oneof![Just("/"), lines(SPELLINGS)], pieces).prop_map(|(begin, rest)| begin.to_owned() + &rest);
    let client = std::cell::RefCell::new(site.client());
    let mut runner = TestRunner::new(Config { cases: 400, failure_persistence: None, ..Config::default() });
    let checked = runner.run(&paths, |path| {
        let checked = site.check(&mut client.borrow_mut(), &path);
        checked.map(drop).map_err(TestCaseError::fail)
    });
    checked.unwrap();
}
