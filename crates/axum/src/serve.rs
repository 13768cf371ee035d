//! A service from its start to its end.

use std::io;
use std::time::Duration;

use axum::Router;
use portcullis_core::engine::Engine;
use tokio::net::TcpListener;
use tokio::select;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;

/// How long requests may take once the process was told to end.
const GRACE: Duration = Duration::from_secs(10);

/// Serves until the process is told to end (SIGINT or SIGTERM), and [keeps house](Engine::keep_house) meanwhile. When
/// this returns, everything that was begun is written, and the stores can be closed.
///
/// ```no_run
/// # use axum::Router;
/// # use portcullis_core::{engine::Engine, store::memory::MemoryStore};
/// # use tokio::net::TcpListener;
/// # async fn run(app: Router, engine: Engine) -> std::io::Result<()> {
/// let listener = TcpListener::bind("127.0.0.1:3000").await?;
/// portcullis_axum::serve(listener, app, &engine).await
/// # }
/// ```
///
/// # Errors
/// What the system says of the listener or of signals.
pub async fn serve(listener: TcpListener, app: Router, engine: &Engine) -> io::Result<()> {
    let (end, late) = (told_to_end()?, told_to_end()?);
    let serving = axum::serve(listener, app).with_graceful_shutdown(end);
    let done = select! {
        done = async { serving.await } => done,
        () = async { late.await; sleep(GRACE).await } => Ok(()),
        () = engine.keep_house() => Ok(()),
    };
    engine.finish().await;
    done
}

/// Waits for a signal that ends the process. It is heard from now on.
fn told_to_end() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
