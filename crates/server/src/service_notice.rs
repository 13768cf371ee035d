//! What a service manager is told, as systemd wants it of a service of `Type=notify`: `NOTIFY_SOCKET`.
//!
//! Without the variable nothing is sent. A service manager that does not listen keeps no server from its work.

use sd_notify::NotifyState;
use tracing::warn;

/// The process serves.
pub(crate) fn ready() {
    send(&NotifyState::Ready);
}

/// The process has begun to stop, and finishes what is in flight.
pub(crate) fn stopping() {
    send(&NotifyState::Stopping);
}

fn send(state: &NotifyState<'_>) {
    if let Err(fault) = sd_notify::notify(std::slice::from_ref(state)) {
        warn!(%fault, %state, "the service manager could not be told");
    }
}
