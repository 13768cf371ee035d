//! Attacks by a client that does not hold the key.

use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::key::{Algorithm, Kid};
use crate::token::cookie;

// ASVS-map: JW8
#[test]
fn no_byte_of_a_token_can_be_changed() {
    let acme = TestTenant::called("acme");
    let (access, refresh) = (acme.access_token(), acme.refresh_token());
    assert!(acme.verify(&access).is_ok() && acme.decode(&refresh).is_ok());
    for changed in changes(&access) {
        assert!(acme.verify(&changed).is_err(), "{changed}");
    }
    for changed in changes(&refresh) {
        assert!(acme.decode(&changed).is_err(), "{changed}");
    }
}

/// The text with one bit changed, for every bit that leaves it text.
fn changes(text: &str) -> impl Iterator<Item = String> {
    (0..text.len() * 7).map(move |index| {
        let mut bytes = text.as_bytes().to_vec();
        bytes[index / 7] ^= 1 << (index % 7);
        String::from_utf8(bytes).unwrap()
    })
}

#[test]
fn no_byte_of_what_was_signed_can_be_left_out_or_doubled() {
    let acme = TestTenant::called("acme");
    let token = acme.refresh_token();
    for index in 0..token.len() {
        let (mut shorter, mut longer) = (token.clone(), token.clone());
        let byte = shorter.remove(index);
        longer.insert(index, byte);
        assert!(acme.decode(&shorter).is_err(), "{shorter}");
        assert!(acme.decode(&longer).is_err(), "{longer}");
    }
}

/// A list that denies a session or token id denies both spellings of the signature.
// ASVS-map: JW9
#[test]
fn the_mirrored_es256_signature_names_the_same_session_and_token() {
    let acme = TestTenant::called("acme");
    let token = acme.access_token();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let mirrored = [&bytes[..32], &order_minus(&bytes[32..])].concat();
    let twin = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mirrored));
    assert_ne!(twin, token);
    assert_eq!(acme.verify(&twin), acme.verify(&token));
}

/// The order of P-256 (SEC 2, section 2.4.2) minus a number, both in 32 bytes.
fn order_minus(number: &[u8]) -> Vec<u8> {
    let order = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa,
        0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51u8,
    ];
    let mut difference = vec![0; 32];
    let mut borrow = false;
    for index in (0..32).rev() {
        let (partial, first) = order[index].overflowing_sub(number[index]);
        let (digit, second) = partial.overflowing_sub(u8::from(borrow));
        difference[index] = digit;
        borrow = first || second;
    }
    difference
}

// ASVS-map: JW1, JW2
#[test]
fn the_public_key_is_not_accepted_as_a_secret_in_any_form() {
    let acme = TestTenant::called("acme");
    for secret in public_forms(&acme) {
        let mac = SigningKey::hs256(acme.access_key().kid().clone(), &secret);
        let confused = acme.header().replace("ES256", "HS256");
        let token = sign_raw(&mac, &confused, &acme.payload());
        assert_eq!(acme.verify(&token).err(), Some(TokenFault::WrongAlgorithm));
        let token = sign_raw(&mac, &acme.header(), &acme.payload());
        assert_eq!(acme.verify(&token).err(), Some(TokenFault::BadSignature));
    }
}

/// Every form in which an attacker may use the public key as a secret.
fn public_forms(tenant: &TestTenant) -> Vec<Vec<u8>> {
    let jwks = serde_json::to_value(tenant.keys.jwks(NOW)).unwrap();
    let jwk = &jwks["keys"][0];
    let coordinate = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
    let coordinates = [coordinate("x"), coordinate("y")].concat();
    let point = [vec![4], coordinates.clone()].concat();
    // SubjectPublicKeyInfo of a key on P-256 (RFC 5480), up to the point.
    let prefix = "3059301306072a8648ce3d020106082a8648ce3d030107034200";
    let prefix = (0..prefix.len()).step_by(2).map(|at| u8::from_str_radix(&prefix[at..at + 2], 16).unwrap());
    let der = [prefix.collect(), point.clone()].concat();
    let body = STANDARD.encode(&der);
    let lines = format!("{}\n{}", &body[..64], &body[64..]);
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{lines}\n-----END PUBLIC KEY-----\n");
    vec![
        coordinate("x"),
        coordinates,
        point,
        der,
        pem.trim_end().as_bytes().to_vec(),
        pem.into_bytes(),
        jwk.to_string().into_bytes(),
        jwks.to_string().into_bytes(),
        Vec::new(),
    ]
}

