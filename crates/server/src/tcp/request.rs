//! One request or event: run, whatever comes of it.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use serde_json::value::RawValue;
use tracing::error;

use super::packet::{Answer, fault};
use super::{Dispatch, Peer};

/// Has a command answered. Gives the text of the answer, if somebody awaits one.
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
        Err(panic) => panicked(&command, &*panic),
    };
    id.map(|id| answer.write(&id))
}

/// A panic is a bug of ours: the client learns nothing of it, and the connection goes on.
fn panicked(command: &str, panic: &(dyn Any + Send)) -> Answer {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("of unknown kind");
    error!(panic = text, command, "a handler panicked");
    Answer::Fault(fault("Internal server error"))
}
