//! Carriers: how a client sends its credential.
//!
//! A transport fills [`PresentedCredentials`], and the carrier finds the credential in it. No I/O happens here.

use thiserror::Error;

/// How a client sends its credential.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Carrier {
    /// A cookie, which a browser sends by itself.
    Cookie,
    /// The `Authorization` header (RFC 6750, section 2.1).
    Bearer,
    /// A member of a message, on transports without headers.
    Field,
}

/// The credentials in a request, by carrier.
#[derive(Clone, Copy, Default, Debug)]
pub struct PresentedCredentials<'a> {
    /// All `Authorization` headers.
    pub authorization: &'a [&'a str],
    /// The values of all cookies that have the session cookie's name.
    pub cookies: &'a [&'a str],
    /// The member of the message. `None` if it has none.
    pub field: Option<&'a str>,
}

/// The request has two credentials of one carrier. An attacker may have planted either.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("the request carries more than one credential of one kind")]
pub struct AmbiguousCredential;

impl Carrier {
    /// The credential of this carrier. `None` if the request has none.
    ///
    /// # Errors
    /// [`AmbiguousCredential`] if there are several.
    pub fn find<'a>(
        self,
        envelope: &PresentedCredentials<'a>,
    ) -> Result<Option<&'a str>, AmbiguousCredential> {
        match self {
            Self::Cookie => only(envelope.cookies),
            Self::Bearer => Ok(only(envelope.authorization)?.and_then(bearer_token)),
            Self::Field => Ok(envelope.field),
        }
    }
}

fn only<'a>(values: &[&'a str]) -> Result<Option<&'a str>, AmbiguousCredential> {
    match values {
        [] => Ok(None),
        [value] => Ok(Some(value)),
        _ => Err(AmbiguousCredential),
    }
}

/// The token of `Bearer <token>`; the scheme is compared without regard to case (RFC 9110, section 11.1).
fn bearer_token(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    let token = token.trim_matches(' ');
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}
