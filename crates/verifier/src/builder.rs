//! What a verifier is made of.

use std::sync::Arc;
use std::time::Duration;

use portcullis_core::id::TenantId;
use portcullis_core::secret::PlainSecret;
use thiserror::Error;

use crate::{HttpClient, Verifier};

/// What a verifier is made of. Only the server and the feed key have no default.
pub struct VerifierBuilder {
    #[expect(dead_code, reason = "the feed is followed by a later commit")]
    server: String,
    feed_key: Option<PlainSecret>,
    tenants: Vec<TenantId>,
    max_staleness: Duration,
    capacity: usize,
    http: Option<Arc<dyn HttpClient>>,
}

/// Why no verifier can be made.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum BuildError {
    /// There is no feed key.
    #[error("a verifier needs a feed key: `portcullis feed key create --tenant NAME` makes one")]
    NoFeedKey,
}

impl VerifierBuilder {
    pub(crate) fn new(server: &str) -> Self {
        Self {
            server: server.to_owned(),
            feed_key: None,
            tenants: vec![TenantId::default_tenant()],
            max_staleness: Duration::from_secs(1),
            capacity: 1_000_000,
            http: None,
        }
    }

    /// The feed key, as `portcullis feed key create` printed it.
    #[must_use]
    pub fn feed_key(mut self, text: &str) -> Self {
        self.feed_key = Some(PlainSecret::presented(text));
        self
    }

    /// The tenants whose tokens are accepted, in place of `default`. The feed key must be of exactly these.
    #[must_use]
    pub fn tenants(mut self, tenants: impl IntoIterator<Item = TenantId>) -> Self {
        self.tenants = tenants.into_iter().collect();
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

    /// How requests are sent.
    #[must_use]
    pub fn http(mut self, client: Arc<dyn HttpClient>) -> Self {
        self.http = Some(client);
        self
    }

    /// Makes the verifier, and begins to follow the feed on the current Tokio runtime.
    ///
    /// # Errors
    ///
    /// [`BuildError`] says what is missing or wrong.
    pub fn build(self) -> Result<Verifier, BuildError> {
        if self.feed_key.is_none() {
            return Err(BuildError::NoFeedKey);
        }
        Ok(Verifier::begin(self))
    }
}
