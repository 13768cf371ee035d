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
use crate::operation::{DEVICE_OPERATIONS, DeviceOperation, Method, Operation};
use crate::request::members::{LARGEST_PAGE, PAGE};

type Row = Operation<DeviceOperation>;

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

fn documented(row: &Row) -> path::Operation {
    let responses = ResponsesBuilder::new()
        .response(row.success.to_string(), answers::success(row))
        .responses_from_iter(refusals::responses(row));
    let tenant = Ref::new(format!("#/components/parameters/{TENANT}"));
    let described = OperationBuilder::new()
        .tag(tag(row))
        .operation_id(Some(operation_id(row)))
        .summary(Some(row.summary))
        .description(remark(row.kind));
    let described = if takes_tenant(row.kind) { described.parameter_ref(tenant) } else { described };
    parameters(row)
        .into_iter()
        .fold(described, OperationBuilder::parameter)
        .request_body(requests::body(row))
        .responses(responses)
        .securities(Some(security(row.access, Carrier::Bearer)))
        .build()
}

const fn tag(row: &Row) -> &'static str {
    if row.is_administration() { "admin" } else { "device" }
}

/// `deviceSignup`, `adminCreateUser`.
fn operation_id(row: &Row) -> String {
    format!("{}{:?}", tag(row), row.kind)
}

/// Links in mails name their tenant themselves.
const fn takes_tenant(kind: DeviceOperation) -> bool {
    !matches!(
        kind,
        DeviceOperation::Health
            | DeviceOperation::UnlockPage
            | DeviceOperation::Unlock
            | DeviceOperation::ResetPage
            | DeviceOperation::ResetPassword
    )
}

/// What the table of operations does not say.
const fn remark(kind: DeviceOperation) -> Option<&'static str> {
    Some(match kind {
        DeviceOperation::Signup => {
            "Where the tenant hides who has an account, the answer has no data, whether or not the address was taken."
        }
        DeviceOperation::Login => {
            "A code is mailed, and belongs to the `loginId` of the answer. Where the tenant has no second step, the answer is \
             that of the second step already."
        }
        DeviceOperation::VerifyLogin => {
            "A browser shows its device proof by a cookie, a native client keeps it itself. Once a session has shown one, it \
             demands it with every refresh."
        }
        DeviceOperation::UnlockPage => {
            "A browser gets a page with a button that posts, because mail scanners follow links; any other client ends the \
             lock by this."
        }
        DeviceOperation::Sessions => "Oldest first, of every strategy that keeps sessions.",
        DeviceOperation::LogoutAll => "The session that asks ends, too.",
        DeviceOperation::Refresh => {
            "Each refresh token is good for one refresh. One that is spent and shown again within the grace window, with \
             the device proof, gets the same answer again; without the proof it ends the session."
        }
        DeviceOperation::ForgotPassword => "The answer is the same whether or not there is such a user.",
        DeviceOperation::ResetPage => "A page with a form that posts.",
        _ => return None,
    })
}

fn parameters(row: &Row) -> Vec<Parameter> {
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
        DeviceOperation::UnlockPage | DeviceOperation::ResetPage => {
            vec![parameter("token", ParameterIn::Query, Object::with_type(Type::String), Required::True)]
        }
        DeviceOperation::Sessions => page(LARGEST_PAGE).chain([ended]).collect(),
        DeviceOperation::Users => {
            page(PAGE).chain([optional("search", Object::with_type(Type::String))]).collect()
        }
        DeviceOperation::UserSessions => page(PAGE).chain([ended]).collect(),
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
