//! The claims of access tokens, and their times.

use super::*;
use crate::session::Epochs;
use crate::token::SignFault;
use crate::token::access::SignInDetails;

#[test]
fn a_token_comes_back_as_it_was_signed() {
    let acme = TestTenant::called("acme");
    let plain = acme.claims();
    let full = AccessClaims {
        strategy: "device".to_owned(),
        profile: Arc::new(UserProfile {
            name: None,
            given_name: Some("Änn \"\u{1F600}\"".to_owned()),
            family_name: Some(String::new()),
            ..ann()
        }),
        nbf: Some(NOW.minus(minutes(1))),
        username: Some("ann".to_owned()),
        role: Some(Role::Admin),
        ..acme.claims()
    };
    for claims in [plain, full] {
        let token = sign_access(&acme.keys, NOW, &claims).unwrap();
        assert_eq!(acme.verify(&token), Ok(claims));
    }
}

#[test]
fn header_and_claims_are_written_in_the_order_of_the_contract() {
    let acme = TestTenant::called("acme");
    let claims = AccessClaims {
        profile: Arc::new(UserProfile {
            given_name: Some("Ann".to_owned()),
            family_name: Some("Lee".to_owned()),
            ..ann()
        }),
        iat: Timestamp::from_millis(1_769_638_376_999),
        nbf: Some(NOW),
        username: Some("ann".to_owned()),
        role: Some(Role::User),
        details: Some(SignInDetails {
            client_id: "portcullis".into(),
            gave_code: true,
            signed_in: NOW,
            epochs: Epochs { user: 1, tenant: 2, everyone: 3 },
            email_verified: true,
        }),
        ..acme.claims()
    };
    let token = sign_access(&acme.keys, NOW, &claims).unwrap();
    assert_eq!(part(&token, 0), acme.header());
    assert_eq!(
        part(&token, 1),
        r#"{"iss":"https://id.example","aud":"acme-api","client_id":"portcullis","sub":"00000000-0000-0000-0000-000000000001","tid":"acme","sid":"00000000-0000-0000-0000-000000000002","jti":"00000000-0000-0000-0000-000000000003","strategy":"jwt","amr":["pwd","otp"],"auth_time":1769638376,"epochs":[1,2,3],"email":"ann@example.com","email_verified":true,"name":"Ann Lee","given_name":"Ann","family_name":"Lee","iat":1769638376,"exp":1769639276,"nbf":1769638376,"tenantId":"acme","username":"ann","role":"user"}"#
    );
    assert!(!acme.payload().contains("null"));
}

// ASVS-map: JW4
#[test]
fn a_token_lives_until_just_before_its_expiry_plus_a_leeway_of_at_most_a_minute() {
    let acme = TestTenant::called("acme");
    let token = acme.access_token();
    let exp = acme.claims().exp;
    let verified = |now, leeway| verify_access(&acme.keys, &token, now, leeway, &acme.expected()).err();
    let moment = Duration::from_millis(1);
    for (leeway, effective) in [(Duration::ZERO, Duration::ZERO), (LEEWAY, LEEWAY), (Duration::MAX, LEEWAY)] {
        let end = exp.plus(effective);
        assert_eq!(verified(end.minus(moment), leeway), None, "{leeway:?}");
        assert_eq!(verified(end, leeway), Some(TokenFault::Expired), "{leeway:?}");
    }
}

// ASVS-map: JW4
#[test]
fn a_token_from_the_future_is_refused_by_nbf_and_not_by_iat() {
    let acme = TestTenant::called("acme");
    let later = NOW.plus(minutes(5));
    let verified = |claims: &AccessClaims, now| {
        let token = sign_access(&acme.keys, NOW, claims).unwrap();
        verify_access(&acme.keys, &token, now, LEEWAY, &acme.expected()).err()
    };
    let begins_later = AccessClaims { nbf: Some(later), ..acme.claims() };
    let begin = later.minus(LEEWAY);
    assert_eq!(verified(&begins_later, begin), None);
    let too_soon = begin.minus(Duration::from_millis(1));
    assert_eq!(verified(&begins_later, too_soon), Some(TokenFault::NotYetValid));
    let issued_later = AccessClaims { iat: later, ..acme.claims() };
    for now in [NOW, NOW.minus(minutes(24 * 60))] {
        assert_eq!(verified(&issued_later, now), None, "a clock that was set back");
    }
}

