//! The authentication and session server, which puts all crates together.
//!
//! | module | what it is |
//! |---|---|
//! | [`cli`] | the command line, one file per command |
//! | [`config`] | the configuration: flags over variables over a file |
//! | [`open`] | the engine that a configuration describes |
//! | [`http`] | the routes: those of `portcullis-http`, and those of the service itself |
//! | [`tcp`] | the TCP transport of NestJS microservices |
//! | [`socket_activation`], [`handover`] | listening sockets of the service manager, and of the server that runs already |
//! | [`gateway`] | runs a gateway that follows a server |
//! | [`serve`] | runs the server until it is told to stop |
//! | [`mail`] | mail to users: texts, layout, SMTP, the outbox |
//! | [`log`] | lines for people or programs, with every audit event |

pub mod cli;
pub mod config;
pub mod gateway;
pub mod handover;
pub mod http;
mod local_url;
pub mod log;
pub mod mail;
pub mod open;
pub mod serve;
mod service_notice;
pub mod socket_activation;
mod sockets;
mod startup_message;
pub mod tcp;
