//! `portcullis gateway`: its file is checked, and it runs in front of an application, by itself or inside a server.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::fixture::{Workdir, text, wait_until};

/// An application that says who it was told the user is.
fn application() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                if stream.read(&mut byte).unwrap_or(0) == 0 {
                    break;
                }
                head.push(byte[0]);
            }
            let head = String::from_utf8_lossy(&head).into_owned();
            let role = head.lines().find_map(|line| line.strip_prefix("x-user-role: ")).unwrap_or("no one");
            let body = format!("the application serves {role}");
            let length = body.len();
            let answer =
                format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    address
}

/// The status and the body of the answer to a GET.
fn get(address: SocketAddr, path: &str, bearer: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    let credential =
        if bearer.is_empty() { String::new() } else { format!("authorization: Bearer {bearer}\r\n") };
    write!(stream, "GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{credential}\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// A gateway that runs until it is dropped.
struct RunningGateway {
    process: Child,
    address: SocketAddr,
    log: PathBuf,
}

impl RunningGateway {
    fn start(home: &Workdir, words: &[&str]) -> Self {
        let mut command = home.command(env!("CARGO_BIN_EXE_portcullis"));
        let log = home.file("gateway.log", "", 0o600);
        command.args(words).stdout(Stdio::piped()).stderr(File::create(&log).unwrap());
        let mut process = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().rsplit('/').next().unwrap().parse().unwrap_or_else(|_| panic!("{line:?}"));
        Self { process, address, log }
    }

    /// Stops the gateway, and returns what it has logged.
    fn stopped(mut self) -> String {
        self.signal("-TERM");
        assert!(self.process.wait().unwrap().success());
        std::fs::read_to_string(&self.log).unwrap()
    }

    fn signal(&self, name: &str) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    }
}

impl Drop for RunningGateway {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_file_is_checked_and_explains_what_becomes_of_a_request() {
    let home = Workdir::new();
    home.file(
        "gateway.toml",
        "[[routes]]\npath = \"/\"\nupstream = \"http://127.0.0.1:8000\"\n\
         [[routes]]\npath = \"/reports\"\nupstream = [\"http://127.0.0.1:8001\", \"http://127.0.0.1:8002\"]\n\
         roles = [\"manager\", \"admin\"]\nmethods = [\"GET\"]\nassertion = true\n",
        0o644,
    );
    let table = home.run("gateway check --config gateway.toml").done().out;
    let lines: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["PATH", "METHODS", "ACCESS", "UPSTREAM", "OPTIONS"]);
    assert_eq!(lines[1], ["/", "all", "signed", "in", "http://127.0.0.1:8000"]);
    assert_eq!(lines[2][..5], ["/reports", "GET", "manager", "or", "admin"]);
    for (request, told) in [
        ("GET /Reports/7;v=1", "route      /reports\nneeds      manager or admin, and signed in\n"),
        ("GET /reports/%37?x=%2f", "forwarded  /reports/7?x=%2f\n"),
        ("POST /reports", "refused with 405: /reports takes GET\n"),
        ("GET /reports/%2e%2e/x", "refused with 400: The path has dot segments\n"),
        ("GET /a//b", "refused with 400: The path has an encoded slash"),
        ("TRACE /a", "refused with 405: / takes GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\n"),
        ("GET http://a/reports", "refused with 400: this is no path: write /reports/7\n"),
        (
            "GET /.well-known/portcullis-gateway.json",
            "answered   by the gateway itself: the key that verifies assertions\nneeds      public\n",
        ),
        ("POST /.well-known/portcullis-gateway.json", "upstream   http://127.0.0.1:8000\n"),
    ] {
        let said = home.run(&format!("gateway check --config gateway.toml {request}")).done().out;
        assert!(said.contains(told), "{request}: {said}");
    }
}

#[test]
fn a_check_shows_what_proxies_may_ask_and_who_answers_them() {
    let home = Workdir::new();
    let route = "[[routes]]\npath = \"/\"\nupstream = \"http://127.0.0.1:8000\"\n";
    let policies = "[forward_auth]\nhosts = [\"query.example.com\"]\n[forward_auth.policies.staff]\n\
                    roles = [\"manager\", \"admin\"]\nlogin = \"https://auth.example.com/in\"\nhosts = \"app.example.com\"\n\
                    [forward_auth.policies.any]\n";
    let asked =
        |request: &str| home.run(&format!("gateway check --config gateway.toml {request}")).done().out;
    home.file("gateway.toml", route, 0o644);
    assert!(!asked("").contains("FORWARD-AUTH"));
    assert!(asked("GET /auth/verify").contains("upstream   http://127.0.0.1:8000"));
    home.file("gateway.toml", &format!("{policies}{route}"), 0o644);
    let shown = asked("");
    let lines: Vec<Vec<&str>> = shown.lines().skip(3).map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["FORWARD-AUTH", "ACCESS", "LOGIN", "HOSTS"]);
    assert_eq!(lines[1].last(), Some(&"query.example.com"));
    assert_eq!(lines[2], ["/auth/verify/@any", "signed", "in"]);
    let staff = "/auth/verify/@staff manager or admin https://auth.example.com/in app.example.com";
    assert_eq!(lines[3].join(" "), staff);
    assert!(shown.ends_with("add the proxy's address to proxies.trusted\n"), "{shown}");
    for (request, told) in [
        (
            "POST /auth/verify/@staff/x/../y",
            "answered   by the gateway itself: forward-auth, whatever the method\n",
        ),
        ("GET /auth/verify/@staff", "needs      manager or admin\nlogin      https://auth.example.com/in\n"),
        ("GET /auth/verify?role=admin", "needs      admin\n"),
        ("GET /auth/verify", "needs      signed in\n"),
        ("GET /auth/verify?next=x", "refused with 400: property next should not exist\n"),
        ("GET /auth/verify/@none", "refused with 404: there is no policy none\n"),
        (
            "GET /Auth/verify",
            "refused with 404: the gateway answers /auth/verify, and nothing else lies there\n",
        ),
        (
            "GET /.well-known/portcullis-gateway.json",
            "by the gateway itself: the key that verifies assertions\n",
        ),
        ("GET /auth", "route      /\n"),
    ] {
        let said = asked(request);
        assert!(said.contains(told), "{request}: {said}");
    }
}

