//! Who answers proxies. The requests of these tests go to each of them, and have the same answers.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use portcullis_core::revocation::FeedTenants;
use portcullis_gateway::config::{GatewayConfig, GatewaySources};
use portcullis_gateway::serve::{OpenedGateway, followed};
use portcullis_gateway::verification::EngineVerifier;
use portcullis_server::gateway::SurroundingServer;
use tokio::task::JoinHandle;

use crate::fixture::{DataDirectory, HttpAnswer, HttpRequest, TestServer, config, eventually};

/// Who answers a proxy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Answerer {
    /// The server.
    Server,
    /// A gateway in the server's process.
    InnerGateway,
    /// A gateway that follows the server's feed.
    FollowingGateway,
}

/// Those that know at once what the server knows.
pub(super) const IN_ONE_PROCESS: [Answerer; 2] = [Answerer::Server, Answerer::InnerGateway];

const EVERY: [Answerer; 3] = [Answerer::Server, Answerer::InnerGateway, Answerer::FollowingGateway];

/// A server, and who answers the proxies that ask about its users.
pub(super) struct AskedServer {
    pub(super) by: Answerer,
    /// Where proxies ask.
    pub(super) address: SocketAddr,
    server: TestServer,
    serving: Option<JoinHandle<()>>,
    _home: DataDirectory,
}

/// A server with these settings for each who may answer.
pub(super) async fn every_answerer(settings: &[(&str, &str)]) -> Vec<AskedServer> {
    answerers(&EVERY, settings).await
}

pub(super) async fn answerers(who: &[Answerer], settings: &[(&str, &str)]) -> Vec<AskedServer> {
    let mut servers = Vec::new();
    for by in who {
        servers.push(AskedServer::start(*by, settings).await);
    }
    servers
}

impl AskedServer {
    async fn start(by: Answerer, settings: &[(&str, &str)]) -> Self {
        let home = DataDirectory::new();
        let server = home.server_with(settings).await;
        let opened = match by {
            Answerer::Server => None,
            Answerer::InnerGateway => Some(inner(&server, &home, settings).await),
            Answerer::FollowingGateway => Some(following(&server, settings).await),
        };
        let gateway = opened.as_ref().map(|opened| opened.sockets[0].listener.local_addr().unwrap());
        let serving = opened.map(|opened| tokio::spawn(opened.serve(std::future::pending)));
        let address = gateway.unwrap_or(server.address);
        Self { by, address, server, serving, _home: home }
    }

    pub(super) fn ask(&self, method: &str, path: &str) -> HttpRequest {
        HttpRequest::new(self.address, method, path)
    }

    pub(super) fn get(&self, path: &str) -> HttpRequest {
        self.ask("GET", path)
    }

    /// The answer with this status: at once, or as soon as the feed has told what it depends on.
    pub(super) async fn answers(&self, status: u16, ask: impl Fn() -> HttpRequest) -> HttpAnswer {
        if self.by != Answerer::FollowingGateway {
            return ask().await.status(status);
        }
        let answered = async || Some(ask().await).filter(|answer| answer.status == status);
        eventually("the feed has told", answered).await
    }

    /// The setting whose host may have users sign in, too.
    pub(super) fn own_setting(&self) -> &'static str {
        if self.by == Answerer::FollowingGateway { "server" } else { "public_url" }
    }
}

impl Drop for AskedServer {
    fn drop(&mut self) {
        self.serving.iter().for_each(JoinHandle::abort);
    }
}

impl Deref for AskedServer {
    type Target = TestServer;

    fn deref(&self) -> &TestServer {
        &self.server
    }
}

async fn inner(server: &TestServer, home: &DataDirectory, settings: &[(&str, &str)]) -> OpenedGateway {
    let mut read = gateway_config(settings, &[]);
    SurroundingServer::of(&config(home.path(), settings)).complete(&mut read);
    let verifier = EngineVerifier::new(server.engine.clone(), read.process.max_staleness);
    OpenedGateway::open(&read, Arc::new(verifier)).await.unwrap()
}

async fn following(server: &TestServer, settings: &[(&str, &str)]) -> OpenedGateway {
    let (_, key) = server.engine.create_feed_key(&FeedTenants::All).await.unwrap();
    let url = format!("http://{}", server.address);
    let read = gateway_config(settings, &[("SERVER", url.as_str()), ("FEED_KEY", key.reveal())]);
    let verifier = followed(&read).unwrap();
    verifier.ready().await;
    OpenedGateway::open(&read, Arc::new(verifier)).await.unwrap()
}

const FILE: &str = r#"
    listen = "127.0.0.1:0"
    max_staleness = "30s"
    forward_auth.enabled = true
"#;

/// The configuration of a gateway that has been told the same as the server. It does not know the server's public URL.
fn gateway_config(settings: &[(&str, &str)], more: &[(&str, &str)]) -> GatewayConfig {
    let mut environment = BTreeMap::new();
    let mut state = |name: &str, text: &str| {
        environment.insert(format!("PORTCULLIS_GATEWAY_{name}"), text.to_owned());
    };
    for (name, text) in settings {
        match *name {
            "FORWARD_AUTH_POLICIES" | "FORWARD_AUTH_HOSTS" | "PROXIES_TRUSTED" => state(name, text),
            "PUBLIC_URL" => state("CORS_ORIGINS", text),
            _ => {}
        }
    }
    for (name, text) in more {
        state(name, text);
    }
    let open = |path: &Path| match path.to_str() {
        Some("gateway.toml") => Ok(FILE.to_owned()),
        _ => Err(io::Error::from(io::ErrorKind::NotFound)),
    };
    let file = PathBuf::from("gateway.toml");
    let sources = GatewaySources { file, environment: &environment, listen: None, open: &open };
    GatewayConfig::read(&sources).unwrap_or_else(|faults| panic!("{faults:?}"))
}
