//! When an open stream must be cut.

/// Why an open stream must be cut.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CutReason {
    /// The session has ended, the user was disabled, the tenant suspended, or the key compromised.
    Revoked,
    /// The user has another role than when the stream was opened.
    RoleChanged,
    /// The token has expired. No leeway: the stream began before.
    Expired,
    /// Nothing was proven for the grace period.
    Unproven,
}
