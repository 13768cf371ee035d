//! Sessions that are written straight into a store. A sign-in costs a password hash, so a million would take hours.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use portcullis_bench::strategy::DEVICE_SECRET;
use portcullis_core::clock::{Clock as _, Timestamp};
use portcullis_core::email::Email;
use portcullis_core::id::{SessionId, SessionKey, TenantId, UserId, UserKey};
use portcullis_core::key::{KeyLifetimes, KeyRecord, Keyring, KeyringSource, SharedSecrets};
use portcullis_core::machine::{SystemClock, SystemRandom};
use portcullis_core::secret::PlainSecret;
use portcullis_core::session::{Device, DeviceProof, Epochs, RotationState, Session, SessionState};
use portcullis_core::store::Stores;
use portcullis_core::strategy::StrategyName;
use portcullis_core::tenant::Installation;
use portcullis_core::token::refresh::{RefreshClaims, encode, first_secret};
use portcullis_core::user::{Role, User};
use portcullis_stores::sqlite::SqliteStore;
use tokio::task::JoinSet;

use crate::LibraryBenchError;

/// How long a session and its refresh token last: longer than a run.
pub(crate) const LIFETIME: Duration = Duration::from_hours(7 * 24);

/// Writers at once: what the store commits together.
const WRITERS: usize = 64;

/// What is written.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct WriterArguments {
    /// The database of an installation that was started before: it has the keys.
    #[arg(long)]
    database: PathBuf,
    /// How many sessions are written.
    #[arg(long)]
    sessions: usize,
    /// How many of them each user has.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    per_user: u16,
    /// How many refresh tokens are printed, one on a line: of each writer's first sessions.
    #[arg(long)]
    tokens: usize,
}

/// Writes the sessions, each with a user or a share of one, and prints refresh tokens of theirs.
///
/// # Errors
/// What the store says.
pub(crate) async fn write(arguments: &WriterArguments) -> Result<(), LibraryBenchError> {
    let store = SqliteStore::open_existing(&arguments.database, Arc::new(SystemClock)).await?;
    let issuance = Arc::new(Issuance::of(store.stores()).await?);
    let mut writing = JoinSet::new();
    for writer in 0..WRITERS {
        let share = (arguments.sessions + writer) / WRITERS;
        let tokens = (arguments.tokens + writer) / WRITERS;
        writing.spawn(issuance.clone().write_share(writer, share, usize::from(arguments.per_user), tokens));
    }
    for tokens in writing.join_all().await {
        tokens?.iter().for_each(|token| println!("{token}"));
    }
    store.close().await;
    Ok(())
}

/// What the sessions of an installation's default tenant are made with.
pub(crate) struct Issuance {
    stores: Stores,
    issuer: Arc<str>,
    keyring: Keyring,
}

impl Issuance {
    /// With the keys that are in the store.
    async fn of(stores: Stores) -> Result<Self, LibraryBenchError> {
        let keys = stores.keys.list(&TenantId::default_tenant()).await?;
        Self::with_keys(stores, &keys).await
    }

    /// With these keys.
    pub(crate) async fn with_keys(stores: Stores, keys: &[KeyRecord]) -> Result<Self, LibraryBenchError> {
        let proposed = Installation { issuer: "bench".to_owned(), created: SystemClock.now() };
        let issuer = stores.tenants.get_or_create_installation(&proposed).await?.issuer;
        let keyring = Keyring::open(&KeyringSource {
            tenant: &TenantId::default_tenant(),
            generation: 1,
            records: keys,
            master: None,
            shared: &SharedSecrets::default(),
            lifetimes: KeyLifetimes::default(),
        })?;
        Ok(Self { stores, issuer: issuer.into(), keyring })
    }

    async fn write_share(
        self: Arc<Self>,
        writer: usize,
        sessions: usize,
        per_user: usize,
        tokens: usize,
    ) -> Result<Vec<String>, LibraryBenchError> {
        let mut told = Vec::with_capacity(tokens);
        for first in (0..sessions).step_by(per_user) {
            let user = self.write_user(&format!("{writer}-{first}")).await?;
            for _ in first..sessions.min(first + per_user) {
                let (session, token) = self.begin(user)?;
                self.stores.sessions.insert(&session).await?;
                told.extend((told.len() < tokens).then_some(token));
            }
        }
        Ok(told)
    }

    /// A user without a password, whose address begins like this.
    pub(crate) async fn write_user(&self, name: &str) -> Result<UserId, LibraryBenchError> {
        let now = SystemClock.now();
        let (tenant, id) = (self.keyring.tenant().clone(), UserId::generate(now, &SystemRandom));
        let email = Email::parse(&format!("written-{name}@bench.example"))?;
        let user = User::new(UserKey { tenant, id }, email, None, Role::User, now);
        self.stores.users.insert(&user).await?;
        Ok(id)
    }

    /// A session under `refresh`, and its first refresh token.
    pub(crate) fn begin(&self, user: UserId) -> Result<(Session, String), LibraryBenchError> {
        let now = SystemClock.now();
        let id = SessionId::generate(now, user, &SystemRandom);
        let key = SessionKey { tenant: self.keyring.tenant().clone(), id };
        let (rotation, token) = self.first_refresh(&key, now)?;
        let proof = DeviceProof::hash_of(&PlainSecret::presented(DEVICE_SECRET), &key);
        let session = Session {
            key,
            user,
            strategy: StrategyName::Refresh,
            device: Device::described("127.0.0.1", "portcullis-bench"),
            created: now,
            last_seen: now,
            idle_expires: now.plus(LIFETIME),
            absolute_expires: now.plus(LIFETIME),
            epochs: Epochs::default(),
            password_epoch: 0,
            gave_code: false,
            version: 0,
            cookie: None,
            rotation: Some(rotation),
            proof: Some(DeviceProof { hash: proof, shown: true }),
            state: SessionState::Live,
        };
        Ok((session, token))
    }

    fn first_refresh(
        &self,
        key: &SessionKey,
        now: Timestamp,
    ) -> Result<(RotationState, String), LibraryBenchError> {
        let signer = self.keyring.refresh_signer(now).ok_or("there is no key for refresh tokens")?;
        let (r, expires) = (first_secret(&SystemRandom), now.plus(LIFETIME));
        let rotation = RotationState {
            generation: 0,
            issued: now,
            expires,
            kid: signer.kid().clone(),
            current: r.hash(),
            previous: None,
            late_repeats: None,
        };
        let claims = RefreshClaims {
            issuer: self.issuer.clone(),
            audience: key.tenant.as_str().into(),
            tenant: key.tenant.clone(),
            session: key.id,
            generation: 0,
            r,
            issued: now,
            expires,
        };
        Ok((rotation, encode(signer, &claims)?))
    }
}
