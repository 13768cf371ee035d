//! The path of a route.

use std::fmt;

use http::Uri;
use portcullis_api::operation::FORWARD_AUTH_OPERATIONS;

use crate::path::{PathSegment, Reading, RequestPath, has_readings, is_same_but_case};

/// The path of a route: literal segments.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RoutePath {
    segments: Vec<String>,
    is_exact: bool,
}

impl RoutePath {
    /// Parses the path of a route. `is_exact` says whether case counts.
    ///
    /// # Errors
    ///
    /// A sentence that says what is wrong.
    pub fn parse(text: &str, is_exact: bool) -> Result<Self, String> {
        if text.contains(['?', '#', ';', '*', '{', '}']) {
            return Err(format!(
                "{text:?} is not a literal path: write /reports, which takes /reports/… too"
            ));
        }
        let uri: Uri = text.parse().map_err(|_| format!("{text:?} is not a path: write /reports"))?;
        if uri.authority().is_some() {
            return Err(format!("{text:?} is not a path: write /reports"));
        }
        let path = RequestPath::read(&uri).map_err(|fault| format!("{text:?}: {fault}"))?;
        let segments: Vec<String> = path.segments().iter().map(|segment| segment.text().to_owned()).collect();
        if path.is_ambiguous() || segments.iter().any(String::is_empty) {
            return Err(format!("{text:?} has an empty segment or an encoded slash: write /reports"));
        }
        Ok(Self { segments, is_exact })
    }

    /// That of forward-auth, which the gateway may answer itself.
    pub(crate) fn of_forward_auth() -> Self {
        let [query, ..] = FORWARD_AUTH_OPERATIONS;
        let segments = query.route.split('/').filter(|segment| !segment.is_empty());
        Self { segments: segments.map(str::to_owned).collect(), is_exact: false }
    }

    /// Whether the path of a request begins with this one, as any server may read it.
    #[must_use]
    pub fn takes_as_any(&self, path: &RequestPath) -> bool {
        let mut readings = std::iter::once(Reading::OF_POLICY).chain(Reading::OTHERS);
        readings.any(|reading| self.takes(path.segments(), reading))
    }

    /// How many segments it has.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.segments.len()
    }

    /// Whether it is `/`.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// Whether case counts.
    #[must_use]
    pub const fn is_exact(&self) -> bool {
        self.is_exact
    }

    /// Whether servers may read the path in more than one way.
    #[must_use]
    pub fn has_readings(&self) -> bool {
        self.segments.iter().any(|segment| has_readings(segment))
    }

    /// Whether the path of a request begins with this one, as a server may read it.
    #[must_use]
    pub fn takes(&self, path: &[PathSegment], reading: Reading) -> bool {
        let reading = Reading { ignores_case: reading.ignores_case && !self.is_exact, ..reading };
        let pairs = self.segments.iter().zip(path);
        path.len() >= self.segments.len()
            && pairs.into_iter().all(|(ours, sent)| sent.is_read_as(ours, reading))
    }

    /// Whether one path of a request may be both this path and the other.
    #[must_use]
    pub fn ties_with(&self, other: &Self) -> bool {
        self.len() == other.len() && self.lies_at_or_above(other)
    }

    /// Whether a path of a request that begins with `other` may begin with this one.
    #[must_use]
    pub fn lies_at_or_above(&self, other: &Self) -> bool {
        let counts_case = self.is_exact && other.is_exact;
        let same = |(one, another): (&String, &String)| {
            if counts_case { one == another } else { is_same_but_case(one, another) }
        };
        self.len() <= other.len() && self.segments.iter().zip(&other.segments).all(same)
    }
}

impl fmt::Display for RoutePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.segments.is_empty() { f.write_str("/") } else { write!(f, "/{}", self.segments.join("/")) }
    }
}
