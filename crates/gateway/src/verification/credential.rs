//! The credential of a request.

use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use portcullis_verifier::{SentCredential, VerifyError};

use crate::headers::OurCookies;

/// A credential, before its headers are taken away.
#[derive(Clone, PartialEq, Eq)]
pub enum FoundCredential {
    /// What follows `Bearer` in `Authorization`.
    Bearer(String),
    /// The pairs of the session cookie.
    Cookie(String),
}

impl FoundCredential {
    /// The same, for the verifier.
    #[must_use]
    pub fn sent(&self) -> SentCredential<'_> {
        match self {
            Self::Bearer(token) => SentCredential::Bearer(token),
            Self::Cookie(pairs) => SentCredential::Cookie(pairs),
        }
    }

    /// Whether a browser sends it by itself, whichever page asks for that.
    #[must_use]
    pub const fn is_cookie(&self) -> bool {
        matches!(self, Self::Cookie(_))
    }
}

/// By its kind alone: it is a secret.
impl std::fmt::Debug for FoundCredential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.sent().fmt(f)
    }
}

/// Finds the credential of a request. A token counts before a cookie. Another scheme than `Bearer` is of no interest
/// here: it may be for the upstream.
///
/// # Errors
///
/// [`VerifyError::Missing`] if there is none, [`VerifyError::Refused`] if there are two `Authorization` lines.
pub fn find_credential(headers: &HeaderMap, cookies: &OurCookies) -> Result<FoundCredential, VerifyError> {
    let mut lines = headers.get_all(AUTHORIZATION).iter();
    let (line, second) = (lines.next(), lines.next());
    if second.is_some() {
        return Err(VerifyError::Refused);
    }
    if let Some(token) = line.and_then(bearer) {
        return Ok(FoundCredential::Bearer(token));
    }
    cookies.session_pairs(headers).map(FoundCredential::Cookie).ok_or(VerifyError::Missing)
}

/// The token after `Bearer`, whose case does not matter (RFC 9110, section 11.1).
fn bearer(line: &HeaderValue) -> Option<String> {
    let line = line.to_str().ok()?;
    let (scheme, token) = line.split_once(' ').unwrap_or((line, ""));
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}
