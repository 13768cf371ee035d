//! A feed that listens on a connection to a server, and makes another one whenever that is lost.
//!
//! Thread, runtime and connection belong to the watch alone, so that load on the server's runtime does not delay them.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use portcullis_core::store::{Change, ChangeSink, Stored, Watch};
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::time::sleep;
use tracing::{info, warn};

use crate::feed_threads::{FeedReady, FeedThreads};

/// The first and the longest pause before another connection is tried.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// What is particular to a kind of server.
pub(crate) trait ListeningFeed: Send + 'static {
    type Connection;
    type Fault: Error + Send + Sync + 'static;

    /// The name of its thread.
    const NAME: &'static str;
    /// What may have changed while there was no connection.
    const MISSED: Change;

    /// The error for what the system says.
    fn fault(fault: io::Error) -> Self::Fault;

    /// A connection to which the server announces changes.
    async fn connected(&self) -> Result<Self::Connection, Self::Fault>;

    /// Proves that no change is missing, and rests for a while, with its ears open.
    async fn prove(&self, feed: &mut Self::Connection) -> Result<(), Self::Fault>;
}

/// Announces what is written from now on, until the watch is dropped or the store is `closed`.
pub(crate) async fn watch<L: ListeningFeed>(
    feeds: &FeedThreads,
    closed: impl Error + Send + Sync + 'static,
    sink: Arc<dyn ChangeSink>,
    make: impl FnOnce(Arc<dyn ChangeSink>) -> L + Send + 'static,
) -> Stored<Watch> {
    // Nothing is sent: the thread ends when the sender is dropped.
    let (stop, stopped) = oneshot::channel::<()>();
    let run = move |sink: Arc<dyn ChangeSink>, ready| run(&make(sink.clone()), &*sink, ready, stopped);
    feeds.watch(L::NAME, stop, closed, sink, run).await
}

fn run<L: ListeningFeed>(
    listening: &L,
    sink: &dyn ChangeSink,
    ready: FeedReady<L::Fault>,
    stopped: oneshot::Receiver<()>,
) {
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(fault) => return drop(ready.send(Err(L::fault(fault)))),
    };
    runtime.block_on(async {
        tokio::select! {
            // The caller may have given up the watch before it began.
            _ = stopped => {}
            () = announce(listening, sink, ready) => {}
        }
    });
    // Without a wait for the goodbye to a server that does not answer.
    runtime.shutdown_background();
}

async fn announce<L: ListeningFeed>(listening: &L, sink: &dyn ChangeSink, ready: FeedReady<L::Fault>) {
    let mut feed = match listening.connected().await {
        Ok(feed) => feed,
        Err(fault) => return drop(ready.send(Err(fault))),
    };
    // An error only says that the caller has given up the watch: then the thread is stopped, too.
    let _ = ready.send(Ok(()));
    let mut pause = FIRST_PAUSE;
    loop {
        let fault = follow(listening, &mut feed, &mut pause).await;
        // A server that takes a connection and proves nothing is lost again and again: that is said once.
        if pause == FIRST_PAUSE {
            warn!(%fault, feed = L::NAME, "the change feed is lost");
        }
        drop(feed);
        feed = connected_again(listening, &mut pause).await;
        sink.changed(&L::MISSED);
    }
}

/// Proves until the connection is lost, and returns why it is.
async fn follow<L: ListeningFeed>(listening: &L, feed: &mut L::Connection, pause: &mut Duration) -> L::Fault {
    loop {
        if let Err(fault) = listening.prove(feed).await {
            return fault;
        }
        if *pause > FIRST_PAUSE {
            info!(feed = L::NAME, "the change feed is back");
            *pause = FIRST_PAUSE;
        }
    }
}

async fn connected_again<L: ListeningFeed>(listening: &L, pause: &mut Duration) -> L::Connection {
    loop {
        sleep(*pause).await;
        *pause = (*pause * 2).min(LONGEST_PAUSE);
        if let Ok(feed) = listening.connected().await {
            return feed;
        }
    }
}
