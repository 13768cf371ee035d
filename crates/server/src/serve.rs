//! `portcullis serve`: runs the server until SIGTERM or SIGINT.

use std::future::pending;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use futures_util::FutureExt as _;
use metrics_exporter_prometheus::BuildError;
use portcullis_core::engine::Engine;
use portcullis_core::machine::SystemClock;
use portcullis_http::device_name;
use portcullis_http::templates::TemplateError;
use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use tracing::{error, info, warn};

use crate::config::Config;
use crate::gateway::{InnerGateway, InnerGatewayError, start_gateway};
use crate::handover::{HandoverError, Offering, ServerBefore, take_over};
use crate::http::{self, Recorder, app, configured_pages, router};
use crate::local_url::local_url;
use crate::log::EventLog;
use crate::open::{CannotOpen, OpenedEngine, OpenedFor, open, policy};
use crate::socket_activation::{PassedSocketError, PassedSockets};
use crate::sockets::Sockets;
use crate::{mail, service_notice, startup_message, tcp};
use portcullis_transport::listener::{
    AcceptLimits, InheritedSockets, ListenError, ListenerStop, UnwantedSocket,
};

/// The server could not start.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The engine.
    #[error(transparent)]
    Open(#[from] CannotOpen),
    /// An address or a path.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// A socket that the service manager passes.
    #[error(transparent)]
    Passed(#[from] PassedSocketError),
    /// A socket that the service manager passes, and no setting names.
    #[error(transparent)]
    Unwanted(#[from] UnwantedSocket),
    /// The server that runs.
    #[error(transparent)]
    Handover(#[from] HandoverError),
    /// The sockets cannot be offered to the next process.
    #[error("handover: no file descriptor is free: {0}")]
    Descriptors(io::Error),
    /// The signals of the machine.
    #[error("signals cannot be heard: {0}")]
    Signals(io::Error),
    /// Mail.
    #[error(transparent)]
    Mail(#[from] mail::MailSetupError),
    /// The templates of pages.
    #[error(transparent)]
    Templates(#[from] TemplateError),
    /// The gateway of this process.
    #[error("gateway.config: {0}")]
    Gateway(#[from] InnerGatewayError),
    /// The numbers.
    #[error("metrics cannot be counted: {0}")]
    Metrics(#[from] BuildError),
}

/// Serves until SIGTERM or SIGINT, and then until what is in flight is done.
///
/// # Errors
/// What keeps the server from starting.
pub async fn serve(
    config: &Config,
    passed: PassedSockets,
    out: &mut (dyn Write + Send),
) -> Result<(), ServeError> {
    let signals = stop_signals()?;
    serve_on(config, passed.sockets()?, signals, out).await
}

/// Checks what a start needs beyond the single settings, as far as it can be seen without a store and a socket.
///
/// # Errors
/// What would keep the server from starting.
pub fn check(config: &Config) -> Result<(), ServeError> {
    policy(config)?;
    mail::Mailer::new(config, &mail::base_url(config))?;
    configured_pages(config)?;
    InnerGateway::read(config)?;
    Ok(())
}

/// Serves until `stop`, and then until what is in flight is done.
///
/// # Errors
/// What keeps the server from starting.
pub async fn serve_until(
    config: &Config,
    stop: impl Future<Output = ()>,
    out: &mut (dyn Write + Send),
) -> Result<(), ServeError> {
    serve_on(config, InheritedSockets::default(), stop, out).await
}

/// Serves on inherited sockets, and opens those that are missing.
async fn serve_on(
    config: &Config,
    inherited: InheritedSockets,
    stop: impl Future<Output = ()>,
    out: &mut (dyn Write + Send),
) -> Result<(), ServeError> {
    // Before there is a database: a start that fails leaves nothing behind.
    check(config)?;
    let (mut sockets, server_before) = sockets(config, inherited).await?;
    let addresses = sockets.addresses();
    let offering = sockets.offering().map_err(ServeError::Descriptors)?;
    tokio::pin!(stop);
    let opening = open(config, OpenedFor::Serving, Arc::new(EventLog), Arc::new(SystemClock));
    let Some(opened) = unless(stop.as_mut(), server_before.is_some(), opening).await else {
        info!("stopped before it served: the server before goes on");
        return Ok(());
    };
    let OpenedEngine { engine, stores } = opened?;
    let recorder = Recorder::install(engine.clone())?;
    let (stopping, stopped) = watch::channel(None);
    let notifier = Arc::new(mail::Mailer::new(config, &links_to(config, &addresses))?);
    let mut servers = start_servers(config, &engine, recorder, sockets, &stopped)?;
    start_gateway(config, &engine, &mut servers, until(stopped.clone())).await?;
    tokio::task::spawn_blocking(device_name::prepare);
    let housekeeping = tokio::spawn({
        let engine = engine.clone();
        async move { engine.keep_house().await }
    });
    let mail_delivery = tokio::spawn({
        let engine = engine.clone();
        let stopped = stopped.clone();
        async move { engine.deliver_mail(notifier, until(stopped).map(|_| ())).await }
    });

    let has_another = server_before.is_some();
    let released = unless(stop.as_mut(), has_another, release(server_before, offering.as_ref())).await;
    let how = if released.is_some() {
        seal_keys(&engine).await;
        say_that_it_serves(config, stores.warning(), &addresses, out);
        stopped_by(stop, offering).await
    } else {
        info!("stopping: the server before goes on, unless it has just handed over");
        drop(offering);
        ListenerStop::Drained
    };
    service_notice::stopping();
    let _ = stopping.send(Some(how));
    while servers.join_next().await.is_some() {}
    housekeeping.abort();
    finish(mail_delivery, config.timeouts.shutdown).await;
    // What clients began that have hung up since: their writes, events and mails happen, all of them.
    if timeout(config.timeouts.shutdown, engine.finish()).await.is_err() {
        warn!(
            "the database keeps requests of clients that hung up from their end; the process stops all the same"
        );
    }
    drop(engine);
    stores.close().await;
    info!("stopped");
    Ok(())
}

/// The configured sockets, and the server that gives them up, if one runs.
async fn sockets(
    config: &Config,
    mut inherited: InheritedSockets,
) -> Result<(Sockets, Option<ServerBefore>), ServeError> {
    let mut server_before = None;
    if let Some(path) = &config.handover
        && let Some((server, handed_over)) = take_over(path).await?
    {
        inherited.extend(handed_over);
        server_before = Some(server);
    }
    let sockets = Sockets::bind(config, &mut inherited).await?;
    inherited.finish()?;
    Ok((sockets, server_before))
}

/// What comes of `work`; `None` if the server must stop first, and another one runs that goes on without this one. What
/// runs alone starts first, and stops then.
async fn unless<T>(
    stop: Pin<&mut impl Future<Output = ()>>,
    has_another: bool,
    work: impl Future<Output = T>,
) -> Option<T> {
    tokio::select! {
        // A stop that came first is seen first.
        biased;
        () = stop, if has_another => None,
        done = work => Some(done),
    }
}

/// Tells the server before, if there is one, that this one serves, and makes what it offers this process's.
async fn release(server_before: Option<ServerBefore>, offering: Option<&Offering>) {
    if let Some(server_before) = server_before {
        server_before.release().await;
    }
    if let Some(offering) = offering {
        offering.becomes_ours();
    }
}

/// Tells operators, in the log and on standard output, and the service manager.
fn say_that_it_serves(
    config: &Config,
    of_stores: Option<&str>,
    addresses: &[SocketAddr],
    out: &mut (dyn Write + Send),
) {
    startup_message::log(config, of_stores, addresses);
    if let Err(fault) = startup_message::write(config, addresses, out) {
        // The reader of the output has closed it; the server goes on.
        warn!(%fault, "the startup message could not be written");
    }
    service_notice::ready();
}

/// Encrypts the keys that were made without a master key. The server before may not have it, so this waits for its end.
/// By then no other one serves, and a fault must not end this one.
async fn seal_keys(engine: &Engine) {
    match engine.seal_keys().await {
        Ok(0) => (),
        Ok(sealed) => info!(sealed, "keys that were made without a master key are sealed with it now"),
        Err(fault) => error!(%fault, "keys are not sealed with the master key; the next start tries again"),
    }
}

/// Waits until the server must stop, and tells how its listeners do. What is offered is closed with it.
async fn stopped_by(stop: impl Future<Output = ()>, offering: Option<Offering>) -> ListenerStop {
    let taken_over = async {
        match offering {
            Some(mut offering) => offering.taken_over().await,
            None => pending().await,
        }
    };
    tokio::select! {
        () = stop => {
            info!("stopping: requests in flight are finished");
            ListenerStop::Drained
        }
        () = taken_over => ListenerStop::AtOnce,
    }
}

/// Starts a server for each socket: HTTP, the TCP transport, and metrics. Each runs until `stopped`.
fn start_servers(
    config: &Config,
    engine: &Engine,
    recorder: Recorder,
    sockets: Sockets,
    stopped: &Stopped,
) -> Result<JoinSet<()>, ServeError> {
    let mut servers = JoinSet::new();
    let app = app(config, engine.clone(), Some(&recorder))?;
    let surface = Arc::new(tcp::Surface {
        operations: app.operations.clone(),
        rates: app.rates.clone(),
        trusts_gateway: config.tcp.trust_gateway,
    });
    for listener in sockets.tcp {
        let limits = tcp::TcpConnectionLimits::of(config);
        let stop = until(stopped.clone()).map(|_| ());
        servers.spawn(tcp::serve(listener, surface.clone(), limits, stop));
    }
    let (routes, limits) = (router(app), connection_limits(config));
    for listener in sockets.http {
        servers.spawn(http::serve(listener, routes.clone(), limits, until(stopped.clone())));
    }
    let metrics = Router::new().route("/metrics", get(async move || recorder.answer().await));
    for listener in sockets.metrics {
        servers.spawn(http::serve(listener, metrics.clone(), limits, until(stopped.clone())));
    }
    Ok(servers)
}

/// How the listeners stop, once they do.
type Stopped = watch::Receiver<Option<ListenerStop>>;

/// Waits until the server stops.
async fn until(mut stopped: Stopped) -> ListenerStop {
    let how = stopped.wait_for(Option::is_some).await;
    how.ok().and_then(|how| *how).unwrap_or(ListenerStop::AtOnce)
}

/// Waits for the mails that are being sent: one that is cut off may be sent again.
async fn finish(mut mail_delivery: JoinHandle<()>, most: Duration) {
    if timeout(most, &mut mail_delivery).await.is_err() {
        warn!("mails are still being sent; they may be sent again");
        mail_delivery.abort();
        let _ = mail_delivery.await;
    }
}

/// Where the links in mails lead: the public URL, otherwise where this machine's browsers find the server.
fn links_to(config: &Config, addresses: &[SocketAddr]) -> String {
    let local = local_url(addresses).filter(|_| config.is_development());
    local.unwrap_or_else(|| mail::base_url(config))
}

/// What a client may take of the server, as a configuration has it.
#[must_use]
pub const fn connection_limits(config: &Config) -> AcceptLimits {
    AcceptLimits {
        connections: config.limits.connections,
        shutdown: config.timeouts.shutdown,
        drain: config.timeouts.drain,
        idle: Some(config.timeouts.headers),
    }
}

/// Listens for the two ways in which a process is asked to stop.
fn stop_signals() -> Result<impl Future<Output = ()>, ServeError> {
    let listen = |kind| signal(kind).map_err(ServeError::Signals);
    let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    Ok(async move {
        let heard = tokio::select! {
            heard = terminate.recv() => heard,
            heard = interrupt.recv() => heard,
        };
        if heard.is_none() {
            error!("signals are not heard any more");
        }
    })
}
