//! One request or event, and what a panic in it becomes.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use serde_json::value::RawValue;

use super::packet::{Answer, fault};
use super::{Dispatch, Peer};
use portcullis_transport::listener::log_handler_panic;

/// Runs a command. Returns the text of the answer; `None` for an event.
pub(super) async fn run(
    dispatch: Arc<dyn Dispatch>,
    command: String,
    data: Box<RawValue>,
    id: Option<Box<RawValue>>,
    peer: Peer,
) -> Option<String> {
    let answering = AssertUnwindSafe(async { dispatch.answer(&command, &data, &peer).await });
    let answer = match answering.catch_unwind().await {
        Ok(Ok(response)) => Answer::Response(response),
        Ok(Err(err)) => Answer::Fault(err),
        Err(panic) => {
            log_handler_panic(&*panic, Some(&command));
            Answer::Fault(fault("Internal server error"))
        }
    };
    id.map(|id| answer.write(&id))
}