#[test]
fn a_wrong_file_is_refused_with_every_fault_and_its_line() {
    let home = Workdir::new();
    assert!(home.run("gateway").refused(2).contains("--config gateway.toml"));
    assert!(home.run("gateway --config no.toml").refused(2).contains("cannot read \"no.toml\""));
    home.file("gateway.toml", "listn = \"x\"\n[[routes]]\npath = \"/a\"\nroles = [\"boss\"]\n", 0o644);
    let said = home.run("gateway --config gateway.toml");
    assert_eq!((said.code, said.err.lines().count()), (2, 3), "{said:?}");
    for fault in ["gateway.toml:1: listn", "gateway.toml:2: routes.upstream", "gateway.toml:4: routes.roles"]
    {
        assert!(said.err.contains(fault), "{said:?}");
    }
    home.file("gateway.toml", "[[routes]]\npath = \"/\"\nupstream = \"http://127.0.0.1:1\"\n", 0o644);
    assert!(home.run("gateway --config gateway.toml").refused(1).contains("server is missing"));
    assert!(home.run("gateway --config gateway.toml --database x").refused(2).contains("has no database"));
    let home = home.variable("PORTCULLIS_GATEWAY_LISTN", "x");
    for command in ["gateway check --config gateway.toml", "config check"] {
        let line = home.run(command).refused(2);
        assert!(line.contains("did you mean PORTCULLIS_GATEWAY_LISTEN"), "{line}");
    }
}

#[test]
fn a_gateway_runs_in_front_of_an_application_and_reads_its_file_again() {
    let (home, application) = (Workdir::new(), application());
    let server = home.serve();
    home.user("ann@example.com").done();
    let key = home.json("feed key create --tenant default --json");
    home.file("feed.key", text(&key["key"]), 0o600);
    let file = |keys: &str| {
        let server = server.address();
        let route = format!("[[routes]]\npath = \"/\"\nupstream = \"http://{application}\"\n{keys}");
        home.file(
            "gateway.toml",
            &format!("server = \"http://{server}\"\nfeed_key_file = \"feed.key\"\n{route}\n"),
            0o644,
        );
    };
    file("");
    let gateway =
        RunningGateway::start(&home, &["gateway", "--config", "gateway.toml", "--listen", "127.0.0.1:0"]);
    let signed_in = server.password_sign_in("session-jwt", "ann@example.com");
    let token = text(&signed_in["access_token"]);
    wait_until("the token is known", || get(gateway.address, "/", token).0 == 200);
    assert_eq!(get(gateway.address, "/", token).1, "the application serves user");
    assert_eq!(get(gateway.address, "/", "").0, 401);
    file("roles = [\"boss\"]");
    gateway.signal("-HUP");
    file("public = true");
    gateway.signal("-HUP");
    wait_until("the new file counts", || get(gateway.address, "/", "").0 == 200);
    file("");
    gateway.signal("-HUP");
    wait_until("the new file counts", || get(gateway.address, "/", "").0 == 401);
    home.run("session end-all ann@example.com").done();
    wait_until("the end is known", || get(gateway.address, "/", token).0 == 401);
    gateway.stopped();
}

