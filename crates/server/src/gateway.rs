//! Gateways: a process of its own that follows a server, and one inside the server's process.

mod inner;

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use metrics::gauge;
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use portcullis_config::ConfigFault;
use portcullis_config::parse::Listen;
use portcullis_gateway::config::{GatewayConfig, GatewayProcess};
use portcullis_gateway::serve::{GatewayStartError, OpenedGateway, Reloader, followed};
use portcullis_transport::listener::{InheritedSockets, ListenError, ListenerStop, NetworkSocket, bind_all};
use portcullis_verifier::Verifier;
use thiserror::Error;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tracing::{info, warn};

use crate::config::{Log, LogFormat};
use crate::{http, log, service_notice};

pub use inner::{InnerGateway, InnerGatewayError, SurroundingServer, start_gateway};

/// A gateway could not start.
#[derive(Debug, Error)]
pub enum GatewayProcessError {
    /// The gateway.
    #[error(transparent)]
    Start(#[from] GatewayStartError),
    /// The address of metrics.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The numbers.
    #[error("metrics cannot be counted: {0}")]
    Metrics(#[from] BuildError),
    /// The signals of the machine.
    #[error("signals cannot be heard: {0}")]
    Signals(io::Error),
}

/// Runs a gateway until SIGTERM or SIGINT. At SIGHUP its file is `read` again.
///
/// # Errors
/// What keeps the gateway from starting.
pub async fn run_gateway(
    config: &GatewayConfig,
    read: impl Fn() -> Result<GatewayConfig, Vec<ConfigFault>>,
    out: &mut (dyn Write + Send),
) -> Result<(), GatewayProcessError> {
    let process = &config.process;
    let format = if process.log_json { LogFormat::Json } else { LogFormat::Text };
    log::begin(&Log { format, level: process.log_level });
    let signals = GatewaySignals::listen().map_err(GatewayProcessError::Signals)?;
    let verifier = followed(config)?;
    let recorder = PrometheusBuilder::new().install_recorder()?;
    let metrics = MetricsPage { recorder, verifier: verifier.clone() };
    let metrics_socket = metrics_socket(process).await?;
    let opened = OpenedGateway::open(config, Arc::new(verifier)).await?;
    say_where(config, &opened, out);
    service_notice::ready();
    let stopping = watch::Sender::new(false);
    let stop = {
        let stopping = stopping.clone();
        move || stopped(stopping.subscribe())
    };
    let reloader = opened.reloader();
    let serving_metrics = metrics.serve(metrics_socket, process, stop());
    let serving = tokio::spawn(opened.serve(stop));
    tokio::select! {
        () = signals.until_stop(&reloader, read) => info!("stopping: requests in flight are finished"),
        () = serving_metrics => (),
    }
    service_notice::stopping();
    stopping.send_replace(true);
    let _ = serving.await;
    info!("stopped");
    Ok(())
}

async fn stopped(mut stopping: watch::Receiver<bool>) {
    let _ = stopping.wait_for(|is_stopping| *is_stopping).await;
}

fn say_where(config: &GatewayConfig, opened: &OpenedGateway, out: &mut (dyn Write + Send)) {
    for address in opened.sockets.iter().filter_map(|socket| socket.listener.local_addr().ok()) {
        info!(%address, routes = config.routes.len(), "the gateway listens");
        if let Err(fault) = writeln!(out, "Portcullis gateway on http://{address}").and_then(|()| out.flush())
        {
            // The reader of the output has closed it; the gateway goes on.
            warn!(%fault, "the startup message could not be written");
        }
    }
}

/// The signals that a gateway knows.
struct GatewaySignals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl GatewaySignals {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for a signal to stop, and reads the file again at each of the other kind.
    async fn until_stop(
        mut self,
        reloader: &Reloader,
        read: impl Fn() -> Result<GatewayConfig, Vec<ConfigFault>>,
    ) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                Some(()) = self.hang_up.recv() => reloader.reload(read()),
            }
        }
    }
}

async fn metrics_socket(process: &GatewayProcess) -> Result<Option<NetworkSocket>, ListenError> {
    let listen = process.metrics.map(|address| Listen { address, optional: false });
    let sockets = match &listen {
        Some(listen) => {
            bind_all("metrics.listen", std::slice::from_ref(listen), &mut InheritedSockets::default()).await?
        }
        None => Vec::new(),
    };
    Ok(sockets.into_iter().next())
}

/// `/metrics`, and `/healthz` for those who watch the process.
#[derive(Clone)]
struct MetricsPage {
    recorder: PrometheusHandle,
    verifier: Verifier,
}

impl MetricsPage {
    /// Serves until `stop`; for ever where there is no address.
    async fn serve(
        self,
        socket: Option<NetworkSocket>,
        process: &GatewayProcess,
        stop: impl Future<Output = ()>,
    ) {
        let Some(socket) = socket else { return std::future::pending().await };
        let page = Router::new()
            .route("/metrics", get(async move || self.text()))
            .route("/healthz", get(async || "ok"));
        let stop = async {
            stop.await;
            ListenerStop::Drained
        };
        http::serve(socket, page, process.accept_limits(), stop).await;
    }

    fn text(&self) -> String {
        let status = self.verifier.status();
        let seconds = |span: Duration| span.as_secs_f64();
        gauge!("portcullis_gateway_revocations_age_seconds").set(status.age.map_or(f64::INFINITY, seconds));
        gauge!("portcullis_gateway_stale_seconds").set(seconds(status.stale));
        for (what, count) in [
            ("records", status.records),
            ("asks", status.asks),
            ("unavailable", status.unavailable),
            ("faults", status.faults),
            ("snapshots", status.snapshots),
        ] {
            gauge!("portcullis_gateway_verifier", "count" => what).set(as_gauge(count));
        }
        self.recorder.render()
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float; no count reaches 2^53")]
const fn as_gauge(count: u64) -> f64 {
    count as f64
}
