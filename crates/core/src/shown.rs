//! How a value shows itself: by a text that it has, or, where the value is a secret, by the name of its type alone.

/// Implements traits by the text that a method returns.
macro_rules! shown_as_text {
    ($name:ident by $text:ident: $($trait:ident),+) => {
        $($crate::shown::shown_as_text! { @$trait $name $text })+
    };
    (@Serialize $name:ident $text:ident) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.$text())
            }
        }
    };
    (@$format:ident $name:ident $text:ident) => {
        impl std::fmt::$format for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.$text())
            }
        }
    };
}

/// Implements `Debug` by the name of the type.
macro_rules! shown_by_name {
    ($($name:ident),+) => {
        $(impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(stringify!($name))
            }
        })+
    };
}

pub(crate) use {shown_as_text, shown_by_name};
