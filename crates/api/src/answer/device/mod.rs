//! What the device-session surface shows of users and sessions, inside the envelope.
//!
//! No token of another session, no hash, and nothing that a list of everything would show by accident: each member is
//! named here.

mod sessions;
mod users;

pub use sessions::{DeviceProfile, RenamedSession, RevokedSession, RevokedSessions, SessionSummary};
pub use users::{AdminUser, DeviceLogin, DeviceUser, PendingLogin, TokenPair};

#[cfg(test)]
mod tests;
