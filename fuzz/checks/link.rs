//! What holds of the tokens in links, whatever text comes.

use portcullis_core::ticket::LinkToken;

/// What is taken for a token is written as a token again, and that one is the same.
pub(super) fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Some(token) = LinkToken::parse(text) else { return };
    let written = token.written();
    assert!(written.reveal().eq_ignore_ascii_case(text), "{text} was read as another");
    assert_eq!(LinkToken::parse(written.reveal()), Some(token));
}
