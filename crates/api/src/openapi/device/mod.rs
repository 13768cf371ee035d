//! The operations of the device-session surface and of its administration.

mod answers;
mod refusals;
mod requests;

use portcullis_core::strategy::{Carrier, StrategyName};
use utoipa::openapi::path::{self, OperationBuilder, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{KnownFormat, Object, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{Ref, RefOr, Required, ResponsesBuilder};

use super::strategies::{TENANT, about as about_strategy};
use super::{Named, security};
use crate::operation::{
    AdminOperation, DEVICE_OPERATIONS, DeviceOperation, DeviceRow, Method, OwnOperation, PublicOperation,
    TenantSource,
};
use crate::request::members::{LARGEST_PAGE, PAGE};

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

pub(super) fn schemas() -> impl Iterator<Item = Named> {
    answers::schemas().chain(requests::schemas())
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
    parameters(row)
        .into_iter()
        .fold(described, OperationBuilder::parameter)
        .request_body(requests::body(row))
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

fn parameters(row: &DeviceRow) -> Vec<Parameter> {
    let path = row.route.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    path.map(|name| parameter(name, ParameterIn::Path, uuid(), Required::True))
        .chain(query(row.kind))
        .collect()
}

fn query(kind: DeviceOperation) -> Vec<Parameter> {
    let optional = |name, schema| parameter(name, ParameterIn::Query, schema, Required::False);
    let limit = |usual: u32| {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(1))
            .maximum(Some(LARGEST_PAGE))
            .default(Some(usual.into()))
            .build()
    };
    let page = |usual| [optional("cursor", uuid()), optional("limit", limit(usual))].into_iter();
    let ended = optional("ended", Object::with_type(Type::Boolean));
    match kind {
        DeviceOperation::Public(PublicOperation::UnlockPage)
        | DeviceOperation::Public(PublicOperation::ResetPage) => {
            vec![parameter("token", ParameterIn::Query, Object::with_type(Type::String), Required::True)]
        }
        DeviceOperation::Own(OwnOperation::Sessions) => page(LARGEST_PAGE).chain([ended]).collect(),
        DeviceOperation::Admin(AdminOperation::Users) => {
            page(PAGE).chain([optional("search", Object::with_type(Type::String))]).collect()
        }
        DeviceOperation::Admin(AdminOperation::UserSessions) => page(PAGE).chain([ended]).collect(),
        _ => Vec::new(),
    }
}

fn parameter(name: &str, place: ParameterIn, schema: Object, required: Required) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(required)
        .description(Some(about(name)))
        .schema(Some(RefOr::T(schema.into())))
        .build()
}

fn about(name: &str) -> &'static str {
    match name {
        "userId" => "The user.",
        "sessionId" => "The session.",
        "token" => "The secret of the link.",
        "cursor" => "Where to go on: `meta.next` of the page before.",
        "limit" => "The most items of the answer.",
        "search" => "Only users who fit it.",
        _ => "The sessions that have ended lately, instead of those that live.",
    }
}

fn uuid() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)))
        .build()
}
