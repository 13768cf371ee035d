//! The schemas of which others are made, and contents with examples.

use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{
    ArrayBuilder, KnownFormat, Object, ObjectBuilder, OneOfBuilder, SchemaFormat, Type,
};
use utoipa::openapi::{Content, ContentBuilder, Ref, RefOr, Required, Schema};

use super::Named;

/// A type's schema under the type's name.
pub(super) fn named<T: ToSchema>() -> Named {
    (T::name().into_owned(), T::schema())
}

/// A reference to a type's schema.
pub(super) fn reference<T: ToSchema>() -> RefOr<Schema> {
    RefOr::Ref(Ref::from_schema_name(T::name()))
}

/// A list of a type.
pub(super) fn list<T: ToSchema>() -> RefOr<Schema> {
    RefOr::T(ArrayBuilder::new().items(reference::<T>()).into())
}

/// The schema of null.
pub(super) fn nothing() -> RefOr<Schema> {
    RefOr::T(Object::with_type(Type::Null).into())
}

/// The schema of what is one of the two.
pub(super) fn either(one: RefOr<Schema>, other: RefOr<Schema>) -> RefOr<Schema> {
    RefOr::T(OneOfBuilder::new().item(one).item(other).into())
}

/// Any text.
pub(super) fn text() -> RefOr<Schema> {
    RefOr::T(Object::with_type(Type::String).into())
}

/// A text in a format.
pub(super) fn formatted(format: KnownFormat) -> RefOr<Schema> {
    let format = Some(SchemaFormat::KnownFormat(format));
    ObjectBuilder::new().schema_type(Type::String).format(format).into()
}

/// An object with these members; each says whether it is required.
pub(super) fn object<'n>(members: impl IntoIterator<Item = (&'n str, RefOr<Schema>, bool)>) -> ObjectBuilder {
    members.into_iter().fold(
        ObjectBuilder::new().schema_type(Type::Object),
        |object, (name, schema, is_required)| {
            let object = object.property(name, schema);
            if is_required { object.required(name) } else { object }
        },
    )
}

/// A content with its examples.
pub(super) fn content<'n>(
    schema: RefOr<Schema>,
    examples: impl IntoIterator<Item = (&'n str, Option<Value>)>,
) -> Content {
    let examples = examples.into_iter().map(|(name, value)| (name, ExampleBuilder::new().value(value)));
    ContentBuilder::new().schema(Some(schema)).examples_from_iter(examples).build()
}

/// Whether something must be there.
pub(super) const fn required(is_required: bool) -> Required {
    if is_required { Required::True } else { Required::False }
}

/// A parameter.
pub(super) fn parameter(
    name: &str,
    place: ParameterIn,
    is_required: bool,
    about: &str,
    schema: RefOr<Schema>,
) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(required(is_required))
        .description(Some(about))
        .schema(Some(schema))
        .build()
}
