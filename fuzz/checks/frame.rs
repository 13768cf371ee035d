//! Properties of reading frames.

use bytes::BytesMut;
use portcullis_server::tcp::frame::{self, Frames};

const MOST: usize = 256;

/// Reads the bytes in one piece and in small pieces: the texts are the same, none exceeds the maximum length, and each
/// is read back as it was written.
pub(super) fn check(bytes: &[u8]) {
    let (texts, ends_well) = read(bytes, bytes.len().max(1));
    for size in 1..4 {
        assert_eq!(read(bytes, size), (texts.clone(), ends_well), "in pieces of {size}");
    }
    let mut written = BytesMut::new();
    for text in &texts {
        assert!(text.len() <= MOST);
        frame::write(text, &mut written);
    }
    assert_eq!(read(&written, written.len().max(1)), (texts, true));
}

/// The texts up to the first broken frame, and whether there was none.
fn read(bytes: &[u8], size: usize) -> (Vec<String>, bool) {
    let (mut frames, mut received, mut texts) = (Frames::up_to(MOST), BytesMut::new(), Vec::new());
    for piece in bytes.chunks(size) {
        received.extend_from_slice(piece);
        loop {
            match frames.next(&mut received) {
                Ok(Some(text)) => texts.push(text),
                Ok(None) => break,
                Err(_) => return (texts, false),
            }
        }
    }
    (texts, true)
}
