//! The headers that tell a service whose request it is, and those for a program that verifies credentials by asking.
//!
//! No client of a service may send one of the first four: a proxy removes them before it passes a request on.

/// The user's id.
pub const USER_ID: &str = "x-user-id";
/// The tenant's id.
pub const TENANT_ID: &str = "x-tenant-id";
/// The user's role.
pub const USER_ROLE: &str = "x-user-role";
/// The session's public id.
pub const SESSION_ID: &str = "x-session-id";

/// The id of the session with whose end the credential ends; empty if its strategy keeps none.
pub const ENDS_WITH: &str = "x-portcullis-session";
/// The epochs that the credential was issued under, as `user,tenant,everyone`.
pub const EPOCHS: &str = "x-portcullis-epochs";
/// How many milliseconds ago it was proven that no revocation is missing from the answer.
pub const AGE: &str = "x-portcullis-age-ms";
