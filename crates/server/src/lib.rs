//! The authentication and session server, which puts all crates together.
//!
//! | module | what it is |
//! |---|---|
//! | [`cli`] | the command line, one file per command |
//! | [`config`] | the configuration: flags over variables over a file |
//! | [`device_name`] | the name of a device that a user recognises |
//! | [`open`] | the engine that a configuration describes |
//! | [`http`] | routes made from the tables of operations, and the layers around them |
//! | [`rate_limit`] | how often one client may send costly public requests |
//! | [`tcp`] | the TCP transport of NestJS microservices |
//! | `request_span`, `refusal_samples` | what the log says of a request, and of floods of refusals |
//! | [`operations`] | the operations of the device-session surface, for HTTP and TCP |
//! | [`socket_activation`], [`handover`] | listening sockets of the service manager, and of the server that runs already |
//! | [`gateway`] | runs a gateway that follows a server |
//! | [`serve`] | runs the server until it is told to stop |
//! | [`mail`] | mail to users: texts, layout, SMTP, the outbox |
//! | [`log`] | lines for people or programs, with every audit event |

pub mod cli;
pub mod config;
pub mod device_name;
pub mod gateway;
pub mod handover;
pub mod http;
mod local_url;
pub mod log;
pub mod mail;
pub mod open;
pub mod operations;
pub mod rate_limit;
mod refusal_samples;
mod request_span;
pub mod serve;
pub mod socket_activation;
mod sockets;
mod startup_message;
pub mod tcp;
pub mod templates;
