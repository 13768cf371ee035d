//! What becomes of a connection after an upgrade.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use crate::listener::{ConnectionEnd, ConnectionSlot};

type Running = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What a handler adds to the extensions of a response 101: what runs over the connection from then on. It keeps the
/// connection's slot, and is dropped where the server cannot wait any longer.
#[derive(Clone)]
pub struct Tunnel(Arc<Mutex<Option<Running>>>);

impl Tunnel {
    /// A tunnel that runs this.
    pub fn new(running: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Some(Box::pin(running)))))
    }

    fn take(&self) -> Option<Running> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl fmt::Debug for Tunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tunnel")
    }
}

/// Runs the tunnel of a connection that was upgraded, until it ends or the connection must.
pub(super) async fn run_tunnel(tunnel: Option<Tunnel>, slot: &ConnectionSlot) {
    let Some(running) = tunnel.and_then(|tunnel| tunnel.take()) else { return };
    slot.note(true);
    tokio::select! {
        () = running => (),
        () = slot.must_end(ConnectionEnd::Now) => (),
    }
}
