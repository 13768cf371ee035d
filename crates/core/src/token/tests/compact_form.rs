//! Strict parsing of the compact form.

use super::*;
use crate::token::{MAX_LENGTH, claimed_tenant};

fn malformed(what: &'static str) -> TokenFault {
    TokenFault::Malformed(what)
}

// ASVS-map: JW8
#[test]
fn a_token_has_three_parts_and_at_most_eight_kibibytes() {
    let acme = TestTenant::called("acme");
    let token = acme.access_token();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (header, payload) = signed.split_once('.').unwrap();
    for bad in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        header.to_owned(),
        signed.to_owned(),
        format!("{signed}."),
        format!(".{payload}.{signature}"),
        format!("{header}..{signature}"),
        format!("{token}."),
        format!(".{token}"),
        format!("{token}.{signature}"),
        format!("{header}.key.iv.{payload}.{signature}"),
    ] {
        assert_eq!(acme.verify(&bad).err(), Some(malformed("not three parts")), "{bad}");
    }
    let padded = |length: usize| format!("{token}{}", "A".repeat(length - token.len()));
    assert_ne!(acme.verify(&padded(MAX_LENGTH)).err(), Some(TokenFault::TooLong));
    assert_eq!(acme.verify(&padded(MAX_LENGTH + 1)).err(), Some(TokenFault::TooLong));
}

// ASVS-map: JW8
#[test]
fn base64url_has_no_padding_no_white_space_and_no_trailing_bits() {
    let acme = TestTenant::called("acme");
    for token in [acme.access_token(), acme.refresh_token()] {
        let parts: Vec<&str> = token.split('.').collect();
        for index in 0..3 {
            for bad in respelled(parts[index]) {
                let mut changed = parts.clone();
                changed[index] = &bad;
                let changed = changed.join(".");
                let faults = [acme.verify(&changed).err(), acme.decode(&changed).err()];
                assert_eq!(faults, [Some(malformed("base64url")), Some(malformed("base64url"))], "{bad}");
            }
        }
    }
}

/// Spellings that a lax reader decodes to the same bytes.
fn respelled(part: &str) -> Vec<String> {
    let (first, rest) = part.split_at(1);
    let mut spellings: Vec<String> = ["=", "==", "\n", " ", "\t", "\r\n", "\0", "+", "/", "%3D"]
        .into_iter()
        .flat_map(|odd| [format!("{part}{odd}"), format!("{odd}{part}"), format!("{first}{odd}{rest}")])
        .filter(|text| !text.starts_with('=') || text.len() > 2)
        .collect();
    if !part.len().is_multiple_of(4) {
        let (last, before) = (part.as_bytes()[part.len() - 1], &part[..part.len() - 1]);
        // The lowest bit of the last character stands for nothing and must be zero.
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let value = alphabet.iter().position(|c| *c == last).unwrap();
        spellings.push(format!("{before}{}", char::from(alphabet[value | 1])));
    }
    spellings
}

