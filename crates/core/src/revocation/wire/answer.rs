//! Answers and pages of a snapshot, and the key that signs them.
//!
//! Both are compact JWSs under HS256. The key is derived from the feed key by HKDF-SHA256. Each poll shows the key's
//! text, so the server derives the key anew and keeps a hash of the text alone.

use ring::hkdf::{HKDF_SHA256, Salt};
use serde::Serialize;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::super::FeedTenants;
use super::{LogId, RevocationRecord};
use crate::clock::Timestamp;
use crate::id::TenantId;
use crate::key::{Kid, SigningKey};
use crate::secret::PlainSecret;
use crate::token::{JwsForm, SignFault, TokenFault};

/// What HKDF expands into the signing key.
const INFO: &[u8] = b"portcullis revocations v1";

/// The longest answer in bytes: ten thousand records with ten kept sessions each.
const MAX_LENGTH: usize = 8 * 1024 * 1024;

/// Signs and verifies what a node answers to the holder of one feed key.
#[derive(Debug)]
pub struct FeedSigner(SigningKey);

impl FeedSigner {
    /// The signer of a feed key: HKDF-SHA256 of its text, with an empty salt.
    #[must_use]
    pub fn derive(feed_key: &PlainSecret) -> Self {
        let derived = derived_bytes(feed_key);
        Self(SigningKey::hs256(Kid::of_secret(derived.as_slice()), derived.as_slice()))
    }

    /// Signs an answer or a page.
    ///
    /// # Errors
    ///
    /// [`SignFault::TooLong`] for more than a verifier reads.
    pub fn sign<M: FeedMessage>(&self, message: &M) -> Result<String, SignFault> {
        JwsForm { typ: M::TYPE, longest: MAX_LENGTH }.sign(&self.0, &message.claims())
    }

    /// Verifies an answer or a page. The caller checks issuer and nonce.
    ///
    /// # Errors
    ///
    /// [`TokenFault`]. Form, type, key and signature are checked first; then every claim must be there and right.
    pub fn read<M: FeedMessage>(&self, text: &str) -> Result<M, TokenFault> {
        let members = JwsForm { typ: M::TYPE, longest: MAX_LENGTH }.verify(text, &self.0)?;
        M::of_claims(&members)
    }
}

fn derived_bytes(feed_key: &PlainSecret) -> Zeroizing<[u8; 32]> {
    let mut bytes = Zeroizing::new([0; 32]);
    let extracted = Salt::new(HKDF_SHA256, b"").extract(feed_key.reveal().as_bytes());
    let filled = extracted.expand(&[INFO], HKDF_SHA256).and_then(|output| output.fill(bytes.as_mut_slice()));
    // HKDF refuses lengths that are too long, and 32 bytes are not.
    debug_assert!(filled.is_ok());
    bytes
}

/// What the feed signs: an answer or a page of a snapshot.
pub trait FeedMessage: Sized {
    /// The `typ` of its header.
    const TYPE: &'static str;

    /// The claims, in their order.
    fn claims(&self) -> impl Serialize;

    /// Reads the claims.
    ///
    /// # Errors
    ///
    /// [`TokenFault`] names the first claim that is missing or wrong.
    fn of_claims(claims: &Map<String, Value>) -> Result<Self, TokenFault>;
}

/// The answer to a poll.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FeedAnswer {
    /// `iss`: the server's issuer, as in tokens.
    pub issuer: String,
    /// `log`: whose numbers `from` and `to` are.
    pub log: LogId,
    /// `from`: the number of the first record; that after the newest if the records are not numbered.
    pub from: u64,
    /// `to`: the number of the last record; `from` - 1 if there is none, or if the records are not numbered.
    pub to: u64,
    /// `nonce`: that of the poll.
    pub nonce: String,
    /// `lag_ms`: how long before the poll's arrival the node's log was last proven complete; negative if it was after.
    pub lag_ms: i64,
    /// `more`: whether the log has more than this answer.
    pub more: bool,
    /// `iat`: when the answer was made.
    pub issued: Timestamp,
    /// `records`.
    pub records: Vec<RevocationRecord>,
    /// `behind`: the tenants of the key for which the log is not proven.
    pub behind: Vec<TenantId>,
}

