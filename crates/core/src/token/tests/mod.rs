//! Shared by all tests of tokens: a tenant with its keys and claims, and a function that signs any header and payload.

mod access_tokens;
mod compact_form;
mod cookies;
mod forgery;
mod properties;
mod published_keys;
mod refresh_tokens;

use crate::token::UnverifiedToken;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use super::access::{AccessClaims, sign_access, verify_access};
use super::refresh::{ChainSecret, RefreshClaims};
use super::{ExpectedClaims, LEEWAY, TokenFault, refresh};
use crate::clock::Timestamp;
use crate::id::{SessionId, TenantId, TokenId, UserId};
use crate::key::{
    KeyLifetimes, KeyRecord, KeyUse, Keyring, KeyringSource, RefreshKey, SharedSecrets, SigningKey,
    VerifyingKey as _,
};
use crate::machine::SystemRandom;
use crate::user::{Role, UserProfile};

const NOW: Timestamp = Timestamp::from_seconds(1_769_638_376);
const ISSUER: &str = "https://id.example";
const AUDIENCE: &str = "acme-api";

fn minutes(minutes: u64) -> Duration {
    Duration::from_mins(minutes)
}

/// A tenant with one key of each use.
struct TestTenant {
    id: TenantId,
    keys: Keyring,
}

fn ann() -> UserProfile {
    let (email, name) = ("ann@example.com".to_owned(), Some("Ann Lee".to_owned()));
    UserProfile { email, name, given_name: None, family_name: None }
}

fn decode_text<'k>(
    keys: &'k Keyring,
    text: &str,
    now: Timestamp,
    expected: &ExpectedClaims<'_>,
) -> Result<(RefreshClaims, &'k RefreshKey), TokenFault> {
    refresh::decode(keys, &UnverifiedToken::read(text)?, now, expected)
}

impl TestTenant {
    fn called(name: &str) -> Self {
        Self::sharing(name, &SharedSecrets::default())
    }

    fn sharing(name: &str, shared: &SharedSecrets) -> Self {
        let id: TenantId = name.parse().unwrap();
        let records = KeyUse::ALL.map(|usage| key(&id, usage, NOW.minus(minutes(60))));
        Self { keys: ring(&id, &records, shared), id }
    }

    fn expected(&self) -> ExpectedClaims<'_> {
        ExpectedClaims { issuer: ISSUER, audience: AUDIENCE, tenant: &self.id }
    }

    fn claims(&self) -> AccessClaims {
        AccessClaims {
            iss: ISSUER.into(),
            aud: Some(AUDIENCE.into()),
            sub: UserId::from_uuid(Uuid::from_u128(1)),
            tid: self.id.clone(),
            sid: SessionId::from_uuid(Uuid::from_u128(2)),
            jti: TokenId::from_uuid(Uuid::from_u128(3)),
            strategy: "jwt".to_owned(),
            profile: Arc::new(ann()),
            iat: NOW,
            exp: NOW.plus(minutes(15)),
            nbf: None,
            username: None,
            role: None,
            details: None,
        }
    }

    fn refresh_claims(&self) -> RefreshClaims {
        RefreshClaims {
            issuer: ISSUER.into(),
            audience: AUDIENCE.into(),
            tenant: self.id.clone(),
            session: SessionId::from_uuid(Uuid::from_u128(2)),
            generation: 7,
            r: refresh::first_secret(&SystemRandom),
            issued: NOW,
            expires: NOW.plus(minutes(7 * 24 * 60)),
        }
    }

    fn access_token(&self) -> String {
        sign_access(&self.keys, NOW, &self.claims()).unwrap()
    }

    fn refresh_token(&self) -> String {
        refresh::encode(self.refresh_key(), &self.refresh_claims()).unwrap()
    }

    fn verify(&self, token: &str) -> Result<AccessClaims, TokenFault> {
        verify_access(&self.keys, token, NOW, LEEWAY, &self.expected())
    }

    fn decode(&self, token: &str) -> Result<(RefreshClaims, &RefreshKey), TokenFault> {
        decode_text(&self.keys, token, NOW, &self.expected())
    }

    fn access_key(&self) -> &SigningKey {
        self.keys.access_signer(NOW).unwrap()
    }

    fn refresh_key(&self) -> &RefreshKey {
        self.keys.refresh_signer(NOW).unwrap()
    }

    /// The header of this tenant's access tokens.
    fn header(&self) -> String {
        let key = self.access_key();
        format!(r#"{{"typ":"at+jwt","alg":"{}","kid":"{}"}}"#, key.algorithm(), key.kid())
    }

    /// The payload of a valid access token.
    fn payload(&self) -> String {
        part(&self.access_token(), 1)
    }
}

fn key(tenant: &TenantId, usage: KeyUse, active_from: Timestamp) -> KeyRecord {
    KeyRecord::generate(tenant, usage, usage.algorithm(), active_from, active_from, &SystemRandom).unwrap()
}

fn ring(tenant: &TenantId, records: &[KeyRecord], shared: &SharedSecrets) -> Keyring {
    let lifetimes = KeyLifetimes::default();
    Keyring::open(&KeyringSource { tenant, generation: 1, records, master: None, shared, lifetimes }).unwrap()
}

/// Signs any header and any payload with a real key, as only the holder of the key can.
fn sign_raw(key: &SigningKey, header: &str, payload: &str) -> String {
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let signature = key.sign(signed.as_bytes()).unwrap();
    format!("{signed}.{signature}")
}

/// One part of a token, decoded to text.
fn part(token: &str, index: usize) -> String {
    let part = token.split('.').nth(index).unwrap();
    String::from_utf8(URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}
