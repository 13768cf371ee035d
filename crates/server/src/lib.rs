//! The authentication and session server: the one place where everything is wired.
//!
//! | module | what it is |
//! |---|---|
//! | [`cli`] | the command line, one file a command |
//! | [`config`] | what the server is told: flags over variables over a file |
//! | [`device`] | the name of a device that a person recognises |
//! | [`open`] | the engine that a configuration describes |
//! | [`http`] | routes made from the tables of operations, and the layers around them |
//! | [`proxies`] | the address of a client behind proxies that are trusted |
//! | [`rate_limit`] | how often one place may ask |
//! | [`tcp`] | the transport that microservices of NestJS speak |
//! | [`operations`] | what can be done on the device-session surface, whichever way it was asked |
//! | [`serve`] | listening until somebody says stop |
//! | [`mail`] | letters to users: words, layout, SMTP, the outbox |
//! | [`log`] | lines for people or programs, every decision about access among them |

pub mod cli;
pub mod config;
pub mod device;
pub mod http;
pub mod listener;
pub mod log;
pub mod mail;
pub mod open;
pub mod operations;
pub mod proxies;
pub mod rate_limit;
pub mod serve;
mod startup_message;
pub mod tcp;
pub mod templates;
