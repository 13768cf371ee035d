//! Two documents of a tenant: the server's metadata (RFC 8414) and the JWK Set (RFC 7517).

use std::time::Duration;

use bytes::Bytes;
use portcullis_core::id::TenantId;
use portcullis_core::key::{JwksFault, PublicKeySet};
use portcullis_core::secret::SecretHash;
use serde::Deserialize;
use thiserror::Error;

use super::KeyDocuments;
use crate::server::{AuthServer, RequestFault, ServerRequest, well_known};

/// The longest document in bytes.
const LONGEST: usize = 256 * 1024;

/// The longest wait for one: requests of clients wait for it.
const PATIENCE: Duration = Duration::from_secs(2);

/// Why the documents cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub(crate) enum DocumentFault {
    #[error(transparent)]
    Request(#[from] RequestFault),
    #[error("the metadata is not that of an authorization server (RFC 8414)")]
    Metadata,
    #[error(transparent)]
    Keys(#[from] JwksFault),
}

/// What a verifier reads of the metadata. The address of the key set is not followed: it is where the contract says.
#[derive(Deserialize)]
struct PublishedMetadata {
    issuer: String,
    #[serde(default)]
    access_token_signing_alg_values_supported: Vec<String>,
}

/// Fetches both documents of a tenant.
pub(super) async fn fetch(server: &AuthServer, tenant: &TenantId) -> Result<KeyDocuments, DocumentFault> {
    let metadata = document(server, tenant, "oauth-authorization-server").await?;
    let metadata: PublishedMetadata =
        serde_json::from_slice(&metadata).map_err(|_| DocumentFault::Metadata)?;
    let keys = PublicKeySet::parse(&document(server, tenant, "jwks.json").await?)?;
    Ok(KeyDocuments::new(&metadata, keys))
}

async fn document(server: &AuthServer, tenant: &TenantId, name: &str) -> Result<Bytes, RequestFault> {
    let path = well_known(tenant, name);
    let request = ServerRequest { path: &path, credential: None, longest: LONGEST, patience: PATIENCE };
    server.get(request).await
}

impl KeyDocuments {
    fn new(metadata: &PublishedMetadata, keys: PublicKeySet) -> Self {
        let algorithms = &metadata.access_token_signing_alg_values_supported;
        let are_published = algorithms.is_empty() || algorithms.iter().any(|name| name == "ES256");
        let parts = [metadata.issuer.as_bytes(), &keys.generation().to_be_bytes()];
        let hash = SecretHash::of(&parts);
        let generation = hash.as_bytes().first_chunk().map_or(0, |first| u64::from_be_bytes(*first));
        Self { issuer: metadata.issuer.as_str().into(), keys, are_published, generation }
    }
}
