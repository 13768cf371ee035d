//! A fixture for tests of the engine: engines on shared stores, a clock that a test moves, and a record of events.
//!
//! ```
//! use portcullis_core::store::conformance::fixture::Fixture;
//! use portcullis_core::store::memory::MemoryStore;
//! use portcullis_core::strategy::StrategyName;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let fixture = Fixture::new(MemoryStore::stores());
//! let engine = fixture.node().await;
//! let ann = fixture.new_user(&engine).await;
//! let held = ann.password_sign_in(&engine, StrategyName::Session).await;
//! assert!(held.authenticate(&engine).await.is_ok());
//! # });
//! # Ok::<(), std::io::Error>(())
//! ```

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::Answered;
pub use super::hand_clock::HandClock;
use super::records::{NOW, email};
use super::second_step::signed_in_with_code;
use crate::clock::{Clock, Timestamp};
use crate::email::Email;
use crate::engine::{
    AuthenticationError, AuthenticationRequest, CompletedSignIn, DeviceSignIn, Engine, EngineBuilder,
    Identity, NewUser, PasswordSignIn, PasswordSignInError, PresentedDevice, Refresh, RefreshError,
    Refreshed, Register,
};
use crate::event::{Event, EventKind, EventSink};
use crate::id::{SessionKey, TenantId};
use crate::key::{KeyRecord, KeyUse};
use crate::machine::{SystemClock, SystemRandom};
use crate::password::{Argon2Cost, HashPool, Password, PasswordPolicy, PoolSize};
use crate::secret::PlainSecret;
use crate::session::Device;
use crate::store::{Stores, TenantDatabases};
use crate::strategy::{Carrier, PresentedCredentials, StrategyName};
use crate::tenant::{TenantPolicy, TenantRecord};
use crate::user::{PersonName, User};
use crate::username::LoginName;

/// The password of every user of a fixture.
pub const PASSWORD: &str = "vexed quilt";

/// Records the events of all engines.
#[derive(Default, Debug)]
pub struct EventRecorder(Mutex<Vec<Event>>);

impl EventRecorder {
    /// The recorded events, in order.
    pub fn events(&self) -> Vec<Event> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many events of this kind were recorded.
    pub fn count(&self, what: EventKind) -> usize {
        self.events().iter().filter(|event| event.kind == what).count()
    }
}

impl EventSink for EventRecorder {
    fn record(&self, _at: Timestamp, event: &Event) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(event.clone());
    }
}

/// Shared stores, and what an engine on them is made of.
#[derive(Clone)]
pub struct Fixture {
    /// The builder of every engine.
    pub builder: EngineBuilder,
    /// Hashes the passwords of all engines.
    pub passwords: Arc<HashPool>,
    /// The clock of all engines.
    pub clock: Arc<HandClock>,
    /// The events of all engines.
    pub recorded_events: Arc<EventRecorder>,
}

impl Fixture {
    /// A fixture with the default strategies and a minimum password length of eight characters. Times are exact: there
    /// is no leeway.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a machine that gives no thread cannot run a suite")]
    pub fn new(stores: Stores) -> Self {
        let clock = Arc::new(HandClock::showing(NOW));
        let recorded_events = Arc::new(EventRecorder::default());
        let policy = TenantPolicy {
            leeway: Duration::ZERO,
            ..TenantPolicy::with_passwords(PasswordPolicy::DEVELOPMENT)
        };
        let (size, cost) = (PoolSize::of(NonZeroUsize::MIN), Argon2Cost::MINIMUM);
        let passwords = HashPool::new(size, cost, Arc::new(SystemClock), Arc::new(SystemRandom));
        let passwords = Arc::new(passwords.expect("a thread"));
        let builder = Engine::builder(stores)
            .clock(clock.clone())
            .passwords(passwords.clone())
            .events(recorded_events.clone())
            .policy(policy);
        Self { builder, passwords, clock, recorded_events }
    }

    /// The same fixture under another policy.
    #[must_use]
    pub fn with_policy(self, change: impl FnOnce(&mut TenantPolicy)) -> Self {
        let mut policy = self.builder.policy.as_ref().clone();
        change(&mut policy);
        Self { builder: self.builder.policy(policy), ..self }
    }

    /// The stores that every engine works on.
    #[must_use]
    pub const fn stores(&self) -> &Stores {
        &self.builder.stores
    }

