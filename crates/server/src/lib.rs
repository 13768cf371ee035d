//! The authentication and session server: the one place where everything is wired.
//!
//! | module | what it is |
//! |---|---|
//! | [`cli`] | the command line, one file a command |
//! | [`config`] | what the server is told: flags over variables over a file |
//! | [`open`] | the engine that a configuration describes |
//! | [`http`] | routes made from the tables of operations, and the layers around them |
//! | [`serve`] | listening until somebody says stop |
//! | [`mail`] | letters to users: words, layout, SMTP, the outbox |
//! | [`log`] | lines for people or programs, every decision about access among them |

pub mod cli;
pub mod config;
pub mod http;
pub mod log;
pub mod mail;
pub mod open;
pub mod serve;
mod unseen;
mod welcome;
