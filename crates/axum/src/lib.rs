//! Guards for axum services.
//!
//! A [`Guard`] is a layer: behind it, requests of people who are signed in, with a [`CurrentUser`] to extract; everybody
//! else is refused in the words of the wire contract. The check happens in this process, without a call per request, and
//! a sign-out anywhere holds here as soon as the store has announced it.
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use portcullis_axum::{Guard, SignedIn};
//! use portcullis_core::{engine::Engine, strategy::StrategyName};
//!
//! # fn app(engine: Engine) -> Router {
//! Router::new()
//!     .route("/member", get(|SignedIn(identity): SignedIn| async move { format!("Hello {}", identity.email) }))
//!     .route_layer(Guard::new(engine, StrategyName::SessionJwt))
//! # }
//! ```
//!
//! Behind a guard, [`Roles`] lets only those further whose role is one of a few:
//!
//! ```no_run
//! use axum::{Router, routing::delete};
//! use portcullis_axum::{Guard, Roles, SignedIn};
//! use portcullis_core::{engine::Engine, strategy::StrategyName, user::Role};
//!
//! # fn app(engine: Engine) -> Router {
//! Router::new()
//!     .route("/members/{id}", delete(|SignedIn(by): SignedIn| async move { format!("{} did it", by.email) }))
//!     .route_layer(Roles::any_of([Role::Manager, Role::Admin]))
//!     // A layer that is added later stands further out: who it is, is asked first.
//!     .route_layer(Guard::new(engine, StrategyName::Session))
//! # }
//! ```
//!
//! This crate decides nothing: it finds credentials in a request, asks the engine, and writes down the answer.

mod cookie;
mod current_user;
mod guard;
mod refusal_response;
mod request;
mod roles;

pub use cookie::{SameSite, SessionCookie};
pub use current_user::CurrentUser;
pub use guard::{Guard, Guarded};
pub use refusal_response::{RefusalContext, RefusalResponse, render, render_refusals};
pub use request::{RequestCredentials, tenant_named};
pub use roles::{RoleGuarded, Roles};
