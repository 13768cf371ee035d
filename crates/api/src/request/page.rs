//! How a request names a page of a list.

use std::convert::identity;
use std::str::FromStr;

use portcullis_core::store::Page;
use serde_json::Value;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use uuid::Uuid;

use super::member::{Member, MemberDoc, id};
use super::{Body, RequestFaults};

/// The most items of a page.
pub(super) const LARGEST_PAGE: u32 = 500;
/// The items of a page of an administrator's list, unless `limit` says otherwise.
pub(super) const ADMIN_PAGE: u32 = 50;

/// A page of a list: members `cursor` and `limit`, the latter with this default.
pub(super) struct PageOf<I>(pub(super) u32, pub(super) fn(Uuid) -> I);

impl<I> Member for PageOf<I> {
    type Value = Page<I>;

    fn read(&self, body: &Body, _: &str, faults: &mut RequestFaults) -> Option<Page<I>> {
        let after = body.member("cursor").and_then(|_| id(self.1).read(body, "cursor", faults));
        Some(Page { after, limit: limit(body, faults).unwrap_or(self.0) })
    }

    fn documented(&self, _: &'static str, _: String) -> Vec<MemberDoc> {
        let limit =
            ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(LARGEST_PAGE));
        let limit: Object = limit.default(Some(self.0.into())).build();
        let cursor: Object = id(identity).schema().build();
        let member = |name, about: &str, schema: Object| MemberDoc {
            name,
            about: about.to_owned(),
            required: false,
            schema: schema.into(),
        };
        vec![
            member("cursor", "Where to go on: `meta.next` of the page before.", cursor),
            member("limit", "The most items of the answer.", limit),
        ]
    }
}

fn limit(body: &Body, faults: &mut RequestFaults) -> Option<u32> {
    let limit = match body.member("limit")? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => i64::from_str(text).ok(),
        _ => None,
    };
    match limit.map(u32::try_from) {
        None => faults.add("limit", "must be an integer number"),
        Some(Ok(limit @ 1..=LARGEST_PAGE)) => Some(limit),
        Some(Ok(0) | Err(_)) if limit < Some(1) => faults.add("limit", "must not be less than 1"),
        Some(_) => faults.add("limit", format_args!("must not be greater than {LARGEST_PAGE}")),
    }
}
