//! What a server did that it must not do, and which promise that breaks.

use std::fmt;

/// The promises that are counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum BreachKind {
    /// What was acknowledged is not there.
    WriteLost,
    /// A refresh is refused to a client that has its proof.
    ProofRefused,
    /// A refresh token gave two successors.
    SpentTwice,
    /// A user is told of a theft that did not happen.
    FalseAlarm,
    /// Any other one.
    Other,
}

impl BreachKind {
    pub(crate) const ALL: [Self; 5] =
        [Self::WriteLost, Self::ProofRefused, Self::SpentTwice, Self::FalseAlarm, Self::Other];

    /// As a row of the report.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::WriteLost => "acknowledged writes lost",
            Self::ProofRefused => "refreshes refused though the client had its proof",
            Self::SpentTwice => "double spends",
            Self::FalseAlarm => "false alarms",
            Self::Other => "other failures",
        }
    }

    /// A breach of this promise.
    pub(crate) fn breach(self, what: impl Into<String>) -> Breach {
        Breach { kind: self, what: what.into() }
    }
}

/// One breach.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Breach {
    pub(crate) kind: BreachKind,
    pub(crate) what: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl From<String> for Breach {
    fn from(what: String) -> Self {
        BreachKind::Other.breach(what)
    }
}

impl From<&str> for Breach {
    fn from(what: &str) -> Self {
        BreachKind::Other.breach(what)
    }
}
