//! The servers behind the gateway: where they are, which of them can be used, and how a request is sent to one.

mod answer_body;
mod connection;
mod connector;
mod exchange;
mod fault;
mod health;
mod kept_connections;
mod pool;
mod stream;
mod upload;
mod url;

pub use answer_body::AnswerBody;
pub use connector::{ConnectorError, stated_authorities};
pub use exchange::{OutgoingRequest, exchange, log_fault};
pub use fault::UpstreamFault;
pub use health::keep_looking;
pub use pool::{Pool, PoolMember};
pub use upload::{Upload, UploadFault, UploadState};
pub use url::UpstreamUrl;
