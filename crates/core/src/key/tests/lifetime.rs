//! From generation to retirement.

use zeroize::Zeroizing;

use super::*;
use crate::token::LEEWAY;

#[test]
fn a_use_has_one_algorithm_and_words_of_its_own() {
    let tenant = tenant("acme");
    for usage in KeyUse::ALL {
        assert_eq!(usage.as_str().parse(), Ok(usage));
        let algorithm = usage.algorithm();
        assert_eq!(algorithm.as_str().parse(), Ok(algorithm));
        for asked in [Algorithm::Es256, Algorithm::Hs256] {
            let made = KeyRecord::generate(&tenant, usage, asked, NOW, NOW, &SystemRandom);
            assert_eq!(made.is_ok(), asked == algorithm, "{usage} {asked}");
        }
    }
    assert_eq!("Access".parse::<KeyUse>(), Err(UnknownKeyAttribute));
    assert_eq!("es256".parse::<Algorithm>(), Err(UnknownKeyAttribute));
}

// ASVS-map: JW10
#[test]
fn keys_have_their_full_length_and_do_not_repeat() {
    for (usage, length) in [(KeyUse::Access, 138), (KeyUse::Refresh, 32), (KeyUse::Cookie, 43)] {
        let records: Vec<KeyRecord> = (0..50).map(|_| key(usage, NOW, NOW)).collect();
        let materials: Vec<_> = records.iter().map(|record| record.open(None).unwrap()).collect();
        assert!(materials.iter().all(|material| material.len() == length), "{usage}");
        let distinct: std::collections::HashSet<_> =
            materials.iter().map(|material| material.to_vec()).collect();
        let names: std::collections::HashSet<_> = records.iter().map(|record| &record.kid).collect();
        assert_eq!((distinct.len(), names.len()), (50, 50));
    }
}

// ASVS-map: JW11
#[test]
fn a_key_is_published_and_verifies_before_it_signs() {
    let first = key(KeyUse::Access, NOW.minus(day(30)), NOW.minus(day(30)));
    let next = key(KeyUse::Access, NOW, NOW.plus(day(1)));
    let ring = ring(&[next.clone(), first.clone()]);
    let signer = |now| ring.access_signer(now).map(|key| key.kid().clone());

    assert_eq!(published(&ring, NOW), [next.kid.clone(), first.kid.clone()]);
    assert!(ring.access_key(&next.kid, NOW).is_some());
    let change = NOW.plus(day(1));
    assert_eq!(signer(change.minus(Duration::from_millis(1))), Some(first.kid.clone()));
    assert_eq!(signer(change), Some(next.kid.clone()));
    assert_eq!(signer(NOW.minus(day(31))), Some(first.kid.clone()), "a clock that was set back");
}

// ASVS-map: JW11
#[test]
fn a_superseded_key_verifies_until_the_last_token_it_signed_has_expired() {
    let first = key(KeyUse::Access, NOW.minus(day(30)), NOW.minus(day(30)));
    let next = key(KeyUse::Access, NOW, NOW.plus(day(1)));
    let records = [first.clone(), next.clone()];
    let lifetimes = KeyLifetimes::default();
    let end = NOW.plus(day(1)).plus(lifetimes.access).plus(LEEWAY);
    assert_eq!(retires_at(&first, &records, &lifetimes), Some(end));
    assert_eq!(retires_at(&next, &records, &lifetimes), None);

    let ring = ring(&records);
    let before = end.minus(Duration::from_millis(1));
    assert!(ring.access_key(&first.kid, before).is_some());
    assert_eq!(published(&ring, before), [next.kid.clone(), first.kid.clone()]);
    assert!(ring.access_key(&first.kid, end).is_none());
    assert_eq!(published(&ring, end), std::slice::from_ref(&next.kid));
    assert!(ring.access_key(&next.kid, end.plus(day(10_000))).is_some());
}

#[test]
fn a_key_is_followed_only_by_a_key_of_its_own_use_and_tenant() {
    let access = key(KeyUse::Access, NOW, NOW);
    let refresh = key(KeyUse::Refresh, NOW, NOW.plus(day(1)));
    let foreign = KeyRecord { tenant: tenant("acme"), ..key(KeyUse::Access, NOW, NOW.plus(day(2))) };
    let next = key(KeyUse::Access, NOW, NOW.plus(day(3)));
    let lifetimes = KeyLifetimes::default();
    let retires = |all: &[KeyRecord]| retires_at(&access, all, &lifetimes);
    assert_eq!(retires(&[refresh.clone(), foreign.clone(), access.clone()]), None);
    let end = NOW.plus(day(3)).plus(lifetimes.of(KeyUse::Access)).plus(LEEWAY);
    assert_eq!(retires(&[refresh, foreign, next, access.clone()]), Some(end));
}