// ASVS-map: JW4
#[test]
fn a_time_is_a_whole_number_of_seconds_from_1970_on_and_nothing_else() {
    let acme = TestTenant::called("acme");
    let faults = [
        "1769639276.0",
        "1769639276.5",
        "1.769639276e9",
        "17696392760e-1",
        "-1",
        "-0",
        "9007199254740992",
        "18446744073709551615",
        "18446744073709551616",
        "1e300",
        "\"1769639276\"",
        "null",
        "true",
        "[]",
        "[1769639276]",
        "{}",
        "\"NaN\"",
        "\"\"",
    ];
    for claim in ["exp", "iat", "nbf"] {
        for bad in faults {
            let payload = with_member(&acme.payload(), claim, bad);
            let token = sign_raw(acme.access_key(), &acme.header(), &payload);
            assert_eq!(acme.verify(&token).err(), Some(TokenFault::BadClaim(claim)), "{claim}: {bad}");
        }
    }
    for not_json in ["NaN", "Infinity", "0x10", "01", "+1", "1e999", "1_000"] {
        let payload = with_member(&acme.payload(), "exp", not_json);
        let token = sign_raw(acme.access_key(), &acme.header(), &payload);
        assert_eq!(acme.verify(&token).err(), Some(TokenFault::Malformed("payload")), "{not_json}");
    }
}

// ASVS-map: JW4
#[test]
fn the_greatest_and_the_smallest_time_are_taken_for_what_they_are() {
    let acme = TestTenant::called("acme");
    let verified = |claim: &str, value: &str| {
        acme.verify(&sign_raw(acme.access_key(), &acme.header(), &with_member(&acme.payload(), claim, value)))
    };
    let end = Timestamp::from_seconds((1 << 53) - 1);
    assert_eq!(verified("exp", "9007199254740991").map(|claims| claims.exp), Ok(end));
    assert_eq!(verified("exp", "0").err(), Some(TokenFault::Expired));
    assert_eq!(verified("iat", "0").map(|claims| claims.iat), Ok(Timestamp::from_seconds(0)));
    assert_eq!(verified("iat", "9007199254740991").map(|claims| claims.iat), Ok(end));
    assert_eq!(verified("nbf", "9007199254740991").err(), Some(TokenFault::NotYetValid));
}

// ASVS-map: JW4
#[test]
fn every_claim_that_is_not_optional_is_needed_and_is_of_its_type() {
    let acme = TestTenant::called("acme");
    let payload = acme.payload();
    let verified = |payload: &str| acme.verify(&sign_raw(acme.access_key(), &acme.header(), payload)).err();
    for claim in ["iss", "aud", "sub", "tid", "sid", "jti", "strategy", "email", "iat", "exp"] {
        let renamed = payload.replace(&format!("\"{claim}\":"), "\"other\":");
        assert_eq!(verified(&renamed), Some(TokenFault::MissingClaim(claim)));
        for bad in ["null", "{}", "[]", "[\"acme\"]", "true", "-1"] {
            let changed = with_member(&payload, claim, bad);
            assert_eq!(verified(&changed), Some(TokenFault::BadClaim(claim)), "{claim}: {bad}");
        }
    }
    for claim in ["name", "given_name", "family_name", "username", "role", "tenantId"] {
        assert_eq!(verified(&with_member(&payload, claim, "1")), Some(TokenFault::BadClaim(claim)));
    }
}

