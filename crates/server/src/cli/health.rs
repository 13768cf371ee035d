//! `portcullis health`

use std::fmt;
use std::time::Duration;

use clap::Args;
use http::Request;
use http::uri::Uri;
use portcullis_verifier::{HttpClient as _, HyperClient};
use tokio::time::timeout;
use url::Url;

use super::escaped::Escaped;
use super::failure::Failure;
use super::output::Output;
use super::readiness::{LONGEST_ANSWER, PATH, Readiness};
use crate::config::{self, Flags, PartialConfig, environment};
use crate::local_url::address_on_this_machine;

/// Ask a running server whether it is ready
///
/// One line says the answer, and what is impaired. It is for the health check of a container, and for operators; no
/// database is opened, and no secret is read.
///
/// Without URL the server of this machine is asked. Of the configuration only the setting `listen` is read, and nothing
/// else needs to be right. Of several addresses the first loopback address is asked, otherwise the first that is
/// `0.0.0.0` or `[::]`, at the loopback address, otherwise the first.
///
/// A gateway answers at its `metrics.listen`: `portcullis health http://127.0.0.1:9090/healthz`. A gateway in the
/// process of a server is ready with it.
///
/// Exit codes: 0 ready, 1 not ready or not reached, 2 the command line or the address to ask is wrong.
#[derive(Args, Debug)]
pub(super) struct HealthCommand {
    /// What to ask, by http or https; without a path /readyz. Certificates must be of an authority that the machine
    /// trusts
    #[arg(value_parser = asked)]
    url: Option<Url>,
    /// How long the answer may take
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = wait)]
    timeout: Duration,
}

/// The URL to ask.
fn asked(text: &str) -> Result<Url, &'static str> {
    let fault = "not a URL to ask: write http://localhost:3000, or https://auth.example.com";
    let mut url = Url::parse(text).map_err(|_| fault)?;
    let is_plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    if !matches!(url.scheme(), "http" | "https") || !is_plain {
        return Err(fault);
    }
    if url.path() == "/" {
        url.set_path(PATH);
    }
    Ok(url)
}

fn wait(text: &str) -> Result<Duration, String> {
    let wait = config::duration(text, "10m")?;
    if wait.is_zero() { Err("no answer comes in no time".to_owned()) } else { Ok(wait) }
}

pub(super) async fn run(command: &HealthCommand, flags: &Flags, out: &mut Output<'_>) -> Result<(), Failure> {
    let url = match &command.url {
        Some(url) => url.clone(),
        None => configured(flags)?,
    };
    let impaired = ask(&url, command.timeout)
        .await
        .map_err(|cause| Failure::other(format_args!("{url} is not ready: {cause}")))?;
    let but =
        if impaired.is_empty() { String::new() } else { format!("; impaired: {}", impaired.join(", ")) };
    Ok(writeln!(out, "{url} is ready{}", Escaped(&but))?)
}

/// The URL of the server that this configuration is of.
fn configured(flags: &Flags) -> Result<Url, Failure> {
    let config = PartialConfig::read(flags, &environment(), &|path| std::fs::read_to_string(path));
    let address = address_on_this_machine(&config.listen()?)
        .filter(|address| address.port() != 0)
        .ok_or_else(|| Failure::usage("listen has no port that is known here: name the URL to ask"))?;
    asked(&format!("http://{address}")).map_err(Failure::usage)
}

/// Why a server is not ready.
enum NotReady {
    Unreached(String),
    Silent(Duration),
    Unavailable(String),
    NotOurs(u16),
}

/// The cause, and what to do about it.
impl fmt::Display for NotReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreached(cause) => write!(
                f,
                "{cause}; if no server runs there, `portcullis serve` starts one, and `portcullis health URL` asks \
                 another"
            ),
            Self::Silent(wait) => {
                write!(f, "no answer within {wait:?}; its log may say why, and --timeout waits longer")
            }
            Self::Unavailable(cause) => write!(f, "{cause}; its log says more"),
            Self::NotOurs(status) => write!(
                f,
                "it answers {status}, but not as Portcullis does; another program listens there, or the path is wrong"
            ),
        }
    }
}

/// Asks a server. Returns what is impaired.
async fn ask(url: &Url, wait: Duration) -> Result<Vec<String>, NotReady> {
    let unreached = |fault: &dyn fmt::Display| NotReady::Unreached(fault.to_string());
    let uri: Uri = url.as_str().parse().map_err(|fault| unreached(&fault))?;
    // Over plain http no authority is needed, and a container may have none.
    let is_plain = url.scheme() == "http";
    let client = if is_plain { HyperClient::plain() } else { HyperClient::new() };
    let client = client.map_err(|fault| unreached(&fault))?;
    let mut request = Request::new(());
    *request.uri_mut() = uri;
    let answer = timeout(wait, client.send(request, LONGEST_ANSWER));
    let answer = answer.await.map_err(|_| NotReady::Silent(wait))?.map_err(|fault| unreached(&fault.0))?;
    match Readiness::of(answer.status().as_u16(), answer.body()) {
        Readiness::Ready(impaired) => Ok(impaired),
        Readiness::Unavailable(cause) => Err(NotReady::Unavailable(cause)),
        Readiness::NotOurs => Err(NotReady::NotOurs(answer.status().as_u16())),
    }
}
