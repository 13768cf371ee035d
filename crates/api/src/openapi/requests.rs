//! The bodies of requests.

use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::{Content, Ref, Required};
use utoipa::{PartialSchema, ToSchema};

use super::Named;
use crate::operation::{OwnStrategyOperation, PublicStrategyOperation, StrategyOperation};
use crate::request::{Names, schema};

/// What an operation takes.
pub(super) fn body(kind: StrategyOperation, names: Names) -> Option<RequestBody> {
    let (schema, required) = match (kind, names) {
        (StrategyOperation::Public(PublicStrategyOperation::Register), Names::Whole) => {
            (schema::SignUp::name(), Required::True)
        }
        (StrategyOperation::Public(PublicStrategyOperation::Register), Names::Parts) => {
            (schema::SignUpInParts::name(), Required::True)
        }
        (StrategyOperation::Public(PublicStrategyOperation::Login), _) => {
            (schema::SignIn::name(), Required::True)
        }
        (StrategyOperation::Public(PublicStrategyOperation::Refresh), _) => {
            (schema::Refresh::name(), Required::False)
        }
        (StrategyOperation::Own(OwnStrategyOperation::Password), _) => {
            (schema::ChangePassword::name(), Required::True)
        }
        (
            StrategyOperation::Own(OwnStrategyOperation::Profile)
            | StrategyOperation::Own(OwnStrategyOperation::Logout),
            _,
        ) => return None,
    };
    let content = Content::new(Some(Ref::from_schema_name(schema)));
    Some(RequestBodyBuilder::new().content("application/json", content).required(Some(required)).build())
}

pub(super) fn schemas() -> impl Iterator<Item = Named> {
    [
        named::<schema::SignUp>(),
        named::<schema::SignUpInParts>(),
        named::<schema::SignIn>(),
        named::<schema::Refresh>(),
        named::<schema::ChangePassword>(),
    ]
    .into_iter()
}

/// A type's schema under the type's name.
pub(super) fn named<T: ToSchema + PartialSchema>() -> Named {
    (T::name().into_owned(), T::schema())
}
