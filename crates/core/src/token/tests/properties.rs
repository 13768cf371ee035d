//! Properties of every token and of every text.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::strict_json;
use crate::token::{claimed_tenant, cookie};

static ACME: LazyLock<TestTenant> = LazyLock::new(|| TestTenant::called("acme"));

fn every_reader(text: &str) -> [bool; 4] {
    let cookie = cookie::unsign(text, &ACME.keys.cookie_keys(NOW)).is_some();
    [ACME.verify(text).is_ok(), ACME.decode(text).is_ok(), cookie, claimed_tenant(text).is_ok()]
}

prop_compose! {
    fn access_claims()(
        (sub, sid, jti) in any::<(u128, u128, u128)>(),
        strategy in "[a-z-]{1,16}",
        email in any::<String>(),
        name in any::<Option<String>>(),
        given_name in any::<Option<String>>(),
        family_name in any::<Option<String>>(),
        age in 0..800i64,
        nbf in proptest::option::of(0..1_769_638_376i64),
        username in any::<Option<String>>(),
        role in proptest::option::of(proptest::sample::select(Role::ALL.to_vec())),
    ) -> AccessClaims {
        AccessClaims {
            sub: UserId::from_uuid(Uuid::from_u128(sub)),
            sid: SessionId::from_uuid(Uuid::from_u128(sid)),
            jti: TokenId::from_uuid(Uuid::from_u128(jti)),
            strategy,
            profile: Arc::new(UserProfile { email, name, given_name, family_name }),
            iat: Timestamp::from_seconds(NOW.as_seconds() - age),
            exp: Timestamp::from_seconds(NOW.as_seconds() - age + 900),
            nbf: nbf.map(Timestamp::from_seconds),
            username, role,
            ..ACME.claims()
        }
    }
}

proptest! {
    #[test]
    fn an_access_token_says_what_was_signed(claims in access_claims()) {
        if let Ok(token) = sign_access(&ACME.keys, NOW, &claims) {
            prop_assert_eq!(ACME.verify(&token), Ok(claims));
        }
    }

    #[test]
    fn a_refresh_token_says_what_was_written(sid in any::<u128>(), generation in 0..1u64 << 53, seconds in 1..1u32 << 30) {
        let claims = RefreshClaims {
            session: SessionId::from_uuid(Uuid::from_u128(sid)),
            generation,
            expires: NOW.plus(Duration::from_secs(seconds.into())),
            ..ACME.refresh_claims()
        };
        let token = refresh::encode(ACME.refresh_key(), &claims).unwrap();
        prop_assert_eq!(&token, &refresh::encode(ACME.refresh_key(), &claims).unwrap());
        prop_assert_eq!(ACME.decode(&token).map(|(read, _)| read), Ok(claims));
    }

    #[test]
    fn a_cookie_value_comes_back(value in any::<String>()) {
        let signed = cookie::sign(ACME.keys.cookie_signer(NOW).unwrap(), &value);
        prop_assert_eq!(cookie::unsign(&signed, &ACME.keys.cookie_keys(NOW)), Some(value.as_str()));
    }

    #[test]
    fn no_random_text_is_accepted(text in any::<String>()) {
        prop_assert_eq!(every_reader(&text), [false; 4]);
    }

    #[test]
    fn no_random_text_in_the_form_of_a_token_is_accepted(text in "[A-Za-z0-9_-]{0,90}\\.[A-Za-z0-9_-]{0,90}\\.[A-Za-z0-9_-]{0,90}") {
        prop_assert_eq!(every_reader(&text), [false; 4]);
    }

    #[test]
    fn no_header_and_payload_with_a_random_signature_is_accepted(
        header in "\\{\"(typ|alg|kid|crit)\":(\"(at\\+jwt|rt\\+jwt|none|HS256|ES256)\"|null|\\[\\]|1)(,\"(typ|alg|kid)\":\"[a-zA-Z0-9+]{0,8}\")*\\}",
        payload in any::<Vec<u8>>(),
        signature in any::<[u8; 32]>(),
    ) {
        let text = [header.as_bytes(), &payload, &signature].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
        let [access, refresh, cookie, _] = every_reader(&text);
        prop_assert!(!access && !refresh && !cookie);
    }

    #[test]
    fn whatever_the_holder_of_a_key_signs_is_read_without_a_panic(payload in any::<Vec<u8>>()) {
        let header = URL_SAFE_NO_PAD.encode(ACME.header());
        let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(&payload));
        let signature = ACME.access_key().sign(signed.as_bytes()).unwrap();
        let verified = ACME.verify(&format!("{signed}.{signature}"));
        prop_assert!(verified.is_err());
    }

    #[test]
    fn json_is_read_as_others_read_it(text in "[\\[\\]{}:,\"a0-9.eE \\\\u-]{0,40}") {
        let lax: Result<serde_json::Map<String, serde_json::Value>, _> = serde_json::from_str(&text);
        if let Some(members) = strict_json::object(text.as_bytes()) {
            prop_assert_eq!(Some(members), lax.ok());
        }
    }
}
