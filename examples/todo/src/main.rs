//! Task lists of signed-in users: tokens are renewed by rotation, and lists are kept in the database of the sessions.
//! `cargo run -p todo` serves it on port 3000. `lists.rs` has the lists; what is here is about users.

mod lists;

use std::{error::Error, io::Write as _};

use axum::routing::{get, post};
use axum::{Router, extract::State, http::StatusCode, middleware::from_fn_with_state};
use clap::Parser as _;
use portcullis::{
    Code, CurrentUser, DeviceSignIn, DeviceSignInResult, Email, Engine, Guard, LoginName, NewPassword,
    NewUser, OpenedStores, Password, PasswordPolicy, PersonName, PlainSecret, PrivateJson, Refresh,
    RefreshError, RefreshGeneration, Refusal, RefusalResponse, Register, Rendering, RequestFaults,
    SecondStep, StrategyName, TenantPolicy, User, UserId, UserProfile, ValidBody, render_refusals_as, serve,
};
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::AnyPool;
use tokio::net::TcpListener;

/// Short-lived access tokens whose session is looked up with each request, and refresh tokens that work once.
const STRATEGY: StrategyName = StrategyName::Device;

/// Task lists of signed-in users.
#[derive(clap::Parser)]
struct TodoOptions {
    /// The address and port to listen on
    #[arg(long, env = "PORTCULLIS_LISTEN", default_value = "127.0.0.1:3000")]
    listen: String,
    /// The database, as `sqlite:PATH` or `postgres://USER:PASSWORD@HOST/DATABASE`
    #[arg(long, env = "PORTCULLIS_DATABASE", default_value = "sqlite:todo.db", hide_env_values = true)]
    database: String,
    /// Where live sessions are, as `redis://HOST:PORT`; in the database without this
    #[arg(long, env = "PORTCULLIS_SESSIONS", hide_env_values = true)]
    sessions: Option<String>,
}

portcullis::body! {
    /// The body of a sign-up.
    struct SignUp { name: PersonName = "displayName", email: Email, password: NewPassword<8> }

    /// The body of a sign-in.
    struct SignIn { email: Email, password: Password }

    /// The body of a refresh and of a sign-out.
    struct SentToken { token: PlainSecret = "refreshToken" }
}

/// A user, as answers show one.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownUser {
    id: UserId,
    email: String,
    display_name: Option<String>,
}

impl ShownUser {
    fn new(id: UserId, profile: &UserProfile) -> Self {
        Self { id, email: profile.email.clone(), display_name: profile.name.clone() }
    }
}

/// The answer to a sign-up, a sign-in and a refresh.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SignedIn {
    token: String,
    refresh_token: String,
    user: ShownUser,
}

impl SignedIn {
    fn new(token: &PlainSecret, refresh: &PlainSecret, user: &User) -> Self {
        let (token, refresh_token) = (token.reveal().to_owned(), refresh.reveal().to_owned());
        Self { token, refresh_token, user: ShownUser::new(user.key.id, &UserProfile::of(user)) }
    }
}

type Created<T> = Result<(StatusCode, PrivateJson<T>), RefusalResponse>;

/// `POST /auth/signup`
async fn sign_up(State(engine): State<Engine>, ValidBody(body): ValidBody<SignUp>) -> Created<SignedIn> {
    let SignUp { name, email, password: NewPassword(password) } = body;
    let new = NewUser::new(email.clone(), Some(name));
    engine.register(Register::new(STRATEGY, new, password.clone())).await?;
    sign_in(State(engine), ValidBody(SignIn { email, password })).await
}

/// `POST /auth/login`
async fn sign_in(State(engine): State<Engine>, ValidBody(body): ValidBody<SignIn>) -> Created<SignedIn> {
    let request = DeviceSignIn::new(LoginName::Email(body.email), body.password);
    if let DeviceSignInResult::Done(done) = engine.device_sign_in(request).await?
        && let Some(refresh) = &done.signed_in.grant.refresh
    {
        let (token, user) = (&done.signed_in.grant.credential, &done.signed_in.user);
        return Ok((StatusCode::CREATED, PrivateJson(SignedIn::new(token, refresh, user))));
    }
    // Not so: the policy asks for no code, and the strategy rotates.
    Err(Refusal::plain(Code::InternalError).into())
}

