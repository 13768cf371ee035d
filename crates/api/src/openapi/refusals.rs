//! How the operations under each strategy refuse.
//!
//! The examples are errors of the engine, mapped and written as they are for clients.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use portcullis_core::engine::{
    AuthenticationError, ChangePasswordError, PasswordSignInError, RefreshError, RegisterError, TenantError,
};
use portcullis_core::id::TenantId;
use portcullis_core::password::HashRefused;
use portcullis_core::store::StoreError;
use portcullis_core::strategy::{Carrier, Check, SessionClaim, Strategy, StrategyName};
use utoipa::ToSchema;
use utoipa::openapi::Content;
use utoipa::openapi::response::Response;

use super::schema::{self, named, reference};
use super::{Named, headers, requests, sample};
use crate::operation::{
    Method, OwnStrategyOperation, PublicStrategyOperation, StrategyOperation, StrategyRow,
};
use crate::refusal::{Code, EnvelopeBody, PlainBody, ProblemBody, Refusal, RefusedRequest, Rendering};
use crate::request::{Body, NotJson, RequestFaults};

/// A time to wait, for the samples.
pub(super) const WAIT: Duration = Duration::from_secs(1);

/// A refusal and the name of its example.
pub(super) type Example = (&'static str, Refusal);

/// The answers of refusal, by status.
pub(super) fn responses(
    operation: &StrategyRow,
    strategy: StrategyName,
    path: &str,
) -> impl Iterator<Item = (String, Response)> {
    documented(of_operation(operation, strategy), operation.method, path)
}

/// These refusals as answers, by status.
pub(super) fn documented(
    refusals: Vec<Example>,
    method: Method,
    path: &str,
) -> impl Iterator<Item = (String, Response)> {
    let request = RefusedRequest { method: method.as_str(), path, at: sample::NOW };
    let mut by_status: BTreeMap<u16, Vec<Example>> = BTreeMap::new();
    for example in refusals {
        by_status.entry(example.1.code.status()).or_default().push(example);
    }
    by_status
        .into_iter()
        .map(move |(status, examples)| (status.to_string(), response(status, &examples, &request)))
}

fn response(status: u16, examples: &[Example], request: &RefusedRequest<'_>) -> Response {
    let title = examples.first().map_or("", |(_, refusal)| refusal.code.title());
    let json = match Rendering::of_path(request.path) {
        rendering @ Rendering::Envelope => content::<EnvelopeBody<'_>>(rendering, examples, request),
        rendering => content::<PlainBody<'_>>(rendering, examples, request),
    };
    let problem = content::<ProblemBody<'_>>(Rendering::Problem, examples, request);
    headers::response(title, headers::of_refusal(status))
        .content("application/json", json)
        .content("application/problem+json", problem)
        .build()
}

fn content<T: ToSchema>(rendering: Rendering, examples: &[Example], request: &RefusedRequest<'_>) -> Content {
    let examples = examples
        .iter()
        .map(|(name, refusal)| (*name, serde_json::from_slice(&refusal.render(rendering, request)).ok()));
    schema::content(reference::<T>(), examples)
}

fn of_operation(operation: &StrategyRow, name: StrategyName) -> Vec<Example> {
    let strategy = name.strategy();
    let mut refusals = of_any_row(operation.method, operation.limited, faults(operation.kind, name));
    // A page of another site can make a browser send a cookie, and no bearer token.
    refusals.retain(|(name, _)| strategy.carrier() == Carrier::Cookie || *name != "crossSite");
    match operation.kind {
        StrategyOperation::Own(_) => refusals.extend(of_credential(strategy)),
        // A refresh shows a credential.
        StrategyOperation::Public(PublicStrategyOperation::Refresh) => {}
        StrategyOperation::Public(_) => refusals.push(("suspended", TenantError::Suspended.into())),
    }
    refusals.extend(of_kind(operation.kind));
    refusals
}

/// The refusals of an operation with a row in a table: of its method, its limit, and the faults of its request.
pub(super) fn of_any_row(method: Method, is_limited: bool, faults: Option<RequestFaults>) -> Vec<Example> {
    let mut refusals = of_every_operation();
    refusals.push(("notOffered", Refusal::no_route()));
    if method != Method::Get {
        refusals.extend([
            ("notJson", NotJson.into()),
            ("tooLarge", Refusal::plain(Code::PayloadTooLarge)),
            ("otherMediaType", Refusal::plain(Code::UnsupportedMediaType)),
            ("crossSite", Refusal::plain(Code::CrossSite)),
        ]);
    }
    refusals.extend(faults.map(|faults| ("validationFailed", faults.into())));
    refusals.extend(is_limited.then(|| ("tooManyRequests", Refusal::too_many_requests(WAIT))));
    refusals
}

/// The refusals of any operation that needs a tenant and a store.
pub(super) fn of_every_operation() -> Vec<Example> {
    let away = StoreError::unavailable("answer", fmt::Error);
    vec![
        ("unknownTenant", TenantError::Unknown(TenantId::default_tenant()).into()),
        ("storeUnavailable", away.into()),
        ("storeOverloaded", StoreError::Overloaded.into()),
    ]
}

/// The faults of a body whose members are missing, or numbers.
fn faults(kind: StrategyOperation, strategy: StrategyName) -> Option<RequestFaults> {
    let body = Body::parse(br#"{"refresh_token": 1}"#).ok()?;
    (requests::of_strategy(kind, strategy)?.faults)(&body)
}

fn of_credential(strategy: Strategy) -> Vec<Example> {
    let mut refusals = vec![
        ("unauthorized", AuthenticationError::Missing.into()),
        ("otherTenant", AuthenticationError::OtherTenant.into()),
    ];
    match strategy.check() {
        Check::SignedAndLive(claim @ SessionClaim::Jti) => {
            refusals.push(("notLive", AuthenticationError::NotLive(Some(claim)).into()));
        }
        Check::SignedUnlessRevoked => refusals.push(("revoked", AuthenticationError::Revoked.into())),
        Check::Stored | Check::Signed | Check::SignedAndLive(SessionClaim::Sid) => {}
    }
    refusals
}

fn of_kind(kind: StrategyOperation) -> Vec<Example> {
    match kind {
        StrategyOperation::Public(PublicStrategyOperation::Register) => of_sign_up(),
        StrategyOperation::Public(PublicStrategyOperation::Login) => of_sign_in(),
        StrategyOperation::Public(PublicStrategyOperation::Refresh) => {
            vec![("invalidRefreshToken", RefreshError::Invalid.into())]
        }
        StrategyOperation::Own(OwnStrategyOperation::Password) => of_password(),
        StrategyOperation::Own(OwnStrategyOperation::Profile | OwnStrategyOperation::Logout) => Vec::new(),
    }
}

/// The refusal of a password that cannot be hashed now.
pub(super) fn hashing_busy() -> Example {
    ("hashingBusy", HashRefused::Busy { retry_after: WAIT }.into())
}

/// The refusals of a sign-up.
pub(super) fn of_sign_up() -> Vec<Example> {
    vec![("taken", RegisterError::Taken.into()), hashing_busy()]
}

/// The refusals of a sign-in by password.
pub(super) fn of_sign_in() -> Vec<Example> {
    vec![
        ("invalidCredentials", PasswordSignInError::InvalidCredentials.into()),
        ("accountLocked", PasswordSignInError::Locked.into()),
        hashing_busy(),
    ]
}

/// The refusals of a change of password.
pub(super) fn of_password() -> Vec<Example> {
    vec![
        ("wrongPassword", ChangePasswordError::WrongPassword.into()),
        ("tooManyGuesses", ChangePasswordError::TooManyGuesses { wait: WAIT }.into()),
        ("reused", ChangePasswordError::Reused.into()),
        ("contended", ChangePasswordError::Contended.into()),
        hashing_busy(),
    ]
}

pub(super) fn schemas() -> impl Iterator<Item = Named> {
    [named::<PlainBody<'_>>(), named::<EnvelopeBody<'_>>(), named::<ProblemBody<'_>>()].into_iter()
}
