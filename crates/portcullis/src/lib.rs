//! Keep people signed in to your application, and get them out again the moment somebody says so.
//!
//! This is the library that the server `portcullis` is made of: an [`Engine`] that signs people up and in, recognises
//! them, renews what they hold and signs them out, on a store of yours, in your own process. It holds no code of its own;
//! it gathers what a service needs under one name. Whoever writes a store or a transport depends on the crates behind it.
//!
//! # Signing up
//!
//! ```
//! use std::sync::Arc;
//! use portcullis::{
//!     Argon2Cost, ViewLimits, Email, Engine, HashPool, MemoryStore, NewUser, NoHomes, Password, PasswordPolicy, PersonName,
//!     Policy, PoolSize, Register, Secrets, Setup, StrategyName, SystemClock, SystemRandom, TenantId, Unheard,
//! };
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let random = Arc::new(SystemRandom);
//! let engine = Engine::open(Setup {
//!     stores: MemoryStore::stores(),
//!     clock: Arc::new(SystemClock),
//!     random: random.clone(),
//!     passwords: Arc::new(HashPool::new(PoolSize::default(), Argon2Cost::MINIMUM, random)?),
//!     events: Arc::new(Unheard),
//!     homes: Arc::new(NoHomes),
//!     policy: Arc::new(Policy::with_passwords(PasswordPolicy::DEVELOPMENT)),
//!     issuer: Some("https://app.example.com".to_owned()),
//!     secrets: Secrets::default(),
//!     bounds: ViewLimits::default(),
//! })
//! .await?;
//! let user = engine
//!     .register(Register {
//!         tenant: TenantId::default_tenant(),
//!         strategy: StrategyName::SessionJwt,
//!         new: NewUser::new(Email::parse("ann@example.com")?, Some(PersonName::new("Ann")?)),
//!         password: Password::new("correct horse battery staple")?,
//!     })
//!     .await?;
//! // None would be said where a tenant hides who has an account.
//! assert_eq!(user.map(|user| user.email.as_typed().to_owned()).as_deref(), Some("ann@example.com"));
//! # Ok(())
//! # }
//! ```
//!
//! # Guarding routes
//!
//! With an engine, routes of an axum service are guarded by who is signed in and by their role:
//!
//! ```
//! # #[cfg(feature = "axum")] {
//! use axum::{Router, routing::{delete, get}};
//! use portcullis::{Engine, Guard, Role, Roles, SignedIn, StrategyName};
//!
//! fn app(engine: Engine) -> Router {
//!     let everybody = Router::new()
//!         .route("/member", get(|SignedIn(who): SignedIn| async move { format!("Hello {}", who.email) }));
//!     let few = Router::new()
//!         .route("/reports/{id}", delete(|SignedIn(by): SignedIn| async move { format!("{} did it", by.email) }))
//!         .route_layer(Roles::any_of([Role::Manager, Role::Admin]));
//!     // A layer that is added later stands further out: who it is, is asked before what they may do.
//!     everybody.merge(few).route_layer(Guard::new(engine, StrategyName::Device))
//! }
//! # }
//! ```
//!
//! Without a token both answer 401; with one of a user, the second answers 403 `Insufficient role. Required: manager,
//! admin`. The strategy looks its session up, in memory, so a role that was changed holds with the next request.
//!
//! # Signing in by device, with a code by mail
//!
//! The second step needs somebody who delivers: a [`Notifier`] of yours, run by [`Engine::deliver_mail`] beside
//! [`Engine::keep_house`].
//!
//! ```
//! use std::sync::Mutex;
//! use portcullis::{
//!     # Argon2Cost, ViewLimits, Email, Engine, HashPool, MemoryStore, NewUser, NoHomes, PasswordPolicy,
//!     # Policy, PoolSize, Register, Secrets, Setup, StrategyName, SystemClock, SystemRandom, Unheard,
//!     Device, Letter, LogIn, LoggedIn, LoginName, Message, Notifier, Password, PlainSecret, ShownDevice, TenantId,
//!     Undelivered, VerifyLogin, async_trait,
//! };
//! # use std::sync::Arc;
//!
//! /// Remembers the newest code.
//! #[derive(Default)]
//! struct Memo(Mutex<Option<PlainSecret>>);
//!
//! #[async_trait]
//! impl Notifier for Memo {
//!     async fn deliver(&self, letter: &Letter) -> Result<(), Undelivered> {
//!         if let (Message::Code { code, .. }, Ok(mut memo)) = (&letter.message, self.0.lock()) {
//!             *memo = Some(code.clone());
//!         }
//!         Ok(())
//!     }
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let random = Arc::new(SystemRandom);
//! # let engine = Engine::open(Setup {
//! #     stores: MemoryStore::stores(),
//! #     clock: Arc::new(SystemClock),
//! #     random: random.clone(),
//! #     passwords: Arc::new(HashPool::new(PoolSize::default(), Argon2Cost::MINIMUM, random)?),
//! #     events: Arc::new(Unheard),
//! #     homes: Arc::new(NoHomes),
//! #     policy: Arc::new(Policy::with_passwords(PasswordPolicy::DEVELOPMENT)),
//! #     issuer: Some("https://app.example.com".to_owned()),
//! #     secrets: Secrets::default(),
//! #     bounds: ViewLimits::default(),
//! # })
//! # .await?;
//! # engine
//! #     .register(Register {
//! #         tenant: TenantId::default_tenant(),
//! #         strategy: StrategyName::Device,
//! #         new: NewUser::new(Email::parse("ann@example.com")?, None),
//! #         password: Password::new("correct horse battery staple")?,
//! #     })
//! #     .await?;
//! let (tenant, device) = (TenantId::default_tenant(), Device::described("192.0.2.1", "my-app/1.0"));
//! let first = LogIn {
//!     tenant: tenant.clone(),
//!     login: LoginName::parse("ann@example.com")?,
//!     password: Password::new("correct horse battery staple")?,
//!     device: device.clone(),
//!     shown: ShownDevice::default(),
//! };
//! let LoggedIn::CodeSent { login, .. } = engine.log_in(first).await? else { return Err("no second step".into()) };
//!
//! let memo = Arc::new(Memo::default());
//! let notifier: Arc<dyn Notifier> = memo.clone();
//! engine.deliver_due(&notifier).await?;
//! let code = memo.0.lock().ok().and_then(|mut code| code.take()).ok_or("no code came")?;
//!
//! // An app that says it is native is given the secret that every later refresh needs.
//! let shown = ShownDevice { native: true, ..ShownDevice::default() };
//! let done = engine.verify_login(VerifyLogin { tenant, login, code, device, shown }).await?;
//! assert!(done.signed_in.grant.refresh.is_some() && done.signed_in.grant.device_secret.is_some());
//! # Ok(())
//! # }
//! ```

