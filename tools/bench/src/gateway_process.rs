//! `portcullis gateway` as a process, which follows the measured server.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use portcullis_bench::http::{HttpConnection, get};
use portcullis_bench::server::ReservedAddress;
use portcullis_bench::serving_process::ServingProcess;
use tokio::time::sleep;

use crate::case_service::CaseService;
use crate::error::BenchError;

/// How many seconds ago the gateway's knowledge was right.
const AGE: &str = "portcullis_gateway_revocations_age_seconds ";
/// When a start is given up, and how long to wait between two looks.
const START_DEADLINE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(10);

/// A path, and what is behind it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RouteBehind {
    pub(crate) path: &'static str,
    pub(crate) upstream: SocketAddr,
    pub(crate) is_public: bool,
}

/// The server that a gateway follows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FollowedServer<'f> {
    /// The program, which is the gateway's too.
    pub(crate) program: &'f Path,
    pub(crate) address: SocketAddr,
    pub(crate) pid: u32,
    pub(crate) feed_key_file: &'f Path,
}

/// A running gateway; dropping it kills it.
#[derive(Debug)]
pub(crate) struct BenchGateway {
    process: ServingProcess,
    metrics: ReservedAddress,
}

impl BenchGateway {
    /// Starts it, and waits until it verifies by itself.
    ///
    /// # Errors
    /// [`BenchError::NotListening`], or what the system says.
    pub(crate) async fn start(
        server: FollowedServer<'_>,
        folder: &Path,
        routes: &[RouteBehind],
    ) -> Result<Self, BenchError> {
        fs::create_dir(folder)?;
        let metrics = ReservedAddress::new()?;
        let text = configuration(server, metrics.get(), routes);
        let (file, log) = (folder.join("gateway.toml"), folder.join("gateway.log"));
        fs::write(&file, text)?;
        let mut command = Command::new(server.program);
        command.args(["gateway", "--config"]).arg(&file).stderr(File::create(&log)?);
        let said = || fs::read_to_string(&log).unwrap_or_default();
        let process = ServingProcess::start(&mut command);
        let process = process.map_err(|_| BenchError::NotListening("the gateway", said()))?;
        let gateway = Self { process, metrics };
        let begun = Instant::now();
        while !gateway.is_fresh().await {
            if begun.elapsed() > START_DEADLINE {
                return Err(BenchError::NotListening("the gateway", said()));
            }
            sleep(PAUSE).await;
        }
        Ok(gateway)
    }

    pub(crate) fn service(&self) -> CaseService {
        CaseService::of(&self.process)
    }

    async fn is_fresh(&self) -> bool {
        let Ok(mut connection) = HttpConnection::open(self.metrics.get()).await else { return false };
        let Ok(answer) = connection.exchange(&get("/metrics", &[])).await else { return false };
        let text = String::from_utf8_lossy(answer.body());
        text.lines().find_map(|line| line.strip_prefix(AGE)?.parse().ok()).is_some_and(|age: f64| age < 1.0)
    }
}

/// No WebSocket is closed because nothing is said on it, and no request has a line of the log.
fn configuration(
    FollowedServer { address, feed_key_file, .. }: FollowedServer<'_>,
    metrics: SocketAddr,
    routes: &[RouteBehind],
) -> String {
    let mut text = format!(
        "listen = \"127.0.0.1:0\"\nserver = \"http://{address}\"\nfeed_key_file = {:?}\n\
         log.requests = false\nmetrics.listen = \"{metrics}\"\ntimeouts.idle = \"1d\"\n",
        feed_key_file.display().to_string()
    );
    for RouteBehind { path, upstream, is_public } in routes {
        let _ = write!(
            text,
            "\n[[routes]]\npath = \"{path}\"\nupstream = \"http://{upstream}\"\npublic = {is_public}\n"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_is_told_which_server_to_follow_and_what_is_behind_each_path() {
        let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let route = |path, is_public| RouteBehind { path, upstream: at(7), is_public };
        let [program, feed_key_file] = ["portcullis", "/x/feed.key"].map(Path::new);
        let server = FollowedServer { program, address: at(1), pid: 1, feed_key_file };
        let text = configuration(server, at(2), &[route("/", false), route("/open", true)]);
        assert!(
            text.contains("server = \"http://127.0.0.1:1\"\nfeed_key_file = \"/x/feed.key\"\n"),
            "{text}"
        );
        let route = "[[routes]]\npath = \"/open\"\nupstream = \"http://127.0.0.1:7\"\npublic = true\n";
        assert!(text.ends_with(route), "{text}");
    }
}
