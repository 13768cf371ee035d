//! A service that keeps its users signed in with `tower-sessions` on Redis: what the bench compares a check of the
//! cookie strategy with.
//!
//! It has the two routes that the bench asks, and answers them with the bytes with which the server answers. It is as
//! fast as its documentation shows it: a pool of connections, no layer but its own, no logging.

use std::env;
use std::error::Error;
use std::io::{self, Write as _};

use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tower_sessions::{Session, SessionManagerLayer};
use tower_sessions_redis_store::RedisStore;
use tower_sessions_redis_store::fred::prelude::{ClientLike as _, Config, Pool};

/// Connections to Redis: as many as the documentation of the store takes.
const CONNECTIONS: usize = 6;

/// Under which name the session holds its user.
const USER: &str = "user";

/// The user of a session.
#[derive(Serialize, Deserialize)]
struct PeerUser {
    id: String,
    email: String,
}

/// The answer to a check.
#[derive(Serialize)]
struct PeerProfile {
    message: &'static str,
    user: PeerUser,
    strategy: &'static str,
}

/// Signs the user in that the body names. There is no password: what a check costs is measured, not a sign-in.
async fn sign_in(session: Session, Json(user): Json<PeerUser>) -> StatusCode {
    match session.insert(USER, user).await {
        Ok(()) => StatusCode::CREATED,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

async fn profile(session: Session) -> Result<Json<PeerProfile>, StatusCode> {
    let found = session.get(USER).await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    let user = found.ok_or(StatusCode::UNAUTHORIZED)?;
    Ok(Json(PeerProfile { message: "Session authentication successful", user, strategy: "session" }))
}

/// Serves until it is killed. The first line it prints is its address.
#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let redis = env::args().nth(1).ok_or("usage: portcullis-peer REDIS-URL")?;
    let pool = Pool::new(Config::from_url(&redis)?, None, None, None, CONNECTIONS)?;
    pool.init().await?;
    let app = Router::new()
        .route("/auth/session/login", post(sign_in))
        .route("/auth/session/profile", get(profile))
        .layer(SessionManagerLayer::new(RedisStore::new(pool)));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    writeln!(io::stdout(), "{}", listener.local_addr()?)?;
    Ok(axum::serve(listener, app).await?)
}