#[test]
fn what_proxies_ask_is_answered_logged_and_counted() {
    let home = Workdir::new();
    let server = home.serve();
    home.user("ann@example.com").done();
    let key = home.json("feed key create --tenant default --json");
    home.file("feed.key", text(&key["key"]), 0o600);
    // A port that was free a moment ago.
    let metrics = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    home.file(
        "gateway.toml",
        &format!(
            "server = \"http://{}\"\nfeed_key_file = \"feed.key\"\nmetrics.listen = \"{metrics}\"\nlog.format = \"json\"\n\
             forward_auth.policies.any = {{}}\n",
            server.address()
        ),
        0o644,
    );
    let words = ["gateway", "--config", "gateway.toml", "--listen", "127.0.0.1:0"];
    let gateway = RunningGateway::start(&home, &words);
    let signed_in = server.password_sign_in("session-jwt", "ann@example.com");
    let token = text(&signed_in["access_token"]);
    wait_until("the token is known", || get(gateway.address, "/auth/verify/@any/reports/7", token).0 == 200);
    assert_eq!(get(gateway.address, "/auth/verify?role=admin", token).0, 403);
    server.post("/auth/session-jwt/logout", Some(token), &serde_json::Value::Null);
    wait_until("the sign-out is known", || get(gateway.address, "/auth/verify", token).0 == 401);
    let counted = get(metrics, "/metrics", "").1;
    for labels in [
        r#"route="/auth/verify/@{policy}/{*request}",method="GET",status="200""#,
        r#"route="/auth/verify",method="GET",status="403""#,
        r#"route="/auth/verify",method="GET",status="401""#,
    ] {
        let line = format!("portcullis_gateway_requests_total{{{labels}}} ");
        assert!(counted.lines().any(|counted| counted.starts_with(&line)), "{line}: {counted}");
    }
    let log = gateway.stopped();
    let lines = log.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let of_policy = |line: &serde_json::Value| {
        line["target"] == "portcullis::access" && line["route"] == "/auth/verify/@{policy}/{*request}"
    };
    let passed: Vec<_> = lines.filter(|line| of_policy(line) && line["status"] == 200).collect();
    assert!(!passed.is_empty() && passed.iter().all(|line| line["tenant"] == "default"), "{log}");
    assert!(passed.iter().all(|line| line["user"].is_string()) && !log.contains("/reports/7"), "{log}");
}

#[test]
fn a_client_that_hangs_up_is_counted_too() {
    let home = Workdir::new();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    // A port that was free a moment ago.
    let metrics = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let application = silent.local_addr().unwrap();
    let route = format!("[[routes]]\npath = \"/\"\nupstream = \"http://{application}\"\npublic = true\n");
    let server = "server = \"http://127.0.0.1:1\"\nfeed_key = \"k\"\n";
    home.file("gateway.toml", &format!("{server}[metrics]\nlisten = \"{metrics}\"\n{route}"), 0o644);
    let gateway =
        RunningGateway::start(&home, &["gateway", "--config", "gateway.toml", "--listen", "127.0.0.1:0"]);
    let mut client = TcpStream::connect(gateway.address).unwrap();
    client.write_all(b"POST /secret HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n").unwrap();
    let mut forwarded = silent.accept().unwrap().0;
    forwarded.read_exact(&mut [0; 12]).unwrap();
    drop(client);
    let line = "portcullis_gateway_requests_total{route=\"/\",method=\"POST\",status=\"499\"} 1";
    wait_until("the request is counted", || get(metrics, "/metrics", "").1.contains(line));
}

#[test]
fn a_gateway_inside_a_server_verifies_without_a_feed_key() {
    let (home, application) = (Workdir::new(), application());
    // A port that was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let route = format!("[[routes]]\npath = \"/\"\nupstream = \"http://{application}\"\n");
    let file = format!("listen = \"{address}\"\nforward_auth.enabled = true\n{route}");
    home.file("gateway.toml", &file, 0o644);
    let home = home.variable("PORTCULLIS_GATEWAY_CONFIG", "gateway.toml");
    let server = home.serve();
    home.user("ann@example.com").done();
    let signed_in = server.password_sign_in("session-jwt", "ann@example.com");
    let token = text(&signed_in["access_token"]);
    assert_eq!(get(address, "/", token), (200, "the application serves user".to_owned()));
    assert_eq!((get(address, "/", "").0, get(address, "/", "nonsense").0), (401, 401));
    assert_eq!(get(address, "/auth/verify", token), (200, String::new()));
    server.post("/auth/session-jwt/logout", Some(token), &serde_json::Value::Null);
    assert_eq!((get(address, "/", token).0, get(address, "/auth/verify", token).0), (401, 401));
    server.stop();

    home.file("gateway.toml", &format!("server = \"http://127.0.0.1:1\"\nfeed_key = \"k\"\n{route}"), 0o644);
    let line = home.run("serve --listen 127.0.0.1:0").refused(1);
    assert!(line.contains("gateway.config: server has no place"), "{line}");
    let both = home.variable("PORTCULLIS_HANDOVER", "/tmp/portcullis-handover.sock");
    assert!(both.run("config check").refused(2).contains("cannot be had beside handover"));
}
