//! Authentication and sessions in your own process: the library that the server `portcullis` is made of.
//!
//! An [`Engine`] signs users up and in, recognises them, renews what they hold and signs them out, on a store of yours.
//! This crate holds no code of its own: it gathers what a service needs under one name. Authors of stores and
//! transports depend on the crates behind it.
//!
//! # Sign-up
//!
//! ```
//! use portcullis::{Email, Engine, MemoryStore, NewUser, Password, Register, StrategyName};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let engine = Engine::builder(MemoryStore::stores()).issuer("https://app.example.com").open().await?;
//! let new = NewUser::new(Email::parse("ann@example.com")?, None);
//! let password = Password::new("correct horse battery staple")?;
//! let user = engine.register(Register::new(StrategyName::SessionJwt, new, password)).await?;
//! // It is `None` only if the tenant hides which addresses have an account.
//! assert_eq!(user.map(|user| user.email.to_string()).as_deref(), Some("ann@example.com"));
//! # Ok(())
//! # }
//! ```
//!
//! [`EngineBuilder`] lists the other parts and their defaults. Whole services on this crate are `session-over-jwt` and
//! `todo` among the examples of the repository.
//!
//! # Guarded routes
//!
//! Routes of an axum service are guarded by session and by role:
//!
//! ```
//! # #[cfg(feature = "axum")] {
//! use axum::{Router, routing::{delete, get}};
//! use portcullis::{CurrentUser, Engine, Guard, Role, Roles, StrategyName};
//!
//! fn app(engine: Engine) -> Router {
//!     let users = Router::new()
//!         .route("/member", get(|CurrentUser(user): CurrentUser| async move { format!("Hello {}", user.email) }));
//!     let managers = Router::new()
//!         .route("/reports/{id}", delete(|CurrentUser(by): CurrentUser| async move { format!("{} did it", by.email) }))
//!         .route_layer(Roles::any_of([Role::Manager, Role::Admin]));
//!     // The layer that is added last stands in front: first who calls, then what they may do.
//!     users.merge(managers).route_layer(Guard::new(engine, StrategyName::Device))
//! }
//! # }
//! ```
//!
//! Without a token both routes answer 401. With a token of a plain user, the second one answers 403 `Insufficient role.
//! Required: manager, admin`. The guard finds the session in memory, so a changed role counts with the next request.
//!
//! # Ready-made routes
//!
//! With the feature `routes`, a service embeds the server's own: register, login, profile, logout, password and refresh
//! of a strategy, and the device-session surface. `docs/library.md` lists the
//! settings.
//!
//! ```
//! # #[cfg(feature = "routes")] {
//! use portcullis::{Engine, InvalidPublicUrl, RouteSettings, StrategyName, device_routes, strategy_routes};
//!
//! fn app(engine: Engine) -> Result<axum::Router, InvalidPublicUrl> {
//!     let settings = RouteSettings::new(engine).public_url("https://example.com")?;
//!     Ok(axum::Router::new()
//!         .merge(strategy_routes(&settings, StrategyName::SessionJwt))
//!         .merge(device_routes(&settings)))
//! }
//! # }
//! ```
//!
//! # Two-factor sign-in, with a code by mail
//!
//! The second step needs a [`Notifier`] that delivers mail. [`Engine::deliver_mail`] runs it, beside
//! [`Engine::keep_house`].
//!
//! ```
//! use std::sync::{Arc, Mutex};
//! use portcullis::{
//!     # Email, Engine, MemoryStore, NewUser, Register, StrategyName,
//!     DeliveryError, Device, DeviceSignIn, DeviceSignInResult, LoginName, MailContent, Notifier, OutgoingMail,
//!     Password, PlainSecret, PresentedDevice, TenantId, VerifyCode, async_trait,
//! };
//!
//! /// Keeps the newest code.
//! #[derive(Default)]
//! struct NewestCode(Mutex<Option<PlainSecret>>);
//!
//! #[async_trait]
//! impl Notifier for NewestCode {
//!     async fn deliver(&self, mail: &OutgoingMail) -> Result<(), DeliveryError> {
//!         if let (MailContent::Code { code, .. }, Ok(mut newest)) = (&mail.message, self.0.lock()) {
//!             *newest = Some(code.clone());
//!         }
//!         Ok(())
//!     }
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let engine = Engine::builder(MemoryStore::stores()).open().await?;
//! # let new = NewUser::new(Email::parse("ann@example.com")?, None);
//! # let password = Password::new("correct horse battery staple")?;
//! # engine.register(Register::new(StrategyName::Device, new, password)).await?;
//! let (tenant, device) = (TenantId::default_tenant(), Device::described("192.0.2.1", "my-app/1.0"));
//! let first = DeviceSignIn {
//!     tenant: tenant.clone(),
//!     login: LoginName::parse("ann@example.com")?,
//!     password: Password::new("correct horse battery staple")?,
//!     device: device.clone(),
//!     shown: PresentedDevice::default(),
//! };
//! let DeviceSignInResult::CodeSent { login, .. } = engine.device_sign_in(first).await? else {
//!     return Err("no second step".into());
//! };
//!
//! let newest = Arc::new(NewestCode::default());
//! let notifier: Arc<dyn Notifier> = newest.clone();
//! engine.deliver_due(&notifier).await?;
//! let code = newest.0.lock().ok().and_then(|mut code| code.take()).ok_or("no code came")?;
//!
//! // A native app gets the device secret, which every later refresh needs.
//! let shown = PresentedDevice { native: true, ..PresentedDevice::default() };
//! let done = engine.verify_code(VerifyCode { tenant, login, code, device, shown }).await?;
//! assert!(done.signed_in.grant.refresh.is_some() && done.signed_in.grant.device_secret.is_some());
//! # Ok(())
//! # }
//! ```