#[test]
fn two_keys_made_at_one_time_have_one_order_on_every_node() {
    let pair = [key(KeyUse::Refresh, NOW, NOW), key(KeyUse::Refresh, NOW, NOW)];
    let [one, two] = pair.clone();
    let signer = |records: &[KeyRecord]| ring(records).refresh_signer(NOW).unwrap().kid().clone();
    assert_eq!(signer(&pair), signer(&[two, one]));
    let retiring = pair.iter().filter(|key| retires_at(key, &pair, &KeyLifetimes::default()).is_some());
    assert_eq!(retiring.count(), 1);
}

// ASVS-map: JW2
#[test]
fn the_published_set_has_public_halves_of_access_keys_and_nothing_else() {
    let records: Vec<KeyRecord> = KeyUse::ALL.iter().map(|usage| key(*usage, NOW, NOW)).collect();
    let shared = SharedSecrets::new(Some("correct horse battery staple, twice over"), None).unwrap();
    let ring = opened(&records, None, &shared).unwrap();
    let jwks = serde_json::to_value(ring.jwks(NOW)).unwrap();
    let [jwk] = jwks["keys"].as_array().unwrap().as_slice() else { panic!("{jwks}") };
    let names: Vec<_> = jwk.as_object().unwrap().keys().map(String::as_str).collect();
    let mut expected = ["kty", "crv", "x", "y", "use", "alg", "kid"];
    expected.sort_unstable();
    let mut names = names;
    names.sort_unstable();
    assert_eq!(names, expected);
    assert_eq!([&jwk["kty"], &jwk["crv"], &jwk["use"], &jwk["alg"]], ["EC", "P-256", "sig", "ES256"]);
    assert_eq!(jwk["kid"], records[0].kid.as_str());
    assert_eq!([&jwk["x"], &jwk["y"]].map(|part| part.as_str().unwrap().len()), [43, 43]);
    let text = serde_json::to_string(&ring.jwks(NOW)).unwrap();
    assert!(text.starts_with(r#"{"keys":[{"kty":"EC","crv":"P-256","x":""#), "{text}");
}

#[test]
fn a_ring_says_whose_it_is_and_which() {
    let ring = ring(&[]);
    assert_eq!((ring.tenant().as_str(), ring.generation()), ("default", 42));
    assert!(ring.refresh_signer(NOW).is_none() && ring.cookie_signer(NOW).is_none());
    assert!(ring.cookie_keys(NOW).is_empty() && ring.jwks(NOW).keys.is_empty());
}

// ASVS-map: JW2, JW10
#[test]
fn records_that_cannot_be_trusted_make_no_ring() {
    let good = key(KeyUse::Access, NOW, NOW);
    let kid = good.kid.clone();
    let fault = |record: KeyRecord| opened(&[record], None, &SharedSecrets::default()).err();

    let foreign = KeyRecord { tenant: tenant("acme"), ..good.clone() };
    assert_eq!(fault(foreign), Some(KeyringFault::Foreign { kid: kid.clone() }));
    let confused = KeyRecord { algorithm: Algorithm::Hs256, ..good.clone() };
    assert_eq!(fault(confused), Some(KeyringFault::WrongAlgorithm { kid: kid.clone() }));
    let relabelled = KeyRecord { usage: KeyUse::Refresh, algorithm: Algorithm::Hs256, ..good.clone() };
    assert_eq!(fault(relabelled), Some(KeyringFault::Invalid { kid: kid.clone() }));
    let twice = opened(&[good.clone(), good.clone()], None, &SharedSecrets::default());
    assert_eq!(twice.err(), Some(KeyringFault::Twice { kid: kid.clone() }));

    let der = good.open(None).unwrap();
    let other = key(KeyUse::Access, NOW, NOW).open(None).unwrap();
    // PKCS#8 as ring writes it ends with the public point: this private half has another key's.
    let mixed = [&der[..der.len() - 65], &other[other.len() - 65..]].concat();
    for bytes in [mixed, der[1..].to_vec(), Vec::new(), vec![0; 32]] {
        let record = KeyRecord { material: KeyMaterial::Plain(Zeroizing::new(bytes)), ..good.clone() };
        assert_eq!(fault(record), Some(KeyringFault::Invalid { kid: kid.clone() }));
    }
}

#[test]
fn a_refresh_key_of_another_length_and_a_cookie_key_of_no_length_are_refused() {
    for (usage, bytes) in
        [(KeyUse::Refresh, vec![7; 31]), (KeyUse::Refresh, vec![7; 33]), (KeyUse::Cookie, vec![])]
    {
        let material = KeyMaterial::Plain(Zeroizing::new(bytes));
        let record = KeyRecord { material, ..key(usage, NOW, NOW) };
        let kid = record.kid.clone();
        let fault = opened(&[record], None, &SharedSecrets::default()).err();
        assert_eq!(fault, Some(KeyringFault::Invalid { kid }));
    }
}
