//! What stays open: downloads, event streams, WebSockets. Each is cut when its user must not go on, or when nothing
//! happens for too long.

mod download;
mod websocket;

use std::sync::Arc;
use std::time::Duration;

use metrics::counter;
use portcullis_verifier::CutReason;
use tracing::info;

use crate::verification::{CredentialVerifier, VerifiedCaller};

pub use download::Download;
pub use websocket::{WebSocketUpgrade, agrees_to_websocket, is_websocket};

/// Whose a stream is.
#[derive(Clone)]
pub struct StreamOwner {
    /// The user, and how they showed who they are.
    pub caller: VerifiedCaller,
    /// Who knows when the user must not go on.
    pub verifier: Arc<dyn CredentialVerifier>,
    /// For how long a stream may go on while nothing is proven.
    pub grace: Duration,
}

impl StreamOwner {
    /// Waits until the stream must be cut, and notes it. Nothing is watched before this is polled.
    pub async fn cut(self) {
        let reason = self.verifier.watch(&self.caller, self.grace).await;
        counter!("portcullis_gateway_streams_cut_total", "reason" => word(reason)).increment(1);
        let user = &self.caller.user;
        info!(tenant = %user.tenant, user = %user.id, reason = word(reason), "a stream was cut");
    }
}

const fn word(reason: CutReason) -> &'static str {
    match reason {
        CutReason::Revoked => "revoked",
        CutReason::RoleChanged => "role_changed",
        CutReason::Expired => "expired",
        CutReason::Unproven => "unproven",
    }
}