#[test]
fn an_id_has_one_spelling() {
    let acme = TestTenant::called("acme");
    for claim in ["sub", "sid", "jti"] {
        for bad in [
            "0198c0de-0000-7000-8000-00000000000A",
            "0198c0de00007000800000000000000a",
            "{0198c0de-0000-7000-8000-00000000000a}",
            "urn:uuid:0198c0de-0000-7000-8000-00000000000a",
            " 0198c0de-0000-7000-8000-00000000000a",
            "",
            "root",
        ] {
            let payload = with_member(&acme.payload(), claim, &format!("\"{bad}\""));
            let token = sign_raw(acme.access_key(), &acme.header(), &payload);
            assert_eq!(acme.verify(&token).err(), Some(TokenFault::BadClaim(claim)), "{bad}");
        }
    }
}

// ASVS-map: JW6
#[test]
fn a_token_of_another_issuer_or_for_another_audience_or_tenant_is_refused() {
    let acme = TestTenant::called("acme");
    let verified = |claims: &AccessClaims| acme.verify(&sign_access(&acme.keys, NOW, claims).unwrap()).err();
    for iss in ["https://id.example/", "https://ID.example", "https://id.example.evil", ""] {
        let claims = AccessClaims { iss: iss.into(), ..acme.claims() };
        assert_eq!(verified(&claims), Some(TokenFault::WrongIssuer), "{iss}");
    }
    for aud in ["acme", "acme-api ", "other", ""] {
        let claims = AccessClaims { aud: Some(aud.into()), ..acme.claims() };
        assert_eq!(verified(&claims), Some(TokenFault::WrongAudience), "{aud}");
    }
    let claims = AccessClaims { tid: "other".parse().unwrap(), ..acme.claims() };
    assert_eq!(verified(&claims), Some(TokenFault::WrongTenant));

    let list = with_member(&acme.payload(), "aud", r#"["acme-api"]"#);
    let token = sign_raw(acme.access_key(), &acme.header(), &list);
    assert_eq!(acme.verify(&token).err(), Some(TokenFault::BadClaim("aud")));
}

#[test]
fn the_claims_of_the_device_surface_come_together_and_name_the_same_tenant() {
    let acme = TestTenant::called("acme");
    let verified = |more: &str| {
        let payload = acme.payload().replace(r#""exp""#, &format!(r#"{more},"exp""#));
        acme.verify(&sign_raw(acme.access_key(), &acme.header(), &payload)).err()
    };
    let good = r#""tenantId":"acme","username":"ann","role":"user""#;
    assert_eq!(verified(good), None);
    let fault = Some(TokenFault::BadClaim("tenantId"));
    assert_eq!(verified(&good.replace("acme", "other")), fault);
    assert_eq!(verified(r#""role":"root""#), Some(TokenFault::BadClaim("role")));
    assert_eq!(verified(r#""username":"ann","role":"admin""#), fault);
}

#[test]
fn a_token_that_is_too_long_to_be_accepted_is_not_made() {
    let acme = TestTenant::called("acme");
    let profile = UserProfile { name: Some("x".repeat(8 * 1024)), ..ann() };
    let claims = AccessClaims { profile: Arc::new(profile), ..acme.claims() };
    assert_eq!(sign_access(&acme.keys, NOW, &claims), Err(SignFault::TooLong));
}

#[test]
fn a_key_signs_by_a_clock_that_was_set_back_before_its_time_and_without_a_key_nothing_does() {
    let acme = TestTenant::called("acme");
    let before = NOW.minus(minutes(61));
    assert!(sign_access(&acme.keys, before, &acme.claims()).is_ok());
    let none = ring(&acme.id, &[], &SharedSecrets::default());
    assert_eq!(sign_access(&none, NOW, &acme.claims()), Err(SignFault::NoKey));
}

/// The payload with one member's value replaced by this text, or with the member in front.
fn with_member(payload: &str, name: &str, value: &str) -> String {
    let label = format!("\"{name}\":");
    let Some((before, after)) = payload.split_once(&label) else {
        return payload.replacen('{', &format!("{{{label}{value},"), 1);
    };
    // No value in these payloads holds a comma or a brace.
    let end = after.find([',', '}']).unwrap();
    format!("{before}{label}{value}{}", &after[end..])
}
