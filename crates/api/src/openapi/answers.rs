//! What the operations under each strategy answer when they succeed.

use portcullis_core::strategy::StrategyName;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::response::Response;
use utoipa::openapi::{Ref, RefOr, Schema};

use super::narrowed_schema::narrowed;
use super::schema::{content, either, named, nothing};
use super::{Named, headers, sample};
use crate::answer::{MessageBody, PASSWORD_CHANGED, UserInParts, UserView, strategy_format};
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
    fn shared<T: ToSchema + Serialize>(shown: &T) -> Option<Self> {
        let (name, schema) = named::<T>();
        let shown = serde_json::to_value(shown).ok()?;
        Some(Self { name, schema, least: shown.clone(), most: shown })
    }

    /// An answer in this strategy's own format.
    fn own<T: ToSchema + Serialize>(name: String, least: &T, most: &T) -> Option<Self> {
        let (least, most) = (serde_json::to_value(least).ok()?, serde_json::to_value(most).ok()?);
        Some(Self { name, schema: narrowed(T::schema(), &least, &most), least, most })
    }

    fn of(operation: &StrategyRow, strategy: StrategyName) -> Option<Self> {
        use StrategyOperation::{Own, Public};
        let format = strategy_format(strategy);
        let name = capitalised(&operation_id(operation, strategy));
        match operation.kind {
            Public(PublicStrategyOperation::Register) => {
                Some(Self { most: Value::Null, ..Self::shared(&UserView::of(&sample::user()?))? })
            }
            Public(PublicStrategyOperation::Login) => {
                let shown = |native| Some(format.login(&sample::signed_in(strategy, native)?));
                Self::own(name, &shown(false)?, &shown(true)?)
            }
            Public(PublicStrategyOperation::Refresh) => {
                let renewed = format.refreshed(&sample::refreshed());
                Self::own(name, &renewed, &renewed)
            }
            Own(OwnStrategyOperation::Profile) => {
                let identity = sample::identity(strategy)?;
                let profile = format.profile(&identity);
                Self::own(name, &profile, &profile)
            }
            Own(OwnStrategyOperation::Logout) => Self::shared(&format.logout()),
            Own(OwnStrategyOperation::Password) => Self::shared(&PASSWORD_CHANGED),
        }
    }
}

/// The answer of success.
pub(super) fn success(operation: &StrategyRow, strategy: StrategyName) -> Response {
    let headers = headers::of_success(operation.kind, strategy.strategy().carrier());
    let response = headers::response(operation.success, headers);
    let Some(StrategyAnswer { name, least, most, .. }) = StrategyAnswer::of(operation, strategy) else {
        return response.build();
    };
    let schema = RefOr::Ref(Ref::from_schema_name(name));
    let (schema, other) = match most {
        Value::Null => (either(schema, nothing()), "hidden"),
        _ => (schema, "native"),
    };
    let other = (least != most).then_some((other, Some(most)));
    let examples = [("answer", Some(least))].into_iter().chain(other);
    response.content("application/json", content(schema, examples)).build()
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
