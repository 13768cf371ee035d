//! The checks of the fuzz targets on random input: a little of what `cargo fuzz` does for hours.

use proptest::collection::vec;
use proptest::prelude::*;

#[path = "../../../../fuzz/checks/cookie.rs"]
mod cookie;
#[path = "../../../../fuzz/checks/forwarded.rs"]
mod forwarded;
#[path = "../../../../fuzz/checks/frame.rs"]
mod frame;
#[path = "../../../../fuzz/checks/link.rs"]
mod link;
#[path = "../../../../fuzz/checks/packet.rs"]
mod packet;
#[path = "../../../../fuzz/checks/token.rs"]
mod token;

/// Bytes that are frames, nearly frames, or neither.
fn frames() -> impl Strategy<Value = Vec<u8>> {
    let framed = |text: String, off: isize| {
        let length = text.encode_utf16().count().saturating_add_signed(off);
        format!("{length}#{text}").into_bytes()
    };
    let part = prop_oneof![
        4 => ("[a-z😀é漢]{0,90}", Just(0)).prop_map(move |(text, off)| framed(text, off)),
        1 => ("[a-z😀é漢]{0,9}", -2_isize..3).prop_map(move |(text, off)| framed(text, off)),
        1 => vec(prop_oneof![Just(b'#'), b'0'..=b'9', 0x80..=0xff_u8, any::<u8>()], 0..40),
    ];
    vec(part, 0..6).prop_map(|parts| parts.concat())
}

/// Texts that are packets, nearly packets, or neither.
fn packets() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("{".to_owned()),
        Just("}".to_owned()),
        Just("\"pattern\":".to_owned()),
        Just("\"data\":".to_owned()),
        Just("\"id\":".to_owned()),
        Just("{\"cmd\":\"a\"}".to_owned()),
        Just(",".to_owned()),
        Just("\"\\ud800\"".to_owned()),
        Just("1e999".to_owned()),
        Just("null".to_owned()),
        "[ \\[\\]{}\":,\\\\a0]{0,4}",
    ];
    prop_oneof![
        vec(word.clone(), 0..12).prop_map(|words| words.concat()),
        (word.clone(), word.clone(), word)
            .prop_map(|(pattern, data, id)| format!("{{\"pattern\":{pattern},\"data\":{data},\"id\":{id}}}")),
    ]
}

/// Lines made of these words and of random text.
fn lines(words: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let word = proptest::sample::select(words).prop_map(|word| word.as_bytes().to_vec());
    let part = prop_oneof![8 => word, 1 => vec(any::<u8>(), 0..3)];
    vec(part, 0..16).prop_map(|parts| parts.concat())
}

/// `Forwarded` headers, genuine and forged.
const STEPS: [&str; 21] = [
    "for",
    "For=",
    "for=",
    "=",
    "\"",
    "\\",
    "\\\"",
    ",",
    ", ",
    ";",
    "by=",
    "proto=https",
    "10.0.0.9",
    "192.0.2.8",
    ":80",
    "[::ffff:10.0.0.2]",
    "[2001:db8::1]",
    "unknown",
    "_hidden",
    " ",
    "\n",
];

/// `Cookie` headers, genuine and forged.
const COOKIES: [&str; 12] = [
    "connect.sid",
    "__Host-connect.sid",
    "__HOST-connect.sid",
    "=",
    "; ",
    ";",
    ",",
    "\"",
    " ",
    "\t",
    "an-id.signature",
    "\n",
];

/// Texts like the tokens in links.
fn links() -> impl Strategy<Value = String> {
    let part = |pattern| prop_oneof![9 => pattern, 1 => "\\PC{0,4}"];
    let three = (part("[a-z0-9_-]{1,9}"), part("[0-9a-fA-F]{32}"), part("[a-zA-Z0-9_-]{1,66}"));
    (three, "\\.?").prop_map(|((tenant, id, secret), end)| format!("{tenant}.{id}.{secret}{end}"))
}

/// Changes to a token: positions and new characters, from the alphabet of tokens.
fn changes() -> impl Strategy<Value = Vec<u8>> {
    let letter = proptest::sample::select(&b"ABCZaz019-_.=+/%{\""[..]);
    vec((0..2_u8, any::<u8>(), letter), 0..3)
        .prop_map(|changes| changes.into_iter().flat_map(|(high, low, letter)| [high, low, letter]).collect())
}

#[test]
fn a_character_that_breaks_off_is_found_in_pieces_as_well() {
    frame::check(b"2#\xf0\0");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn no_bytes_upset_the_reader_of_frames(bytes in frames()) {
        frame::check(&bytes);
    }

    #[test]
    fn no_text_upsets_the_reader_of_packets(text in packets()) {
        packet::check(text.as_bytes());
    }
    #[test]
    fn no_forged_header_changes_the_client_address(bytes in lines(&STEPS)) {
        forwarded::check(&bytes);
    }

    // ASVS-map: CK4
    #[test]
    fn no_cookie_that_is_planted_hides_ours(bytes in lines(&COOKIES)) {
        cookie::check(&bytes);
    }

    #[test]
    fn no_text_upsets_the_reader_of_links(text in links()) {
        link::check(text.as_bytes());
    }

    // ASVS-map: JW8
    #[test]
    fn no_token_is_believed_that_was_changed_anywhere(bytes in changes()) {
        token::check(&bytes);
    }
}
