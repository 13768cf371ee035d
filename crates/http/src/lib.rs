//! The routes of the authentication server, for the server itself and to embed in a service.
//!
//! They are sections 2 and 3 of the wire contract: a user directory under each of the six strategies
//! (`/auth/{strategy}/…`), and device sessions (`/auth/…`, `/admin/…`). [`strategy_routes`] and [`device_routes`] make
//! an axum router of them, which answers as the server does:
//!
//! ```no_run
//! use std::net::SocketAddr;
//!
//! use axum::Router;
//! use portcullis_core::{engine::Engine, strategy::StrategyName};
//! use portcullis_http::{RouteSettings, device_routes, strategy_routes};
//!
//! # async fn serve(engine: Engine) -> Result<(), Box<dyn std::error::Error>> {
//! let settings = RouteSettings::new(engine)
//!     .public_url("https://example.com")?
//!     .allowed_origins(["https://app.example.com"]);
//! let app: Router = Router::new()
//!     .merge(strategy_routes(&settings, StrategyName::SessionJwt))
//!     .merge(device_routes(&settings));
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//! // Clients are limited one by one, so the routes must be told who connects.
//! axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
//! # Ok(())
//! # }
//! ```
//!
//! | module | what it is |
//! |---|---|
//! | [`operations`] | the operations of the device-session surface, for HTTP and TCP |
//! | [`pages`] | the pages that links in mails lead to |
//! | [`templates`] | texts and layouts of pages and mails |
//! | [`rate_limit`] | how often one client may send costly public requests |
//! | [`device_name`] | the name of a device that a user recognises |
//! | [`request_span`], [`refusal_samples`] | what the log says of a request, and of floods of refusals |
//! | [`answer`], [`origin`], [`routed_request`] | what handlers are made of |
//!
//! A handler decodes, calls the engine and encodes; it decides nothing. The type of an operation says who may call it:
//! the handlers of users' own operations stand behind a guard.

pub mod answer;
mod auth_app;
mod cors;
mod decoded_request;
mod device;
pub mod device_name;
mod embedded;
mod endpoint;
mod layers;
pub mod operations;
pub mod origin;
pub mod pages;
pub mod rate_limit;
mod rate_limited;
pub mod refusal_samples;
mod request_origin;
pub mod request_span;
mod route_counter;
mod route_endpoint;
mod route_settings;
mod route_table;
pub mod routed_request;
mod strategy;
pub mod templates;
mod trailing_slash;

pub use auth_app::AuthApp;
pub use embedded::{device_routes, strategy_routes};
pub use endpoint::{AuthEndpoint, device_rows, strategy_rows};
pub use layers::{LayeredRoutes, around};
pub use pages::{Branding, PageSettings, Pages};
pub use portcullis_transport::proxies::{ProxyHeader, TrustedProxies};
pub use rate_limit::RateLimit;
pub use route_endpoint::RouteEndpoint;
pub use route_settings::{InvalidPublicUrl, RouteSettings};
pub use route_table::{EndpointRow, RouteTable};
pub use templates::TemplateError;
pub use trailing_slash::serve;
