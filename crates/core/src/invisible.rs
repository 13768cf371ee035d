//! Characters that a reader does not see, or that change what the reader sees.
//!
//! Names that differ only in such a character look the same, and a log line or a mail that contains one can mislead.

/// Whether `c` is a control character, a line or paragraph separator, shows as nothing, or changes the direction of the
/// text after it. The replacement character and its neighbours in the block of specials count, too.
#[must_use]
pub fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffd}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::email::Email;
    use crate::username::Username;

    /// There were two lists of these characters. The first five are what they disagreed about.
    #[test]
    fn an_address_or_a_user_name_contains_no_invisible_character() {
        for c in ['\u{180d}', '\u{34f}', '\u{3164}', '\u{fe0f}', '\u{2028}', '\u{180e}', '\u{2066}', '\u{1b}']
        {
            assert!(is_invisible(c), "{c:?}");
            assert!(Email::parse(&format!("jo{c}x@example.com")).is_err(), "{c:?}");
            assert!(Username::parse(&format!("jo{c}x")).is_err(), "{c:?}");
        }
        for c in ['a', ' ', 'é', '用', '\u{301}', '🐎'] {
            assert!(!is_invisible(c), "{c:?}");
        }
    }
}
