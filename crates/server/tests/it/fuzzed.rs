//! The fuzz targets' checks, on what a random source makes up: a little of what `cargo fuzz` does for hours.

use proptest::collection::vec;
use proptest::prelude::*;

#[path = "../../../../fuzz/checks/frame.rs"]
mod frame;
#[path = "../../../../fuzz/checks/packet.rs"]
mod packet;

/// Bytes that are frames, nearly frames, or nothing of the kind.
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

/// Texts that are packets, nearly packets, or nothing of the kind.
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
}
