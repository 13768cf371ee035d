use proptest::prelude::*;

use super::*;

fn canonical(text: &str) -> String {
    Email::parse(text).unwrap_or_else(|_| panic!("{text:?} is an address")).canonical().to_owned()
}

#[test]
fn addresses_of_every_common_form_are_accepted() {
    for text in [
        "jo@example.com",
        "jo.bloggs+news@mail.example.co.uk",
        "o'brien!#$%&*/=?^_`{|}~-@example.org",
        "1@2.example",
        "用户@例子.广告",
        "δοκιμή@παράδειγμα.δοκιμή",
        "jo@xn--bcher-kva.example",
        "jo@r3---sn-x.example.com",
        &format!("{}@example.com", "x".repeat(64)),
    ] {
        assert!(Email::parse(text).is_ok(), "{text:?}");
    }
}

#[test]
fn a_text_that_is_not_an_address_is_refused() {
    for text in [
        "",
        "@",
        "jo",
        "jo@",
        "@example.com",
        "jo@localhost",
        "jo@example.c",
        "jo@127.0.0.1",
        "jo@[127.0.0.1]",
        "jo@.example.com",
        "jo@example..com",
        "jo@example.com.",
        "jo@-example.com",
        "jo@exa_mple.com",
        "jo@exa mple.com",
        "jo@xn--a.example",
        ".jo@example.com",
        "jo.@example.com",
        "j..o@example.com",
        "j o@example.com",
        "j@o@example.com",
        "jo @example.com",
        "jo@ example.com",
        "Jo <jo@example.com>",
        "\"jo\"@example.com",
        "jo(bloggs)@example.com",
        &format!("{}@example.com", "x".repeat(65)),
        &format!("jo@{}example.com", "abcdefghi.".repeat(25)),
        &format!("jo@{}.com", "x".repeat(64)),
    ] {
        assert_eq!(Email::parse(text), Err(InvalidEmail), "{text:?}");
    }
}

#[test]
fn an_address_that_breaks_a_mail_header_or_contains_an_invisible_character_is_refused() {
    for c in [
        '\0', '\t', '\n', '\r', '\u{7f}', '\u{85}', '\u{a0}', '\u{ad}', '\u{200b}', '\u{202e}', '\u{2028}',
        '\u{feff}',
    ] {
        assert_eq!(Email::parse(&format!("jo{c}x@example.com")), Err(InvalidEmail), "{c:?}");
        assert_eq!(Email::parse(&format!("jo@exam{c}ple.com")), Err(InvalidEmail), "{c:?}");
        let behind = Email::parse(&format!("jo@example.com{c}"));
        // White space around an address is no part of it, and is not kept.
        let kept = behind.as_ref().map(Email::as_typed);
        assert_eq!(kept, if c.is_whitespace() { Ok("jo@example.com") } else { Err(&InvalidEmail) }, "{c:?}");
    }
}

#[test]
fn an_address_is_shown_as_typed_and_compared_in_lower_case() {
    let email = Email::parse("Jo.Bloggs@BU\u{308}CHER.Example").unwrap();
    assert_eq!(email.as_typed(), "Jo.Bloggs@BÜCHER.Example");
    assert_eq!(email.to_string(), email.as_typed());
    assert_eq!(email.local_part(), "Jo.Bloggs");
    assert_eq!(email.canonical(), "jo.bloggs@xn--bcher-kva.example");
    assert_eq!(canonical("jo.bloggs@xn--bcher-kva.example"), email.canonical());
}

