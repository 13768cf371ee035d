//! The path of a request: what of it is refused, and the one string that is matched and forwarded.
//!
//! Servers read paths in many ways: they decode, they fold case, they cut off what follows a semicolon, they walk along
//! dots. A policy that reads a path in another way than the upstream protects nothing. So what is ambiguous is refused,
//! and of the rest every reading counts ([`Reading`]).

mod percent;
mod segment;

use http::Uri;
use http::uri::PathAndQuery;
use thiserror::Error;

use percent::normal_form;
use segment::{is_dot, text_of};

pub use segment::PathSegment;
pub(crate) use segment::{has_readings, is_same_but_case};

/// Why a path is refused: 400.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum PathFault {
    /// It does not begin with a slash, as that of `OPTIONS *`.
    #[error("The request must name a path")]
    NoPath,
    /// A percent sign without two hexadecimal digits.
    #[error("The path has a percent sign without two hexadecimal digits")]
    Percent,
    /// Bytes that are not UTF-8, encoded or not.
    #[error("The path is not UTF-8")]
    NotUtf8,
    /// A control character, encoded or not.
    #[error("The path has control characters")]
    Control,
    /// A backslash, encoded or not.
    #[error("The path has a backslash")]
    Backslash,
    /// A segment `.` or `..`, whatever stands behind a semicolon.
    #[error("The path has dot segments")]
    Dots,
    /// An encoded slash, an encoded percent sign or an empty segment, on a route that does not keep them. A segment
    /// that begins with a semicolon is empty to servers that cut parameters off.
    #[error("The path has an encoded slash, an encoded percent sign or an empty segment")]
    Encoded,
}

/// The path and query of a request in normal form.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RequestPath {
    /// What is forwarded.
    target: PathAndQuery,
    segments: Vec<PathSegment>,
    is_ambiguous: bool,
}

impl RequestPath {
    /// Reads the path of a request target.
    ///
    /// # Errors
    ///
    /// A [`PathFault`].
    pub fn read(uri: &Uri) -> Result<Self, PathFault> {
        let sent = uri.path();
        if !sent.starts_with('/') {
            return Err(PathFault::NoPath);
        }
        let path = normal_form(sent)?;
        let segments = segments(&path)?;
        let is_ambiguous = is_ambiguous(&path) || segments.iter().any(PathSegment::is_empty_to_some);
        let target = match uri.query() {
            Some(query) => format!("{path}?{query}"),
            None => path.into_owned(),
        };
        // Nothing was added that a path may not hold.
        let target = PathAndQuery::try_from(target).map_err(|_| PathFault::Control)?;
        Ok(Self { target, segments, is_ambiguous })
    }

    /// What is forwarded: the string that was matched, with the query as it was sent.
    #[must_use]
    pub const fn target(&self) -> &PathAndQuery {
        &self.target
    }

    /// The segments.
    #[must_use]
    pub fn segments(&self) -> &[PathSegment] {
        &self.segments
    }

    /// Whether servers may read the path in more than one way: with other capitals, or without parameters.
    #[must_use]
    pub fn has_readings(&self) -> bool {
        self.segments.iter().any(PathSegment::has_readings)
    }

    /// Whether only a route that keeps encoded characters takes the path.
    #[must_use]
    pub const fn is_ambiguous(&self) -> bool {
        self.is_ambiguous
    }
}

fn segments(path: &str) -> Result<Vec<PathSegment>, PathFault> {
    let path = path.strip_prefix('/').unwrap_or(path);
    if path.is_empty() {
        return Ok(Vec::new());
    }
    path.split('/').map(segment).collect()
}

fn segment(raw: &str) -> Result<PathSegment, PathFault> {
    let text = text_of(raw)?;
    if text.contains('\\') {
        return Err(PathFault::Backslash);
    }
    if text.contains(char::is_control) {
        return Err(PathFault::Control);
    }
    if is_dot(&text) { Err(PathFault::Dots) } else { Ok(PathSegment::new(raw, &text)) }
}

/// Whether servers differ on where a segment of the path ends, or on what it is decoded to.
fn is_ambiguous(path: &str) -> bool {
    path.contains("//") || path.contains("%2F") || path.contains("%25")
}

/// How a server may read the segments of a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reading {
    /// Whether capitals are small letters.
    pub ignores_case: bool,
    /// What becomes of what follows a semicolon.
    pub parameters: SegmentParameters,
}

/// What a server makes of what follows a semicolon in a segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SegmentParameters {
    /// It is no part of the name.
    Cut,
    /// The same, though the semicolon was encoded.
    CutDecoded,
    /// It is part of the name.
    Kept,
}

impl Reading {
    /// The one that finds the route of a request.
    pub const OF_POLICY: Self = Self { ignores_case: true, parameters: SegmentParameters::Cut };

    /// All others: a request must be admitted under each of them, too.
    pub const OTHERS: [Self; 5] = [
        Self { ignores_case: true, parameters: SegmentParameters::CutDecoded },
        Self { ignores_case: true, parameters: SegmentParameters::Kept },
        Self { ignores_case: false, parameters: SegmentParameters::Cut },
        Self { ignores_case: false, parameters: SegmentParameters::CutDecoded },
        Self { ignores_case: false, parameters: SegmentParameters::Kept },
    ];
}

#[cfg(test)]
mod tests;
