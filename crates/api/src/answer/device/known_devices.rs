//! Known devices, as their user sees them.

use portcullis_core::clock::Timestamp;
use portcullis_core::id::SessionId;
use portcullis_core::user::KnownDevice;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// A known device in a list. No secret, and no hash of one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = KnownDevice)]
pub struct DeviceSummary {
    /// The id of the device.
    pub id: Uuid,
    /// The name by which the user recognises it; empty where it is not known.
    pub name: String,
    /// When the user last signed in on it; up to a day behind.
    #[schema(value_type = String, format = "date-time")]
    pub last_used: Timestamp,
    /// Whether the caller's session began on it.
    pub current: bool,
}

impl DeviceSummary {
    /// The summary of a device, for a caller whose session is `asking`.
    #[must_use]
    pub fn of(device: &KnownDevice, asking: Option<SessionId>) -> Self {
        let current = asking.is_some() && device.session == asking;
        Self { id: device.id(), name: device.name.clone(), last_used: device.used, current }
    }
}

/// A device that was forgotten.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ForgottenDevice)]
pub struct ForgottenDevice {
    /// The id of the device.
    pub device_id: Uuid,
}
