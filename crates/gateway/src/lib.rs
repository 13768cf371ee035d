//! A gateway: a reverse proxy whose every route is protected, unless it is marked as public.
//!
//! It verifies credentials in its own process, tells upstreams who the user is, and cuts open streams when a sign-out
//! reaches it. HTTP/1.1 is spoken on both sides.
//!
//! | module | what it is |
//! |---|---|
//! | [`gateway`] | the way of one request, from the client to the upstream and back |
//! | [`path`] | what of a path is refused, and the one string that is matched and forwarded |
//! | [`headers`] | what of headers passes |
//! | [`routes`] | which route takes a request, and who may pass |
//! | [`verification`] | who a request is from |
//! | [`upstream`] | pools of upstreams, and how a request is sent to one |
//! | [`streams`] | downloads, event streams and WebSockets, and when they are cut |
//! | [`assertion`] | what the gateway says of a request, signed |
//! | [`config`] | the file of a gateway |
//! | [`explain`] | what the gateway would do with a request |
//! | [`serve`] | runs a gateway until it is told to stop, and reads its file again |
//!
//! This crate leaves out on purpose: HTTP/2, TLS towards clients, caching, rewriting of paths and bodies.

pub mod assertion;
pub mod config;
pub mod explain;
pub mod gateway;
pub mod headers;
pub mod path;
pub mod routes;
pub mod serve;
pub mod streams;
pub mod upstream;
pub mod verification;
