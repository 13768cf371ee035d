//! The operations of forward-auth. They answer every method alike; the document shows them as GET.

use portcullis_core::engine::AuthenticationError;
use portcullis_core::strategy::{Carrier, SessionClaim};
use portcullis_core::user::Role;
use utoipa::openapi::ResponsesBuilder;
use utoipa::openapi::path::{self, OperationBuilder, Parameter, ParameterIn};
use utoipa::openapi::response::Response;

use super::refusals::Example;
use super::schema::{parameter, text};
use super::{SERVICE, headers, refusals, security};
use crate::operation::{FORWARD_AUTH_OPERATIONS, ForwardAuthOperation, ForwardAuthRow, Method};
use crate::refusal::{Code, Refusal};
use crate::request::VerifyQuery;

const REMARK: &str = "For a proxy that asks before it passes a request on: nginx `auth_request`, Traefik ForwardAuth, Caddy \
    `forward_auth`, Envoy `ext_authz`. Every method is answered alike, and no body is read. A credential of any strategy \
    counts; it says of which tenant it is. `X-Forwarded-*` is believed of a trusted proxy alone.";

/// Every operation of forward-auth.
pub(super) fn operations() -> impl Iterator<Item = (String, Method, path::Operation)> {
    FORWARD_AUTH_OPERATIONS.iter().map(|row| {
        // The document has no parameter of several segments.
        let path = row.route.replace("{*", "{");
        let operation = documented(row, &path);
        (path, Method::Get, operation)
    })
}

fn documented(row: &ForwardAuthRow, path: &str) -> path::Operation {
    let (id, parameters) = match row.kind {
        ForwardAuthOperation::Query => ("verify", of_query()),
        ForwardAuthOperation::Policy => ("verifyPolicy", vec![policy()]),
        ForwardAuthOperation::PolicyBeforePath => ("verifyPolicyBeforePath", vec![policy(), request()]),
    };
    let responses = ResponsesBuilder::new()
        .response("200", headers::response("The request may pass.", headers::OF_VERIFIED).build())
        .response("302", to_login("A browser that asked for a page is to sign in."))
        .response(
            "303",
            to_login("The same, for a page that was asked for by another method than GET or HEAD."),
        )
        .responses_from_iter(refusals::documented(of_row(row), Method::Get, path));
    let by = |carrier| security(row.access(), carrier);
    OperationBuilder::new()
        .tag(SERVICE)
        .operation_id(Some(id))
        .summary(Some(row.summary))
        .description(Some(REMARK))
        .parameters(Some(parameters))
        .responses(responses)
        .securities(Some(by(Carrier::Bearer).into_iter().chain(by(Carrier::Cookie))))
        .build()
}

fn to_login(about: &str) -> Response {
    headers::response(about, &[headers::Described::NoStore, headers::Described::LoginPage]).build()
}

fn of_query() -> Vec<Parameter> {
    let query = |name, about| parameter(name, ParameterIn::Query, false, about, text());
    vec![
        query("role", "The roles of which the user must have one, separated by commas."),
        query("login", "Where a browser is sent to sign in: an address of an allowed host."),
    ]
}

fn policy() -> Parameter {
    parameter("policy", ParameterIn::Path, true, "The name of a policy of the configuration.", text())
}

fn request() -> Parameter {
    let about = "The path of the request that is asked about; it is not read.";
    parameter("request", ParameterIn::Path, true, about, text())
}

fn of_row(row: &ForwardAuthRow) -> Vec<Example> {
    let mut refusals = refusals::of_every_operation();
    // The credential names its tenant; one that does not exist makes it a bad one.
    refusals.retain(|(name, _)| *name != "unknownTenant");
    refusals.extend([
        ("unauthorized", AuthenticationError::Missing.into()),
        ("notLive", AuthenticationError::NotLive(Some(SessionClaim::Jti)).into()),
        ("revoked", AuthenticationError::Revoked.into()),
        ("missingRole", Refusal::plain(Code::MissingRole)),
        ("insufficientRole", Refusal::insufficient_role(&[Role::Manager, Role::Admin])),
        ("crossSite", Refusal::plain(Code::CrossSite)),
    ]);
    match row.kind {
        ForwardAuthOperation::Query => {
            let faults = VerifyQuery::read("role=boss&next=x").err();
            refusals.extend(faults.map(|faults| ("validationFailed", faults.into())));
        }
        ForwardAuthOperation::Policy | ForwardAuthOperation::PolicyBeforePath => {
            refusals.push(("noRoute", Refusal::no_route()));
        }
    }
    refusals
}
