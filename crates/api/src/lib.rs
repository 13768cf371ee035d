//! The wire: what Portcullis takes and answers, on any transport.
//!
//! | module | what it is |
//! |---|---|
//! | [`operation`] | the operations table, from which routers, documentation and tests are derived |
//! | [`request`] | bodies, queries and paths, each declared once, with one message per fault |
//! | [`answer`] | the bodies of success, and the envelope of the device-session surface |
//! | [`refusal`] | the one table from errors to code, status and text, and its renderings |
//! | [`openapi`] | the OpenAPI 3.1 document, from the table of operations |
//!
//! Nothing here reads a socket or decides anything: requests become the engine's arguments, the engine's results become
//! members in a fixed order.

pub mod answer;
pub mod openapi;
pub mod operation;
pub mod refusal;
pub mod request;
