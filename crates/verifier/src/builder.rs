//! What a verifier is made of.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use portcullis_core::clock::Clock;
use portcullis_core::id::TenantId;
use portcullis_core::machine::{SystemClock, SystemRandom};
use portcullis_core::random::Random;
use portcullis_core::revocation::wire::FeedSigner;
use portcullis_core::secret::PlainSecret;
use portcullis_core::token::VerifiedCredentials;
use thiserror::Error;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::ask::AskedServer;
use crate::feed::FeedReader;
use crate::keys::PublishedKeys;
use crate::revocations::KnownRevocations;
use crate::server::{AuthServer, InvalidServerUrl, bearer};
use crate::server_clock::ServerClock;
use crate::verifier_core::{VerifierCore, VerifierCounts};
use crate::{HttpClient, HyperClient, Verifier};

/// The shortest `max_staleness`: a poll and its answer must fit into a part of it.
const SHORTEST_STALENESS: Duration = Duration::from_millis(100);

/// What a verifier is made of. Only the server and the feed key have no default.
pub struct VerifierBuilder {
    server: String,
    feed_key: Option<PlainSecret>,
    tenants: Vec<TenantId>,
    audience: Option<String>,
    cookie_names: Option<Vec<String>>,
    max_staleness: Duration,
    capacity: usize,
    verified_tokens: u64,
    http: Option<Arc<dyn HttpClient>>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

/// Why no verifier can be made.
#[derive(Debug, Error)]
pub enum BuildError {
    /// There is no feed key, or a text that no header can carry.
    #[error("a verifier needs a feed key: `portcullis feed key create --tenant NAME` makes one")]
    NoFeedKey,
    /// There is no tenant.
    #[error("a verifier needs a tenant whose tokens it accepts")]
    NoTenant,
    /// The knowledge would be too old as soon as it came.
    #[error("max_staleness must be at least 100 ms: a poll and its answer take a part of it")]
    Staleness,
    /// There is nothing that would follow the feed.
    #[error("a verifier is built inside a Tokio runtime, on which it follows the feed")]
    NoRuntime,
    /// The server's URL.
    #[error(transparent)]
    Server(#[from] InvalidServerUrl),
    /// The machine has no certificate authorities, which https needs.
    #[error("the certificate authorities of this machine cannot be read: {0}")]
    CertificateAuthorities(#[from] io::Error),
}

impl VerifierBuilder {
    pub(crate) fn new(server: &str) -> Self {
        Self {
            server: server.to_owned(),
            feed_key: None,
            tenants: vec![TenantId::default_tenant()],
            audience: None,
            cookie_names: None,
            max_staleness: Duration::from_secs(1),
            capacity: 1_000_000,
            verified_tokens: 100_000,
            http: None,
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
        }
    }

    /// The feed key, as `portcullis feed key create` printed it.
    #[must_use]
    pub fn feed_key(mut self, text: &str) -> Self {
        self.feed_key = Some(PlainSecret::presented(text.trim()));
        self
    }

    /// The tenants whose tokens are accepted, in place of `default`. The feed key must be of all of them: of a tenant
    /// that it is not of, no revocation is heard.
    #[must_use]
    pub fn tenants(mut self, tenants: impl IntoIterator<Item = TenantId>) -> Self {
        self.tenants = tenants.into_iter().collect();
        self
    }

    /// `aud` of tokens, where the server's setting `audience` names another than the tenant.
    #[must_use]
    pub fn audience(mut self, audience: &str) -> Self {
        self.audience = Some(audience.to_owned());
        self
    }

    /// The name of the session cookie, where the server's settings name another than `__Host-connect.sid`
    /// (`connect.sid` for a server on plain http).
    #[must_use]
    pub fn cookie_name(self, name: &str) -> Self {
        self.cookie_names([name])
    }

    /// Several such names, where it is not known which one the server gives: the server passes over those that are not
    /// its own.
    #[must_use]
    pub fn cookie_names(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.cookie_names = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// How old the knowledge of what is revoked may be: one second.
    #[must_use]
    pub const fn max_staleness(mut self, span: Duration) -> Self {
        self.max_staleness = span;
        self
    }

    /// How many revocations are kept: 1,000,000. A verifier that would have to keep more accepts nothing by itself.
    #[must_use]
    pub const fn capacity(mut self, records: usize) -> Self {
        self.capacity = records;
        self
    }

    /// How many verified tokens, and answers of the server, are kept: 100,000 of each.
    #[must_use]
    pub const fn verified_tokens(mut self, tokens: u64) -> Self {
        self.verified_tokens = tokens;
        self
    }

    /// How requests are sent: by a [`HyperClient`] that trusts the certificate authorities of this machine.
    #[must_use]
    pub fn http(mut self, client: Arc<dyn HttpClient>) -> Self {
        self.http = Some(client);
        self
    }

    /// The clock: the machine's.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The source of chance: the machine's.
    #[must_use]
    pub fn random(mut self, random: Arc<dyn Random>) -> Self {
        self.random = random;
        self
    }

    /// Makes the verifier, and begins to follow the feed on the current Tokio runtime.
    ///
    /// # Errors
    ///
    /// [`BuildError`] says what is missing or wrong.
    pub fn build(self) -> Result<Verifier, BuildError> {
        if self.tenants.is_empty() {
            return Err(BuildError::NoTenant);
        }
        if self.max_staleness < SHORTEST_STALENESS {
            return Err(BuildError::Staleness);
        }
        let feed_key = self.feed_key.clone().filter(|key| !key.reveal().is_empty());
        let feed_key = feed_key.ok_or(BuildError::NoFeedKey)?;
        let header = bearer(feed_key.reveal()).ok_or(BuildError::NoFeedKey)?;
        let runtime = Handle::try_current().map_err(|_| BuildError::NoRuntime)?;
        let core = Arc::new(self.core()?);
        let reader = FeedReader::new(core.clone(), header, FeedSigner::derive(&feed_key));
        let tasks = [runtime.spawn(reader.run()), runtime.spawn(core.keys.clone().keep_current())];
        Ok(Verifier::of(core, tasks.iter().map(JoinHandle::abort_handle).collect()))
    }

    /// What the handles share, before anything is followed.
    pub(crate) fn core(self) -> Result<VerifierCore, BuildError> {
        let is_https = self.server.starts_with("https:");
        let http = match self.http {
            Some(client) => client,
            None if is_https => Arc::new(HyperClient::new()?),
            None => Arc::new(HyperClient::plain()?),
        };
        let default_cookie = if is_https { "__Host-connect.sid" } else { "connect.sid" };
        let server = Arc::new(AuthServer::new(&self.server, http)?);
        let (clock, random) = (self.clock, self.random);
        let keys = PublishedKeys::new(&self.tenants, server.clone(), clock.clone(), random.clone());
        let asked = AskedServer::new(server.clone(), clock.clone(), self.max_staleness, self.verified_tokens);
        Ok(VerifierCore {
            revocations: KnownRevocations::new(&self.tenants, self.capacity, self.max_staleness),
            keys: Arc::new(keys),
            verified: VerifiedCredentials::new(self.verified_tokens),
            asked: Arc::new(asked),
            counts: VerifierCounts::new(clock.ticks()),
            server,
            server_clock: ServerClock::default(),
            clock,
            random,
            cookie_names: self.cookie_names.unwrap_or_else(|| vec![default_cookie.to_owned()]),
            audience: self.audience,
        })
    }
}
