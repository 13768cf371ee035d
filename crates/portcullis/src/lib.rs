//! Keep people signed in to your application, and get them out again the moment somebody says so.
//!
//! This is the library that the server `portcullis` is made of: an [`Engine`] that signs people up and in, recognises
//! them, renews what they hold and signs them out, on a store of yours, in your own process. It holds no code of its own;
//! it gathers what a service needs under one name. Whoever writes a store or a transport depends on the crates behind it.
//!
//! ```
//! use std::sync::Arc;
//! use portcullis::{
//!     Argon2Cost, Bounds, Email, Engine, HashPool, MemoryStore, Password, PasswordPolicy, PersonName, Policy, PoolSize,
//!     Register, Secrets, Setup, StrategyName, SystemClock, SystemRandom, TenantId, Unheard,
//! };
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let random = Arc::new(SystemRandom);
//! let engine = Engine::open(Setup {
//!     stores: MemoryStore::stores(),
//!     clock: Arc::new(SystemClock),
//!     random: random.clone(),
//!     passwords: Arc::new(HashPool::new(PoolSize::default(), Argon2Cost::LEAST, random)?),
//!     events: Arc::new(Unheard),
//!     policy: Arc::new(Policy::with_passwords(PasswordPolicy::DEVELOPMENT)),
//!     issuer: Some("https://app.example.com".to_owned()),
//!     secrets: Secrets::default(),
//!     bounds: Bounds::default(),
//! })
//! .await?;
//! let user = engine
//!     .register(Register {
//!         tenant: TenantId::default_tenant(),
//!         strategy: StrategyName::SessionJwt,
//!         email: Email::parse("ann@example.com")?,
//!         name: PersonName::whole("Ann")?,
//!         password: Password::new("correct horse battery staple")?,
//!     })
//!     .await?;
//! assert_eq!(user.email.shown(), "ann@example.com");
//! # Ok(())
//! # }
//! ```
//!
//! With an engine, a route of an axum service is guarded in one line:
//!
//! ```
//! # #[cfg(feature = "axum")] {
//! use std::sync::Arc;
//! use axum::{Router, routing::get};
//! use portcullis::{Engine, Guard, SignedIn, StrategyName};
//!
//! fn app(engine: Arc<Engine>) -> Router {
//!     Router::new()
//!         .route("/member", get(|SignedIn(who): SignedIn| async move { format!("Hello {}", who.email) }))
//!         .route_layer(Guard::new(engine, StrategyName::SessionJwt))
//! }
//! # }
//! ```

pub use portcullis_core::clock::{Clock, Timestamp};
pub use portcullis_core::email::Email;
pub use portcullis_core::engine::{
    Attempt, ChangePassword, Engine, Grant, Identity, Refresh, Refreshed, Register, Secrets, Setup, SignIn,
    SignedIn as Admission, Unauthenticated,
};
pub use portcullis_core::event::{Event, EventSink, Unheard, What};
pub use portcullis_core::id::{SessionId, SessionKey, TenantId, UserId, UserKey};
pub use portcullis_core::key::{MasterKey, SharedSecrets};
pub use portcullis_core::liveness::Bounds;
pub use portcullis_core::machine::{SystemClock, SystemRandom};
pub use portcullis_core::password::{Argon2Cost, HashPool, Password, PasswordPolicy, PoolSize};
pub use portcullis_core::random::Random;
pub use portcullis_core::secret::PlainSecret;
pub use portcullis_core::session::{Device, EndReason, Session};
pub use portcullis_core::store::Stores;
pub use portcullis_core::store::memory::MemoryStore;
pub use portcullis_core::strategy::{Carrier, Check, Envelope, Renewal, Strategy, StrategyName};
pub use portcullis_core::tenant::Policy;
pub use portcullis_core::user::{PersonName, Role, User};

#[cfg(feature = "axum")]
pub use portcullis_axum::{Guard, SameSite, SessionCookie, SignedIn};
#[cfg(feature = "sqlite")]
pub use portcullis_stores::sqlite::SqliteStore;
