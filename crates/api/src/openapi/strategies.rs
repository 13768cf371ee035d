//! The operations of each strategy, with their paths.

use portcullis_core::strategy::{Carrier, Check, Renewal, Strategy, StrategyName};
use utoipa::openapi::path::{self, OperationBuilder, Parameter, ParameterIn};
use utoipa::openapi::{Ref, ResponsesBuilder};

use super::schema::{parameter, text};
use super::{answers, refusals, requests, security};
use crate::operation::{
    Method, OwnStrategyOperation, PublicStrategyOperation, STRATEGY_OPERATIONS, StrategyOperation,
    StrategyRow,
};

/// The name of the tenant's parameter among the components.
pub(super) const TENANT: &str = "Tenant";

/// Every operation of every strategy that has it.
pub(super) fn operations() -> impl Iterator<Item = (String, Method, path::Operation)> {
    StrategyName::ROUTED.into_iter().flat_map(|strategy| {
        STRATEGY_OPERATIONS.iter().filter_map(move |operation| {
            let path = operation.path(strategy)?;
            let documented = documented(operation, strategy, &path);
            Some((path, operation.method, documented))
        })
    })
}

fn documented(operation: &StrategyRow, name: StrategyName, path: &str) -> path::Operation {
    let request = requests::of_strategy(operation.kind, name);
    let responses = ResponsesBuilder::new()
        .response(operation.method.success().to_string(), answers::success(operation, name))
        .responses_from_iter(refusals::responses(operation, name, path));
    OperationBuilder::new()
        .tag(name.as_str())
        .operation_id(Some(answers::operation_id(operation, name)))
        .summary(Some(operation.summary))
        .description(remark(operation.kind, name.strategy()))
        .parameter_ref(Ref::new(format!("#/components/parameters/{TENANT}")))
        .request_body(request.map(|request| requests::strategy_body(&request)))
        .responses(responses)
        .securities(Some(security(operation.access(), name.strategy().carrier())))
        .build()
}

/// What the table of operations does not say.
fn remark(kind: StrategyOperation, strategy: Strategy) -> Option<&'static str> {
    match kind {
        StrategyOperation::Public(PublicStrategyOperation::Register) => Some(
            "Where the tenant hides who has an account, the answer is `null`, whether or not the address was taken.",
        ),
        StrategyOperation::Public(PublicStrategyOperation::Login)
            if strategy.carrier() == Carrier::Cookie =>
        {
            Some("A session that the request still shows is ended.")
        }
        StrategyOperation::Public(PublicStrategyOperation::Login) if strategy.rotates() => Some(
            "With `native` the answer has a device proof, too. A session that has one demands it with every refresh, and \
             lets its client repeat a refresh whose answer was lost.",
        ),
        StrategyOperation::Public(PublicStrategyOperation::Refresh) => Some(
            "The refresh token travels as a bearer token, or in the body. Each is good for one refresh: one that is spent \
             and shown again, without a device proof, ends the session.",
        ),
        StrategyOperation::Own(OwnStrategyOperation::Logout) => Some(match strategy.check() {
            Check::Signed if !strategy.rotates() => {
                "Nothing is kept of the token: it is believed until it expires."
            }
            Check::Signed => "The refresh token ends at once; the access token is believed until it expires.",
            Check::SignedUnlessRevoked => {
                "The access token ends at once, and so do all refresh tokens of the user."
            }
            Check::Stored | Check::SignedAndLive(_) => "The session ends at once.",
        }),
        _ => None,
    }
}

/// A strategy in a sentence or two: how its credential travels, is believed and is renewed.
pub(super) fn about(strategy: Strategy) -> String {
    let mut about = String::from(match strategy.carrier() {
        Carrier::Cookie => "A cookie with an opaque id",
        Carrier::Bearer | Carrier::Field => "A JWT",
    });
    about.push_str(match strategy.check() {
        Check::Stored => ", believed while its session lives; ",
        Check::Signed => ", believed by its signature until it expires; ",
        Check::SignedAndLive(_) => ", believed by its signature while its session lives; ",
        Check::SignedUnlessRevoked => ", believed by its signature unless it was revoked; ",
    });
    about.push_str(match strategy.renewal() {
        Renewal::Fixed { .. } => "nothing renews it.",
        Renewal::Sliding { .. } => "use renews it.",
        Renewal::Rotating { .. } => "a refresh token, spent when it is used, renews it.",
    });
    about
}

/// The header that names the tenant.
pub(super) fn tenant() -> Parameter {
    let about = "The tenant; without it `default` is meant, unless the server insists on it. A credential of another tenant \
                 is refused, whatever its signature.";
    parameter("x-tenant-id", ParameterIn::Header, false, about, text())
}
