//! The authentication and session server: HTTP, TCP, pages and the command line, wired in one place.

pub mod config;
