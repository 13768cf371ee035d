//! A request on its way to what answers it.
//!
//! It stays where it was received: handlers borrow it, and take no more out of it than its body. So no request is
//! copied from handler to handler, and a refusal can be rendered as the request asked for it.

use std::mem;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use axum::body::Body;
use axum::extract::Request;
use http::request::Parts;

use crate::AuthApp;
use portcullis_transport::listener::Peer;
use portcullis_transport::proxies::client_address;

/// The members of a request that its path has, by the names in the braces of the route.
pub type PathMembers = Vec<(String, String)>;

/// A request, and what is known of it besides.
pub struct RoutedRequest {
    /// Everything but the body.
    pub parts: Parts,
    /// Behind a mutex only so that handlers may share the rest: nothing else can read a body.
    body: Mutex<Body>,
    /// The other end of its connection.
    pub peer: Peer,
    /// What its path says in place of the braces of the route.
    pub members: PathMembers,
}

impl RoutedRequest {
    pub(crate) fn new(request: Request, peer: Peer) -> Self {
        let (parts, body) = request.into_parts();
        Self { parts, body: Mutex::new(body), peer, members: PathMembers::new() }
    }

    /// The address of the client; `None` on a connection without one.
    #[must_use]
    pub fn client(&self, app: &AuthApp) -> Option<IpAddr> {
        Some(client_address(self.peer.ip()?, &self.parts.headers, &app.proxies))
    }

    /// Its body, once.
    pub fn take_body(&mut self) -> Body {
        mem::take(self.body.get_mut().unwrap_or_else(PoisonError::into_inner))
    }
}
