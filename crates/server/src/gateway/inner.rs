//! A gateway in the process of a server: it verifies by the engine, and stops with the server.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use portcullis_axum::forward_auth::SignInHost;
use portcullis_config::ConfigFault;
use portcullis_core::engine::Engine;
use portcullis_gateway::config::{GatewayConfig, GatewaySources};
use portcullis_gateway::serve::{GatewayStartError, OpenedGateway};
use portcullis_gateway::verification::EngineVerifier;
use portcullis_transport::listener::ListenerStop;
use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::config::{Config, environment};
use crate::http::sign_in_host;

/// The gateway of a server's process cannot start.
#[derive(Debug, Error)]
pub enum InnerGatewayError {
    /// Its file.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    File(Vec<ConfigFault>),
    /// The gateway.
    #[error(transparent)]
    Start(#[from] GatewayStartError),
}

/// The gateway that a server's configuration names.
pub struct InnerGateway {
    file: PathBuf,
    config: GatewayConfig,
    told: SurroundingServer,
}

/// What the server's own settings say of its gateway, whatever the file says.
#[derive(Clone, Debug)]
pub struct SurroundingServer {
    cookie: String,
    sign_in: SignInHost,
}

impl SurroundingServer {
    /// Takes it from the server's configuration.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        Self { cookie: config.cookie.name.clone(), sign_in: sign_in_host(config) }
    }

    /// Puts it into the configuration of the gateway.
    pub fn complete(&self, config: &mut GatewayConfig) {
        config.cookies.session = vec![self.cookie.clone()];
        config.sign_in = self.sign_in.clone();
    }
}

impl InnerGateway {
    /// Reads its file; `None` if the configuration names none.
    ///
    /// # Errors
    /// Every fault of the file.
    pub fn read(config: &Config) -> Result<Option<Self>, InnerGatewayError> {
        let Some(file) = config.gateway.clone() else { return Ok(None) };
        let told = SurroundingServer::of(config);
        let read = read(&file, &told).map_err(InnerGatewayError::File)?;
        if read.process.server.is_some() {
            return Err(GatewayStartError::AlreadyInside.into());
        }
        Ok(Some(Self { file, config: read, told }))
    }

    /// Opens its sockets.
    ///
    /// # Errors
    /// What keeps it from starting.
    pub async fn open(self, engine: &Engine) -> Result<RunningInnerGateway, InnerGatewayError> {
        let staleness = self.config.process.max_staleness;
        let verifier = EngineVerifier::new(engine.clone(), staleness);
        let opened = OpenedGateway::open(&self.config, Arc::new(verifier)).await?;
        Ok(RunningInnerGateway { opened, file: self.file, told: self.told })
    }
}

/// A gateway that can be served.
pub struct RunningInnerGateway {
    opened: OpenedGateway,
    file: PathBuf,
    told: SurroundingServer,
}

impl RunningInnerGateway {
    /// Serves until the server stops. At SIGHUP the file is read again.
    pub async fn serve(self, stop: impl Future<Output = ListenerStop>) {
        let Self { opened, file, told } = self;
        let reloader = opened.reloader();
        let reloading = async {
            let Ok(mut hang_up) = signal(SignalKind::hangup()) else { return std::future::pending().await };
            while hang_up.recv().await.is_some() {
                reloader.reload(read(&file, &told));
            }
        };
        let stopping = watch::Sender::new(false);
        let stopped = stopping.clone();
        let serving = opened.serve(move || {
            let mut told = stopped.subscribe();
            async move {
                let _ = told.wait_for(|is_stopping| *is_stopping).await;
            }
        });
        let until_stop = async {
            tokio::select! {
                _ = stop => (),
                () = reloading => (),
            }
            stopping.send_replace(true);
        };
        tokio::join!(serving, until_stop);
    }
}

/// Starts the gateway of this process among its servers, if the configuration names one.
///
/// # Errors
/// What keeps it from starting.
pub async fn start_gateway(
    config: &Config,
    engine: &Engine,
    servers: &mut JoinSet<()>,
    stop: impl Future<Output = ListenerStop> + Send + 'static,
) -> Result<(), InnerGatewayError> {
    if let Some(gateway) = InnerGateway::read(config)? {
        servers.spawn(gateway.open(engine).await?.serve(stop));
    }
    Ok(())
}

/// The file of the gateway. The session cookie and the public URL are the server's.
fn read(file: &Path, told: &SurroundingServer) -> Result<GatewayConfig, Vec<ConfigFault>> {
    let mut config = GatewayConfig::read(&GatewaySources {
        file: file.to_owned(),
        environment: &environment(),
        listen: None,
        open: &|path| std::fs::read_to_string(path),
    })?;
    told.complete(&mut config);
    Ok(config)
}
