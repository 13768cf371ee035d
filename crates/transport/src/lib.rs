//! Listening sockets, HTTP/1.1 connections, and who is at their other end.
//!
//! | module | what it is |
//! |---|---|
//! | [`listener`] | listening sockets, and the loop that accepts connections within limits |
//! | [`http`] | HTTP/1.1 connections: their limits, streamed answers, upgrades, and an end that lets requests finish |
//! | [`proxies`] | the address of a client behind proxies that are trusted |
//!
//! The server and the gateway serve their clients through it. It knows no route and no user.

pub mod http;
pub mod listener;
pub mod proxies;