    /// The databases of tenants that have one of their own.
    #[must_use]
    pub fn tenant_databases(&self) -> &dyn TenantDatabases {
        self.builder.tenant_databases.as_ref()
    }

    /// Another engine on the same stores, as in another process.
    #[expect(clippy::panic, reason = "a store on which no engine opens has failed the suite")]
    pub async fn node(&self) -> Engine {
        match self.builder.clone().open().await {
            Ok(engine) => engine,
            Err(fault) => panic!("no engine opens on these stores: {fault}"),
        }
    }

    /// Creates a tenant with its keys.
    #[expect(clippy::panic, reason = "keys are made of chance alone")]
    pub async fn create_tenant(&self, tenant: &TenantId) {
        let (now, stores) = (self.clock.now(), &self.builder.stores);
        stores.tenants.insert(&TenantRecord::new(tenant.clone(), now)).await.answered();
        for usage in KeyUse::ALL {
            let past = now.minus(Duration::from_hours(1));
            match KeyRecord::generate(tenant, usage, usage.algorithm(), now, past, &SystemRandom) {
                Ok(key) => stores.keys.insert(&key).await.answered(),
                Err(fault) => panic!("no key: {fault}"),
            };
        }
    }

    /// Registers a new user in the tenant `default`.
    pub async fn new_user(&self, engine: &Engine) -> RegisteredUser {
        let unique = PlainSecret::generate(&SystemRandom);
        let address = format!("u{}@example.com", unique.reveal().to_lowercase());
        self.register(engine, &TenantId::default_tenant(), &address).await
    }

    /// Registers a user with this address.
    #[expect(clippy::panic, reason = "a fixture needs its users")]
    pub async fn register(&self, engine: &Engine, tenant: &TenantId, address: &str) -> RegisteredUser {
        let offered = self.builder.policy.strategies.keys().next();
        let request = Register {
            tenant: tenant.clone(),
            strategy: offered.copied().unwrap_or(StrategyName::Jwt),
            new: NewUser::new(email(address), Some(person_name())),
            password: password(PASSWORD),
        };
        match engine.register(request).await {
            Ok(Some(user)) => RegisteredUser { user },
            Ok(None) => panic!("{address} signed up with a tenant that hides it"),
            Err(refused) => panic!("{address} could not sign up: {refused}"),
        }
    }
}

/// The name of every user of a fixture.
#[must_use]
#[expect(clippy::panic, reason = "a mistake in the suite itself")]
pub fn person_name() -> PersonName {
    PersonName::new("Ann Lee").unwrap_or_else(|_| panic!("that is a name"))
}

/// A password with this text.
#[must_use]
#[expect(clippy::panic, reason = "a mistake in the suite itself")]
pub fn password(text: &str) -> Password {
    Password::new(text).unwrap_or_else(|_| panic!("too long a password"))
}

/// A user who has signed up.
#[derive(Clone, Debug)]
pub struct RegisteredUser {
    /// The record as it was then.
    pub user: User,
}

impl RegisteredUser {
    /// Signs in with the right password, and with the code from the mail if the strategy has a second step.
    pub async fn password_sign_in(&self, engine: &Engine, strategy: StrategyName) -> HeldCredentials {
        self.sign_in_on(engine, strategy, false).await
    }

    /// The same, with or without a device proof.
    #[expect(clippy::panic, reason = "a user who is wrongly rejected has found a fault")]
    pub async fn sign_in_on(&self, engine: &Engine, strategy: StrategyName, native: bool) -> HeldCredentials {
        let signed_in = if strategy.has_second_step() {
            signed_in_with_code(engine, &self.user, self.device_sign_in(native)).await
        } else {
            match self.try_sign_in(engine, strategy, PASSWORD, native).await {
                Ok(signed_in) => signed_in,
                Err(refused) => panic!("{} is not let in: {refused}", self.user.email),
            }
        };
        HeldCredentials { strategy, tenant: self.user.key.tenant.clone(), signed_in }
    }

    /// The first step of a sign-in that has two.
    fn device_sign_in(&self, native: bool) -> DeviceSignIn {
        let (tenant, login) = (self.user.key.tenant.clone(), LoginName::Email(self.user.email.clone()));
        let shown = PresentedDevice { native, ..PresentedDevice::default() };
        DeviceSignIn { tenant, login, password: password(PASSWORD), device: browser(), shown }
    }