pub use async_trait::async_trait;
pub use portcullis_core::clock::{Clock, Timestamp};
pub use portcullis_core::email::Email;
pub use portcullis_core::engine::{
    AuthenticationError, AuthenticationRequest, ChangePassword, ChangePasswordError, CompletedDeviceSignIn,
    CompletedSignIn, DeviceSignIn, DeviceSignInError, DeviceSignInResult, Engine, EngineBuilder, Grant,
    Identity, ListedSession, NewUser, OpenError, PasswordSignIn, PasswordSignInError, PresentedDevice,
    Refresh, RefreshError, Refreshed, Register, RegisterError, ResetError, TenantAdminError, TenantError,
    UnlockError, UserAdminError, VerifyCode, VerifyCodeError,
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
pub use portcullis_core::session::{Device, EndReason, Ending, Session, SessionState};
pub use portcullis_core::store::memory::MemoryStore;
pub use portcullis_core::store::{NoTenantDatabases, Page, Stores, TenantDatabases};
pub use portcullis_core::strategy::{Carrier, Check, PresentedCredentials, Renewal, Strategy, StrategyName};
pub use portcullis_core::tenant::{
    SecondStep, SettingsFault, StrategyLifetimes, TenantPolicy, TenantRecord, TenantSettings,
};
pub use portcullis_core::user::{PersonName, Role, User};
pub use portcullis_core::username::{LoginName, Username};

#[cfg(feature = "axum")]
pub use portcullis_axum::{CurrentUser, Guard, Roles, SameSite, SessionCookie};
#[cfg(feature = "sqlite")]
pub use portcullis_stores::sqlite::SqliteStore;
#[cfg(feature = "sqlite")]
pub use portcullis_stores::{DatabaseUrl, OpenedStores, TenantDatabaseRegistry};
