//! What a client sends to show who it is.

use std::fmt;

/// The credential of a request, as it was sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum SentCredential<'a> {
    /// An access token: what follows `Bearer ` in the header `Authorization`.
    Bearer(&'a str),
    /// The value of a header `Cookie`, with all its pairs; those of the session cookie are found in it.
    Cookie(&'a str),
}

/// By its kind alone: it is a secret.
impl fmt::Debug for SentCredential<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bearer(_) => "Bearer",
            Self::Cookie(_) => "Cookie",
        })
    }
}

/// What happens to a request while the verifier's knowledge is older than `max_staleness`.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum OnStale {
    /// The server is asked about this credential.
    #[default]
    Ask,
    /// The request is refused with 503.
    Refuse,
}
