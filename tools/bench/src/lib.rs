//! What the tools outside the building share: an HTTP/1.1 client that costs next to nothing, the requests of both
//! surfaces as bytes, the server as a process that can be started and killed, the servers of stores, and what a
//! measurement counted; and the bare handler that the server is compared with.
//!
//! None of the product's crates is used here: a tool that measured or judged the server with the server's own code
//! would share its mistakes.

#![expect(clippy::disallowed_methods, reason = "a tool that measures asks the machine for the time")]

pub mod allocation_counter;
pub mod bare_server;
pub mod device;
pub mod http;
pub mod server;
pub mod serving_process;
pub mod store_servers;
pub mod strategy;
pub mod tally;
