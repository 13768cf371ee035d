//! Runs a gateway: verification, listening sockets, and a new table when the file has changed.

use std::future::Future;
use std::sync::Arc;

use portcullis_config::ConfigFault;
use portcullis_core::key::{AssertionKey, KeyFault};
use portcullis_core::machine::SystemRandom;
use portcullis_transport::http;
use portcullis_transport::listener::{
    AcceptLimits, InheritedSockets, ListenError, ListenerStop, NetworkSocket, bind_all,
};
use portcullis_verifier::{BuildError, Verifier};
use thiserror::Error;
use tokio::task::JoinSet;
use tracing::{error, info, warn};

use crate::assertion::Assertions;
use crate::config::{GatewayConfig, GatewayProcess, VerificationServer};
use crate::gateway::{Gateway, GatewayState, UnusableUpstream};
use crate::verification::CredentialVerifier;

/// A gateway cannot start.
#[derive(Debug, Error)]
pub enum GatewayStartError {
    /// An address.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The certificates of an upstream.
    #[error(transparent)]
    Upstream(#[from] UnusableUpstream),
    /// The verifier.
    #[error("server: {0}")]
    Verifier(#[from] BuildError),
    /// The file names no server.
    #[error(
        "server is missing: write server = \"https://auth.example.com\", or run the gateway inside `portcullis serve`"
    )]
    NoServer,
    /// The file names a server, but the gateway runs inside of one.
    #[error("server has no place in the file of a gateway that runs inside `portcullis serve`: leave it out")]
    AlreadyInside,
    /// The key of assertions.
    #[error("the key of assertions: {0}")]
    Key(#[from] KeyFault),
}

/// A gateway and its sockets.
pub struct OpenedGateway {
    /// The gateway.
    pub gateway: Gateway,
    /// Where clients connect.
    pub sockets: Vec<NetworkSocket>,
    process: GatewayProcess,
}

/// Follows the server that a configuration names.
///
/// # Errors
///
/// There is none, or no verifier for it.
pub fn followed(config: &GatewayConfig) -> Result<Verifier, GatewayStartError> {
    let Some(VerificationServer { url, feed_key, tenants, cookies }) = &config.process.server else {
        return Err(GatewayStartError::NoServer);
    };
    let builder =
        Verifier::builder(url.as_str()).feed_key(feed_key.reveal()).tenants(tenants.iter().cloned());
    let builder = builder.cookie_names(cookies.iter().cloned());
    Ok(builder.max_staleness(config.process.max_staleness).build()?)
}

impl OpenedGateway {
    /// Opens the sockets of a configuration.
    ///
    /// # Errors
    ///
    /// What keeps the gateway from starting.
    pub async fn open(
        config: &GatewayConfig,
        verifier: Arc<dyn CredentialVerifier>,
    ) -> Result<Self, GatewayStartError> {
        warn_of(config);
        let clock = verifier.clock();
        let assertions = Assertions::new(AssertionKey::generate(&SystemRandom)?, clock.clone());
        let gateway = Gateway::new(GatewayState::new(config, None)?, verifier, assertions, clock);
        let sockets = bind_all("listen", &config.process.listen, &mut InheritedSockets::default()).await?;
        Ok(Self { gateway, sockets, process: config.process.clone() })
    }

    /// Serves until `stop`, and then until what is in flight is done.
    pub async fn serve<S: Future<Output = ()> + Send + 'static>(self, stop: impl Fn() -> S) {
        let limits = self.process.accept_limits();
        let mut servers = JoinSet::new();
        for socket in self.sockets {
            let stop = stop();
            let stop = async move {
                stop.await;
                ListenerStop::Drained
            };
            servers.spawn(http::serve(socket, self.gateway.clone(), limits, stop));
        }
        while servers.join_next().await.is_some() {}
    }

    /// What reads the file again.
    #[must_use]
    pub fn reloader(&self) -> Reloader {
        Reloader { gateway: self.gateway.clone(), process: self.process.clone() }
    }
}

impl GatewayProcess {
    /// What a client may take of the gateway.
    #[must_use]
    pub const fn accept_limits(&self) -> AcceptLimits {
        AcceptLimits {
            connections: self.connections,
            shutdown: self.shutdown,
            drain: self.drain,
            idle: Some(self.client_idle),
        }
    }
}

/// Replaces what a gateway serves.
pub struct Reloader {
    gateway: Gateway,
    process: GatewayProcess,
}

impl Reloader {
    /// Serves what the file says now. If anything is wrong with it, the old table stays.
    pub fn reload(&self, read: Result<GatewayConfig, Vec<ConfigFault>>) {
        let config = match read {
            Ok(config) => config,
            Err(faults) => {
                for fault in faults {
                    error!(%fault, "the gateway's file is wrong");
                }
                return error!("the old routes stay");
            }
        };
        match GatewayState::new(&config, Some(&*self.gateway.state())) {
            Ok(state) => self.gateway.replace(state),
            Err(fault) => return error!(%fault, "the old routes stay"),
        }
        info!(routes = config.routes.len(), "the gateway's file was read again");
        warn_of(&config);
        if config.process != self.process {
            warn!("listen, server, cookies, limits, metrics and log count from the next start on");
        }
    }
}

fn warn_of(config: &GatewayConfig) {
    if let Some(warning) = config.warning() {
        warn!("{warning}");
    }
}
