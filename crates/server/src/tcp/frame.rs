//! Frames: from bytes to texts and back.
//!
//! A frame is the length of a JSON text in UTF-16 code units, in decimal digits, then `#`, then the text in UTF-8. Its
//! end is found by counting characters. [`Frames`] counts each byte once, however the bytes are cut into segments. It
//! keeps the count alone; the bytes stay in the caller's buffer. It does not parse JSON.
//!
//! ```
//! use bytes::BytesMut;
//! use portcullis_server::tcp::frame::{self, Frames};
//!
//! let mut wire = BytesMut::new();
//! frame::write(r#"{"id":"😀"}"#, &mut wire);
//! assert_eq!(&wire[..], r#"11#{"id":"😀"}"#.as_bytes());
//!
//! let mut tail = wire.split_off(12);
//! let mut frames = Frames::up_to(1024);
//! assert_eq!(frames.next(&mut wire), Ok(None));
//! wire.unsplit(tail.split());
//! assert_eq!(frames.next(&mut wire).unwrap().as_deref(), Some(r#"{"id":"😀"}"#));
//! ```

use std::fmt::Write as _;

use bytes::{Buf as _, BytesMut};
use thiserror::Error;

/// The most digits of a length: enough for any text that fits in memory, and for leading zeros.
const MOST_DIGITS: u8 = 10;

/// A broken frame. Nothing after it on the same connection can be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum FrameError {
    /// No decimal number stands before `#`.
    #[error("the length of a frame is not a number")]
    Length,
    /// The text is longer than the limit.
    #[error("a frame is too long")]
    TooLong,
    /// The length ends in the middle of a character.
    #[error("the length of a frame cuts a character in two")]
    Cut,
    /// The text is not UTF-8.
    #[error("a frame is not UTF-8")]
    NotUtf8,
}

/// Finds frames in received bytes.
#[derive(Clone, Debug)]
pub struct Frames {
    /// The most bytes of a text.
    most: usize,
    part: FrameState,
}

/// How much of the current frame was read.
#[derive(Clone, Copy, Debug)]
enum FrameState {
    /// Reading its length: the digits that were taken from the buffer, and their value.
    Length { digits: u8, value: usize },
    /// Reading its text, which begins where the buffer does.
    Text { counted: usize, missing: usize },
}

impl FrameState {
    const START: Self = Self::Length { digits: 0, value: 0 };
}

impl Frames {
    /// Accepts texts of up to `most` bytes. A larger length is refused before its text comes: no character has more
    /// code units than bytes.
    #[must_use]
    pub const fn up_to(most: usize) -> Self {
        Self { most, part: FrameState::START }
    }

    /// Takes the next text from the front of the received bytes; `None` until it is complete.
    ///
    /// # Errors
    /// A broken frame, as soon as that is known. The connection is unusable afterwards.
    pub fn next(&mut self, received: &mut BytesMut) -> Result<Option<String>, FrameError> {
        if let FrameState::Length { digits, value } = self.part {
            self.part = self.length(digits, value, received)?;
        }
        let FrameState::Text { counted, missing } = self.part else { return Ok(None) };
        let (counted, missing) = count(received, counted, missing)?;
        self.part = FrameState::Text { counted, missing };
        let end = if missing == 0 { end_of_character(received, counted) } else { None };
        if end.unwrap_or(counted) > self.most {
            return Err(FrameError::TooLong);
        }
        let Some(end) = end else { return Ok(None) };
        self.part = FrameState::START;
        let text = received.split_to(end);
        std::str::from_utf8(&text).map(|text| Some(text.to_owned())).map_err(|_| FrameError::NotUtf8)
    }

    /// Whether a frame has begun and is not complete.
    #[must_use]
    pub fn is_within(&self, received: &BytesMut) -> bool {
        !received.is_empty() || !matches!(self.part, FrameState::Length { digits: 0, .. })
    }

    /// Takes the digits of the length and its `#`, as far as they were received.
    fn length(&self, digits: u8, value: usize, received: &mut BytesMut) -> Result<FrameState, FrameError> {
        let (mut digits, mut value) = (digits, value);
        while let Some(&byte) = received.first() {
            received.advance(1);
            match byte {
                b'#' if digits > 0 => return Ok(FrameState::Text { counted: 0, missing: value }),
                b'0'..=b'9' if digits < MOST_DIGITS => {
                    value = value.saturating_mul(10).saturating_add(usize::from(byte - b'0'));
                    digits += 1;
                }
                _ => return Err(FrameError::Length),
            }
            if value > self.most {
                return Err(FrameError::TooLong);
            }
        }
        Ok(FrameState::Length { digits, value })
    }
}

/// Counts on after `counted` bytes, until no code unit is missing or no byte is left.
///
/// `n` bytes have at most `n` code units, unless the last is the first byte of a surrogate pair. So it looks at no more
/// bytes than units are missing, and never passes the end of the frame. One unit too many is a pair that the end would
/// cut.
fn count(received: &[u8], mut counted: usize, mut missing: usize) -> Result<(usize, usize), FrameError> {
    while missing > 0 {
        let rest = received.get(counted..).unwrap_or_default();
        let stretch = rest.get(..missing).unwrap_or(rest);
        if stretch.is_empty() {
            break;
        }
        counted += stretch.len();
        missing = missing.checked_sub(units(stretch)).ok_or(FrameError::Cut)?;
    }
    Ok((counted, missing))
}

/// The UTF-16 code units of the characters that begin in `bytes`.
fn units(bytes: &[u8]) -> usize {
    let in_a_pair = |byte: u8| byte >= 0b1111_0000;
    bytes.iter().map(|&byte| usize::from(!continues(byte)) + usize::from(in_a_pair(byte))).sum()
}

/// Whether a byte continues a character of UTF-8.
const fn continues(byte: u8) -> bool {
    byte & 0b1100_0000 == 0b1000_0000
}

/// The end of the last character that begins before `counted`; `None` until all of it was received. A character that
/// breaks off ends at `counted`: it is not UTF-8, whatever follows.
fn end_of_character(received: &[u8], counted: usize) -> Option<usize> {
    const LONGEST: usize = 4;
    let before = received.get(counted.saturating_sub(LONGEST)..counted)?;
    // Without a first byte among the last four the text is not UTF-8, which the caller finds.
    let begun = before.iter().rev().position(|byte| !continues(*byte)).map_or(0, |at| at + 1);
    let first = before.len().checked_sub(begun).and_then(|at| before.get(at)).copied().unwrap_or_default();
    let width = match first {
        0b1100_0000..=0b1101_1111 => 2,
        0b1110_0000..=0b1110_1111 => 3,
        0b1111_0000.. => LONGEST,
        _ => begun,
    };
    let end = (counted - begun) + width.max(begun);
    let breaks_off = received.get(counted..)?.iter().take(end - counted).any(|byte| !continues(*byte));
    if breaks_off { Some(counted) } else { (end <= received.len()).then_some(end) }
}

/// Appends the frame of a text to `out`.
pub fn write(text: &str, out: &mut BytesMut) {
    // Writing to a buffer that grows cannot fail.
    let _ = write!(out, "{}#", units(text.as_bytes()));
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests;
