//! Types that are written as JSON.

/// A type whose JSON is an object with these members, in this order.
macro_rules! json_object {
    ($(#[$meta:meta])* $name:ident { $($field:ident: $type:ty),+ } => { $($member:literal: $value:expr,)+ }) => {
        $(#[$meta])*
        pub(in crate::cli) struct $name<'a> {
            $(pub(in crate::cli) $field: $type),+
        }

        impl serde::Serialize for $name<'_> {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let Self { $($field),+ } = self;
                let mut map = serializer.serialize_map(None)?;
                $(serde::ser::SerializeMap::serialize_entry(&mut map, $member, &$value)?;)+
                serde::ser::SerializeMap::end(map)
            }
        }
    };
}
