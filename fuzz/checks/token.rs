//! Properties of verifying tokens: no text is accepted that was not signed exactly like that.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use portcullis_core::clock::Timestamp;
use portcullis_core::id::{SessionId, TenantId, TokenId, UserId};
use portcullis_core::key::{KeyLifetimes, KeyRecord, KeyUse, Keyring, KeyringSource, SharedSecrets};
use portcullis_core::machine::SystemRandom;
use portcullis_core::token::access::{AccessClaims, sign_access, verify_access};
use portcullis_core::token::refresh::{self, RefreshClaims};
use portcullis_core::token::{ExpectedClaims, LEEWAY, MAX_LENGTH, UnverifiedToken, claimed_tenant, cookie};
use portcullis_core::user::UserProfile;

const NOW: Timestamp = Timestamp::from_seconds(1_769_638_376);
const ISSUER: &str = "https://id.example";
const AUDIENCE: &str = "acme-api";

/// A tenant, and one valid token of each kind.
static ACME: LazyLock<Acme> = LazyLock::new(Acme::new);

struct Acme {
    id: TenantId,
    keys: Keyring,
    good: [String; 3],
}

/// Verifies the text itself as every kind of token, and then valid tokens with the bytes written over them.
pub(super) fn check(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        ACME.accepts_none(text);
        assert!(claimed_tenant(text).is_err() || text.len() <= MAX_LENGTH);
    }
    for good in &ACME.good {
        let changed = changed(good, bytes);
        if changed != *good {
            ACME.accepts_none(&changed);
        }
    }
}

/// The text with changes: of each three bytes, two are the position and one is the new character.
fn changed(good: &str, bytes: &[u8]) -> String {
    let mut text = good.as_bytes().to_vec();
    let (changes, _) = bytes.as_chunks::<3>();
    for [high, low, byte] in changes {
        let place = usize::from(u16::from_be_bytes([*high, *low])) % text.len();
        text[place] = byte & 0x7f;
    }
    String::from_utf8(text).unwrap()
}

impl Acme {
    fn new() -> Self {
        let id: TenantId = "acme".parse().unwrap();
        let past = NOW.minus(Duration::from_hours(1));
        let key = |usage: KeyUse| {
            KeyRecord::generate(&id, usage, usage.algorithm(), past, past, &SystemRandom).unwrap()
        };
        let records = KeyUse::ALL.map(key);
        let (shared, lifetimes) = (SharedSecrets::default(), KeyLifetimes::default());
        let parts = KeyringSource {
            tenant: &id,
            generation: 1,
            records: &records,
            master: None,
            shared: &shared,
            lifetimes,
        };
        let keys = Keyring::open(&parts).unwrap();
        let good = [
            sign_access(&keys, NOW, &access(&id)).unwrap(),
            refresh::encode(keys.refresh_signer(NOW).unwrap(), &renewal(&id)).unwrap(),
            cookie::sign(keys.cookie_signer(NOW).unwrap(), "an unguessable id"),
        ];
        let acme = Self { id, keys, good };
        let accepted = acme.good.each_ref().map(|good| acme.readers(good));
        assert_eq!(accepted, [[true, false, false], [false, true, false], [false, false, true]]);
        acme
    }

    fn readers(&self, text: &str) -> [bool; 3] {
        let expected = ExpectedClaims { issuer: ISSUER, audience: AUDIENCE, tenant: &self.id };
        [
            verify_access(&self.keys, text, NOW, LEEWAY, &expected).is_ok(),
            UnverifiedToken::read(text)
                .and_then(|token| refresh::decode(&self.keys, &token, NOW, &expected).map(|_| ()))
                .is_ok(),
            cookie::unsign(text, &self.keys.cookie_keys(NOW)).is_some(),
        ]
    }

    fn accepts_none(&self, text: &str) {
        assert_eq!(self.readers(text), [false; 3], "accepted: {text}");
    }
}

fn access(tenant: &TenantId) -> AccessClaims {
    AccessClaims {
        iss: ISSUER.into(),
        aud: Some(AUDIENCE.into()),
        sub: UserId::generate(NOW, &SystemRandom),
        tid: tenant.clone(),
        sid: session(),
        jti: TokenId::generate(NOW, &SystemRandom),
        strategy: "device".to_owned(),
        profile: Arc::new(UserProfile {
            email: "ann@example.com".to_owned(),
            name: None,
            given_name: None,
            family_name: None,
        }),
        iat: NOW,
        exp: NOW.plus(Duration::from_mins(15)),
        nbf: None,
        username: None,
        role: None,
        details: None,
    }
}

fn renewal(tenant: &TenantId) -> RefreshClaims {
    RefreshClaims {
        issuer: ISSUER.into(),
        audience: AUDIENCE.into(),
        tenant: tenant.clone(),
        session: session(),
        generation: 7,
        r: refresh::first_secret(&SystemRandom),
        issued: NOW,
        expires: NOW.plus(Duration::from_hours(24)),
    }
}

fn session() -> SessionId {
    "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap()
}
