//! The operations of the service itself.

use portcullis_core::strategy::Carrier;
use utoipa::openapi::path::{self, OperationBuilder, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{ArrayBuilder, Object, ObjectBuilder, Type};
use utoipa::openapi::{ContentBuilder, Ref, Required, ResponsesBuilder, Schema};

use super::{Named, SERVICE, headers, refusals, security};
use crate::operation::{Access, Method, SERVICE_OPERATIONS, ServiceOperation, ServiceRow};

const KEYS: &str = "KeySet";

/// Every operation of the service.
pub(super) fn operations() -> impl Iterator<Item = (String, Method, path::Operation)> {
    SERVICE_OPERATIONS
        .iter()
        .map(|operation| (operation.route.to_owned(), Method::Get, documented(operation)))
}

fn documented(operation: &ServiceRow) -> path::Operation {
    let (id, success) = match operation.kind {
        ServiceOperation::Jwks => ("jwks", keys()),
        ServiceOperation::TenantJwks => ("tenantJwks", keys()),
        ServiceOperation::Health => ("health", Response::new("It is up.")),
        ServiceOperation::Ready => ("ready", Response::new("They answer.")),
    };
    let responses = ResponsesBuilder::new()
        .response(Method::Get.success().to_string(), success)
        .responses_from_iter(failures(operation));
    let parameter = (operation.kind == ServiceOperation::TenantJwks).then(tenant);
    OperationBuilder::new()
        .tag(SERVICE)
        .operation_id(Some(id))
        .summary(Some(operation.summary))
        .parameters(parameter.map(|parameter| [parameter]))
        .responses(responses)
        .securities(Some(security(Access::Public, Carrier::Bearer)))
        .build()
}

fn failures(operation: &ServiceRow) -> Vec<(String, Response)> {
    match operation.kind {
        ServiceOperation::Jwks | ServiceOperation::TenantJwks => {
            let mut refusals = refusals::of_every_operation();
            // Tenant `default` is there, always.
            refusals.retain(|(name, _)| {
                operation.kind == ServiceOperation::TenantJwks || *name != "unknownTenant"
            });
            refusals::documented(refusals, Method::Get, operation.route).collect()
        }
        ServiceOperation::Ready => {
            let named = ResponseBuilder::new().description("A store does not answer; the body names it.");
            let named = headers::of_refusal(503).iter().fold(named, |response, header| header.on(response));
            vec![("503".to_owned(), named.build())]
        }
        ServiceOperation::Health => Vec::new(),
    }
}

fn tenant() -> Parameter {
    ParameterBuilder::new()
        .name("tenant")
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some("The tenant."))
        .schema(Some(Object::with_type(Type::String)))
        .build()
}

fn keys() -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(KEYS))).build();
    ResponseBuilder::new().description("A JWK Set (RFC 7517).").content("application/json", content).build()
}

pub(super) fn schemas() -> impl Iterator<Item = Named> {
    [(KEYS.to_owned(), key_set().into())].into_iter()
}

fn key_set() -> Schema {
    let text = |name: &str, about: &str| {
        (name.to_owned(), ObjectBuilder::new().schema_type(Type::String).description(Some(about)).build())
    };
    let members = [
        text("kty", "`EC`."),
        text("crv", "`P-256`."),
        text("x", "The point's first coordinate, in base64url."),
        text("y", "The point's second coordinate, in base64url."),
        text("use", "`sig`."),
        text("alg", "`ES256`."),
        text("kid", "What tokens call the key."),
    ];
    let key =
        members.into_iter().fold(ObjectBuilder::new().schema_type(Type::Object), |key, (name, member)| {
            key.property(name.clone(), member).required(name)
        });
    let keys = ArrayBuilder::new().items(key).description(Some("The keys, newest first."));
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some("Public keys. One stays until the last token that it has signed has expired."))
        .property("keys", keys)
        .required("keys")
        .into()
}