/// A page of a snapshot.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SnapshotPage {
    /// `iss`: the server's issuer, as in tokens.
    pub issuer: String,
    /// `log`: the log to go on with.
    pub log: LogId,
    /// `to`: the position from which to go on; it was taken before the first page was read.
    pub to: u64,
    /// `iat`: when the page was made.
    pub issued: Timestamp,
    /// `records`.
    pub records: Vec<RevocationRecord>,
    /// `tenants`: those that the feed key is for, `"all"` or their names. A verifier of another one must not start: it
    /// would never hear of a revocation. `None` if the server does not say.
    pub tenants: Option<FeedTenants>,
    /// `next`: the cursor of the next page; absent on the last one.
    pub next: Option<String>,
}

#[derive(Serialize)]
struct AnswerClaims<'a> {
    iss: &'a str,
    log: &'a LogId,
    from: u64,
    to: u64,
    nonce: &'a str,
    lag_ms: i64,
    more: bool,
    iat: i64,
    records: &'a [RevocationRecord],
    behind: &'a [TenantId],
}

impl FeedMessage for FeedAnswer {
    const TYPE: &'static str = "revocations+jwt";

    fn claims(&self) -> impl Serialize {
        AnswerClaims {
            iss: &self.issuer,
            log: &self.log,
            from: self.from,
            to: self.to,
            nonce: &self.nonce,
            lag_ms: self.lag_ms,
            more: self.more,
            iat: self.issued.as_seconds(),
            records: &self.records,
            behind: &self.behind,
        }
    }

    fn of_claims(claims: &Map<String, Value>) -> Result<Self, TokenFault> {
        let claims = FeedClaims(claims);
        Ok(Self {
            issuer: claims.read("iss", Value::as_str)?.to_owned(),
            log: claims.read("log", |value| value.as_str()?.parse().ok())?,
            from: claims.read("from", Value::as_u64)?,
            to: claims.read("to", Value::as_u64)?,
            nonce: claims.read("nonce", Value::as_str)?.to_owned(),
            lag_ms: claims.read("lag_ms", Value::as_i64)?,
            more: claims.read("more", Value::as_bool)?,
            issued: claims.read("iat", Value::as_i64).map(Timestamp::from_seconds)?,
            records: claims.read("records", records)?,
            behind: claims.read("behind", tenants)?,
        })
    }
}

#[derive(Serialize)]
struct PageClaims<'a> {
    iss: &'a str,
    log: &'a LogId,
    to: u64,
    iat: i64,
    records: &'a [RevocationRecord],
    #[serde(skip_serializing_if = "Option::is_none")]
    tenants: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<&'a str>,
}

impl FeedMessage for SnapshotPage {
    const TYPE: &'static str = "revocations-snapshot+jwt";

    fn claims(&self) -> impl Serialize {
        PageClaims {
            iss: &self.issuer,
            log: &self.log,
            to: self.to,
            iat: self.issued.as_seconds(),
            records: &self.records,
            tenants: self.tenants.as_ref().map(written_tenants),
            next: self.next.as_deref(),
        }
    }

    fn of_claims(claims: &Map<String, Value>) -> Result<Self, TokenFault> {
        let (has_next, has_tenants) = (claims.contains_key("next"), claims.contains_key("tenants"));
        let claims = FeedClaims(claims);
        let feed_tenants = || claims.read("tenants", read_tenants);
        let next = || claims.read("next", |value| value.as_str().map(str::to_owned));
        Ok(Self {
            issuer: claims.read("iss", Value::as_str)?.to_owned(),
            log: claims.read("log", |value| value.as_str()?.parse().ok())?,
            to: claims.read("to", Value::as_u64)?,
            issued: claims.read("iat", Value::as_i64).map(Timestamp::from_seconds)?,
            records: claims.read("records", records)?,
            tenants: has_tenants.then(feed_tenants).transpose()?,
            next: has_next.then(next).transpose()?,
        })
    }
}

fn records(value: &Value) -> Option<Vec<RevocationRecord>> {
    value.as_array()?.iter().map(|record| RevocationRecord::try_from(record).ok()).collect()
}