pub use async_trait::async_trait;
pub use portcullis_core::clock::{Clock, Timestamp};
pub use portcullis_core::email::Email;
pub use portcullis_core::engine::{
    AuthenticationError, AuthenticationRequest, ChangePassword, ChangePasswordError, CheckedCredential,
    CompletedDeviceSignIn, CompletedSignIn, DeviceSignIn, DeviceSignInError, DeviceSignInResult, Engine,
    EngineBuilder, Grant, Identity, ListedSession, NewUser, OpenError, PasswordSignIn, PasswordSignInError,
    PresentedDevice, Refresh, RefreshError, Refreshed, Register, RegisterError, ResendCode, ResendCodeError,
    ResetError, TenantAdminError, TenantError, UnlockError, UserAdminError, VerifiedRefresh, VerifyCode,
    VerifyCodeError,
};
pub use portcullis_core::event::{DiscardEvents, Event, EventKind, EventSink};
pub use portcullis_core::id::{SessionId, SessionKey, TenantId, TicketId, UserId, UserKey};
pub use portcullis_core::key::{MasterKey, SharedSecrets};
pub use portcullis_core::liveness::ViewLimits;
pub use portcullis_core::lockout::LockoutLimits;
pub use portcullis_core::machine::{SystemClock, SystemRandom};
pub use portcullis_core::mobile::Mobile;
pub use portcullis_core::outgoing_mail::{DeliveryError, MailContent, Notifier, OutgoingMail};
pub use portcullis_core::password::{Argon2Cost, HashPool, Password, PasswordPolicy, PoolSize};
pub use portcullis_core::random::Random;
pub use portcullis_core::secret::PlainSecret;
pub use portcullis_core::session::{Device, EndReason, Ending, RefreshGeneration, Session, SessionState};
pub use portcullis_core::steered_clock::SteeredClock;
pub use portcullis_core::store::memory::MemoryStore;
pub use portcullis_core::store::{NoTenantDatabases, Page, StoreError, Stores, TenantDatabases};
pub use portcullis_core::strategy::{Carrier, Check, PresentedCredentials, Renewal, Strategy, StrategyName};
pub use portcullis_core::tenant::{
    SecondStep, SettingsFault, StrategyLifetimes, TenantPolicy, TenantRecord, TenantSettings,
};
pub use portcullis_core::user::{PersonName, Role, User, UserProfile};
pub use portcullis_core::username::{LoginName, Username};

#[cfg(feature = "axum")]
pub use portcullis_api::body;
#[cfg(feature = "axum")]
pub use portcullis_api::refusal::{Code, Refusal, Rendering};
#[cfg(feature = "axum")]
pub use portcullis_api::request::{Body, BodyMember, NewPassword, NonEmptyText, ReadBody, RequestFaults};
#[cfg(feature = "axum")]
pub use portcullis_axum::{
    CurrentUser, FreshSignIn, Guard, Origins, PrivateJson, RefusalResponse, RequireRole, RequiredRoles,
    Roles, SameSite, SessionCookie, ValidBody, ValidPath, render_refusals, render_refusals_as, role, serve,
};
#[cfg(feature = "routes")]
pub use portcullis_http::{
    Branding, InvalidPublicUrl, PageSettings, Pages, ProxyHeader, RateLimit, RouteSettings, TemplateError,
    TrustedProxies, device_routes, strategy_routes,
};
#[cfg(feature = "sqlite")]
pub use portcullis_stores::sqlite::SqliteStore;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub use portcullis_stores::{
    DatabaseUrl, OpenStoresError, OpenedStores, Sessions, SessionsUrlError, TenantDatabaseRegistry,
};
#[cfg(all(feature = "redis", any(feature = "postgres", feature = "sqlite")))]
pub use portcullis_stores::{RedisOpenError, RedisSessions, RedisUrl, RedisUrlError};
#[cfg(feature = "verifier")]
pub use portcullis_verifier::{OnStale, SentCredential, VerifiedUser, Verifier, VerifyError};
