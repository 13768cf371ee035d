//! Keys that are encrypted under a master key.

use super::*;

const HEX: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1dfeff";

fn master(text: &str) -> MasterKey {
    MasterKey::parse(text).unwrap()
}

fn other_master() -> MasterKey {
    master(&HEX.replace("feff", "0000"))
}

#[test]
fn a_master_key_is_read_from_hexadecimal_and_from_base64() {
    let record = key(KeyUse::Refresh, NOW, NOW).seal(Some(&master(HEX)), &SystemRandom).unwrap();
    for same in [
        HEX.to_uppercase(),
        format!("  {HEX}\r\n"),
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd/v8=".to_owned(),
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd/v8".to_owned(),
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd_v8=".to_owned(),
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd_v8\n".to_owned(),
    ] {
        assert!(record.open(Some(&master(&same))).is_ok(), "{same}");
    }
}

#[test]
fn a_new_master_key_is_read_and_is_another_one_each_time() {
    let [text, other] = [(); 2].map(|()| MasterKey::generate(&SystemRandom));
    assert!(text.len() == 64 && *text != *other);
    let sealed = key(KeyUse::Refresh, NOW, NOW).seal(Some(&master(&text)), &SystemRandom).unwrap();
    assert!(sealed.clone().open(Some(&master(&text))).is_ok());
    assert!(sealed.open(Some(&master(&other))).is_err());
}

// ASVS-map: AU3, JW10
#[test]
fn a_text_that_is_not_a_master_key_is_refused_without_being_repeated() {
    for bad in [
        "",
        "secret",
        &HEX[1..],
        &HEX[2..],
        &format!("{HEX}00"),
        &HEX.replace('f', "g"),
        &"0".repeat(64),
        &"ab".repeat(32),
        &"0123456789abcd".repeat(5)[..64],
        &"A".repeat(43),
        &"é".repeat(32),
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd/v9=",
    ] {
        let fault = MasterKey::parse(bad).unwrap_err();
        assert!(bad.len() < 6 || !fault.to_string().contains(bad), "{bad}");
    }
    assert_eq!(format!("{:?}", master(HEX)), "MasterKey");
}

#[test]
fn sealed_keys_open_under_their_master_key_and_serve_as_before() {
    let master = master(HEX);
    let plain: Vec<KeyRecord> = KeyUse::ALL.iter().map(|usage| key(*usage, NOW, NOW)).collect();
    let sealed: Vec<KeyRecord> =
        plain.iter().map(|record| record.clone().seal(Some(&master), &SystemRandom).unwrap()).collect();
    for (plain, sealed) in plain.iter().zip(&sealed) {
        assert_eq!(sealed.open(Some(&master)), plain.open(None));
        let KeyMaterial::Sealed(bytes) = &sealed.material else { panic!("{sealed:?}") };
        let secret = plain.open(None).unwrap();
        assert!(!bytes.windows(16).any(|window| secret.windows(16).any(|part| part == window)));
    }
    let ring = opened(&sealed, Some(&master), &SharedSecrets::default()).unwrap();
    assert_eq!(ring.jwks(NOW), super::ring(&plain).jwks(NOW));
}

#[test]
fn sealing_twice_changes_nothing_and_no_two_seals_are_alike() {
    let master = master(HEX);
    let plain = key(KeyUse::Refresh, NOW, NOW);
    let seal = |record: &KeyRecord| record.clone().seal(Some(&master), &SystemRandom).unwrap();
    let sealed = seal(&plain);
    assert_eq!(plain.clone().seal(None, &SystemRandom).unwrap(), plain);
    assert_eq!(seal(&sealed), sealed);
    assert_ne!(seal(&plain), sealed);
}

#[test]
fn a_missing_and_a_wrong_master_key_are_named_as_such() {
    let sealed = key(KeyUse::Access, NOW, NOW).seal(Some(&master(HEX)), &SystemRandom).unwrap();
    assert_eq!(sealed.open(None), Err(SealFault::NoMasterKey));
    assert_eq!(sealed.open(Some(&other_master())), Err(SealFault::WrongMasterKey));
    let kid = sealed.kid.clone();
    let fault = opened(&[sealed], None, &SharedSecrets::default()).err();
    assert_eq!(fault, Some(KeyringFault::Sealed { kid, source: SealFault::NoMasterKey }));
}

// ASVS-map: TN1
#[test]
fn sealed_material_opens_in_no_other_row() {
    let master = master(HEX);
    let sealed = key(KeyUse::Refresh, NOW, NOW).seal(Some(&master), &SystemRandom).unwrap();
    let moved = [
        KeyRecord { tenant: tenant("acme"), ..sealed.clone() },
        KeyRecord { kid: "other".parse().unwrap(), ..sealed.clone() },
        KeyRecord { usage: KeyUse::Cookie, ..sealed.clone() },
        KeyRecord { algorithm: Algorithm::Es256, ..sealed.clone() },
    ];
    for record in moved {
        assert_eq!(record.open(Some(&master)), Err(SealFault::Corrupt), "{record:?}");
    }
    assert!(sealed.open(Some(&master)).is_ok());
}

#[test]
fn no_byte_of_sealed_material_can_be_changed_or_left_out() {
    let master = master(HEX);
    let sealed = master.seal(&[b"place"], b"a secret", &SystemRandom).unwrap();
    for index in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[index] ^= 1;
        // Bytes 1 to 8 are the name of the master key.
        let fault = if (1..9).contains(&index) { SealFault::WrongMasterKey } else { SealFault::Corrupt };
        assert_eq!(master.open(&[b"place"], &changed), Err(fault), "{index}");
        assert_eq!(master.open(&[b"place"], &sealed[..index]), Err(SealFault::Corrupt), "{index}");
    }
    assert_eq!(master.open(&[b"pla", b"ce"], &sealed), Err(SealFault::Corrupt));
    assert_eq!(master.open(&[b"place"], &sealed).unwrap().as_slice(), b"a secret");
}
