//! One segment of a path, as each kind of server may read it.

use std::borrow::Cow;

use super::percent::{decoded, decoded_to_the_end};
use super::{PathFault, Reading, SegmentParameters};

/// One segment of a path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PathSegment {
    /// Decoded.
    text: String,
    /// How many bytes of it stand before a semicolon that was not encoded.
    name: usize,
}

/// A segment decoded.
pub(super) fn text_of(raw: &str) -> Result<Cow<'_, str>, PathFault> {
    match decoded(raw) {
        Cow::Borrowed(_) => Ok(Cow::Borrowed(raw)),
        Cow::Owned(bytes) => String::from_utf8(bytes).map(Cow::Owned).map_err(|_| PathFault::NotUtf8),
    }
}

/// Whether a decoded segment is `.` or `..` to any server: also one that decodes again, and one that takes an encoded
/// slash for a slash.
pub(super) fn is_dot(text: &str) -> bool {
    // A dot segment stays one, however often the text is decoded: the last decoding shows all of them.
    decoded_to_the_end(text).split(|byte| matches!(byte, b'/' | b'\\')).any(is_plain_dot)
}

fn is_plain_dot(part: &[u8]) -> bool {
    matches!(part.split(|byte| *byte == b';').next(), Some(b"." | b".."))
}

impl PathSegment {
    pub(super) fn new(raw: &str, text: &str) -> Self {
        let name = raw.split(';').next().and_then(|name| text_of(name).ok()).map_or(0, |name| name.len());
        Self { text: text.to_owned(), name }
    }

    /// The segment decoded.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether nothing of the segment is left to a server that cuts parameters off.
    pub(super) fn is_empty_to_some(&self) -> bool {
        self.text.starts_with(';')
    }

    /// Whether servers may read the segment in more than one way.
    #[must_use]
    pub fn has_readings(&self) -> bool {
        has_readings(&self.text)
    }

    /// Whether the segment of a request is this one of a route, as a server may read it.
    #[must_use]
    pub fn is_read_as(&self, route: &str, reading: Reading) -> bool {
        let read = match reading.parameters {
            SegmentParameters::Cut => self.text.get(..self.name).unwrap_or(&self.text),
            SegmentParameters::CutDecoded => self.text.split(';').next().unwrap_or(&self.text),
            SegmentParameters::Kept => &self.text,
        };
        if reading.ignores_case { is_same_but_case(read, route) } else { read == route }
    }
}

/// Whether servers may read a decoded segment in more than one way: with other capitals, or without parameters.
pub(crate) fn has_readings(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii() && !c.is_ascii_uppercase() && c != ';';
    !text.chars().all(is_plain)
}

/// Whether two texts differ in case alone, as the most generous server sees it.
pub(crate) fn is_same_but_case(one: &str, other: &str) -> bool {
    if one.is_ascii() && other.is_ascii() {
        return one.eq_ignore_ascii_case(other);
    }
    folded(one).eq(folded(other))
}

/// Capitals made small. By way of capitals, because some characters, such as the long s, are small forms of a letter
/// only that way.
fn folded(text: &str) -> impl Iterator<Item = char> {
    text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase)
}
