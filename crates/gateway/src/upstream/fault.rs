//! Why an upstream gave no answer.

use portcullis_api::refusal::{Code, Refusal};
use thiserror::Error;

use super::UploadFault;

/// Why an upstream gave no answer.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum UpstreamFault {
    /// It could not be reached.
    #[error("cannot be reached: {0}")]
    Unreachable(String),
    /// The connection took too long.
    #[error("did not take a connection in time")]
    SlowToConnect,
    /// It hung up before it answered.
    #[error("hung up before it answered: {0}")]
    HungUp(String),
    /// Its answer is no HTTP.
    #[error("gave an answer that is no HTTP: {0}")]
    Unreadable(String),
    /// It switched to a protocol that it was not asked for.
    #[error("switched to another protocol")]
    Switched,
    /// It did not answer in time.
    #[error("did not answer in time")]
    Slow,
    /// The client's body did not come, or was too large.
    #[error("the body of the request: {0}")]
    Upload(#[from] UploadFault),
}

impl UpstreamFault {
    /// Whether nothing of an answer was received, so that another upstream may be asked.
    #[must_use]
    pub const fn is_before_any_answer(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::SlowToConnect | Self::HungUp(_))
    }

    /// What the client is told. It learns nothing of the upstream.
    #[must_use]
    pub const fn refusal(&self) -> Refusal {
        Refusal::plain(match self {
            Self::Unreachable(_) | Self::HungUp(_) | Self::Unreadable(_) | Self::Switched => Code::BadGateway,
            Self::SlowToConnect | Self::Slow => Code::GatewayTimeout,
            Self::Upload(UploadFault::TooLarge) => Code::PayloadTooLarge,
            Self::Upload(UploadFault::Slow) => Code::RequestTimeout,
            Self::Upload(UploadFault::Broken) => Code::BadRequest,
        })
    }
}
