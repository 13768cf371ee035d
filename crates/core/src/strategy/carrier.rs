//! How a credential travels. Pure: a transport fills an [`PresentedCredentials`], the carrier finds the credential in it.

use thiserror::Error;

/// How a credential travels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Carrier {
    /// A cookie, which the browser sends by itself.
    Cookie,
    /// The `Authorization` header (RFC 6750, section 2.1).
    Bearer,
    /// A member of a message, where there are no headers.
    Field,
}

/// The places of a request in which a credential may stand.
#[derive(Clone, Copy, Default, Debug)]
pub struct PresentedCredentials<'a> {
    /// All `Authorization` headers.
    pub authorization: &'a [&'a str],
    /// The values of all cookies of the session's name.
    pub cookies: &'a [&'a str],
    /// The message's own member for it.
    pub field: Option<&'a str>,
}

/// Two credentials in one place: whichever were chosen, somebody could have planted it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("the request carries more than one credential of one kind")]
pub struct AmbiguousCredential;

impl Carrier {
    /// The one credential that travels this way, if there is one.
    ///
    /// # Errors
    /// [`AmbiguousCredential`] where there are several.
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
