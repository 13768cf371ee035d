//! Refresh tokens and their chain.

use zeroize::Zeroizing;

use super::*;
use crate::key::KeyMaterial;
use crate::session::REPEAT_AFTER_EXPIRY;
use crate::token::refresh::{encode, first_secret, next_secret};

/// A key ring with a known refresh key, so that another program can compute the same tokens.
fn ring_with(material: [u8; 32], kid: &str) -> Keyring {
    let tenant = TenantId::default_tenant();
    let record = KeyRecord {
        kid: kid.parse().unwrap(),
        material: KeyMaterial::Plain(Zeroizing::new(material.to_vec())),
        ..key(&tenant, KeyUse::Refresh, NOW)
    };
    ring(&tenant, &[record], &SharedSecrets::default())
}

fn known_claims(r: ChainSecret) -> RefreshClaims {
    RefreshClaims {
        issuer: ISSUER.into(),
        audience: AUDIENCE.into(),
        tenant: TenantId::default_tenant(),
        session: SessionId::from_uuid(Uuid::from_u128(2)),
        generation: 7,
        r,
        issued: NOW,
        expires: NOW.plus(minutes(60)),
    }
}

struct ConstantRandom;

impl crate::random::Random for ConstantRandom {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(9);
    }
}

#[test]
fn a_token_comes_back_as_it_was_written_with_the_key_that_signed_it() {
    let acme = TestTenant::called("acme");
    let claims = acme.refresh_claims();
    let token = encode(acme.refresh_key(), &claims).unwrap();
    let (read, key) = acme.decode(&token).unwrap();
    assert_eq!(read, claims);
    assert_eq!(key.kid(), acme.refresh_key().kid());
}

