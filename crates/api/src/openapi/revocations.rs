//! The revocation feed, for the holders of feed keys.

use portcullis_core::engine::{AuthenticationError, FeedError};
use portcullis_core::revocation::wire::InvalidFeedQuery;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};

use super::refusals::Example;
use super::schema::{content, parameter, text};
use super::{headers, refusals};
use crate::refusal::Refusal;

/// The name of the scheme by which a feed key is shown.
pub(super) const SCHEME: &str = "feedKey";

pub(super) const LATEST: &str = "A long poll. The answer is a compact JWS (`typ: revocations+jwt`, `alg: HS256` under a \
    key that is derived from the feed key). `docs/revocation-feed.md` is the protocol.";
pub(super) const SNAPSHOT: &str = "The first page, or that of a cursor. Each is a compact JWS (`typ: \
    revocations-snapshot+jwt`, `alg: HS256` under a key that is derived from the feed key); `next` is the cursor of the \
    next one, absent on the last.";

pub(super) fn scheme() -> SecurityScheme {
    let about = "A key that `portcullis feed key create` has made.";
    SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(about)).build())
}

pub(super) fn security() -> Vec<SecurityRequirement> {
    vec![SecurityRequirement::new(SCHEME, [""; 0])]
}

pub(super) fn of_poll() -> Vec<Parameter> {
    let query = |name, is_required, about| parameter(name, ParameterIn::Query, is_required, about, text());
    vec![
        query(
            "at",
            false,
            "The positions that the verifier knows, `log:number`, separated by commas; 16 at most.",
        ),
        query("age", true, "How many milliseconds ago the verifier was last complete."),
        query("wait", true, "How many milliseconds the server may wait for something new; 10,000 at most."),
        query("nonce", true, "What the answer repeats: 1 to 64 characters of base64url, new for each poll."),
    ]
}

pub(super) fn of_snapshot() -> Vec<Parameter> {
    let about = "`next` of the page before; none for the first page.";
    vec![parameter("cursor", ParameterIn::Query, false, about, text())]
}

pub(super) fn answer(about: &str) -> Response {
    let builder: ResponseBuilder = headers::response(about, &[headers::Described::NoStore]);
    builder.content("application/jwt", content(text(), [])).build()
}

pub(super) fn of_feed() -> Vec<Example> {
    let mut refusals = refusals::of_every_operation();
    // The key says for which tenants it is.
    refusals.retain(|(name, _)| *name != "unknownTenant");
    refusals.extend([
        ("unauthorized", AuthenticationError::Missing.into()),
        ("busy", FeedError::Busy.into()),
        ("tooManyRequests", Refusal::too_many_requests(refusals::WAIT)),
    ]);
    refusals
}

pub(super) fn of_poll_alone() -> [Example; 2] {
    [("validationFailed", InvalidFeedQuery("nonce").into()), ("tooOld", FeedError::TooOld.into())]
}

pub(super) fn of_snapshot_alone() -> [Example; 1] {
    [("foreignCursor", FeedError::Cursor.into())]
}