/// `POST /auth/refresh`: a spent token ends its session.
async fn refresh(State(engine): State<Engine>, ValidBody(body): ValidBody<SentToken>) -> Created<SignedIn> {
    let verified = engine.verify_refresh(Refresh::new(STRATEGY, &body.token)).await;
    // The user is looked up first: once the token is spent, an outage must not keep its successor from the client.
    let key = verified.session()?;
    let listed = engine.session(&key).await?.ok_or(RefreshError::SessionGone(key))?;
    let user = engine.user(&listed.session.user_key()).await?;
    let next = engine.redeem(verified).await?;
    Ok((StatusCode::CREATED, PrivateJson(SignedIn::new(&next.access, &next.refresh, &user))))
}

/// `POST /auth/logout`: ends the session of the access token, whose refresh token comes along.
async fn logout(
    State(engine): State<Engine>,
    CurrentUser(user): CurrentUser,
    ValidBody(body): ValidBody<SentToken>,
) -> Created<Value> {
    let verified = engine.verify_refresh(Refresh::new(STRATEGY, &body.token)).await;
    if !verified.is_of(&user.session_key())? {
        return Err(RequestFaults::of("refreshToken", "must be the refresh token of this session").into());
    }
    engine.sign_out(&user).await?;
    Ok((StatusCode::CREATED, PrivateJson(json!({ "message": "Logout successful" }))))
}

/// `GET /users/current`
async fn current(CurrentUser(user): CurrentUser) -> PrivateJson<ShownUser> {
    PrivateJson(ShownUser::new(user.user_id(), &user.profile))
}

/// `GET /users/current/tokens`: the refresh tokens of the user's sessions by id, and what replaced them.
async fn refresh_tokens(
    State(engine): State<Engine>,
    CurrentUser(user): CurrentUser,
) -> Result<PrivateJson<Vec<RefreshGeneration>>, RefusalResponse> {
    Ok(PrivateJson(engine.refresh_tokens(&user.user).await?))
}

fn app(engine: Engine, lists: AnyPool) -> Router {
    Router::new()
        .route("/auth/logout", post(logout))
        .route("/users/current", get(current))
        .route("/users/current/tokens", get(refresh_tokens))
        .merge(lists::routes(lists))
        .route_layer(Guard::new(engine.clone(), STRATEGY)) // what stands above it needs a session
        .route("/auth/signup", post(sign_up))
        .route("/auth/login", post(sign_in))
        .route("/auth/refresh", post(refresh))
        .fallback(|| async { RefusalResponse(Refusal::no_route()) })
        .method_not_allowed_fallback(|| async { RefusalResponse(Refusal::plain(Code::MethodNotAllowed)) })
        .layer(from_fn_with_state(Rendering::Plain, render_refusals_as))
        .with_state(engine)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let options = TodoOptions::parse();
    let stores = OpenedStores::named(&options.database, options.sessions.as_deref()).await?;
    // In production: passwords of at least 15 characters, or a second step by mail.
    let policy = TenantPolicy::with_passwords(PasswordPolicy::DEVELOPMENT);
    let policy = TenantPolicy { second_step: SecondStep::Off, ..policy };
    let engine = Engine::builder(stores.stores()).policy(policy).open().await?;
    // After the stores, which make the database.
    let lists = lists::open(&options.database).await?;
    let listener = TcpListener::bind(&options.listen).await?;
    writeln!(std::io::stdout(), "listening on http://{}", listener.local_addr()?)?;
    serve(listener, app(engine.clone(), lists.clone()), &engine).await?;
    lists.close().await;
    stores.close().await;
    Ok(())
}
