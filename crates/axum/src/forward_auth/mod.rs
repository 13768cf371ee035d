//! Forward-auth: what a proxy is told that asks before it passes a request on.
//!
//! The request that is asked about arrives by its headers: the proxy passes its credentials on, and says in
//! `X-Forwarded-*` what it is. It may pass if it shows a valid credential, is not made by a page of another site, and
//! its user has a role that is required. The answer then says whose request it is.
//!
//! The server and the gateway both answer. Who checks the credential is theirs to say; everything else is decided here.

mod forwarded_request;
mod login_redirect;
mod request_owner;
mod requirements;

use axum::response::Response;
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue, LOCATION};
use portcullis_api::refusal::{Code, Refusal};
use url::Url;

use crate::Origins;
use crate::browser::fetch_mode;

pub use forwarded_request::ForwardedRequest;
pub use request_owner::RequestOwner;
pub use requirements::{ForwardAuthRules, RequirementSource, Requirements, SignInHost};

/// The answer about a request that is not refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ForwardAuthAnswer {
    /// The request may pass.
    Passes(RequestOwner),
    /// A browser that asks for a page, and whose user is not signed in, is sent to the page where users sign in.
    SignIn(StatusCode, Url),
}

impl ForwardAuthRules {
    /// Whether a request may pass. `checking` looks for whose the credential in its headers is, and is begun only if
    /// it is known what is required.
    ///
    /// # Errors
    /// The refusal: of who asks, or of the request that is asked about.
    pub async fn answer(
        &self,
        source: RequirementSource<'_>,
        forwarded: &ForwardedRequest<'_>,
        origins: &Origins,
        checking: impl Future<Output = Result<RequestOwner, Refusal>>,
    ) -> Result<ForwardAuthAnswer, Refusal> {
        let required = self.required(source)?;
        match admitted(&required, forwarded, origins, checking).await {
            Ok(owner) => Ok(ForwardAuthAnswer::Passes(owner)),
            Err(refusal) => login_redirect::instead_of(&refusal, &required, forwarded)
                .map(|location| ForwardAuthAnswer::SignIn(login_redirect::status(forwarded), location))
                .ok_or(refusal),
        }
    }
}

/// Whose request it is, if it may pass.
async fn admitted(
    required: &Requirements,
    forwarded: &ForwardedRequest<'_>,
    origins: &Origins,
    checking: impl Future<Output = Result<RequestOwner, Refusal>>,
) -> Result<RequestOwner, Refusal> {
    let owner = checking.await?;
    if owner.by_cookie && is_of_another_site(origins, forwarded) {
        return Err(Refusal::plain(Code::CrossSite));
    }
    if let Some(roles) = &required.roles {
        roles.admit_role(owner.role)?;
    }
    Ok(owner)
}

/// Whether a page of another site may have made a browser send this request, so that it must change nothing. If the
/// method is not known it may change something, unless the browser opens a page.
fn is_of_another_site(origins: &Origins, forwarded: &ForwardedRequest<'_>) -> bool {
    let is_navigation = || fetch_mode(forwarded.headers) == Some("navigate");
    let is_safe = forwarded.is_safe().unwrap_or_else(is_navigation);
    !is_safe && !origins.are_behind_at(forwarded.headers, forwarded.host())
}

impl ForwardAuthAnswer {
    /// Makes an empty response this answer.
    pub fn write(self, response: &mut Response) {
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        *response.status_mut() = match self {
            Self::Passes(owner) => {
                owner.write(headers);
                StatusCode::OK
            }
            Self::SignIn(status, location) => {
                // An address that was parsed is ASCII.
                let location = HeaderValue::try_from(String::from(location));
                headers.insert(LOCATION, location.unwrap_or(HeaderValue::from_static("/")));
                status
            }
        };
    }
}
