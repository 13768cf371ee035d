//! NestJS microservice clients of two versions against our TCP transport.

mod device_surface;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use portcullis_server::tcp::{self, Dispatch, Listener, TcpConnectionLimits};
use portcullis_transport::listener::{AcceptLimits, Peer};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use crate::scripts::tool_path;
use crate::server_process::wait_until;

/// The environment variables that name the folder of each version.
const VERSIONS: [&str; 2] = ["PORTCULLIS_TEST_NEST10_DIR", "PORTCULLIS_TEST_NEST12_DIR"];

/// A NestJS process that reads one step a line and writes the result of each.
pub(crate) struct NestService {
    child: Child,
    steps: Option<ChildStdin>,
    told: BufReader<ChildStdout>,
}

impl NestService {
    /// Starts a process with the client of this version and these connection options.
    pub(crate) fn start(version: &str, options: &Value) -> Self {
        // The script is passed as text: Node looks for libraries in the working directory.
        let script = include_str!("node/nest.mjs");
        let mut command = Command::new(tool_path("PORTCULLIS_TEST_RECENT_NODE"));
        command.args(["--input-type=module", "--eval", script, "--", &options.to_string()]);
        command.current_dir(tool_path(version)).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (steps, told) = (child.stdin.take(), child.stdout.take().unwrap());
        Self { child, steps, told: BufReader::new(told) }
    }

    /// Runs one step, or several at once if `step` is an array.
    pub(crate) fn take(&mut self, step: &Value) -> Value {
        serde_json::from_str(&self.run_step(step)).unwrap()
    }

    /// The same; returns the line as it was written.
    fn run_step(&mut self, step: &Value) -> String {
        writeln!(self.steps.as_mut().unwrap(), "{step}").unwrap();
        let mut line = String::new();
        self.told.read_line(&mut line).unwrap();
        line
    }

    fn send(&mut self, command: &str, data: &Value) -> Value {
        self.take(&json!({"send": {"cmd": command}, "data": data}))
    }

    fn emit(&mut self, command: &str, data: &Value) -> Value {
        self.take(&json!({"emit": {"cmd": command}, "data": data}))
    }
}

impl Drop for NestService {
    fn drop(&mut self) {
        // At the end of its input the process closes its connection and exits.
        drop(self.steps.take());
        let _ = self.child.wait();
    }
}

/// A dispatcher that answers with the data it gets, and records it.
#[derive(Default)]
struct EchoDispatch(Mutex<Vec<Value>>);

#[async_trait]
impl Dispatch for EchoDispatch {
    fn knows(&self, command: &str) -> bool {
        ["echo", "late", "nothing", "fault", "panic"].contains(&command)
    }

    async fn answer(
        &self,
        command: &str,
        data: &RawValue,
        _peer: &Peer,
    ) -> Result<Box<RawValue>, Box<RawValue>> {
        self.0.lock().unwrap().push(serde_json::from_str(data.get()).unwrap());
        match command {
            "late" => tokio::time::sleep(Duration::from_millis(50)).await,
            "nothing" => return Ok(RawValue::NULL.to_owned()),
            "fault" => return Err(tcp::fault("as you wish")),
            "panic" => panic!("as you wish"),
            _ => (),
        }
        to_raw_value(&json!({"told": data})).map_err(|_| tcp::fault("never"))
    }
}

/// Our TCP transport in this process.
struct EchoServer {
    echo: Arc<EchoDispatch>,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    runtime: Runtime,
}

impl EchoServer {
    fn start() -> Self {
        let runtime = Runtime::new().unwrap();
        let socket = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = socket.local_addr().unwrap();
        let (echo, (stop, stopped)) = (Arc::new(EchoDispatch::default()), oneshot::channel::<()>());
        let timeout = Duration::from_mins(10);
        let limits = TcpConnectionLimits {
            accept: AcceptLimits { connections: 8, shutdown: timeout, drain: Duration::ZERO, idle: None },
            frame: 64 * 1024,
            in_flight: 8,
            idle: timeout,
            packet: timeout,
        };
        let stopped = async { drop(stopped.await) };
        runtime.spawn(tcp::serve(Listener::from(socket), echo.clone(), limits, stopped));
        Self { echo, address, stop: Some(stop), runtime }
    }

