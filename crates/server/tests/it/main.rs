//! The server over HTTP and TCP, as clients use it.
//!
//! Requests go over real sockets, to a server in this process or, where a process matters, to the binary. The
//! client in `fixture` keeps answers as they came, so that statuses, headers, bodies and the order of their members are
//! compared byte for byte.

#[cfg(test)]
mod client_addresses;
#[cfg(test)]
mod clocks;
#[cfg(test)]
mod connections;
#[cfg(test)]
mod contention;
#[cfg(test)]
mod cookie;
#[cfg(test)]
mod cookies_of_others;
#[cfg(test)]
mod credential_kinds;
#[cfg(test)]
mod cross_site;
#[cfg(test)]
mod deny_by_default;
#[cfg(test)]
mod device;
#[cfg(test)]
mod document_samples;
#[cfg(test)]
mod embedded_routes;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod forward_auth;
#[cfg(test)]
mod framing;
#[cfg(test)]
mod fuzz_checks;
#[cfg(test)]
mod gateways;
#[cfg(test)]
mod guarded_services;
#[cfg(test)]
mod handover;
#[cfg(test)]
mod malformed_requests;
#[cfg(test)]
mod passwords;
#[cfg(test)]
mod public_endpoints;
#[cfg(test)]
mod refresh;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod restarts;
#[cfg(test)]
mod revocation_feed;
#[cfg(test)]
mod route_metrics;
#[cfg(test)]
mod secret_leaks;
#[cfg(test)]
mod shared_refreshes;
#[cfg(test)]
mod sign_in;
#[cfg(test)]
mod sign_up;
#[cfg(test)]
mod startable;
#[cfg(test)]
mod transcripts;
#[cfg(test)]
mod two_nodes;
#[cfg(test)]
mod upgrade;
#[cfg(test)]
mod verifiers;
#[cfg(test)]
mod verifiers_under_faults;
