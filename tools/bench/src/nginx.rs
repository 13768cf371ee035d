//! nginx of Debian before a service: it passes requests on, or asks the server about each first.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use portcullis_bench::server::ReservedAddress;
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::sleep;

use crate::error::BenchError;
use crate::programs::on_path;

const NGINX: &str = "nginx";
/// When a start is given up, and how long to wait between two looks.
const START_DEADLINE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(10);

/// A process for each core, and connections that are kept on all sides, but for one address. What is asked is what the
/// page about nginx says (`docs/gateway/nginx.md`), without its redirects.
const CONFIGURATION: &str = r#"
daemon off;
worker_processes auto;
pid {dir}/nginx.pid;
error_log {dir}/error.log;
events { worker_connections 4096; }
http {
    access_log off;
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi;
    scgi_temp_path {dir}/scgi;
    keepalive_requests 1000000000;
    proxy_http_version 1.1;

    upstream service {
        server {service};
        keepalive 128;
        keepalive_requests 1000000000;
    }
    upstream portcullis {
        server {server};
        keepalive 128;
        keepalive_requests 1000000000;
        keepalive_timeout 4s;
    }
    server {
        listen {passing} reuseport;
        proxy_set_header Connection "";
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header X-Forwarded-Host $host;
        location / { proxy_pass http://service; }
    }
{asking_servers}}
"#;

/// An address at which the server is asked first.
const ASKING_SERVER: &str = r#"
    server {
        listen {address} reuseport;
        auth_request_set $user_id $upstream_http_x_user_id;
        auth_request_set $tenant_id $upstream_http_x_tenant_id;
        auth_request_set $user_role $upstream_http_x_user_role;
        auth_request_set $session_id $upstream_http_x_session_id;
        proxy_set_header X-User-Id $user_id;
        proxy_set_header X-Tenant-Id $tenant_id;
        proxy_set_header X-User-Role $user_role;
        proxy_set_header X-Session-Id $session_id;
        proxy_set_header Connection "";
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header X-Forwarded-Host $host;
        location / {
            auth_request /-/verify;
            proxy_pass http://service;
        }
        location = /-/verify {
            internal;
            proxy_pass http://portcullis/auth/verify;
            proxy_pass_request_body off;
            {connection}
            proxy_set_header Content-Length "";
            proxy_set_header Accept "";
            proxy_set_header Host $host;
            proxy_set_header X-Original-Method "";
            proxy_set_header X-Forwarded-Method $request_method;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header X-Forwarded-Host $http_host;
            proxy_set_header X-Forwarded-Uri $request_uri;
            proxy_set_header X-Forwarded-For $remote_addr;
        }
    }
"#;
/// How it is asked: over connections that are kept, as the page says, or over one for each question, as nginx does
/// unless it is told otherwise.
const KEPT: &str = r#"proxy_set_header Connection "";"#;
const NOT_KEPT: &str = "proxy_http_version 1.0; proxy_set_header Connection close;";

/// Whether this machine has it.
pub(crate) fn is_installed() -> bool {
    on_path(NGINX).is_some()
}

/// A running nginx; dropping it ends it.
#[derive(Debug)]
pub(crate) struct BenchNginx {
    master: Child,
    passing: ReservedAddress,
    asking: ReservedAddress,
    connecting: ReservedAddress,
}

impl BenchNginx {
    /// Starts it before a service and beside the server that it asks.
    ///
    /// # Errors
    /// [`BenchError::NoNginx`], [`BenchError::NotListening`], or what the system says.
    pub(crate) async fn start(
        folder: &Path,
        service: SocketAddr,
        server: SocketAddr,
    ) -> Result<Self, BenchError> {
        let program = on_path(NGINX).ok_or(BenchError::NoNginx)?;
        fs::create_dir(folder)?;
        let [passing, asking, connecting] =
            [ReservedAddress::new()?, ReservedAddress::new()?, ReservedAddress::new()?];
        let asking_servers = [("{asking}", KEPT), ("{connecting}", NOT_KEPT)].map(|(address, connection)| {
            ASKING_SERVER.replace("{address}", address).replace("{connection}", connection)
        });
        let addresses = [
            ("{service}", service),
            ("{server}", server),
            ("{passing}", passing.get()),
            ("{asking}", asking.get()),
            ("{connecting}", connecting.get()),
        ];
        let text = CONFIGURATION.replace("{asking_servers}", &asking_servers.concat());
        let text = text.replace("{dir}", &folder.display().to_string());
        let filled =
            |text: String, (place, address): (&str, SocketAddr)| text.replace(place, &address.to_string());
        let file = folder.join("nginx.conf");
        fs::write(&file, addresses.into_iter().fold(text, filled))?;
        let log = folder.join("start.log");
        let mut command = Command::new(program);
        command.arg("-c").arg(&file).stdin(Stdio::null()).stderr(File::create(&log)?);
        let mut nginx = Self { master: command.spawn()?, passing, asking, connecting };
        nginx.listens(&log).await?;
        Ok(nginx)
    }

    /// Where requests are passed on.
    pub(crate) const fn passing(&self) -> SocketAddr {
        self.passing.get()
    }

    /// Where the server is asked about each first.
    pub(crate) const fn asking(&self) -> SocketAddr {
        self.asking.get()
    }

    /// Where it is asked over a connection for each question.
    pub(crate) const fn connecting(&self) -> SocketAddr {
        self.connecting.get()
    }

    /// The process that has started those that serve.
    pub(crate) fn pid(&self) -> u32 {
        self.master.id()
    }

    async fn listens(&mut self, log: &Path) -> Result<(), BenchError> {
        let begun = Instant::now();
        let addresses = [self.passing(), self.asking(), self.connecting()];
        while addresses.iter().any(|address| TcpStream::connect(address).is_err()) {
            if self.master.try_wait()?.is_some() || begun.elapsed() > START_DEADLINE {
                return Err(BenchError::NotListening(NGINX, fs::read_to_string(log).unwrap_or_default()));
            }
            sleep(PAUSE).await;
        }
        Ok(())
    }
}

impl Drop for BenchNginx {
    /// Killed, it would leave those behind that serve.
    fn drop(&mut self) {
        let _ = kill_process(Pid::from_child(&self.master), Signal::TERM);
        let _ = self.master.wait();
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::http::{HeaderMap, StatusCode};
    use axum::routing::get;
    use portcullis_bench::http::{self, HttpConnection};
    use tempfile::TempDir;

    use super::*;

    async fn serve(router: Router) -> SocketAddr {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(axum::serve(listener, router).into_future());
        address
    }

    /// The user that a service is told.
    async fn user(headers: HeaderMap) -> String {
        headers.get("x-user-id").map_or_else(String::new, |user| user.to_str().unwrap().to_owned())
    }

    async fn verify(headers: HeaderMap) -> (StatusCode, [(&'static str, &'static str); 1]) {
        let is_ann = headers.get("authorization").is_some_and(|sent| sent == "Bearer ann");
        (if is_ann { StatusCode::OK } else { StatusCode::UNAUTHORIZED }, [("x-user-id", "ann")])
    }

    #[tokio::test]
    async fn one_address_passes_on_and_the_others_ask_first() {
        let service = serve(Router::new().route("/auth/x/profile", get(user))).await;
        let server = serve(Router::new().route("/auth/verify", get(verify))).await;
        let folder = TempDir::new().unwrap();
        let nginx = BenchNginx::start(&folder.path().join("nginx"), service, server).await.unwrap();
        for (address, credential, told) in [
            (nginx.passing(), "none", (200, "")),
            (nginx.asking(), "Bearer ann", (200, "ann")),
            (nginx.asking(), "none", (401, "")),
            (nginx.connecting(), "Bearer ann", (200, "ann")),
            (nginx.connecting(), "none", (401, "")),
        ] {
            let mut connection = HttpConnection::open(address).await.unwrap();
            let request = http::get("/auth/x/profile", &[("authorization", credential)]);
            let answer = connection.exchange(&request).await.unwrap();
            let body = if answer.status() == 200 { answer.body() } else { b"" };
            assert_eq!((answer.status(), std::str::from_utf8(body).unwrap()), told, "{credential}");
        }
    }

    #[tokio::test]
    async fn what_keeps_it_from_starting_is_said() {
        let folder = TempDir::new().unwrap();
        let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
        // No upstream has this port.
        let refused = BenchNginx::start(&folder.path().join("nginx"), at(0), at(1)).await.unwrap_err();
        assert!(refused.to_string().contains("invalid port"), "{refused}");
    }
}