    fn service(&self, version: &str) -> NestService {
        NestService::start(version, &json!({"host": "127.0.0.1", "port": self.address.port()}))
    }

    fn was_told(&self) -> Vec<Value> {
        self.echo.0.lock().unwrap().clone()
    }
}

fn echoed(data: &Value) -> Value {
    json!({"answers": [{"told": data}]})
}

#[test]
fn a_request_of_nest_is_answered() {
    let server = EchoServer::start();
    for version in VERSIONS {
        let mut service = server.service(version);
        for data in
            [json!({"who": "😀 é 漢"}), json!("text"), json!(7), json!([null]), json!("x".repeat(50_000))]
        {
            assert_eq!(service.send("echo", &data), echoed(&data), "{version}");
        }
        assert_eq!(service.send("nothing", &json!({})), json!({"answers": [null]}), "{version}");
    }
}

#[test]
fn requests_of_nest_run_side_by_side_and_find_their_answers() {
    let server = EchoServer::start();
    for version in VERSIONS {
        let mut service = server.service(version);
        let steps: Vec<Value> = (0..100)
            .map(|n| json!({"send": {"cmd": if n % 3 == 0 { "late" } else { "echo" }}, "data": n}))
            .collect();
        let expected: Vec<Value> = (0..100).map(|n| echoed(&json!(n))).collect();
        assert_eq!(service.take(&json!(steps)), json!(expected), "{version}");
    }
}

#[test]
fn an_event_of_nest_is_run() {
    for version in VERSIONS {
        let server = EchoServer::start();
        let mut service = server.service(version);
        assert_eq!(service.emit("echo", &json!("event")), json!({"emitted": true}), "{version}");
        assert_eq!(service.emit("unknown", &json!("lost")), json!({"emitted": true}), "{version}");
        // Sent after them on the same connection; the server runs all three concurrently.
        service.send("echo", &json!("request"));
        assert!(wait_until(|| server.was_told().len() == 2), "{version}: {:?}", server.was_told());
        let mut was_told = server.was_told();
        was_told.sort_by_key(Value::to_string);
        assert_eq!(was_told, ["event", "request"], "{version}");
    }
}

#[test]
fn errors_reach_the_client_in_the_words_of_nest() {
    let server = EchoServer::start();
    for version in VERSIONS {
        let mut service = server.service(version);
        let error = |message: &str| json!({"error": {"status": "error", "message": message}});
        assert_eq!(service.send("fault", &json!({})), error("as you wish"), "{version}");
        assert_eq!(service.send("panic", &json!({})), error("Internal server error"), "{version}");
        let no_handler =
            json!({"error": "There is no matching message handler defined in the remote service."});
        assert_eq!(service.send("unknown", &json!({})), no_handler, "{version}");
        for pattern in [json!("echo"), json!({"cmd": "echo", "version": 1}), json!(5)] {
            assert_eq!(
                service.take(&json!({"send": pattern, "data": {}})),
                no_handler,
                "{version} {pattern}"
            );
        }
        // A pattern may also be the JSON text of an object.
        let written = json!({"cmd": "echo"}).to_string();
        assert_eq!(service.take(&json!({"send": written, "data": 1})), echoed(&json!(1)), "{version}");
    }
}

#[test]
fn a_service_of_nest_connects_anew_when_the_server_closed() {
    for version in VERSIONS {
        let mut server = EchoServer::start();
        let mut service = server.service(version);
        assert_eq!(service.send("echo", &json!(1)), echoed(&json!(1)), "{version}");
        let too_long = service.send("echo", &json!("x".repeat(70_000)));
        assert_eq!(too_long, json!({"error": {"message": "Connection closed"}}), "{version}");
        assert_eq!(service.send("echo", &json!(2)), echoed(&json!(2)), "{version}");

        server.stop.take().unwrap().send(()).unwrap();
        drop(server.runtime);
        let gone = service.send("echo", &json!(3));
        assert!(gone["error"]["message"].is_string(), "{version}: {gone}");
    }
}
