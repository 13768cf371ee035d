//! nginx as a process, with the configuration of a page of the documentation.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::server_process::{ReservedPort, wait_until};

/// What nginx needs to run beside another one, as any user.
const AROUND: &str = "
pid {dir}/nginx.pid;
error_log {dir}/error.log;
daemon off;
master_process off;
events {}
http {
    access_log off;
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi;
    scgi_temp_path {dir}/scgi;
    {page}
}
";

/// A running nginx; it is killed with its test.
pub(crate) struct NginxProcess {
    child: Child,
    pub(crate) address: SocketAddr,
    _port: ReservedPort,
}

impl NginxProcess {
    /// Starts nginx without TLS, with other addresses than those that the page shows.
    pub(crate) fn start(page: &str, addresses: &[(&str, SocketAddr)], directory: &Path) -> Self {
        let port = ReservedPort::new();
        let address = SocketAddr::from(([127, 0, 0, 1], port.number()));
        let plain = page.lines().filter(|line| !line.contains("ssl_certificate"));
        let page = plain.collect::<Vec<_>>().join("\n").replace("443 ssl http2", &address.to_string());
        let page = addresses.iter().fold(page, |page, (shown, real)| {
            assert!(page.contains(shown), "{page}");
            page.replace(shown, &real.to_string())
        });
        let dir = directory.display().to_string();
        let file = directory.join("nginx.conf");
        fs::write(&file, AROUND.replace("{page}", &page).replace("{dir}", &dir)).unwrap();
        let path = format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default());
        let mut command = Command::new("nginx");
        command.env("PATH", path).arg("-c").arg(&file).stdin(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().unwrap();
        let nginx = Self { child, address, _port: port };
        assert!(wait_until(|| TcpStream::connect(address).is_ok()), "{}", log(directory));
        nginx
    }
}

fn log(directory: &Path) -> String {
    fs::read_to_string(directory.join("error.log")).unwrap_or_default()
}

impl Drop for NginxProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
