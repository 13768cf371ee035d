//! The liar as a server.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::header::{AUTHORIZATION, COOKIE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get, post};
use portcullis_core::clock::Clock as _;
use portcullis_core::id::{SessionId, UserId};
use portcullis_core::machine::{SystemClock, SystemRandom};
use portcullis_core::revocation::wire::{FEED_PATH, FeedQuery, Revocation, RevocationRecord, SNAPSHOT_PATH};
use portcullis_core::secret::PlainSecret;
use portcullis_core::user::Role;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::issuer::LiarIssuer;
use crate::state::LiarState;
use crate::{LiarSession, LiarUser, Trick, proxy};

/// A server that lies on demand. It ends when it is dropped.
pub struct Liar {
    server: Arc<LiarServer>,
    url: String,
    task: JoinHandle<()>,
}

/// What its requests share.
pub(crate) struct LiarServer {
    pub(crate) state: LiarState,
    pub(crate) issuer: LiarIssuer,
    pub(crate) feed_key: String,
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Liar {
    /// Begins to serve at this address, such as `127.0.0.1:0`.
    ///
    /// # Errors
    /// [`io::Error`] if it cannot listen there.
    pub async fn start(address: &str) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let issuer = LiarIssuer::new(url.clone(), SystemClock.now());
        let server = Arc::new(LiarServer {
            state: LiarState::new(),
            issuer: issuer.ok_or_else(|| io::Error::other("no key"))?,
            feed_key: PlainSecret::generate(&SystemRandom).reveal().to_owned(),
        });
        let routes = router(server.clone());
        let task = tokio::spawn(async move {
            let _ = axum::serve(listener, routes).await;
        });
        Ok(Self { server, url, task })
    }

    /// The URL of the server.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The feed key.
    #[must_use]
    pub fn feed_key(&self) -> &str {
        &self.server.feed_key
    }

    /// Plays a trick from now on.
    pub fn play(&self, trick: Trick) {
        self.server.state.play(trick);
    }

    /// A new session of a new user with this role, and its token.
    ///
    /// # Errors
    /// [`io::Error`] if no token can be signed.
    pub fn sign_in(&self, role: Role) -> io::Result<LiarSession> {
        self.signed_in(role, Duration::ZERO)
    }

    /// The same, so long ago. Tokens count for an hour.
    ///
    /// # Errors
    /// [`io::Error`] if no token can be signed.
    pub fn signed_in(&self, role: Role, ago: Duration) -> io::Result<LiarSession> {
        let mut records = self.server.state.lock();
        let number = records.sessions.len() as u64;
        let user = LiarUser { id: UserId::from_uuid(Uuid::from_u64_pair(3, number)), role };
        let session = self.server.issuer.session(user, number, SystemClock.now().minus(ago));
        let session = session.ok_or_else(|| io::Error::other("no token"))?;
        records.sessions.insert(session.token.clone(), session.clone());
        records.sessions.insert(session.id.to_string(), session.clone());
        Ok(session)
    }

    /// Ends a session. It is acknowledged when this returns.
    pub fn sign_out(&self, session: &LiarSession) {
        self.server.sign_out(session.id);
    }

    /// Tells any other revocation.
    pub fn tell(&self, revocation: Revocation) {
        self.server.state.tell(RevocationRecord { revocation, tenant: None });
    }

    /// Waits until so many more polls have come.
    pub async fn polled(&self, times: u64) {
        let mut polls = self.server.state.polls();
        let begin = *polls.borrow_and_update();
        let _ = polls.wait_for(|count| *count >= begin + times).await;
    }

    /// How many polls have come.
    #[must_use]
    pub fn polls(&self) -> watch::Receiver<u64> {
        self.server.state.polls()
    }

    /// How often the key set was read.
    #[must_use]
    pub fn key_readings(&self) -> u64 {
        self.server.state.lock().key_readings
    }

    /// Serves until the task ends, which it does not by itself.
    pub async fn serve(mut self) {
        let _ = (&mut self.task).await;
    }
}

