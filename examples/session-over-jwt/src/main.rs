//! Session over JWT: the client holds a JWT, and the session that it names can be ended at any time.
//! `cargo run -p session-over-jwt` serves it on port 3000, with the user `root`, whose password is `password`.

use std::error::Error;
use std::io::Write as _;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::response::{Html, IntoResponse};
use axum::routing::{get, post};
use clap::Parser as _;
use portcullis::{
    Code, CurrentUser, Email, Engine, Guard, LoginName, NewUser, OpenedStores, Password, PasswordPolicy,
    PasswordSignIn, PrivateJson, Refusal, RefusalResponse, Rendering, StrategyName, TenantId, TenantPolicy,
    UserAdminError, Username, ValidBody, render_refusals_as, serve,
};
use serde_json::json;
use tokio::net::TcpListener;

/// A JWT whose session is looked up with each request.
const STRATEGY: StrategyName = StrategyName::SessionJwt;

/// Session over JWT, with the user `root` / `password`.
#[derive(clap::Parser)]
struct ServiceOptions {
    /// The address and port to listen on
    #[arg(long, env = "PORTCULLIS_LISTEN", default_value = "127.0.0.1:3000")]
    listen: String,
    /// The database, as `sqlite:PATH` or `postgres://USER:PASSWORD@HOST/DATABASE`
    #[arg(
        long,
        env = "PORTCULLIS_DATABASE",
        default_value = "sqlite:session-over-jwt.db",
        hide_env_values = true
    )]
    database: String,
    /// Where live sessions are, as `redis://HOST:PORT`; in the database without this
    #[arg(long, env = "PORTCULLIS_SESSIONS", hide_env_values = true)]
    sessions: Option<String>,
}

portcullis::body! {
    /// The body of a sign-in.
    struct SignIn { username: LoginName, password: Password }
}

/// `POST /login`
async fn login(
    State(engine): State<Engine>,
    ValidBody(body): ValidBody<SignIn>,
) -> Result<impl IntoResponse, RefusalResponse> {
    let sign_in = PasswordSignIn::new(STRATEGY, body.username, body.password);
    let signed_in = engine.password_sign_in(sign_in).await?;
    let token = signed_in.grant.credential.reveal();
    Ok((StatusCode::CREATED, PrivateJson(json!({ "access_token": token }))))
}

/// `GET /member`
async fn member(_: CurrentUser) -> Html<&'static str> {
    Html("Hello World!")
}

/// `POST /logout`
async fn logout(
    State(engine): State<Engine>,
    CurrentUser(user): CurrentUser,
) -> Result<impl IntoResponse, RefusalResponse> {
    engine.sign_out(&user).await?;
    Ok((StatusCode::CREATED, Html("success logout")))
}

fn app(engine: Engine) -> Router {
    Router::new()
        .route("/member", get(member))
        .route("/logout", post(logout))
        .route_layer(Guard::new(engine.clone(), STRATEGY)) // what stands above it needs a session
        .route("/login", post(login))
        .fallback(|| async { RefusalResponse(Refusal::no_route()) })
        .method_not_allowed_fallback(|| async { RefusalResponse(Refusal::plain(Code::MethodNotAllowed)) })
        .layer(from_fn_with_state(Rendering::StatusFirst, render_refusals_as))
        .with_state(engine)
}

/// Makes the user `root`, who signs in by this name, unless there is one.
async fn seed(engine: &Engine) -> Result<(), Box<dyn Error>> {
    let root = NewUser::new(Email::parse("root@example.com")?, None);
    let root = NewUser { username: Some(Username::parse("root")?), ..root };
    match engine.create_user(&TenantId::default_tenant(), root, Password::new("password")?).await {
        Ok(_) | Err(UserAdminError::Taken) => Ok(()),
        Err(fault) => Err(fault.into()),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let options = ServiceOptions::parse();
    let stores = OpenedStores::named(&options.database, options.sessions.as_deref()).await?;
    // The policy of production refuses `password`.
    let policy = TenantPolicy::with_passwords(PasswordPolicy::DEVELOPMENT);
    let engine = Engine::builder(stores.stores()).policy(policy).open().await?;
    seed(&engine).await?;
    let listener = TcpListener::bind(&options.listen).await?;
    writeln!(std::io::stdout(), "listening on http://{}", listener.local_addr()?)?;
    serve(listener, app(engine.clone()), &engine).await?;
    stores.close().await;
    Ok(())
}
