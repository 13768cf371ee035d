//! The operations of the device-session surface and of its administration.

mod answers;
mod refusals;

pub(super) use answers::schemas;
use portcullis_core::strategy::{Carrier, StrategyName};
use utoipa::openapi::path::{self, OperationBuilder};
use utoipa::openapi::{Ref, ResponsesBuilder};

use super::strategies::{TENANT, about as about_strategy};
use super::{requests, security};
use crate::operation::{DEVICE_OPERATIONS, DeviceOperation, DeviceRow, Method, TenantSource};

/// The tags and what they mean.
pub(super) fn tags() -> [(&'static str, String); 2] {
    let device = StrategyName::Device;
    let about = about_strategy(device.strategy());
    [
        (device.as_str(), format!("Sessions by device. {about} Sign-in takes a second step by mail.")),
        ("admin", "The users of a tenant and their sessions, for its administrators.".to_owned()),
    ]
}

/// Every operation of the surface.
pub(super) fn operations() -> impl Iterator<Item = (String, Method, path::Operation)> {
    DEVICE_OPERATIONS.iter().map(|row| (row.route.to_owned(), row.method, documented(row)))
}

fn documented(row: &DeviceRow) -> path::Operation {
    let responses = ResponsesBuilder::new()
        .response(row.method.success().to_string(), answers::success(row))
        .responses_from_iter(refusals::responses(row));
    let tenant = Ref::new(format!("#/components/parameters/{TENANT}"));
    let described = OperationBuilder::new()
        .tag(tag(row))
        .operation_id(Some(operation_id(row)))
        .summary(Some(row.summary))
        .description(row.remark);
    let described =
        if row.tenant == TenantSource::Header { described.parameter_ref(tenant) } else { described };
    requests::parameters(row)
        .into_iter()
        .fold(described, OperationBuilder::parameter)
        .request_body(requests::device_body(row))
        .responses(responses)
        .securities(Some(security(row.access(), Carrier::Bearer)))
        .build()
}

const fn tag(row: &DeviceRow) -> &'static str {
    if row.is_administration() { "admin" } else { "device" }
}

/// `deviceSignup`, `adminCreateUser`.
fn operation_id(row: &DeviceRow) -> String {
    match row.kind {
        DeviceOperation::Public(kind) => format!("device{kind:?}"),
        DeviceOperation::Own(kind) => format!("device{kind:?}"),
        DeviceOperation::Admin(kind) => format!("admin{kind:?}"),
    }
}
