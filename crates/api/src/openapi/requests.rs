//! What operations take, from the declarations of [`crate::request`]: parameters of path and query, and bodies.

use portcullis_core::strategy::StrategyName;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::{SchemaType, Type};
use utoipa::openapi::{Content, Ref, RefOr, Schema};

use super::Named;
use super::schema::{self, object};
use crate::answer::strategy_format;
use crate::operation::{
    DEVICE_OPERATIONS, DeviceRow, Method, OwnStrategyOperation, PublicStrategyOperation, STRATEGY_OPERATIONS,
    StrategyOperation,
};
use crate::request::member::{MemberDoc, RoleSchema};
use crate::request::{
    ChangePasswordBody, LoginBody, NameForm, RefreshBody, RegisterBody, RegisterInPartsBody, RequestDoc,
};

/// What an operation takes under a strategy; `None` where it takes nothing.
pub(super) fn of_strategy(kind: StrategyOperation, strategy: StrategyName) -> Option<RequestDoc> {
    use StrategyOperation::{Own, Public};
    Some(match kind {
        Public(PublicStrategyOperation::Register) => match strategy_format(strategy).names {
            NameForm::Full => RequestDoc::of::<RegisterBody>(),
            NameForm::Parts => RequestDoc::of::<RegisterInPartsBody>(),
        },
        Public(PublicStrategyOperation::Login) => RequestDoc::of::<LoginBody>(),
        Public(PublicStrategyOperation::Refresh) => RequestDoc::of::<RefreshBody>(),
        Own(OwnStrategyOperation::Password) => RequestDoc::of::<ChangePasswordBody>(),
        Own(OwnStrategyOperation::Profile | OwnStrategyOperation::Logout) => return None,
    })
}

/// The body of a route of a strategy.
pub(super) fn strategy_body(request: &RequestDoc) -> RequestBody {
    let is_required = (request.members)().iter().any(|member| member.required);
    body(request.name, is_required).build()
}

fn body(name: &str, is_required: bool) -> RequestBodyBuilder {
    let required = schema::required(is_required);
    RequestBodyBuilder::new().content("application/json", reference_to(name)).required(Some(required))
}

fn reference_to(name: &str) -> Content {
    Content::new(Some(Ref::from_schema_name(name)))
}

fn is_in_path(row: &DeviceRow, member: &MemberDoc) -> bool {
    row.route.contains(&format!("{{{}}}", member.name))
}

fn body_members(row: &DeviceRow, request: &RequestDoc) -> Vec<MemberDoc> {
    match row.method {
        Method::Get => Vec::new(),
        Method::Post | Method::Patch | Method::Delete => {
            (request.members)().into_iter().filter(|member| !is_in_path(row, member)).collect()
        }
    }
}

/// The body of an operation of the device-session surface.
pub(super) fn device_body(row: &DeviceRow) -> Option<RequestBody> {
    let request = row.request.filter(|request| !body_members(row, request).is_empty())?;
    let json = body(request.name, true);
    let form = "application/x-www-form-urlencoded";
    Some(if row.form { json.content(form, reference_to(request.name)) } else { json }.build())
}

/// The parts of the path, and the members of the query of a GET.
pub(super) fn parameters(row: &DeviceRow) -> Vec<Parameter> {
    let members = row.request.map(|request| (request.members)()).unwrap_or_default();
    let parameter = |member: MemberDoc, place| {
        schema::parameter(member.name, place, member.required, &member.about, member.schema)
    };
    let (path, query): (Vec<_>, Vec<_>) = members.into_iter().partition(|member| is_in_path(row, member));
    let query = query.into_iter().filter(|_| row.method == Method::Get);
    let path = path.into_iter().map(|member| parameter(member, ParameterIn::Path));
    path.chain(query.map(|member| parameter(member, ParameterIn::Query))).collect()
}

/// The schemas of all bodies.
pub(super) fn schemas() -> impl Iterator<Item = Named> {
    let strategies = STRATEGY_OPERATIONS.iter().flat_map(|row| {
        StrategyName::ROUTED.into_iter().filter_map(|strategy| of_strategy(row.kind, strategy))
    });
    let strategies = strategies.map(|request| described(&request, (request.members)()));
    let device = DEVICE_OPERATIONS.iter().filter_map(|row| {
        let request = row.request?;
        let members = body_members(row, &request);
        (!members.is_empty()).then(|| described(&request, members))
    });
    strategies.chain(device).chain([schema::named::<RoleSchema>()])
}

fn described(request: &RequestDoc, members: Vec<MemberDoc>) -> Named {
    let members = members.into_iter().map(|member| {
        let (name, is_required) = (member.name, member.required);
        (name, member_schema(member), is_required)
    });
    let object = object(members).description(Some((request.about)()));
    (request.name.to_owned(), object.into())
}

/// The schema of a member of a body: it says what it is about, and null where it may be absent.
fn member_schema(member: MemberDoc) -> RefOr<Schema> {
    match member.schema {
        RefOr::T(Schema::Object(mut object)) => {
            object.description = Some(member.about);
            if let (SchemaType::Type(kind), false) = (&object.schema_type, member.required) {
                object.schema_type = SchemaType::from_iter([kind.clone(), Type::Null]);
            }
            RefOr::T(object.into())
        }
        RefOr::Ref(mut reference) => {
            reference.description = member.about;
            let reference = RefOr::Ref(reference);
            if member.required { reference } else { schema::either(reference, schema::nothing()) }
        }
        schema @ RefOr::T(_) => schema,
    }
}