// ASVS-map: JW1
#[test]
fn only_the_keys_own_algorithm_will_do_in_its_exact_spelling() {
    let acme = TestTenant::called("acme");
    for (kid, typ) in [(acme.access_key().kid(), "at+jwt"), (acme.refresh_key().kid(), "rt+jwt")] {
        let fault = |alg: &str, signature: &str| {
            let header = format!(r#"{{"typ":"{typ}","alg":{alg},"kid":"{kid}"}}"#);
            let signed =
                format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(acme.payload()));
            let token = format!("{signed}.{signature}");
            if typ == "at+jwt" { acme.verify(&token).err() } else { acme.decode(&token).err() }
        };
        for alg in [
            "none", "None", "NONE", "nOnE", "", "HS512", "RS256", "PS256", "ES384", "EdDSA", "es256",
            "hs256", "ES256 ",
        ] {
            let alg = format!("\"{alg}\"");
            assert_eq!(fault(&alg, "AA"), Some(TokenFault::WrongAlgorithm), "{alg}");
            assert_eq!(fault(&alg, ""), Some(TokenFault::Malformed("not three parts")), "{alg}");
        }
        for alg in ["null", "[]", "[\"ES256\"]", "0", "256", "true", "{}"] {
            assert_eq!(fault(alg, "AA"), Some(TokenFault::Malformed("alg")), "{alg}");
        }
    }
}

// ASVS-map: JW1
#[test]
fn bytes_that_are_not_a_signature_do_not_verify() {
    let acme = TestTenant::called("acme");
    let token = acme.access_token();
    let (signed, _) = token.rsplit_once('.').unwrap();
    for length in [1, 32, 63, 64, 65, 70, 71, 72, 128] {
        for byte in [0x00, 0x01, 0x30, 0xff] {
            let forged = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(vec![byte; length]));
            assert_eq!(acme.verify(&forged).err(), Some(TokenFault::BadSignature), "{length} × {byte}");
        }
    }
}

// ASVS-map: JW5
#[test]
fn each_kind_of_token_is_accepted_as_that_kind_alone() {
    let acme = TestTenant::called("acme");
    let signer = acme.keys.cookie_signer(NOW).unwrap();
    let value = "0123456789abcdef";
    let issued = [acme.access_token(), acme.refresh_token(), cookie::sign(signer, value)];
    let accepted = issued.map(|text| {
        let keys = acme.keys.cookie_keys(NOW);
        [acme.verify(&text).is_ok(), acme.decode(&text).is_ok(), cookie::unsign(&text, &keys).is_some()]
    });
    assert_eq!(accepted, [[true, false, false], [false, true, false], [false, false, true]]);
    assert_eq!(acme.verify(&acme.refresh_token()).err(), Some(TokenFault::WrongType));
    assert_eq!(acme.decode(&acme.access_token()).err(), Some(TokenFault::WrongType));
}

/// Even a right signature does not help if the key is for another use.
// ASVS-map: JW2, JW5
#[test]
fn a_key_of_one_use_is_unknown_to_every_other() {
    let acme = TestTenant::called("acme");
    let mac = acme.refresh_key().mac();
    let header = format!(r#"{{"typ":"at+jwt","alg":"HS256","kid":"{}"}}"#, mac.kid());
    let unknown = |kid: &Kid| Some(TokenFault::UnknownKey { kid: kid.clone() });
    assert_eq!(acme.verify(&sign_raw(mac, &header, &acme.payload())).err(), unknown(mac.kid()));

    let key = acme.access_key();
    let header = acme.header().replace("at+jwt", "rt+jwt");
    let token = sign_raw(key, &header, &part(&acme.refresh_token(), 1));
    assert_eq!(acme.decode(&token).err(), unknown(key.kid()));
}

// ASVS-map: RT7, JW6
#[test]
fn another_tenants_token_is_refused_even_under_a_name_of_ours() {
    let (acme, other) = (TestTenant::called("acme"), TestTenant::called("other"));
    let kid = other.access_key().kid().clone();
    assert_eq!(acme.verify(&other.access_token()).err(), Some(TokenFault::UnknownKey { kid }));
    let kid = other.refresh_key().kid().clone();
    assert_eq!(acme.decode(&other.refresh_token()).err(), Some(TokenFault::UnknownKey { kid }));

    let renamed = sign_raw(other.access_key(), &acme.header(), &acme.payload());
    assert_eq!(acme.verify(&renamed).err(), Some(TokenFault::BadSignature));
    let ours = acme.refresh_token();
    let renamed = sign_raw(other.refresh_key().mac(), &part(&ours, 0), &part(&ours, 1));
    assert_eq!(acme.decode(&renamed).err(), Some(TokenFault::BadSignature));
}

// ASVS-map: TN2, JW6
#[test]
fn tenants_that_share_a_secret_still_have_their_own_tokens() {
    let shared = SharedSecrets::new(Some("correct horse battery staple, twice over"), None).unwrap();
    let [acme, other] = ["acme", "other"].map(|name| TestTenant::sharing(name, &shared));
    assert_eq!(acme.access_key().algorithm(), Algorithm::Hs256);
    assert_eq!(acme.verify(&acme.access_token()), Ok(acme.claims()));
    assert_eq!(acme.verify(&other.access_token()).err(), Some(TokenFault::WrongTenant));
    let confused = acme.header().replace("HS256", "ES256");
    let token = sign_raw(acme.access_key(), &confused, &acme.payload());
    assert_eq!(acme.verify(&token).err(), Some(TokenFault::WrongAlgorithm));
}