/// Attackers have taken over accounts of other services in these ways.
// ASVS-map: AU6
#[test]
fn a_look_alike_is_never_the_same_account() {
    for (one, other) in [
        ("mıke@example.org", "mike@example.org"),
        ("ſam@example.org", "sam@example.org"),
        ("straße@example.org", "strasse@example.org"),
        ("ﬁona@example.org", "fiona@example.org"),
        ("ｊo@example.org", "jo@example.org"),
        ("jo²@example.org", "jo2@example.org"),
        ("jо@example.org", "jo@example.org"),
        ("jo@straße.example", "jo@strasse.example"),
    ] {
        assert_ne!(canonical(one), canonical(other));
    }
    for text in
        ["jo@ｅxample.org", "jo@example。org", "jo@ﬁ.example", "jo@exampleſ.org", "jo@ex\u{1d41a}mple.org"]
    {
        assert_eq!(Email::parse(text), Err(InvalidEmail), "{text:?}");
    }
}

/// The other case of a letter, where the two are each other's only other case.
fn other_case(c: char) -> char {
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(upper), None) if upper.to_lowercase().eq([c]) => upper,
        _ => c,
    }
}

fn local_part() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9'+_\u{c0}-\u{24f}\u{300}-\u{320}\u{370}-\u{3ff}\u{1e00}-\u{1fff}\u{ff21}-\u{ff5a}]{1,12}"
}

proptest! {
    // ASVS-map: AU6
    #[test]
    fn the_canonical_form_is_its_own_canonical_form(local in local_part(), domain in "[a-zA-Z]{1,8}\\.[a-zäöüß]{2,8}") {
        if let Ok(email) = Email::parse(&format!("{local}@{domain}")) {
            prop_assert_eq!(canonical(email.canonical()), email.canonical());
            prop_assert_eq!(canonical(email.as_typed()), email.canonical());
        }
    }

    // ASVS-map: AU6
    #[test]
    fn addresses_that_differ_in_case_are_the_same(local in local_part(), domain in "[a-zäöü]{1,8}\\.[a-z]{2,8}") {
        let lower: String = format!("{local}@{domain}").nfc().flat_map(char::to_lowercase).nfc().collect();
        let upper: String = lower.chars().map(other_case).collect();
        if let (Ok(lower), Ok(upper)) = (Email::parse(&lower), Email::parse(&upper)) {
            prop_assert_eq!(lower.canonical(), upper.canonical());
        }
    }

    #[test]
    fn local_parts_that_differ_in_more_than_case_and_spelling_stay_apart(one in local_part(), other in local_part()) {
        let lower = |text: &str| text.nfc().flat_map(char::to_lowercase).nfc().collect::<String>();
        let parsed = |local: &str| Email::parse(&format!("{local}@example.com"));
        if let (Ok(a), Ok(b)) = (parsed(&one), parsed(&other)) {
            prop_assert!(a.canonical() != b.canonical() || lower(&one) == lower(&other));
        }
    }

    #[test]
    fn characters_that_only_compatibility_makes_equal_stay_apart(c in any::<char>()) {
        let merged: String = c.nfkc().collect();
        if merged != c.nfc().collect::<String>()
            && let (Ok(plain), Ok(fancy)) = (Email::parse(&format!("{merged}@example.com")), Email::parse(&format!("{c}@example.com")))
        {
            prop_assert_ne!(plain.canonical(), fancy.canonical());
        }
    }

    #[test]
    fn no_text_at_all_brings_the_parser_down(text in any::<String>()) {
        if let Ok(email) = Email::parse(&text) {
            prop_assert!(email.canonical().len() <= 254);
            prop_assert!(!email.canonical().contains(char::is_control));
        }
    }
}

/// Every compatibility character there is, because chance finds few of them.
#[test]
fn no_compatibility_character_is_the_same_as_what_it_resembles() {
    let parsed = |text: &str| Email::parse(&format!("x{text}@example.com"));
    let mut tried = 0;
    for c in ('\u{80}'..=char::MAX).filter(|c| c.nfkc().ne(c.nfc())) {
        let resembled: String = c.nfkc().collect();
        if let (Ok(fancy), Ok(plain)) = (parsed(&c.to_string()), parsed(&resembled)) {
            tried += 1;
            assert_ne!(fancy.canonical(), plain.canonical(), "{c:?}");
        }
    }
    assert!(tried > 3000, "{tried}");
}
