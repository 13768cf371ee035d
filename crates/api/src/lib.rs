//! The wire: what Portcullis takes and what it answers, apart from any transport.
//!
//! | module | what it is |
//! |---|---|
//! | [`operation`] | the one table of what can be asked: routers, documentation and tests are derived from it |
//! | [`request`] | bodies, read member by member, with one message per fault |
//! | [`answer`] | the shapes of success, and the envelope of the device-session surface |
//! | [`refusal`] | the one table from errors to code, status and text, and its three renderings |
//! | [`openapi`] | the OpenAPI 3.1 document, from the table of operations |
//!
//! Nothing here reads a socket or decides anything: requests become the engine's arguments, the engine's results become
//! members in a fixed order.

pub mod answer;
pub mod openapi;
pub mod operation;
pub mod refusal;
pub mod request;