/// Computed in Python from RFC 5869, RFC 2104 and the claims. Tokens outlive a release, so none of this may change.
#[test]
fn a_known_key_makes_a_known_token_and_a_known_successor() {
    let keys = ring_with([7; 32], "refresh-1");
    let key = keys.refresh_signer(NOW).unwrap();
    let claims = known_claims(first_secret(&ConstantRandom));
    let token = encode(key, &claims).unwrap();
    assert_eq!(part(&token, 0), r#"{"typ":"rt+jwt","alg":"HS256","kid":"refresh-1"}"#);
    assert_eq!(
        part(&token, 1),
        r#"{"iss":"https://id.example","aud":"acme-api","tid":"default","sid":"00000000-0000-0000-0000-000000000002","gen":7,"r":"CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk","iat":1769638376,"exp":1769641976}"#
    );
    assert_eq!(token.rsplit_once('.').unwrap().1, "bnzjUlu8F9oFENSzd5cKhQaJo8xNB12JyS1rokiBzp4");
    let next = known_claims(next_secret(key, &claims.r));
    let next = part(&encode(key, &next).unwrap(), 1);
    assert!(next.contains(r#""r":"0cUBj8HCdQz-Sym6iu9DnZTHdkTQmWIj9K84WSxYSHw""#), "{next}");
}

// ASVS-map: RT3
#[test]
fn a_repeated_refresh_gives_the_same_bytes_even_across_a_change_of_keys() {
    let tenant = TenantId::default_tenant();
    let old = key(&tenant, KeyUse::Refresh, NOW.minus(minutes(60)));
    let new = key(&tenant, KeyUse::Refresh, NOW);
    let before = ring(&tenant, std::slice::from_ref(&old), &SharedSecrets::default());
    let after = ring(&tenant, &[new, old], &SharedSecrets::default());
    let presented =
        encode(before.refresh_signer(NOW).unwrap(), &known_claims(first_secret(&SystemRandom))).unwrap();
    let expected = ExpectedClaims { issuer: ISSUER, audience: AUDIENCE, tenant: &tenant };

    // The session's record says which key signed the successor, and when.
    let written_by = before.refresh_signer(NOW).unwrap().kid();
    let renew = |keys: &Keyring| {
        let (claims, key) = decode_text(keys, &presented, NOW, &expected).unwrap();
        let next = RefreshClaims { generation: 8, r: next_secret(key, &claims.r), ..claims };
        encode(keys.refresh_key(written_by, NOW).unwrap(), &next).unwrap()
    };
    assert_ne!(after.refresh_signer(NOW).unwrap().kid(), written_by);
    assert_eq!(renew(&before), renew(&after));
}

#[test]
fn a_successor_depends_on_key_and_predecessor_and_neither_is_in_the_token() {
    let [one, two] = [[1; 32], [2; 32]].map(|bytes| ring_with(bytes, "k"));
    let [one, two] = [&one, &two].map(|ring| ring.refresh_signer(NOW).unwrap());
    let (r, other) = (first_secret(&SystemRandom), first_secret(&SystemRandom));
    let chain =
        [r.clone(), other.clone(), next_secret(one, &r), next_secret(one, &other), next_secret(two, &r)];
    let hashes: std::collections::HashSet<_> = chain.iter().map(ChainSecret::hash).collect();
    assert_eq!(hashes.len(), chain.len());
    assert_eq!(next_secret(one, &r), next_secret(one, &r.clone()));
    assert_eq!(format!("{r:?} {one:?} {:?}", r.hash()), "ChainSecret RefreshKey(k) SecretHash");
}

// ASVS-map: RT6
#[test]
fn a_refresh_token_is_read_until_the_last_time_at_which_it_may_be_repeated() {
    let acme = TestTenant::called("acme");
    let claims = acme.refresh_claims();
    let token = encode(acme.refresh_key(), &claims).unwrap();
    let decoded = |now| decode_text(&acme.keys, &token, now, &acme.expected()).map(|_| ());
    let end = claims.expires.plus(REPEAT_AFTER_EXPIRY);
    assert_eq!(decoded(end.minus(Duration::from_millis(1))), Ok(()));
    assert_eq!(decoded(end), Err(TokenFault::Expired));
}

#[test]
fn a_clock_that_was_set_back_refuses_no_refresh_token() {
    let acme = TestTenant::called("acme");
    let token = acme.refresh_token();
    for back in [5 * 60, 60 * 60, 365 * 24 * 60 * 60].map(Duration::from_secs) {
        let now = NOW.minus(back);
        assert_eq!(decode_text(&acme.keys, &token, now, &acme.expected()).map(|_| ()), Ok(()));
    }
}

// ASVS-map: RT7
#[test]
fn a_refresh_token_for_another_issuer_audience_or_tenant_is_refused_before_its_expiry_is_checked() {
    let acme = TestTenant::called("acme");
    let ours = RefreshClaims { expires: NOW.minus(REPEAT_AFTER_EXPIRY), ..acme.refresh_claims() };
    let decoded = |claims: RefreshClaims| acme.decode(&encode(acme.refresh_key(), &claims).unwrap()).err();
    let issuer = RefreshClaims { issuer: "https://evil.example".into(), ..ours.clone() };
    let audience = RefreshClaims { audience: "other".into(), ..ours.clone() };
    let tenant = RefreshClaims { tenant: "other".parse().unwrap(), ..ours.clone() };
    assert_eq!(decoded(issuer), Some(TokenFault::WrongIssuer));
    assert_eq!(decoded(audience), Some(TokenFault::WrongAudience));
    assert_eq!(decoded(tenant), Some(TokenFault::WrongTenant));
    assert_eq!(decoded(ours), Some(TokenFault::Expired));
}

#[test]
fn claims_of_another_type_are_refused_even_under_our_mac() {
    let acme = TestTenant::called("acme");
    let token = acme.refresh_token();
    let (header, payload) = (part(&token, 0), part(&token, 1));
    let decoded = |payload: &str| acme.decode(&sign_raw(acme.refresh_key().mac(), &header, payload)).err();
    for (claim, from, to) in [
        ("gen", r#""gen":7"#, r#""gen":-1"#),
        ("gen", r#""gen":7"#, r#""gen":7.0"#),
        ("gen", r#""gen":7"#, r#""gen":"7""#),
        ("r", r#""r":""#, r#""r":"A"#),
        ("r", r#""r":""#, r#""r":"=="#),
        ("iat", r#""iat":"#, r#""iat":-"#),
        ("sid", r#""sid":"0"#, r#""sid":"x"#),
    ] {
        assert_eq!(decoded(&payload.replace(from, to)), Some(TokenFault::BadClaim(claim)), "{to}");
    }
    for claim in ["iss", "aud", "tid", "sid", "gen", "r", "iat", "exp"] {
        let without = payload.replace(&format!("\"{claim}\":"), "\"other\":");
        assert_eq!(decoded(&without), Some(TokenFault::MissingClaim(claim)));
    }
}