    /// Tries to sign in with this password.
    ///
    /// # Errors
    /// Why the engine rejects the client.
    pub async fn try_sign_in(
        &self,
        engine: &Engine,
        strategy: StrategyName,
        with: &str,
        native: bool,
    ) -> Result<CompletedSignIn, PasswordSignInError> {
        try_sign_in(engine, &self.user.key.tenant, &self.user.email, strategy, with, native).await
    }
}

/// What every user of a fixture signs in with.
fn browser() -> Device {
    Device::described("192.0.2.1", "a browser")
}

/// Tries to sign in with an address, known or not.
///
/// # Errors
/// Why the engine rejects the client.
pub async fn try_sign_in(
    engine: &Engine,
    tenant: &TenantId,
    email: &Email,
    strategy: StrategyName,
    with: &str,
    native: bool,
) -> Result<CompletedSignIn, PasswordSignInError> {
    let request = PasswordSignIn {
        tenant: tenant.clone(),
        strategy,
        login: LoginName::Email(email.clone()),
        password: password(with),
        device: browser(),
        native,
        device_secret: None,
        replaces: Vec::new(),
    };
    engine.password_sign_in(request).await
}

/// The credentials of a user who has signed in.
#[derive(Clone, Debug)]
pub struct HeldCredentials {
    /// The strategy that the user signed in under.
    pub strategy: StrategyName,
    /// The tenant of the user.
    pub tenant: TenantId,
    /// The session and its tokens.
    pub signed_in: CompletedSignIn,
}

impl HeldCredentials {
    /// The key of the session.
    #[must_use]
    pub fn session(&self) -> SessionKey {
        SessionKey { tenant: self.tenant.clone(), id: self.signed_in.session }
    }

    /// The access token, or the cookie.
    #[must_use]
    pub fn credential(&self) -> &str {
        self.signed_in.grant.credential.reveal()
    }

    /// The refresh token; empty if there is none.
    #[must_use]
    pub fn refresh_token(&self) -> &str {
        self.signed_in.grant.refresh.as_ref().map_or("", PlainSecret::reveal)
    }

    /// Presents the credential by its own carrier.
    ///
    /// # Errors
    /// Why the engine rejects the client.
    pub async fn authenticate(&self, engine: &Engine) -> Result<Identity, AuthenticationError> {
        present(engine, Some(&self.tenant), self.strategy, self.signed_in.grant.carrier, self.credential())
            .await
    }

    /// The identity of the user, who must be authenticated.
    #[expect(clippy::panic, reason = "a user who is wrongly rejected has found a fault")]
    pub async fn identity(&self, engine: &Engine) -> Identity {
        match self.authenticate(engine).await {
            Ok(identity) => identity,
            Err(refused) => panic!("not authenticated: {refused}"),
        }
    }

    /// Redeems the refresh token, with the device proof if there is one.
    ///
    /// # Errors
    /// Why the engine rejects the client.
    pub async fn refresh(&self, engine: &Engine) -> Result<Refreshed, RefreshError> {
        self.refresh_with(engine, self.refresh_token()).await
    }

    /// Redeems this refresh token.
    ///
    /// # Errors
    /// Why the engine rejects the client.
    pub async fn refresh_with(&self, engine: &Engine, token: &str) -> Result<Refreshed, RefreshError> {
        let device_secret = self.signed_in.grant.device_secret.clone();
        let (tenant, strategy) = (Some(self.tenant.clone()), self.strategy);
        let token = token.to_owned();
        engine.refresh(Refresh { tenant, strategy, token, device_secret, cookies: Vec::new() }).await
    }
}

/// Presents a credential by one carrier.
///
/// # Errors
/// Why the engine rejects the client.
pub async fn present(
    engine: &Engine,
    tenant: Option<&TenantId>,
    strategy: StrategyName,
    carrier: Carrier,
    credential: &str,
) -> Result<Identity, AuthenticationError> {
    let header = format!("Bearer {credential}");
    let (authorization, cookies) = ([header.as_str()], [credential]);
    let nothing = PresentedCredentials::default();
    let envelope = match carrier {
        Carrier::Bearer => PresentedCredentials { authorization: &authorization, ..nothing },
        Carrier::Cookie => PresentedCredentials { cookies: &cookies, ..nothing },
        Carrier::Field => PresentedCredentials { field: Some(credential), ..nothing },
    };
    engine.authenticate(&AuthenticationRequest { tenant: tenant.cloned(), strategy, envelope }).await
}