/// In place of a list of tenants.
const ALL: &str = "all";

fn written_tenants(tenants: &FeedTenants) -> Value {
    match tenants {
        FeedTenants::All => ALL.into(),
        FeedTenants::Some(named) => named.iter().map(TenantId::as_str).collect::<Vec<_>>().into(),
    }
}

fn read_tenants(value: &Value) -> Option<FeedTenants> {
    if value.as_str() == Some(ALL) {
        return Some(FeedTenants::All);
    }
    tenants(value).map(|named| FeedTenants::Some(named.into_iter().collect()))
}

fn tenants(value: &Value) -> Option<Vec<TenantId>> {
    value.as_array()?.iter().map(|tenant| tenant.as_str()?.parse().ok()).collect()
}

/// Reads claims, with a fault that names the missing or wrong one.
#[derive(Clone, Copy)]
struct FeedClaims<'a>(&'a Map<String, Value>);

impl<'a> FeedClaims<'a> {
    fn read<T>(self, name: &'static str, read: impl Fn(&'a Value) -> Option<T>) -> Result<T, TokenFault> {
        let value = self.0.get(name).ok_or(TokenFault::MissingClaim(name))?;
        read(value).ok_or(TokenFault::BadClaim(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer() -> FeedSigner {
        FeedSigner::derive(&PlainSecret::presented("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"))
    }

    fn page() -> SnapshotPage {
        let record = r#"["e",4]"#;
        SnapshotPage {
            issuer: "https://auth.example.com".to_owned(),
            log: "n1".parse().unwrap(),
            to: 12,
            issued: Timestamp::from_seconds(1_769_638_376),
            records: vec![serde_json::from_str(record).unwrap()],
            tenants: Some(FeedTenants::All),
            next: Some("c2".to_owned()),
        }
    }

    /// The derived key, by the steps of RFC 5869 as another language would take them.
    #[test]
    fn the_key_is_derived_as_the_standard_says() {
        use ring::hmac;
        let feed_key = PlainSecret::presented("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8");
        let mac = |key: &[u8], parts: &[u8]| {
            hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), parts).as_ref().to_vec()
        };
        let extracted = mac(&[0; 32], feed_key.reveal().as_bytes());
        let expanded = mac(&extracted, b"portcullis revocations v1\x01");
        assert_eq!(derived_bytes(&feed_key).as_slice(), expanded);
    }

    #[test]
    fn a_page_is_no_answer_and_a_page_of_another_key_is_none() {
        let signed = signer().sign(&page()).unwrap();
        assert_eq!(signer().read::<SnapshotPage>(&signed).unwrap(), page());
        assert_eq!(signer().read::<FeedAnswer>(&signed), Err(TokenFault::WrongType));
        let other = FeedSigner::derive(&PlainSecret::presented("another feed key"));
        assert!(matches!(other.read::<SnapshotPage>(&signed), Err(TokenFault::UnknownKey { .. })));
    }

    #[test]
    fn a_page_says_whose_revocations_the_key_is_for() {
        let several = ["acme", "globex"].map(|name| name.parse().unwrap());
        for tenants in [None, Some(FeedTenants::All), Some(FeedTenants::Some(several.into_iter().collect()))]
        {
            let page = SnapshotPage { tenants, ..page() };
            let signed = signer().sign(&page).unwrap();
            assert_eq!(signer().read::<SnapshotPage>(&signed).unwrap(), page);
        }
    }

    #[test]
    fn the_last_page_names_no_next_one() {
        let last = SnapshotPage { next: None, ..page() };
        let signed = signer().sign(&last).unwrap();
        assert_eq!(signer().read::<SnapshotPage>(&signed).unwrap().next, None);
    }

    #[test]
    fn an_answer_may_be_longer_than_a_token() {
        let records = vec![page().records[0].clone(); 10_000];
        let long = SnapshotPage { records, ..page() };
        let signed = signer().sign(&long).unwrap();
        assert!(signed.len() > crate::token::MAX_LENGTH);
        assert_eq!(signer().read::<SnapshotPage>(&signed).unwrap().records.len(), 10_000);
    }
}
