//! Sign-up, sign-in, guarded routes and sign-out, in one file: `cargo run -p quickstart-axum -- 127.0.0.1:3000`.

use std::{env, error::Error, io::Write, path::Path, sync::Arc};

use axum::routing::{get, post};
use axum::{Json, Router, extract::State, http::StatusCode, middleware::from_fn_with_state, serve};
use portcullis::{
    CurrentUser, Email, Engine, Guard, LoginName, NewUser, Password, PasswordSignIn, RefusalResponse,
    Register, SqliteStore, StrategyName, SystemClock, render_refusals,
};
use tokio::net::TcpListener;

#[derive(serde::Deserialize)]
struct SignUp {
    email: Email,
    password: Password,
}

#[derive(serde::Deserialize)]
struct SignIn {
    login: LoginName,
    password: Password,
}

async fn sign_up(engine: State<Engine>, Json(body): Json<SignUp>) -> Result<StatusCode, RefusalResponse> {
    engine
        .register(Register::new(StrategyName::SessionJwt, NewUser::new(body.email, None), body.password))
        .await?;
    Ok(StatusCode::CREATED)
}

async fn sign_in(engine: State<Engine>, Json(body): Json<SignIn>) -> Result<String, RefusalResponse> {
    let signed_in = engine
        .password_sign_in(PasswordSignIn::new(StrategyName::SessionJwt, body.login, body.password))
        .await?;
    Ok(signed_in.grant.credential.reveal().to_owned())
}

async fn sign_out(engine: State<Engine>, user: CurrentUser) -> Result<StatusCode, RefusalResponse> {
    engine.sign_out(&user.0).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let store = SqliteStore::open(Path::new("quickstart.db"), Arc::new(SystemClock)).await?;
    let engine = Engine::builder(store.stores()).open().await?;
    let app = Router::new()
        .route("/me", get(|CurrentUser(user): CurrentUser| async move { format!("Hello {}", user.email) }))
        .route("/sign-out", post(sign_out))
        .route_layer(Guard::new(engine.clone(), StrategyName::SessionJwt)) // what stands above it needs a session
        .route("/sign-up", post(sign_up))
        .route("/sign-in", post(sign_in))
        .layer(from_fn_with_state(engine.clone(), render_refusals))
        .with_state(engine);
    let listener = TcpListener::bind(env::args().nth(1).as_deref().unwrap_or("127.0.0.1:3000")).await?;
    writeln!(std::io::stdout(), "listening on http://{}", listener.local_addr()?)?;
    Ok(serve(listener, app).await?)
}
