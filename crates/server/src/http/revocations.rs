//! `GET /auth/revocations`, `GET /auth/revocations/snapshot`: the revocation feed, for the holders of feed keys.

use axum::body::Body;
use axum::response::Response;
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue};
use portcullis_api::refusal::{Code, Refusal};
use portcullis_axum::RefusalResponse;
use portcullis_core::engine::IssueError;
use portcullis_core::revocation::FeedKey;
use portcullis_core::revocation::wire::{FeedMessage, FeedQuery, FeedSigner};
use portcullis_core::secret::PlainSecret;

use super::App;
use super::answer::{HandlerResult, delay_if_busy};
use super::routed_request::RoutedRequest;

const JWT: HeaderValue = HeaderValue::from_static("application/jwt");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const CURSOR: &str = "cursor";

pub(super) async fn latest(app: &App, asked: &RoutedRequest) -> HandlerResult {
    let (shown, key) = feed_key(app, asked).await?;
    let query = FeedQuery::parse(asked.parts.uri.query().unwrap_or_default());
    let query = query.map_err(Refusal::from)?;
    delay_if_busy(async {
        let answer = app.engine.poll_revocations(&key, &query).await.map_err(Refusal::from)?;
        signed(app, &shown, &answer).await
    })
    .await
}

pub(super) async fn snapshot(app: &App, asked: &RoutedRequest) -> HandlerResult {
    let (shown, key) = feed_key(app, asked).await?;
    let cursor = cursor(asked.parts.uri.query().unwrap_or_default())?;
    delay_if_busy(async {
        let page = app.engine.revocation_snapshot(&key.tenants, cursor).await.map_err(Refusal::from)?;
        signed(app, &shown, &page).await
    })
    .await
}

/// The feed key that a request shows. A stranger who guesses at keys is slowed down like one who guesses at passwords,
/// before the store is asked. A verifier at the stranger's address is not refused: a key that this node knows counts
/// against no limit, and above the limit another one is looked for once a second, together with all that are shown.
async fn feed_key(app: &App, asked: &RoutedRequest) -> Result<(PlainSecret, FeedKey), RefusalResponse> {
    let Some(shown) = bearer(&asked.parts.headers) else {
        return Err(Refusal::plain(Code::Unauthorized).into());
    };
    let admitted = if app.engine.knows_feed_key(&shown) { Ok(()) } else { app.admit(asked) };
    let found = match &admitted {
        Ok(()) => app.engine.feed_key(&shown).await,
        Err(_) => app.engine.listed_feed_key(&shown).await,
    };
    let Some(key) = found.map_err(Refusal::from)? else {
        admitted?;
        return Err(wrong_key().into());
    };
    Ok((shown, key))
}

fn wrong_key() -> Refusal {
    Refusal { invalid_token: true, ..Refusal::plain(Code::Unauthorized) }
}

/// The one credential in the headers.
fn bearer(headers: &HeaderMap) -> Option<PlainSecret> {
    let mut lines = headers.get_all(AUTHORIZATION).iter();
    let line = lines.next().filter(|_| lines.next().is_none())?.to_str().ok()?;
    let (scheme, key) = line.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| PlainSecret::presented(key.trim()))
}

/// Where the page begins; `None` for the first.
fn cursor(query: &str) -> Result<Option<String>, RefusalResponse> {
    let pairs = form_urlencoded::parse(query.as_bytes());
    let mut values = pairs.filter(|(name, _)| name == CURSOR).map(|(_, value)| value.into_owned());
    let first = values.next().filter(|value| !value.is_empty());
    match values.next() {
        None => Ok(first),
        Some(_) => Err(Refusal::because(Code::BadRequest, "The parameter cursor occurs twice").into()),
    }
}

/// The answer, unless the key was removed meanwhile: a request may wait for longer than one is believed in.
async fn signed(app: &App, key: &PlainSecret, message: &impl FeedMessage) -> HandlerResult {
    if app.engine.feed_key(key).await.map_err(Refusal::from)?.is_none() {
        return Err(wrong_key().into());
    }
    let text = FeedSigner::derive(key).sign(message);
    let text = text.map_err(|fault| Refusal::from(IssueError::Sign(fault)))?;
    let mut response = Response::new(Body::from(text));
    response.headers_mut().extend([(CONTENT_TYPE, JWT), (CACHE_CONTROL, NO_STORE)]);
    Ok(response)
}
