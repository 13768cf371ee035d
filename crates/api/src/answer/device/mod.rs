//! What the device-session surface shows of users and sessions: the `data` of the envelope.
//!
//! Each member is named here, so no token of another session and no hash is shown by accident.

mod known_devices;
mod sessions;
mod users;

pub use known_devices::{DeviceSummary, ForgottenDevice};
pub use sessions::{DeviceProfile, RenamedSession, RevokedSession, RevokedSessions, SessionSummary};
pub use users::{AdminUser, DeviceLogin, DeviceUser, PendingLogin, TokenPair};

#[cfg(test)]
mod tests;
