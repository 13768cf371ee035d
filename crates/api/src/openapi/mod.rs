//! The OpenAPI 3.1 document, from the table of operations.
//!
//! Nothing is declared twice. Paths, methods, access and statuses of success are those of [`crate::operation`];
//! bodies are the declarations that requests are read by; an answer's example is what [`crate::answer`] makes of a
//! sample user, and its schema is narrowed to what the example shows; a refusal's example is what [`crate::refusal`]
//! makes of an error of the engine. The strategies differ by what their tables say and have no text of their own here.
//!
//! It says nothing about what a transport may refuse before an operation is found: another method, headers that are too
//! large, a client that is too slow. The description of the whole mentions them.
//!
//! ```
//! let document = portcullis_api::openapi::document("0.1.0");
//! assert!(document.paths.get_path_item("/auth/session-jwt/login").is_some());
//! ```

mod answers;
mod device;
mod forward_auth;
mod headers;
mod narrowed_schema;
mod refusals;
mod requests;
mod revocations;
mod sample;
mod schema;
mod service;
mod strategies;

use portcullis_core::strategy::{Carrier, StrategyName};
use utoipa::openapi::path::{HttpMethod, Paths};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    Components, ComponentsBuilder, Info, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, RefOr, Schema,
    Tag,
};

use crate::operation::{Access, Method};

const DESCRIPTION: &str = "Authentication and sessions: signs users in, keeps them signed in and signs them out everywhere.

Six strategies share one directory of users: a user who has registered under one can sign in under another, and a \
credential is accepted on the routes of its own strategy only. The device-session surface is a seventh over the same directory and adds a \
second step by mail, names for devices, and remote sign-out; its answers stand in an envelope, `{\"message\", \"data\", \
\"meta\", \"ts\"}`. Refusals are `application/json`, or `application/problem+json` (RFC 9457) where `Accept` asks for it. Any route answers 405 with `Allow` to another method, 408 to a client that is too slow, \
431 to headers over 16 KiB, and 500 for a fault of the server.";

/// The tag of keys, health, forward-auth and the revocation feed.
const SERVICE: &str = "service";

/// The document, for a server of this version.
#[must_use]
pub fn document(version: &str) -> OpenApi {
    OpenApiBuilder::new()
        .info(info(version))
        .tags(Some(tags()))
        .paths(paths())
        .components(Some(components()))
        .build()
}

fn info(version: &str) -> Info {
    let mut license = LicenseBuilder::new().name("MIT OR Apache-2.0").build();
    license.identifier = Some("MIT OR Apache-2.0".to_owned());
    InfoBuilder::new()
        .title("Portcullis")
        .version(version)
        .description(Some(DESCRIPTION))
        .license(Some(license))
        .build()
}

fn tags() -> Vec<Tag> {
    let strategies =
        StrategyName::ROUTED.into_iter().map(|name| (name.as_str(), strategies::about(name.strategy())));
    let service = [(
        SERVICE,
        "Keys, health, forward-auth for proxies, and the revocation feed for verifiers.".to_owned(),
    )];
    let tag = |(name, about): (&str, String)| TagBuilder::new().name(name).description(Some(about)).build();
    // The page shows them in this order: what most services want comes first.
    device::tags().into_iter().chain(strategies).chain(service).map(tag).collect()
}

fn paths() -> Paths {
    let mut paths = Paths::new();
    let own = strategies::operations().chain(device::operations());
    for (path, method, operation) in own.chain(service::operations()).chain(forward_auth::operations()) {
        paths.add_path_operation(path, vec![http_method(method)], operation);
    }
    paths
}

const fn http_method(method: Method) -> HttpMethod {
    match method {
        Method::Get => HttpMethod::Get,
        Method::Post => HttpMethod::Post,
        Method::Patch => HttpMethod::Patch,
        Method::Delete => HttpMethod::Delete,
    }
}

fn components() -> Components {
    let schemas = answers::schemas()
        .chain(requests::schemas())
        .chain(refusals::schemas())
        .chain(device::schemas())
        .chain(service::schemas());
    let builder = ComponentsBuilder::new()
        .schemas_from_iter(schemas)
        .parameter(strategies::TENANT, strategies::tenant())
        .security_scheme(scheme_of(Carrier::Bearer), bearer())
        .security_scheme(scheme_of(Carrier::Cookie), cookie())
        .security_scheme(revocations::SCHEME, revocations::scheme());
    let add = |builder: ComponentsBuilder, header: &headers::Described| {
        builder.header(header.component(), header.described())
    };
    headers::Described::ALL.iter().fold(builder, add).build()
}

/// A schema and its name.
type Named = (String, RefOr<Schema>);

/// The name of the scheme by which credentials of a carrier are shown.
const fn scheme_of(carrier: Carrier) -> &'static str {
    match carrier {
        Carrier::Cookie => "cookie",
        Carrier::Bearer | Carrier::Field => "bearer",
    }
}

fn bearer() -> SecurityScheme {
    let scheme = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("The access token that a sign-in under the same strategy has answered."));
    SecurityScheme::Http(scheme.build())
}

fn cookie() -> SecurityScheme {
    let about = "The cookie that a sign-in has set. Where the public URL is https its name is `__Host-connect.sid`, unless \
                 another is configured.";
    SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description("connect.sid", about)))
}

/// The credential that an operation demands. A public one states an empty list, so that it does not look forgotten.
fn security(access: Access, carrier: Carrier) -> Vec<SecurityRequirement> {
    match access {
        Access::Public => Vec::new(),
        Access::SignedIn => vec![SecurityRequirement::new(scheme_of(carrier), [""; 0])],
        // Of a scheme without scopes these are the roles that are needed (OpenAPI 3.1, section 4.8.30).
        Access::Role(role) => vec![SecurityRequirement::new(scheme_of(carrier), [role.as_str()])],
    }
}

#[cfg(test)]
mod tests;
