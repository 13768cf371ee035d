//! Percent-encoding (RFC 3986, section 2.1) in its normal form.

use std::borrow::Cow;

use super::PathFault;

/// The path with unreserved characters decoded, and capital digits in what stays encoded (RFC 3986, section 6.2.2).
pub(super) fn normal_form(path: &str) -> Result<Cow<'_, str>, PathFault> {
    if !path.contains('%') {
        return Ok(Cow::Borrowed(path));
    }
    let mut pieces = path.split('%');
    let mut normal = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (digits, rest) = piece.split_at_checked(2).ok_or(PathFault::Percent)?;
        let byte = byte(digits).ok_or(PathFault::Percent)?;
        if is_unreserved(byte) {
            normal.push(char::from(byte));
        } else {
            normal.push('%');
            normal.push_str(&digits.to_ascii_uppercase());
        }
        normal.push_str(rest);
    }
    Ok(Cow::Owned(normal))
}

/// Decodes everything. What is no encoding stays as it is, because servers leave it, too.
pub(super) fn decoded(text: &str) -> Cow<'_, [u8]> {
    percent_encoding::percent_decode_str(text).into()
}

/// Decodes until nothing is left to decode, in one pass: a client may have encoded percent signs ten thousand times.
pub(super) fn decoded_to_the_end(text: &str) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    for byte in text.bytes() {
        decoded.push(byte);
        // What was decoded may be the end of another encoding.
        while let [before @ .., b'%', high, low] = decoded.as_slice()
            && let Some(byte) = digit(*high).zip(digit(*low)).map(|(high, low)| high * 16 + low)
        {
            decoded.truncate(before.len());
            decoded.push(byte);
        }
    }
    decoded
}

/// The value of a hexadecimal digit.
fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

fn byte(digits: &str) -> Option<u8> {
    let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_hex.then(|| u8::from_str_radix(digits, 16).ok()).flatten()
}

/// Whether a byte means the same, encoded or not (RFC 3986, section 2.3).
const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}
