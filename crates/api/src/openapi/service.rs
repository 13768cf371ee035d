//! The operations of the service itself.

use portcullis_core::strategy::Carrier;
use utoipa::ToSchema;
use utoipa::openapi::ResponsesBuilder;
use utoipa::openapi::path::{self, OperationBuilder, Parameter, ParameterIn};
use utoipa::openapi::response::{Response, ResponseBuilder};

use super::schema::{content, named, parameter, reference, text};
use super::{Named, SERVICE, headers, refusals, revocations, security};
use crate::operation::{Access, Method, SERVICE_OPERATIONS, ServiceOperation, ServiceRow};
use crate::refusal::Refusal;

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
        ServiceOperation::Metadata => ("metadata", metadata()),
        ServiceOperation::TenantMetadata => ("tenantMetadata", metadata()),
        ServiceOperation::Health => ("health", Response::new("It is up.")),
        ServiceOperation::Ready => ("ready", Response::new("They answer.")),
        ServiceOperation::Revocations => {
            ("revocations", revocations::answer("What was revoked since then; nothing after the wait."))
        }
        ServiceOperation::RevocationSnapshot => {
            ("revocationSnapshot", revocations::answer("A page of what was revoked and still matters."))
        }
    };
    let responses = ResponsesBuilder::new()
        .response(Method::Get.success().to_string(), success)
        .responses_from_iter(failures(operation));
    let (remark, parameters, securities) = match operation.kind {
        ServiceOperation::Revocations => {
            (Some(revocations::LATEST), revocations::of_poll(), revocations::security())
        }
        ServiceOperation::RevocationSnapshot => {
            (Some(revocations::SNAPSHOT), revocations::of_snapshot(), revocations::security())
        }
        _ => (None, Vec::from_iter(tenant(operation)), security(Access::Public, Carrier::Bearer)),
    };
    OperationBuilder::new()
        .tag(SERVICE)
        .operation_id(Some(id))
        .summary(Some(operation.summary))
        .description(remark)
        .parameters((!parameters.is_empty()).then_some(parameters))
        .responses(responses)
        .securities(Some(securities))
        .build()
}

fn tenant(operation: &ServiceRow) -> Option<Parameter> {
    operation.names_tenant().then(|| parameter("tenant", ParameterIn::Path, true, "The tenant.", text()))
}

fn failures(operation: &ServiceRow) -> Vec<(String, Response)> {
    match operation.kind {
        ServiceOperation::Health => Vec::new(),
        ServiceOperation::Ready => {
            let about = "A store does not answer, or the clock of the machine is wrong; the body names it.";
            vec![("503".to_owned(), headers::response(about, headers::of_refusal(503)).build())]
        }
        ServiceOperation::Revocations | ServiceOperation::RevocationSnapshot => {
            let mut refusals = revocations::of_feed();
            if operation.kind == ServiceOperation::Revocations {
                refusals.extend(revocations::of_poll_alone());
            } else {
                refusals.extend(revocations::of_snapshot_alone());
            }
            refusals::documented(refusals, Method::Get, operation.route).collect()
        }
        _ => {
            let mut refusals = refusals::of_every_operation();
            // The header is not read here: the path names the tenant, and an unknown one has no such path.
            refusals.retain(|(name, _)| *name != "unknownTenant");
            refusals.extend(operation.names_tenant().then(|| ("noRoute", Refusal::no_route())));
            refusals::documented(refusals, Method::Get, operation.route).collect()
        }
    }
}

fn keys() -> Response {
    let content = content(reference::<KeySetSchema>(), []);
    ResponseBuilder::new().description("A JWK Set (RFC 7517).").content("application/json", content).build()
}

fn metadata() -> Response {
    let content = content(reference::<MetadataSchema>(), []);
    let about = "Authorization server metadata (RFC 8414).";
    ResponseBuilder::new().description(about).content("application/json", content).build()
}

pub(super) fn schemas() -> impl Iterator<Item = Named> {
    [named::<KeySetSchema>(), named::<MetadataSchema>()].into_iter()
}

/// What a service must know to verify access tokens. It describes no endpoint of OAuth, of which there is none.
#[derive(ToSchema)]
#[schema(as = Metadata)]
#[expect(dead_code, reason = "the server writes it; here is its schema")]
struct MetadataSchema {
    /// `iss` of every token.
    issuer: String,
    /// Where the public keys are. Absent where services share a secret with the server.
    #[schema(required = false)]
    jwks_uri: String,
    /// Empty: there is no authorization endpoint.
    response_types_supported: Vec<String>,
    /// `alg` of access tokens: `ES256`, or `HS256` with a shared secret.
    access_token_signing_alg_values_supported: Vec<String>,
}

/// Public keys. One stays until the last token that it has signed has expired.
#[derive(ToSchema)]
#[schema(as = KeySet)]
#[expect(dead_code, reason = "core writes the keys; here is their schema")]
struct KeySetSchema {
    /// The keys, newest first.
    #[schema(inline)]
    keys: Vec<KeySchema>,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "core writes the keys; here is their schema")]
struct KeySchema {
    /// `EC`.
    kty: String,
    /// `P-256`.
    crv: String,
    /// The point's first coordinate, in base64url.
    x: String,
    /// The point's second coordinate, in base64url.
    y: String,
    /// `sig`.
    r#use: String,
    /// `ES256`.
    alg: String,
    /// What tokens call the key.
    kid: String,
}