// ASVS-map: JW8
#[test]
fn a_member_twice_is_refused_in_header_and_payload() {
    let acme = TestTenant::called("acme");
    let (header, payload) = (acme.header(), acme.payload());
    let doubled = |json: &str, more: &str| json.replacen('{', &format!("{{{more},"), 1);
    for more in [r#""typ":"at+jwt""#, r#""\u0061lg":"none""#, r#""x":{"y":1,"y":1}"#] {
        let token = sign_raw(acme.access_key(), &doubled(&header, more), &payload);
        assert_eq!(acme.verify(&token).err(), Some(malformed("header")), "{more}");
    }
    for more in
        [r#""sub":"00000000-0000-0000-0000-000000000009""#, r#""\u0074id":"x""#, r#""x":[{"y":1,"y":1}]"#]
    {
        let token = sign_raw(acme.access_key(), &header, &doubled(&payload, more));
        assert_eq!(acme.verify(&token).err(), Some(malformed("payload")), "{more}");
        assert_eq!(claimed_tenant(&token).err(), Some(malformed("payload")), "{more}");
    }
}

// ASVS-map: JW8
#[test]
fn header_and_payload_are_objects() {
    let acme = TestTenant::called("acme");
    for bad in ["[]", "null", "\"at+jwt\"", "1", "{", "{}{}", "\u{feff}{}"] {
        let token = sign_raw(acme.access_key(), bad, &acme.payload());
        assert_eq!(acme.verify(&token).err(), Some(malformed("header")), "{bad}");
        let token = sign_raw(acme.access_key(), &acme.header(), bad);
        assert_eq!(acme.verify(&token).err(), Some(malformed("payload")), "{bad}");
    }
}

// ASVS-map: JW7
#[test]
fn a_token_that_demands_an_extension_is_refused() {
    let acme = TestTenant::called("acme");
    for crit in [r#"["b64"],"b64":false"#, r#"["exp"]"#, "[]", "null", "\"\"", "{}"] {
        let header = acme.header().replacen('{', &format!("{{\"crit\":{crit},"), 1);
        let token = sign_raw(acme.access_key(), &header, &acme.payload());
        assert_eq!(acme.verify(&token).err(), Some(TokenFault::UnknownExtension), "{crit}");
    }
}

// ASVS-map: JW5
#[test]
fn the_type_is_compared_as_a_media_type_and_must_be_the_expected_one() {
    let acme = TestTenant::called("acme");
    let verified = |typ: &str| {
        let header = acme.header().replace(r#""at+jwt""#, typ);
        acme.verify(&sign_raw(acme.access_key(), &header, &acme.payload())).err()
    };
    for good in [r#""application/at+jwt""#, r#""AT+JWT""#, r#""Application/At+Jwt""#] {
        assert_eq!(verified(good), None, "{good}");
    }
    for bad in [
        r#""JWT""#,
        r#""jwt""#,
        r#""rt+jwt""#,
        r#""application/rt+jwt""#,
        r#""application/application/at+jwt""#,
        r#""text/at+jwt""#,
        r#""/at+jwt""#,
        r#""at+jwt ""#,
        r#"" at+jwt""#,
        r#""at+jwt; a=b""#,
        r#""at""#,
        r#""""#,
        r#""äpplication/at+jwt""#,
        "null",
        "[\"at+jwt\"]",
        "1",
    ] {
        assert_eq!(verified(bad), Some(TokenFault::WrongType), "{bad}");
    }
    let without = acme.header().replace(r#""typ":"at+jwt","#, "");
    let token = sign_raw(acme.access_key(), &without, &acme.payload());
    assert_eq!(acme.verify(&token).err(), Some(TokenFault::WrongType));
}

// ASVS-map: JW3
#[test]
fn a_key_name_selects_among_our_keys_and_does_nothing_else() {
    let acme = TestTenant::called("acme");
    let verified = |kid: &str| {
        let header = format!(r#"{{"typ":"at+jwt","alg":"ES256","kid":{kid}}}"#);
        acme.verify(&sign_raw(acme.access_key(), &header, &acme.payload())).err()
    };
    for bad in [
        r#""' OR 1=1 --""#,
        r#""../../etc/passwd""#,
        r#""/dev/null""#,
        r#""""#,
        r#""a\u0000b""#,
        r#""a\nb""#,
        r#""https://evil.example/key""#,
        r#""é""#,
        "null",
        "7",
        "[\"a\"]",
        "{}",
        &format!("\"{}\"", "k".repeat(129)),
    ] {
        assert_eq!(verified(bad), Some(malformed("kid")), "{bad}");
    }
    assert_eq!(verified(&format!("\"{}\"", "k".repeat(10 * 1024))), Some(TokenFault::TooLong));
    let kid = "k".repeat(128);
    let unknown = TokenFault::UnknownKey { kid: kid.parse().unwrap() };
    assert_eq!(verified(&format!("\"{kid}\"")), Some(unknown));
    let without = sign_raw(acme.access_key(), r#"{"typ":"at+jwt","alg":"ES256"}"#, &acme.payload());
    assert_eq!(acme.verify(&without).err(), Some(malformed("kid")));
}

// ASVS-map: JW3
#[test]
fn keys_that_a_token_contains_or_links_to_are_ignored() {
    let (acme, thief) = (TestTenant::called("acme"), TestTenant::called("thief"));
    let jwk = serde_json::to_string(&thief.keys.jwks(NOW).keys[0]).unwrap();
    for brought in [
        format!(r#""jwk":{jwk}"#),
        r#""jku":"http://127.0.0.1:1/jwks.json""#.to_owned(),
        r#""x5u":"http://127.0.0.1:1/cert.pem""#.to_owned(),
        r#""x5c":["MIIB"]"#.to_owned(),
        r#""b64":false"#.to_owned(),
    ] {
        let header = acme.header().replacen('{', &format!("{{{brought},"), 1);
        let ours = sign_raw(acme.access_key(), &header, &acme.payload());
        assert_eq!(acme.verify(&ours).err(), None, "{brought}");
        let theirs = sign_raw(thief.access_key(), &header, &acme.payload());
        assert_eq!(acme.verify(&theirs).err(), Some(TokenFault::BadSignature), "{brought}");
    }
}

#[test]
fn what_tenant_a_token_claims_can_be_read_without_a_key() {
    let acme = TestTenant::called("acme");
    for token in [acme.access_token(), acme.refresh_token()] {
        assert_eq!(claimed_tenant(&token), Ok(acme.id.clone()));
    }
    let none = sign_raw(acme.access_key(), "{}", "{}");
    assert_eq!(claimed_tenant(&none), Err(TokenFault::MissingClaim("tid")));
    let no_name = sign_raw(acme.access_key(), "{}", r#"{"tid":"../acme"}"#);
    assert_eq!(claimed_tenant(&no_name), Err(TokenFault::BadClaim("tid")));
}
