//! What the operations under each strategy answer when they succeed.

use portcullis_core::strategy::StrategyName;
use serde::Serialize;
use serde_json::Value;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{Object, OneOfBuilder, Type};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::narrowed_schema::narrowed;
use super::requests::named;
use super::{Named, headers, sample};
use crate::answer::{
    CookieLogin, LoginAnswer, MessageBody, PASSWORD_CHANGED, Pair, PairLogin, RefreshAnswer, StrategyFormat,
    StrategyProfile, TokenLogin, Tokens, UserInParts, UserView, strategy_format,
};
use crate::operation::{
    OwnStrategyOperation, PublicStrategyOperation, STRATEGY_OPERATIONS, StrategyOperation, StrategyRow,
};

/// An answer, and how it is documented.
struct StrategyAnswer {
    /// The name of its schema among the components.
    name: String,
    schema: RefOr<Schema>,
    /// An answer with the fewest members.
    least: Value,
    /// The answer to a client that keeps a device proof, or of a tenant that hides who has an account.
    most: Value,
}

impl StrategyAnswer {
    /// An answer that is the same under every strategy.
    fn shared<T: ToSchema + PartialSchema + Serialize>(shown: &T) -> Option<Self> {
        let (name, schema) = named::<T>();
        let shown = serde_json::to_value(shown).ok()?;
        Some(Self { name, schema, least: shown.clone(), most: shown })
    }

    /// An answer in this strategy's own format.
    fn own(name: String, schema: RefOr<Schema>, least: impl Serialize, most: impl Serialize) -> Option<Self> {
        let (least, most) = (serde_json::to_value(least).ok()?, serde_json::to_value(most).ok()?);
        Some(Self { name, schema: narrowed(schema, &least, &most), least, most })
    }

    fn of(operation: &StrategyRow, strategy: StrategyName) -> Option<Self> {
        let format = strategy_format(strategy);
        let name = || capitalised(&operation_id(operation, strategy));
        match operation.kind {
            StrategyOperation::Public(PublicStrategyOperation::Register) => {
                Some(Self { most: Value::Null, ..Self::shared(&UserView::of(&sample::user()?))? })
            }
            StrategyOperation::Public(PublicStrategyOperation::Login) => {
                let shown = |native| Some(format.login(&sample::signed_in(strategy, native)?));
                let login = shown(false)?;
                Self::own(name(), schema_of_login(&login), &login, shown(true)?)
            }
            StrategyOperation::Public(PublicStrategyOperation::Refresh) => {
                let renewed = format.refreshed(&sample::refreshed());
                Self::own(name(), schema_of_renewed(&renewed), &renewed, &renewed)
            }
            StrategyOperation::Own(OwnStrategyOperation::Profile) => Self::profile(name(), &format),
            StrategyOperation::Own(OwnStrategyOperation::Logout) => Self::shared(&format.logout()),
            StrategyOperation::Own(OwnStrategyOperation::Password) => Self::shared(&PASSWORD_CHANGED),
        }
    }

    fn profile(name: String, format: &StrategyFormat) -> Option<Self> {
        let profile = format.profile(&sample::identity(format.strategy)?);
        Self::own(name, StrategyProfile::schema(), &profile, &profile)
    }
}

fn schema_of_login(login: &LoginAnswer) -> RefOr<Schema> {
    match login {
        LoginAnswer::Token(_) => TokenLogin::schema(),
        LoginAnswer::Cookie(_) => CookieLogin::schema(),
        LoginAnswer::Pair(_) => PairLogin::schema(),
    }
}

fn schema_of_renewed(renewed: &RefreshAnswer) -> RefOr<Schema> {
    match renewed {
        RefreshAnswer::Tokens(_) => Tokens::schema(),
        RefreshAnswer::Pair(_) => Pair::schema(),
    }
}

/// The answer of success.
pub(super) fn success(operation: &StrategyRow, strategy: StrategyName) -> Response {
    let described = ResponseBuilder::new().description(said(operation.kind));
    let carrier = strategy.strategy().carrier();
    let headers = headers::of_success(operation.kind, carrier);
    let response = headers.iter().fold(described, |response, header| header.on(response));
    let Some(StrategyAnswer { name, least, most, .. }) = StrategyAnswer::of(operation, strategy) else {
        return response.build();
    };
    let schema = RefOr::Ref(Ref::from_schema_name(name));
    let (schema, other) = match most {
        Value::Null => (either(schema, nothing()), "hidden"),
        _ => (schema, "native"),
    };
    let mut examples = vec![("answer", least)];
    if examples.iter().all(|(_, least)| *least != most) {
        examples.push((other, most));
    }
    let examples = examples.into_iter().map(|(name, value)| (name, ExampleBuilder::new().value(Some(value))));
    let content = ContentBuilder::new().schema(Some(schema)).examples_from_iter(examples).build();
    response.content("application/json", content).build()
}

const fn said(kind: StrategyOperation) -> &'static str {
    match kind {
        StrategyOperation::Public(PublicStrategyOperation::Register) => "Signed up.",
        StrategyOperation::Public(PublicStrategyOperation::Login) => "Signed in.",
        StrategyOperation::Own(OwnStrategyOperation::Profile) => "Recognised.",
        StrategyOperation::Own(OwnStrategyOperation::Logout) => "Signed out.",
        StrategyOperation::Public(PublicStrategyOperation::Refresh) => "The next pair.",
        StrategyOperation::Own(OwnStrategyOperation::Password) => "Changed.",
    }
}

pub(super) fn schemas() -> impl Iterator<Item = Named> {
    let rows = StrategyName::ROUTED.into_iter().flat_map(|strategy| {
        STRATEGY_OPERATIONS.iter().filter_map(move |operation| {
            operation.path(strategy)?;
            let StrategyAnswer { name, schema, .. } = StrategyAnswer::of(operation, strategy)?;
            Some((name, schema))
        })
    });
    rows.chain([named::<UserView>(), named::<UserInParts>(), named::<MessageBody>()])
}

/// The schema of null.
pub(super) fn nothing() -> RefOr<Schema> {
    RefOr::T(Object::with_type(Type::Null).into())
}

/// The schema of what is one of the two.
pub(super) fn either(one: RefOr<Schema>, other: RefOr<Schema>) -> RefOr<Schema> {
    RefOr::T(OneOfBuilder::new().item(one).item(other).into())
}

/// `jwtLogin`, `sessionJwtLogin`.
pub(super) fn operation_id(operation: &StrategyRow, strategy: StrategyName) -> String {
    let mut words = strategy.as_str().split('-').chain([operation.route]);
    let mut id = words.next().unwrap_or_default().to_owned();
    for word in words {
        let (first, rest) = word.split_at(1);
        id.push_str(&first.to_uppercase());
        id.push_str(rest);
    }
    id
}

pub(super) fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}
