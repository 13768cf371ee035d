//! The credentials and the tenant of a request.

use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use portcullis_api::refusal::{Code, Refusal};
use portcullis_core::id::TenantId;
use portcullis_core::strategy::PresentedCredentials;
use smallvec::SmallVec;

use crate::SessionCookie;
use crate::cookie::values_named;

/// The credentials in a request's headers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RequestCredentials<'h> {
    authorization: SmallVec<[&'h str; 1]>,
    cookies: SmallVec<[&'h str; 1]>,
}

impl<'h> RequestCredentials<'h> {
    /// The credentials in `headers`.
    #[must_use]
    pub fn in_headers(headers: &'h HeaderMap, cookie: &SessionCookie) -> Self {
        Self { cookies: values_named(&cookie.name, headers), ..Self::without_cookies(headers) }
    }

    /// The same, without cookies.
    pub(crate) fn without_cookies(headers: &'h HeaderMap) -> Self {
        // A header that is not text counts as an empty credential, which is never valid. A token is long, and `to_str`
        // looks at it byte by byte.
        let text = |value: &'h HeaderValue| std::str::from_utf8(value.as_bytes()).ok();
        let texts = headers.get_all(AUTHORIZATION).iter();
        let texts = texts.map(|value| text(value).filter(|text| text.is_ascii()).unwrap_or_default());
        Self { authorization: texts.collect(), cookies: SmallVec::new() }
    }

    /// The same, for a carrier to search.
    #[must_use]
    pub fn envelope(&self) -> PresentedCredentials<'_> {
        PresentedCredentials { authorization: &self.authorization, cookies: &self.cookies, field: None }
    }
}

const TENANT: HeaderName = HeaderName::from_static("x-tenant-id");

/// The tenant that a request names in `x-tenant-id`.
///
/// # Errors
/// A [`Refusal`]: there are two names, the name is not valid, or there is none although it is `required`.
pub fn tenant_named(headers: &HeaderMap, required: bool) -> Result<Option<TenantId>, Refusal> {
    let code = Code::TenantConnectionMissing;
    let mut named = headers.get_all(TENANT).iter();
    match (named.next(), named.next()) {
        (None, _) if required => Err(Refusal::because(code, "The header x-tenant-id is missing")),
        (None, _) => Ok(None),
        (Some(name), None) => {
            let parsed = name.to_str().ok().and_then(|name| name.parse().ok());
            let unknown = || Refusal::plain(code).about_tenant(&String::from_utf8_lossy(name.as_bytes()));
            parsed.map(Some).ok_or_else(unknown)
        }
        (Some(_), Some(_)) => Err(Refusal::because(code, "The header x-tenant-id occurs twice")),
    }
}
