//! A schema that says no more than what is answered.
//!
//! The types of [`crate::answer`] serve all strategies: what one of them never shows is an optional member. Here a
//! type's schema is held against what a strategy really answers, and what does not occur is dropped.

use serde_json::{Map, Value};
use utoipa::openapi::schema::Object;
use utoipa::openapi::{RefOr, Schema};

/// Members whose text is always the same.
const WORDS: [&str; 3] = ["message", "strategy", "note"];

/// The schema narrowed to two answers: one that shows the least and one that shows the most. What both have is
/// required, of alternatives the one is left that fits, and [`WORDS`] are spelled out. References stay as they are.
pub(super) fn narrowed(schema: RefOr<Schema>, least: &Value, most: &Value) -> RefOr<Schema> {
    match (schema, least, most) {
        (RefOr::T(Schema::Object(object)), Value::Object(least), Value::Object(most)) => {
            RefOr::T(Schema::Object(narrowed_object(object, least, most)))
        }
        // A member that is written where it stands: its schema, and beside it its description.
        (RefOr::T(Schema::AllOf(mut parts)), ..) if !parts.items.is_empty() => {
            narrowed(parts.items.swap_remove(0), least, most)
        }
        (RefOr::T(Schema::OneOf(mut choice)), Value::Object(shown), Value::Object(_)) => {
            match choice.items.iter().position(|item| describes(item, shown)) {
                Some(at) => narrowed(choice.items.swap_remove(at), least, most),
                None => RefOr::T(Schema::OneOf(choice)),
            }
        }
        (schema, ..) => schema,
    }
}

fn narrowed_object(mut object: Object, least: &Map<String, Value>, most: &Map<String, Value>) -> Object {
    object.properties.retain(|name, _| most.contains_key(name));
    object.required = object.properties.keys().filter(|name| least.contains_key(*name)).cloned().collect();
    for (name, property) in &mut object.properties {
        if let (Some(least), Some(most)) = (least.get(name), most.get(name)) {
            *property = narrowed(std::mem::take(property), least, most);
            spell_out(property, name, least);
        }
    }
    object
}

fn spell_out(property: &mut RefOr<Schema>, name: &str, text: &Value) {
    if let RefOr::T(Schema::Object(object)) = property
        && WORDS.contains(&name)
    {
        object.enum_values = Some(vec![text.clone()]);
    }
}

fn describes(schema: &RefOr<Schema>, shown: &Map<String, Value>) -> bool {
    match schema {
        RefOr::T(Schema::Object(object)) => {
            object.required.iter().all(|name| shown.contains_key(name))
                && shown.keys().all(|name| object.properties.contains_key(name))
        }
        RefOr::T(Schema::AllOf(parts)) => parts.items.first().is_some_and(|part| describes(part, shown)),
        _ => false,
    }
}
