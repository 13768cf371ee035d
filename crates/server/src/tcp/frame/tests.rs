use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const MOST: usize = 4096;

/// Everything that comes of these segments, up to what is broken.
fn read(segments: &[&[u8]], most: usize) -> Result<Vec<String>, FrameError> {
    let (mut frames, mut received, mut texts) = (Frames::up_to(most), BytesMut::new(), Vec::new());
    for segment in segments {
        received.extend_from_slice(segment);
        while let Some(text) = frames.next(&mut received)? {
            texts.push(text);
        }
    }
    Ok(texts)
}

fn stream(texts: &[impl AsRef<str>]) -> BytesMut {
    let mut stream = BytesMut::new();
    for text in texts {
        write(text.as_ref(), &mut stream);
    }
    stream
}

#[test]
fn a_length_counts_utf16_code_units() {
    for (text, frame) in [("é漢", "2#é漢"), ("😀", "2#😀"), ("a😀é", "4#a😀é"), ("", "0#")] {
        assert_eq!(stream(&[text]), frame.as_bytes());
        assert_eq!(read(&[frame.as_bytes()], MOST).unwrap(), [text]);
    }
    assert_eq!(read(&[b"0003#abc"], MOST).unwrap(), ["abc"]);
}

#[test]
fn a_frame_arrives_whole_wherever_it_is_split() {
    let texts = [r#"{"who":"😀 é 漢 𝄞"}"#, "😀", "x"];
    let stream = stream(&texts);
    for at in 0..=stream.len() {
        let (head, tail) = stream.split_at(at);
        assert_eq!(read(&[head, tail], MOST).unwrap(), texts, "split at {at}");
    }
    let bytes: Vec<&[u8]> = stream.chunks(1).collect();
    assert_eq!(read(&bytes, MOST).unwrap(), texts);
}

#[test]
fn a_frame_that_is_not_whole_is_awaited() {
    let parts: [&[u8]; 7] = [b"", b"1", b"12", b"3#", b"3#ab", b"2#\xf0\x9f\x98", b"1#\xe6\xbc"];
    for part in parts {
        let (mut frames, mut received) = (Frames::up_to(MOST), BytesMut::from(part));
        assert_eq!(frames.next(&mut received), Ok(None), "{part:?}");
        assert_eq!(frames.is_within(&received), !part.is_empty(), "{part:?}");
    }
    let (mut frames, mut received) = (Frames::up_to(MOST), BytesMut::from("1#a"));
    frames.next(&mut received).unwrap().unwrap();
    assert!(!frames.is_within(&received));
}

#[test]
fn what_cannot_be_a_frame_is_refused_at_once() {
    use FrameError::{Cut, Length, NotUtf8, TooLong};
    let cases: [(&[u8], FrameError); 13] = [
        (b"#", Length),
        (b"x", Length),
        (b"-1#", Length),
        (b" 3#abc", Length),
        (b"3 #abc", Length),
        (b"1e3#", Length),
        (b"00000000001#", Length),
        (b"4097", TooLong),
        (b"9999999999", TooLong),
        ("1#😀".as_bytes(), Cut),
        ("3#ab😀".as_bytes(), Cut),
        (b"2#\xff\xbf\xbf\xbf", NotUtf8),
        (b"2#\xc3(x", NotUtf8),
    ];
    for (bytes, broken) in cases {
        assert_eq!(read(&[bytes], MOST), Err(broken), "{bytes:?}");
    }
    assert!(read(&[b"3#\x80\x80\x80abc"], MOST).is_err());
}

#[test]
fn a_text_is_bounded_in_bytes_also_where_its_characters_are_wide() {
    let wide = "漢".repeat(10);
    assert_eq!(read(&[&stream(&[&wide])], 30).unwrap(), [wide.as_str()]);
    assert_eq!(read(&[&stream(&[&wide])], 29), Err(FrameError::TooLong));
    // Nothing of this is ever the beginning of a character, so that the count goes nowhere.
    let endless = [b"1#".as_slice(), &[0x80; 100]].concat();
    assert_eq!(read(&[&endless], 30), Err(FrameError::TooLong));
}

#[test]
fn the_count_keeps_up_with_every_byte() {
    let text = "a😀漢é".repeat(50);
    let (mut frames, mut received, mut whole) = (Frames::up_to(MOST), BytesMut::new(), None);
    for byte in stream(&[&text]).chunks(1) {
        received.extend_from_slice(byte);
        whole = frames.next(&mut received).unwrap();
        if let FrameState::Text { counted, .. } = frames.part {
            assert_eq!(counted, received.len());
        }
    }
    assert_eq!(whole, Some(text));
}

/// Texts as people write them and as they do not.
fn texts() -> impl Strategy<Value = Vec<String>> {
    vec(prop_oneof!["\\PC{0,40}", "[a-z]{0,40}", "[😀𝄞é漢\\x00-\\x7f]{0,40}"], 0..8)
}

proptest! {
    #[test]
    fn what_is_written_is_read_however_it_is_cut(texts in texts(), cuts in vec(any::<prop::sample::Index>(), 0..12)) {
        let stream = stream(&texts);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let segments: Vec<&[u8]> = cuts.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect();
        prop_assert_eq!(read(&segments, MOST).unwrap(), texts);
    }

    #[test]
    fn the_length_is_what_javascript_says(text in "\\PC{0,100}") {
        prop_assert_eq!(units(text.as_bytes()), text.encode_utf16().count());
    }

    #[test]
    fn any_length_is_the_end_of_a_character_or_refused(text in "[a😀é漢]{1,20}", length in 0_usize..40) {
        let read = read(&[format!("{length}#{text}").as_bytes()], MOST);
        let wanted: Vec<u16> = text.encode_utf16().take(length).collect();
        match String::from_utf16(&wanted) {
            _ if wanted.len() < length => prop_assert_eq!(read, Ok(vec![])),
            Err(_) => prop_assert_eq!(read, Err(FrameError::Cut)),
            // What follows is no frame.
            Ok(_) if wanted.len() < text.encode_utf16().count() => prop_assert_eq!(read, Err(FrameError::Length)),
            Ok(head) => prop_assert_eq!(read, Ok(vec![head])),
        }
    }
}
