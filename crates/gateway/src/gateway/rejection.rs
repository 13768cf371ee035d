//! Why the gateway does not forward a request, and how its client is told.

use axum::extract::Request;
use axum::response::Response;
use http::header::{ACCEPT, ALLOW, HeaderValue, ORIGIN};
use http::{Method, Uri};
use portcullis_api::refusal::{Code, Reason, Refusal, RefusedRequest, Rendering};
use portcullis_axum::render_as;
use portcullis_core::clock::Timestamp;
use portcullis_verifier::VerifyError;

use crate::headers::ConnectionFault;
use crate::path::PathFault;
use crate::routes::GatewayRoute;
use crate::upstream::UpstreamFault;

/// Why the gateway does not forward a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Rejection {
    refusal: Box<Refusal>,
    /// The methods of the route, where the request has another one.
    allow: Option<HeaderValue>,
}

impl Rejection {
    pub(super) fn of_method(route: &GatewayRoute) -> Self {
        let allow = HeaderValue::try_from(route.allow()).ok();
        Self { allow, ..Refusal::plain(Code::MethodNotAllowed).into() }
    }
}

impl From<Refusal> for Rejection {
    fn from(refusal: Refusal) -> Self {
        Self { refusal: Box::new(refusal), allow: None }
    }
}

/// A sentence that is no other code's.
fn bad_request(fault: &impl ToString) -> Rejection {
    let reason = Reason::Text(fault.to_string().into());
    Refusal { reason, ..Refusal::plain(Code::BadRequest) }.into()
}

impl From<PathFault> for Rejection {
    fn from(fault: PathFault) -> Self {
        bad_request(&fault)
    }
}

impl From<ConnectionFault> for Rejection {
    fn from(fault: ConnectionFault) -> Self {
        bad_request(&fault)
    }
}

impl From<UpstreamFault> for Rejection {
    fn from(fault: UpstreamFault) -> Self {
        fault.refusal().into()
    }
}

impl From<VerifyError> for Rejection {
    fn from(error: VerifyError) -> Self {
        refusal_of(&error).into()
    }
}

/// What the client is told whose credential is not accepted.
pub(super) fn refusal_of(error: &VerifyError) -> Refusal {
    match error {
        VerifyError::Unavailable { retry_after } => {
            Refusal::plain(Code::StoreUnavailable).later(*retry_after)
        }
        VerifyError::Missing => Refusal::plain(Code::Unauthorized),
        _ => Refusal { invalid_token: true, ..Refusal::plain(Code::Unauthorized) },
    }
}

/// What an answer needs to know of its request.
pub(super) struct RequestAsker {
    method: Method,
    uri: Uri,
    accept: Vec<HeaderValue>,
    /// The origin of the page that sent it, if one did.
    pub(super) origin: Option<HeaderValue>,
}

impl RequestAsker {
    pub(super) fn of(request: &Request) -> Self {
        Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            accept: request.headers().get_all(ACCEPT).iter().cloned().collect(),
            origin: request.headers().get(ORIGIN).cloned(),
        }
    }

    /// The answer to a request that is not forwarded.
    pub(super) fn told(&self, rejection: &Rejection, at: Timestamp) -> Response {
        let request = RefusedRequest { method: self.method.as_str(), path: self.uri.path(), at };
        let mut response = render_as(Rendering::Plain, &rejection.refusal, &request, &self.accept);
        if let Some(allow) = &rejection.allow {
            response.headers_mut().insert(ALLOW, allow.clone());
        }
        response
    }
}
