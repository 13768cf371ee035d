//! Properties of reading tokens in links.

use portcullis_core::ticket::LinkToken;

/// A token that was read is read back as it is written.
pub(super) fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Some(token) = LinkToken::parse(text) else { return };
    let written = token.written();
    assert!(written.reveal().eq_ignore_ascii_case(text), "{text} was read as another");
    assert_eq!(LinkToken::parse(written.reveal()), Some(token));
}
