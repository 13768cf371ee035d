//! What holds of frames, whatever bytes come.

use bytes::BytesMut;
use portcullis_server::tcp::frame::{self, Frames};

const MOST: usize = 256;

/// Reads the bytes in one piece and in pieces of each small size: the same texts come of it, none is longer than may be,
/// and each is read again from what is written of it.
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

/// The texts up to the end or to what is broken, and whether it was the end.
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
