//! Enums whose values are written as one word each.

/// Implements `FromStr` and `Display` by the type's `ALL` and `as_str`; `$error` is made of the unknown word.
macro_rules! word_enum {
    ($name:ident, $error:ty, $unknown:expr) => {
        impl std::str::FromStr for $name {
            type Err = $error;

            fn from_str(word: &str) -> Result<Self, $error> {
                let unknown: fn(&str) -> $error = $unknown;
                Self::ALL.into_iter().find(|value| value.as_str() == word).ok_or_else(|| unknown(word))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

pub(crate) use word_enum;
