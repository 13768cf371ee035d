use super::*;
use crate::machine::SystemRandom;
use crate::random;

fn least() -> Hasher {
    Hasher::new(Argon2Cost::MINIMUM)
}

fn password(text: &str) -> Password {
    Password::new(text).unwrap()
}

fn hash(hasher: &mut Hasher, text: &str) -> PasswordHash {
    hasher.hash(&password(text), random::bytes(&SystemRandom)).unwrap()
}

fn verify(hasher: &mut Hasher, text: &str, against: &PasswordHash) -> PasswordMatch {
    hasher.verify(&password(text), Some(against)).unwrap()
}

/// The bcrypt hash that another service makes of these bytes.
fn imported_bcrypt(password: &[u8]) -> PasswordHash {
    let parts = bcrypt::hash_with_salt(password, 4, *b"sixteen bytes ok").unwrap();
    PasswordHash::parse(&parts.format_for_version(bcrypt::Version::TwoB)).unwrap()
}

// ASVS-map: PW5
#[test]
fn a_hash_names_the_recommended_cost_and_has_a_salt_of_its_own() {
    let mut hasher = Hasher::new(Argon2Cost::RECOMMENDED);
    let (one, other) = (hash(&mut hasher, "vexed quilt"), hash(&mut hasher, "vexed quilt"));
    assert!(one.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", one.as_str());
    assert_ne!(one, other);
    let stored = PasswordHash::parse(other.as_str()).unwrap();
    assert_eq!(verify(&mut hasher, "vexed quilt", &stored), PasswordMatch::Yes);
}

// ASVS-map: PW2
#[test]
fn the_last_character_counts_however_long_the_password_is() {
    let mut hasher = least();
    for bytes in [64, 72, 73, 128, 1024] {
        let beginning = "x".repeat(bytes - 1);
        let hash = hash(&mut hasher, &format!("{beginning}a"));
        assert_eq!(verify(&mut hasher, &format!("{beginning}a"), &hash), PasswordMatch::Yes, "{bytes}");
        assert_eq!(verify(&mut hasher, &format!("{beginning}b"), &hash), PasswordMatch::No, "{bytes}");
        assert_eq!(verify(&mut hasher, &beginning, &hash), PasswordMatch::No, "{bytes}");
    }
}

// ASVS-map: PW2
#[test]
fn a_nul_is_a_character_and_case_counts() {
    let mut hasher = least();
    let hash = hash(&mut hasher, "vexed\0Quilt");
    assert_eq!(verify(&mut hasher, "vexed\0Quilt", &hash), PasswordMatch::Yes);
    for other in ["vexed\0Quilts", "vexed\0quilt", "vexed\0", "vexed", "vexedQuilt", " vexed\0Quilt"] {
        assert_eq!(verify(&mut hasher, other, &hash), PasswordMatch::No, "{other:?}");
    }
}

// ASVS-map: PW9
#[test]
fn a_password_verifies_whether_its_letters_are_composed_or_decomposed() {
    let mut hasher = least();
    let hash = hash(&mut hasher, "caf\u{e9} noir");
    assert_eq!(verify(&mut hasher, "cafe\u{301} noir", &hash), PasswordMatch::Yes);
    assert_eq!(verify(&mut hasher, "CAF\u{c9} NOIR", &hash), PasswordMatch::No);
}

/// Vectors of the reference implementations (phc-winner-argon2 `test.c`, `crypt_blowfish` `wrapper.c`).
#[test]
fn hashes_of_the_reference_implementations_verify() {
    let mut hasher = least();
    let long =
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789chars after 72 are ignored";
    for (text, stored) in [
        ("password", "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"),
        ("password", "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc"),
        ("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
        (long, "$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui"),
    ] {
        let stored = PasswordHash::parse(stored).unwrap();
        assert_eq!(verify(&mut hasher, text, &stored), PasswordMatch::YesButRehash, "{text}");
        assert_eq!(verify(&mut hasher, "another", &stored), PasswordMatch::No, "{text}");
    }
}

// ASVS-map: PW2
#[test]
fn an_imported_bcrypt_hash_reads_72_bytes_and_its_replacement_reads_all() {
    let mut hasher = least();
    let first_72 = "x".repeat(72);
    let chosen = format!("{first_72}tail");
    let imported = imported_bcrypt(chosen.as_bytes());
    assert_eq!(verify(&mut hasher, &chosen, &imported), PasswordMatch::YesButRehash);
    assert_eq!(verify(&mut hasher, &format!("{first_72}other"), &imported), PasswordMatch::YesButRehash);
    assert_eq!(verify(&mut hasher, &"x".repeat(71), &imported), PasswordMatch::No);

    let successor = hash(&mut hasher, &chosen);
    assert_eq!(verify(&mut hasher, &chosen, &successor), PasswordMatch::Yes);
    assert_eq!(verify(&mut hasher, &format!("{first_72}other"), &successor), PasswordMatch::No);
}

// ASVS-map: PW2
#[test]
fn bytes_after_a_nul_count_in_an_imported_bcrypt_hash_too() {
    let mut hasher = least();
    let imported = imported_bcrypt(b"vexed\0quilt");
    assert_eq!(verify(&mut hasher, "vexed\0quilt", &imported), PasswordMatch::YesButRehash);
    assert_eq!(verify(&mut hasher, "vexed\0mop", &imported), PasswordMatch::No);
    assert_eq!(verify(&mut hasher, "vexed", &imported), PasswordMatch::No);
}

// ASVS-map: PW9
#[test]
fn an_imported_hash_is_compared_with_the_password_as_received() {
    let mut hasher = least();
    let imported = imported_bcrypt("cafe\u{301}".as_bytes());
    assert_eq!(verify(&mut hasher, "cafe\u{301}", &imported), PasswordMatch::YesButRehash);
}

// ASVS-map: PW6
#[test]
fn a_weaker_hash_is_to_be_replaced_and_a_stronger_one_stays() {
    let mut weak = least();
    let mut now = Hasher::new(Argon2Cost::new(16, 2, 1).unwrap());
    let mut strong = Hasher::new(Argon2Cost::new(32, 3, 2).unwrap());
    let old = hash(&mut weak, "vexed quilt");
    assert_eq!(verify(&mut now, "vexed quilt", &old), PasswordMatch::YesButRehash);
    assert_eq!(verify(&mut now, "mop", &old), PasswordMatch::No);
    let new = hash(&mut now, "vexed quilt");
    assert_eq!(verify(&mut now, "vexed quilt", &new), PasswordMatch::Yes);
    let stronger = hash(&mut strong, "vexed quilt");
    assert_eq!(verify(&mut now, "vexed quilt", &stronger), PasswordMatch::Yes);
}

#[test]
fn without_a_hash_no_password_is_right() {
    let mut hasher = least();
    assert_eq!(hasher.verify(&password("vexed quilt"), None).unwrap(), PasswordMatch::No);
}

#[test]
fn every_hash_uses_the_same_memory_and_a_costlier_one_frees_its_own() {
    let mut hasher = Hasher::new(Argon2Cost::new(64, 1, 1).unwrap());
    let own = hash(&mut hasher, "one");
    let place_and_size = hasher.memory.place_and_size();
    assert_eq!(place_and_size.1, 64);
    let costlier = hash(&mut Hasher::new(Argon2Cost::new(512, 1, 1).unwrap()), "two");
    let cheaper = hash(&mut least(), "three");
    for (text, hash) in [("one", &own), ("two", &costlier), ("three", &cheaper)] {
        assert_ne!(verify(&mut hasher, text, hash), PasswordMatch::No, "{text}");
        assert_eq!(verify(&mut hasher, "four", hash), PasswordMatch::No, "{text}");
        assert_eq!(hasher.memory.place_and_size(), place_and_size, "{text}");
    }
}
