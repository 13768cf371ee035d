//! Guards for axum services.
//!
//! Behind a [`Guard`] are only requests of signed-in users, with a [`CurrentUser`] to extract; any other request is
//! refused as the wire contract says. The check happens in this process, without a call per request, and a sign-out
//! anywhere holds here as soon as the store has announced it.
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use portcullis_axum::{CurrentUser, Guard};
//! use portcullis_core::{engine::Engine, strategy::StrategyName};
//!
//! # fn app(engine: Engine) -> Router {
//! Router::new()
//!     .route("/member", get(|CurrentUser(identity): CurrentUser| async move { format!("Hello {}", identity.email) }))
//!     .route_layer(Guard::new(engine, StrategyName::SessionJwt))
//! # }
//! ```
//!
//! Behind a guard, [`Roles`] lets only users with one of some roles through:
//!
//! ```no_run
//! use axum::{Router, routing::delete};
//! use portcullis_axum::{CurrentUser, Guard, Roles};
//! use portcullis_core::{engine::Engine, strategy::StrategyName, user::Role};
//!
//! # fn app(engine: Engine) -> Router {
//! Router::new()
//!     .route("/members/{id}", delete(|CurrentUser(by): CurrentUser| async move { format!("{} did it", by.email) }))
//!     .route_layer(Roles::any_of([Role::Manager, Role::Admin]))
//!     // The layer that is added last runs first: the guard before the roles.
//!     .route_layer(Guard::new(engine, StrategyName::Session))
//! # }
//! ```
//!
//! So does the extractor [`RequireRole`], where a handler names the roles itself:
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use portcullis_axum::role::{Admin, Manager};
//! use portcullis_axum::{Guard, RequireRole};
//! use portcullis_core::{engine::Engine, strategy::StrategyName};
//!
//! async fn reports(RequireRole(user, _): RequireRole<(Manager, Admin)>) -> String {
//!     format!("Reports for {}", user.0.email)
//! }
//!
//! # fn app(engine: Engine) -> Router {
//! Router::new().route("/reports", get(reports)).route_layer(Guard::new(engine, StrategyName::Session))
//! # }
//! ```
//!
//! A guard is made of an engine in this process, or, with the feature `verifier`, of a verifier that follows the feed
//! of a server elsewhere. One layer protects a whole router, and [`FreshSignIn`] asks for a user who has signed in a
//! moment ago:
//!
//! ```no_run
//! use axum::{Router, routing::{get, post}};
//! use portcullis_axum::{CurrentUser, FreshSignIn, Guard};
//! use portcullis_core::{engine::Engine, strategy::StrategyName};
//!
//! # fn app(engine: Engine) -> Router {
//! Router::new()
//!     .route("/health", get(|| async { "up" }))
//!     .route("/member", get(|CurrentUser(identity): CurrentUser| async move { identity.email.clone() }))
//!     .route("/key", post(|FreshSignIn(user): FreshSignIn<600>| async move { user.0.email.clone() }))
//!     .layer(Guard::of((engine, StrategyName::SessionJwt)).public(["/health"]))
//! # }
//! ```
//!
//! With the feature `forward-auth`, `forward_auth` is what the server and the gateway tell proxies that ask before they
//! pass a request on.
//!
//! A guard decides nothing: it finds credentials in a request, asks the engine, and renders the answer.

mod authority;
mod browser;
mod cookie;
mod current_user;
#[cfg(feature = "forward-auth")]
pub mod forward_auth;
mod fresh_sign_in;
mod guard;
mod limited_body;
mod media_type;
mod origins;
mod refusal_response;
mod request_credentials;
mod require_role;
mod roles;
mod serve;
mod valid_request;

pub use authority::{Authority, IntoAuthority};
pub use browser::{fetch_mode, is_html_accepted};
pub use cookie::{SameSite, SessionCookie};
pub use current_user::{CurrentUser, OtherSessions};
pub use fresh_sign_in::FreshSignIn;
pub use guard::{Guard, Guarded};
pub use limited_body::read_body;
pub use media_type::{JSON, is_form, is_json};
pub use origins::Origins;
pub use refusal_response::{
    RefusalContext, RefusalResponse, render, render_as, render_refusals, render_refusals_as,
};
pub use request_credentials::{RequestCredentials, tenant_named};
pub use require_role::{RequireRole, RequiredRoles, role};
pub use roles::{Admitted, Roles};
pub use serve::serve;
pub use valid_request::{PrivateJson, ValidBody, ValidPath};

#[cfg(all(doctest, feature = "verifier"))]
#[doc = include_str!("../../../docs/verifier.md")]
struct VerifierPage;
