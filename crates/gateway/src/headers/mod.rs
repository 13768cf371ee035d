//! What of a request's and an answer's headers passes.
//!
//! The order is the point. First what belongs to the connection goes, with what `Connection` names; then every
//! header by which an upstream might believe a client; and only then ours are set. So no client can make the gateway
//! take away what it has just set.

mod cookies;
mod forwarded;
mod hop_by_hop;
mod identity;

use http::header::{AUTHORIZATION, EXPECT, HeaderMap};

pub use cookies::OurCookies;
pub use forwarded::ForwardedClient;
pub(crate) use hop_by_hop::names;
pub use hop_by_hop::{ConnectionFault, check_connection, has_plain_framing, take_hop_by_hop};
pub use identity::{AssertedUser, folded, is_believed};

/// What is taken from a request on its way to an upstream.
#[derive(Clone, Debug)]
pub struct HeaderPolicy {
    /// Our cookies.
    pub cookies: OurCookies,
}

impl HeaderPolicy {
    /// Takes away what no upstream may see or believe. Hop-by-hop fields must have gone before.
    pub fn strip(&self, headers: &mut HeaderMap, keeps_authorization: bool) {
        identity::take_believed(headers);
        // The gateway has told the client to go on.
        headers.remove(EXPECT);
        if !keeps_authorization {
            headers.remove(AUTHORIZATION);
        }
        self.cookies.take(headers);
    }
}

#[cfg(test)]
mod tests;
