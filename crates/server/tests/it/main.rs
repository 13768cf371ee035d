//! The HTTP surface, told as stories about people who use it.
//!
//! Everything goes over real sockets, to a server in this process or to the program itself where a process matters. The
//! client in `world` keeps what came as it came, so that statuses, headers, bodies and the order of their members are
//! compared to the letter.

#[cfg(test)]
mod browsers;
#[cfg(test)]
mod canaries;
#[cfg(test)]
mod clients;
#[cfg(test)]
mod cookie;
#[cfg(test)]
mod crowds;
#[cfg(test)]
mod denied;
#[cfg(test)]
mod device;
#[cfg(test)]
mod fuzzed;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod kinds;
#[cfg(test)]
mod passwords;
#[cfg(test)]
mod refreshing;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod restarts;
#[cfg(test)]
mod service;
#[cfg(test)]
mod signing_in;
#[cfg(test)]
mod signing_up;
#[cfg(test)]
mod wire;
#[cfg(test)]
mod world;
