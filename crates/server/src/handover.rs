//! A new server takes the listening sockets over from the one that runs, over a Unix socket (the setting `handover`).
//!
//! | the new server | the one that runs |
//! |---|---|
//! | connects | sends the sockets, and goes on |
//! | opens its databases and begins to serve | accepts connections beside it |
//! | says that it is ready | says that it gives the sockets up, finishes what it has accepted, and stops |
//!
//! A socket is never closed while the other process does not have it, so no connection is lost. If either process ends
//! on the way, the other one sees its connection close and serves on.

mod message;
mod offering;
mod taking_over;

#[cfg(test)]
mod tests;

pub(crate) use offering::{OfferedSocket, Offering};
pub use taking_over::HandoverError;
pub(crate) use taking_over::{ServerBefore, take_over};

/// Permissions of the socket's file: this process's user may connect.
pub(crate) const OWNER: u32 = 0o600;
