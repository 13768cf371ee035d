//! The authentication and session server: the one place where everything is wired.
//!
//! | module | what it is |
//! |---|---|
//! | [`cli`] | the command line, one file a command |
//! | [`config`] | what the server is told: flags over variables over a file |
//! | [`open`] | the engine that a configuration describes |
//! | [`http`] | routes made from the tables of operations, and the layers around them |
//! | [`tcp`] | the transport that microservices of NestJS speak |
//! | [`serve`] | listening until somebody says stop |
//! | [`log`] | lines for people or programs, every decision about access among them |

pub mod cli;
pub mod config;
pub mod http;
pub mod log;
pub mod open;
pub mod serve;
pub mod tcp;
mod welcome;