impl LiarServer {
    fn sign_out(&self, id: SessionId) {
        self.state.lock().sessions.retain(|_, session| session.id != id);
        let until = SystemClock.now().plus(Duration::from_hours(1));
        self.state.tell(RevocationRecord { revocation: Revocation::Session { id, until }, tenant: None });
    }

    fn is_feed_key(&self, headers: &HeaderMap) -> bool {
        let is_removed = self.state.lock().trick == Trick::KeyRemoved;
        !is_removed
            && headers.get(AUTHORIZATION).is_some_and(|shown| *shown == format!("Bearer {}", self.feed_key))
    }
}

fn router(server: Arc<LiarServer>) -> Router {
    Router::new()
        .route("/.well-known/oauth-authorization-server", get(metadata))
        .route("/.well-known/jwks.json", get(keys))
        .route(FEED_PATH, get(feed))
        .route(SNAPSHOT_PATH, get(snapshot))
        .route("/auth/verify", any(verify))
        .route("/liar/play/{trick}", post(play))
        .route("/liar/end/{session}", post(end))
        .with_state(server)
}

async fn metadata(State(server): State<Arc<LiarServer>>) -> String {
    let issuer = &server.issuer.name;
    let keys = format!("{issuer}/.well-known/jwks.json");
    json!({"issuer": issuer, "jwks_uri": keys, "access_token_signing_alg_values_supported": ["ES256"]})
        .to_string()
}

async fn keys(State(server): State<Arc<LiarServer>>) -> String {
    server.state.lock().key_readings += 1;
    json!(server.issuer.jwks(SystemClock.now())).to_string()
}

async fn feed(
    State(server): State<Arc<LiarServer>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    if !server.is_feed_key(&headers) {
        return unauthorized();
    }
    let Ok(query) = FeedQuery::parse(&query.unwrap_or_default()) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    server.state.note_poll();
    let trick = server.state.lock().trick;
    if let Some(answer) = proxy::answer(trick) {
        return answer;
    }
    let answer = server.poll(&query).await;
    answer.unwrap_or_else(|| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

async fn snapshot(
    State(server): State<Arc<LiarServer>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    if !server.is_feed_key(&headers) {
        return unauthorized();
    }
    let page = server.page(query.is_some_and(|query| query.contains("cursor=2")));
    page.map_or_else(
        || StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        axum::response::IntoResponse::into_response,
    )
}

/// What the server says of a credential: a token, or a cookie whose value is the session's id.
async fn verify(State(server): State<Arc<LiarServer>>, headers: HeaderMap) -> Response {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let token = text(AUTHORIZATION).and_then(|shown| shown.strip_prefix("Bearer "));
    let cookie = text(COOKIE).and_then(|shown| shown.strip_prefix("connect.sid="));
    let records = server.state.lock();
    if let Some(answer) = proxy::answer(records.trick) {
        return answer;
    }
    match token.or(cookie).and_then(|credential| records.sessions.get(credential)) {
        Some(session) => accepted(session),
        None => unauthorized(),
    }
}

/// As the server says it: with a challenge.
fn unauthorized() -> Response {
    (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, "Bearer error=\"invalid_token\"")]).into_response()
}

fn accepted(session: &LiarSession) -> Response {
    let mut response = StatusCode::OK.into_response();
    for (name, value) in [
        ("x-tenant-id", "default".to_owned()),
        ("x-user-id", session.user.id.to_string()),
        ("x-user-role", session.user.role.to_string()),
        ("x-session-id", session.id.to_string()),
        ("x-portcullis-session", session.id.to_string()),
        ("x-portcullis-epochs", "0,0,0".to_owned()),
        ("x-portcullis-age-ms", "0".to_owned()),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

async fn play(State(server): State<Arc<LiarServer>>, Path(name): Path<String>) -> Response {
    match name.parse() {
        Ok(trick) => {
            server.state.play(trick);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(unknown) => (StatusCode::NOT_FOUND, unknown).into_response(),
    }
}

async fn end(State(server): State<Arc<LiarServer>>, Path(id): Path<String>) -> StatusCode {
    let Ok(id) = id.parse() else { return StatusCode::NOT_FOUND };
    server.sign_out(id);
    StatusCode::NO_CONTENT
}
