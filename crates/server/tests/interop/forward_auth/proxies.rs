//! nginx and Caddy, configured as their pages say.

use std::any::Any;
use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::nginx_process::NginxProcess;
use crate::server_process::{ReservedPort, wait_until};

/// The addresses that the pages show.
const SERVER: &str = "10.0.0.11:3000";
const SERVICE: &str = "10.0.0.21:8000";

/// A kind of proxy, and its page.
pub(super) struct ProxyKind {
    pub(super) page: &'static str,
    /// Starts it in front of the server and the service, with its files in a folder.
    pub(super) start: fn(SocketAddr, SocketAddr, &Path) -> RunningProxy,
    /// What a client is told if the server does not answer at all.
    pub(super) status_without_server: u16,
}

/// A proxy that runs; it is killed with its test.
pub(super) struct RunningProxy {
    pub(super) address: SocketAddr,
    _process: Box<dyn Any>,
}

pub(super) const NGINX: ProxyKind = ProxyKind {
    page: include_str!("../../../../../docs/gateway/nginx.md"),
    start: start_nginx,
    status_without_server: 503,
};

pub(super) const CADDY: ProxyKind = ProxyKind {
    page: include_str!("../../../../../docs/gateway/caddy.md"),
    start: start_caddy,
    status_without_server: 502,
};

impl ProxyKind {
    /// The one file on the page that is written in this language.
    pub(super) fn file(&self, language: &str) -> &'static str {
        let mark = format!("```{language}\n");
        let mut files = self.page.split(&mark).skip(1);
        let file = files.next().and_then(|rest| rest.split("```").next()).unwrap();
        assert!(files.next().is_none(), "two files of {language}");
        file
    }
}

fn start_nginx(server: SocketAddr, service: SocketAddr, directory: &Path) -> RunningProxy {
    let addresses = [(SERVER, server), (SERVICE, service)];
    let nginx = NginxProcess::start(NGINX.file("nginx"), &addresses, directory);
    RunningProxy { address: nginx.address, _process: Box::new(nginx) }
}

/// A Caddy that is killed with its test.
struct CaddyProcess {
    child: Child,
    _port: ReservedPort,
}

impl Drop for CaddyProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Caddy without TLS, and without its port for administration.
fn start_caddy(server: SocketAddr, service: SocketAddr, directory: &Path) -> RunningProxy {
    let port = ReservedPort::new();
    let address = SocketAddr::from(([127, 0, 0, 1], port.number()));
    let site = format!("http://app.example.com:{} {{\n\tbind 127.0.0.1", address.port());
    let mut page = CADDY.file("caddyfile").to_owned();
    for (shown, real) in
        [("app.example.com {", site.as_str()), (SERVER, &server.to_string()), (SERVICE, &service.to_string())]
    {
        assert!(page.contains(shown), "{page}");
        page = page.replace(shown, real);
    }
    let file = directory.join("Caddyfile");
    fs::write(&file, format!("{{\n\tadmin off\n\tauto_https off\n}}\n{page}")).unwrap();
    let log = fs::File::create(directory.join("caddy.log")).unwrap();
    let mut command = Command::new("caddy");
    command.args(["run", "--adapter", "caddyfile", "--config"]).arg(&file);
    command.envs(["HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"].map(|name| (name, directory)));
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
    let process = CaddyProcess { child, _port: port };
    let told = || fs::read_to_string(directory.join("caddy.log")).unwrap();
    assert!(wait_until(|| TcpStream::connect(address).is_ok()), "{}", told());
    RunningProxy { address, _process: Box::new(process) }
}
