//! Enums whose values are written as one word each.

/// Declares an enum by rows of a value and its word: every place that writes or reads the value uses the word.
///
/// `or Unknown` adds `FromStr`, whose error is `Unknown`, or `Unknown(word)` of the word that is none.
macro_rules! word_enum {
    (
        $(#[$meta:meta])*
        pub enum $name:ident $(or $unknown:ident $(($word_type:ty))?)? {
            $($(#[$doc:meta])* $value:ident = $word:literal,)+
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum $name {
            $($(#[$doc])* $value,)+
        }

        impl $name {
            /// Every value.
            pub const ALL: [Self; [$($word),+].len()] = [$(Self::$value),+];

            /// The word.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$value => $word,)+
                }
            }
        }

        crate::shown::shown_as_text!($name by as_str: Display, Serialize);

        $(impl std::str::FromStr for $name {
            type Err = $unknown;

            fn from_str(word: &str) -> Result<Self, $unknown> {
                let known = Self::ALL.into_iter().find(|value| value.as_str() == word);
                known.ok_or_else(|| $unknown $((<$word_type>::from(word)))?)
            }
        })?
    };
}

pub(crate) use word_enum;
