//! Email addresses, as the user typed them and in a canonical form.
//!
//! Two addresses are the same account if their canonical forms are the same bytes: NFC, lower case, the domain in its
//! ASCII form (IDNA). Compatibility forms are never merged: an attacker who can register `ｊo@example.com` must not
//! reach the account of `jo@example.com`. So the local part is lower-cased letter by letter and not case-folded (`ß` is
//! not `ss`, `ı` is not `i`), and a domain that IDNA would have to map, other than from upper case, is refused.
//!
//! The module accepts what class-validator's `isEmail` accepts, except quoted local parts: `"jo"@example.com` is the
//! mailbox of `jo@example.com` and would be a second account. It does not check that the mailbox exists, and it does
//! not interpret dots and `+tags`.
//!
//! ```
//! use portcullis_core::email::Email;
//!
//! let email = Email::parse("Jo.Bloggs@BÜCHER.example").unwrap();
//! assert_eq!(email.as_typed(), "Jo.Bloggs@BÜCHER.example");
//! assert_eq!(email.canonical(), "jo.bloggs@xn--bcher-kva.example");
//! ```

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use thiserror::Error;
use unicode_normalization::UnicodeNormalization;

use crate::invisible::is_invisible;
use crate::shown::shown_as_text;

/// The most bytes of an address (RFC 5321, section 4.5.3.1.3, less the angle brackets).
const MAX_LENGTH: usize = 254;
/// The most bytes of its local part (RFC 5321, section 4.5.3.1.1).
const LONGEST_LOCAL_PART: usize = 64;

/// An email address.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Email {
    shown: String,
    canonical: String,
}

/// The text is not an email address.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("email must be an email")]
pub struct InvalidEmail;

impl Email {
    /// Reads an address.
    ///
    /// # Errors
    ///
    /// [`InvalidEmail`] if the text is not an address.
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        // People paste addresses with the white space around them.
        let text = text.trim();
        if text.len() > MAX_LENGTH {
            return Err(InvalidEmail);
        }
        let shown: String = text.nfc().collect();
        let parts = shown.rsplit_once('@').filter(|(local_part, _)| is_local_part(local_part));
        let (local_part, domain) = parts.ok_or(InvalidEmail)?;
        let (local_part, domain) = (lower_case(local_part), ascii_domain(domain)?);
        let canonical = format!("{local_part}@{domain}");
        let fits = |form: &str| form.len() <= MAX_LENGTH;
        if fits(&shown) && fits(&canonical) && local_part.len() <= LONGEST_LOCAL_PART {
            Ok(Self { shown, canonical })
        } else {
            Err(InvalidEmail)
        }
    }

    /// The address as the user typed it, in NFC.
    #[must_use]
    pub fn as_typed(&self) -> &str {
        &self.shown
    }

    /// The canonical form, to compare and to look up by.
    #[must_use]
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    /// The part before the `@`, as the user typed it.
    #[must_use]
    pub fn local_part(&self) -> &str {
        self.shown.rsplit_once('@').map_or("", |(local_part, _)| local_part)
    }
}

shown_as_text!(Email by as_typed: Display, Serialize);

/// A `dot-atom` (RFC 5322, section 3.2.3) with letters of every script (RFC 6532, section 3.2).
fn is_local_part(text: &str) -> bool {
    text.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atext))
}

fn is_atext(c: char) -> bool {
    if c.is_ascii() {
        c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c)
    } else {
        !c.is_whitespace() && !is_invisible(c)
    }
}

/// Letter by letter, because `str::to_lowercase` writes a sigma by the letters around it. In NFC, because a lower-case
/// form may be two code points.
pub(crate) fn lower_case(text: &str) -> String {
    let mut lower = String::with_capacity(text.len());
    for c in text.nfc() {
        // The symbol ϴ is not Θ, but their lower cases are the same: the one such pair.
        if c == '\u{3f4}' {
            lower.push(c);
        } else {
            lower.extend(c.to_lowercase());
        }
    }
    lower.nfc().collect()
}

fn ascii_domain(text: &str) -> Result<String, InvalidEmail> {
    let lower = lower_case(text);
    let ascii = Uts46::new()
        .to_ascii(lower.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast, DnsLength::Verify)
        .map_err(|_| InvalidEmail)?;
    let (unicode, valid) =
        Uts46::new().to_unicode(ascii.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast);
    let is_unmapped = lower == ascii || (valid.is_ok() && lower == unicode);
    if is_unmapped && has_top_level_domain(&ascii) { Ok(ascii.into_owned()) } else { Err(InvalidEmail) }
}

fn has_top_level_domain(domain: &str) -> bool {
    domain.rsplit_once('.').is_some_and(|(_, top)| {
        let letters = top.len() >= 2 && top.bytes().all(|c| c.is_ascii_lowercase());
        letters || top.starts_with("xn--")
    })
}

#[cfg(test)]
mod tests;
