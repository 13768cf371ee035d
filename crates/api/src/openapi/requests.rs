//! What operations take, from the declarations of [`crate::request`]: parameters of path and query, and bodies.

use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::{Object, ObjectBuilder, OneOfBuilder, SchemaType, Type};
use utoipa::openapi::{Content, Ref, RefOr, Required, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::Named;
use crate::answer::strategy_format;
use crate::operation::{
    DEVICE_OPERATIONS, DeviceRow, Method, OwnStrategyOperation, PublicStrategyOperation, StrategyOperation,
};
use crate::request::member::{MemberDoc, RoleSchema};
use crate::request::{
    ChangePasswordBody, LoginBody, NameForm, RefreshBody, RegisterBody, RegisterInPartsBody, RequestDoc,
};
use portcullis_core::strategy::StrategyName;

/// What an operation takes under a strategy; `None` where it takes nothing.
pub(super) fn of_strategy(kind: StrategyOperation, strategy: StrategyName) -> Option<RequestDoc> {
    match kind {
        StrategyOperation::Public(PublicStrategyOperation::Register) => {
            Some(match strategy_format(strategy).names {
                NameForm::Full => RequestDoc::of::<RegisterBody>(),
                NameForm::Parts => RequestDoc::of::<RegisterInPartsBody>(),
            })
        }
        StrategyOperation::Public(PublicStrategyOperation::Login) => Some(RequestDoc::of::<LoginBody>()),
        StrategyOperation::Public(PublicStrategyOperation::Refresh) => Some(RequestDoc::of::<RefreshBody>()),
        StrategyOperation::Own(OwnStrategyOperation::Password) => {
            Some(RequestDoc::of::<ChangePasswordBody>())
        }
        StrategyOperation::Own(OwnStrategyOperation::Profile | OwnStrategyOperation::Logout) => None,
    }
}

/// The body of a route of a strategy.
pub(super) fn strategy_body(request: &RequestDoc) -> RequestBody {
    let is_required = (request.members)().iter().any(|member| member.required);
    body(request.name, is_required).build()
}

fn body(name: &str, is_required: bool) -> RequestBodyBuilder {
    let required = if is_required { Required::True } else { Required::False };
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
        Method::Post | Method::Patch => {
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
        let required = if member.required { Required::True } else { Required::False };
        ParameterBuilder::new()
            .name(member.name)
            .parameter_in(place)
            .description(Some(member.about))
            .required(required)
            .schema(Some(member.schema))
            .build()
    };
    let (path, query): (Vec<_>, Vec<_>) = members.into_iter().partition(|member| is_in_path(row, member));
    let query = query.into_iter().filter(|_| row.method == Method::Get);
    let path = path.into_iter().map(|member| parameter(member, ParameterIn::Path));
    path.chain(query.map(|member| parameter(member, ParameterIn::Query))).collect()
}

/// The schemas of all bodies.
pub(super) fn schemas() -> impl Iterator<Item = Named> {
    let strategies = [
        RequestDoc::of::<RegisterBody>(),
        RequestDoc::of::<RegisterInPartsBody>(),
        RequestDoc::of::<LoginBody>(),
        RequestDoc::of::<RefreshBody>(),
        RequestDoc::of::<ChangePasswordBody>(),
    ];
    let strategies = strategies.into_iter().map(|request| schema(&request, (request.members)()));
    let device = DEVICE_OPERATIONS.iter().filter_map(|row| {
        let request = row.request?;
        let members = body_members(row, &request);
        (!members.is_empty()).then(|| schema(&request, members))
    });
    strategies.chain(device).chain([named::<RoleSchema>()])
}

fn schema(request: &RequestDoc, members: Vec<MemberDoc>) -> Named {
    let object = ObjectBuilder::new().schema_type(Type::Object).description(Some((request.about)()));
    let object = members.into_iter().fold(object, |object, member| {
        let (name, required) = (member.name, member.required);
        let object = object.property(name, described(member));
        if required { object.required(name) } else { object }
    });
    (request.name.to_owned(), object.into())
}

/// The schema of a member of a body: it says what it is about, and null where it may be absent.
fn described(member: MemberDoc) -> RefOr<Schema> {
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
            if member.required {
                return reference;
            }
            RefOr::T(OneOfBuilder::new().item(reference).item(Object::with_type(Type::Null)).into())
        }
        schema @ RefOr::T(_) => schema,
    }
}

/// A type's schema under the type's name.
pub(super) fn named<T: ToSchema + PartialSchema>() -> Named {
    (T::name().into_owned(), T::schema())
}
