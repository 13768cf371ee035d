//! The macro of a row.

/// A setting:
///
/// ```text
/// setting!("key" [flag("name"), also("VARIABLE"), secret(), names_database(), example("value")]: Type("VALUE"), default,
///     field = parser(arguments), "meaning")
/// ```
///
/// What follows the key in brackets may be left out. `Type` is a [`ValueType`](super::ValueType), `field` one of
/// [`ConfigBuilder`](super::ConfigBuilder). The parser takes the text before its arguments; `Some(parser)` is for a
/// field that may be `None`. A function of builder and text may stand instead of field and parser.
macro_rules! setting {
    ($key:literal $([$($mark:tt)+])?: $kind:ident($value:literal), $default:expr,
        $($field:ident).+ = $parser:ident $(($($argument:tt)+))?, $doc:literal) => {
        setting!(@row $key, [$($($mark)+)?], $kind($value), $default, $doc, |builder, text| {
            builder.$($field).+ = parsed!(text, $parser $(($($argument)+))?)?;
            Ok(())
        })
    };
    ($key:literal $([$($mark:tt)+])?: $kind:ident($value:literal), $default:expr, $apply:expr, $doc:literal) => {
        setting!(@row $key, [$($($mark)+)?], $kind($value), $default, $doc, $apply)
    };
    (@row $key:expr, [$($mark:ident($($name:literal)?)),*], $kind:ident($value:literal), $default:expr, $doc:expr,
        $apply:expr) => {
        $crate::config::settings::Setting {
            key: $key,
            value: $value,
            default: $default,
            doc: $doc,
            apply: $apply,
            kind: $crate::config::settings::ValueType::$kind,
            also: None,
            secret: false,
            names_database: false,
            flag: None,
            example: None,
        }$(.$mark($($name)?))*
    };
}

/// What a parser makes of a text.
macro_rules! parsed {
    ($text:ident, Some($parser:ident $(($($argument:expr),+))?)) => {
        $parser($text $($(, $argument)+)?).map(Some)
    };
    ($text:ident, $parser:ident $(($($argument:expr),+))?) => {
        $parser($text $($(, $argument)+)?)
    };
}
