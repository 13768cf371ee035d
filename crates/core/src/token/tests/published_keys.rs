//! Tokens in a process that has the published keys alone.

use super::*;
use crate::key::PublicKeySet;
use crate::session::Epochs;
use crate::token::access::{PublishedAccess, SignInDetails, verify_published};

/// What another process reads of a tenant's keys.
fn published(tenant: &TestTenant) -> PublicKeySet {
    let json = serde_json::to_vec(&tenant.keys.jwks(NOW)).unwrap();
    PublicKeySet::parse(&json).unwrap()
}

fn verified(tenant: &TestTenant, token: &str) -> Result<PublishedAccess, TokenFault> {
    verify_published(&published(tenant), token, NOW, LEEWAY, &tenant.expected())
}

fn details() -> SignInDetails {
    SignInDetails {
        client_id: "portcullis".into(),
        gave_code: true,
        signed_in: NOW,
        epochs: Epochs { user: 1, tenant: 2, everyone: 3 },
        email_verified: true,
    }
}

// ASVS-map: JW2
#[test]
fn the_published_keys_verify_what_the_key_ring_signs_and_both_read_the_same() {
    let acme = TestTenant::called("acme");
    for details in [details(), SignInDetails { gave_code: false, epochs: Epochs::default(), ..details() }] {
        let claims = AccessClaims { details: Some(details), ..acme.claims() };
        let token = sign_access(&acme.keys, NOW, &claims).unwrap();
        let by_ring = verify_access(&acme.keys, &token, NOW, LEEWAY, &acme.expected()).unwrap();
        let by_set = verified(&acme, &token).unwrap();
        assert_eq!((&by_ring, &by_set.claims), (&claims, &claims));
        assert!(published(&acme).contains(&by_set.kid));
    }
}

// ASVS-map: JW6
#[test]
fn a_token_of_another_tenant_or_installation_is_refused_with_the_published_keys_too() {
    let (acme, other) = (TestTenant::called("acme"), TestTenant::called("other"));
    assert!(matches!(verified(&acme, &other.access_token()), Err(TokenFault::UnknownKey { .. })));
    let elsewhere = ExpectedClaims { issuer: "https://elsewhere.example", ..acme.expected() };
    let refused = verify_published(&published(&acme), &acme.access_token(), NOW, LEEWAY, &elsewhere);
    assert_eq!(refused.err(), Some(TokenFault::WrongIssuer));
}

// ASVS-map: JW2
#[test]
fn the_text_of_a_published_key_is_no_secret_that_signs() {
    let acme = TestTenant::called("acme");
    let json = serde_json::to_vec(&acme.keys.jwks(NOW)).unwrap();
    let token = acme.access_token();
    let (header, payload) = token.rsplit_once('.').unwrap().0.split_once('.').unwrap();
    let header = URL_SAFE_NO_PAD.decode(header).unwrap();
    let header = String::from_utf8(header).unwrap().replace("ES256", "HS256");
    let signed = format!("{}.{payload}", URL_SAFE_NO_PAD.encode(header));
    let mac = ring::hmac::sign(&ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &json), signed.as_bytes());
    let forged = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac));
    assert_eq!(verified(&acme, &forged).err(), Some(TokenFault::WrongAlgorithm));
}

#[test]
fn a_token_that_does_not_say_all_of_its_sign_in_has_no_details() {
    let acme = TestTenant::called("acme");
    let token = acme.access_token();
    assert_eq!(verified(&acme, &token).unwrap().claims.details, None);
}
