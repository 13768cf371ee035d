//! Text that a stranger typed, made safe for a mail.
//!
//! A stranger who signs up with the address of another person chooses the name and the device in the mails that follow.
//! So that they carry no spam, nothing in such a text may become a link: mail programs make links of bare host names,
//! too.

use portcullis_core::invisible::is_invisible;

/// One line of at most `most` characters, to which breaking links may add some, without invisible characters.
pub(super) fn defang(text: &str, most: usize) -> String {
    break_links(&single_line(text, most))
}

/// One line of at most `most` characters, without invisible characters.
pub(super) fn single_line(text: &str, most: usize) -> String {
    let seen: String = text.chars().map(|c| if is_invisible(c) { ' ' } else { c }).collect();
    let words: Vec<&str> = seen.split_whitespace().collect();
    let line = words.join(" ");
    if line.chars().count() <= most {
        return line;
    }
    let head: String = line.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", head.trim_end())
}

/// `https://evil.example` becomes `https[:]//evil[.]example`; `curl/8.7.1` and `J. R. Bloggs` stay what they are.
fn break_links(text: &str) -> String {
    let mut broken = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        let rest = text.get(at + c.len_utf8()..).unwrap_or_default();
        match c {
            ':' if rest.starts_with("//") => broken.push_str("[:]"),
            '.' | '。' | '．' if ends_a_label(&broken) && begins_a_domain(rest) => broken.push_str("[.]"),
            '@' => broken.push_str("[at]"),
            _ => broken.push(c),
        }
    }
    broken
}

fn ends_a_label(before: &str) -> bool {
    before.chars().next_back().is_some_and(char::is_alphanumeric)
}

fn begins_a_domain(rest: &str) -> bool {
    rest.chars().take(2).filter(|c| c.is_alphabetic()).count() == 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strangers_text_becomes_one_short_line_without_invisible_characters() {
        assert_eq!(defang("Ann\r\nBcc: eve\u{1b}[2J\u{202e}\u{2028}x", 80), "Ann Bcc: eve [2J x");
        assert_eq!(defang("  a\t b ", 80), "a b");
        assert_eq!(defang("漢字漢字", 3), "漢字…");
        assert_eq!(defang("\u{200b}\n", 9), "");
    }

    #[test]
    fn a_strangers_text_never_becomes_a_link() {
        for (text, shown) in [
            ("see https://evil.example/x", "see https[:]//evil[.]example/x"),
            ("www.evil.example", "www[.]evil[.]example"),
            ("eve@evil.example", "eve[at]evil[.]example"),
            ("evil．example", "evil[.]example"),
            ("curl/8.7.1", "curl/8.7.1"),
            ("J. R. Bloggs", "J. R. Bloggs"),
            ("Firefox 128.0 on Linux", "Firefox 128.0 on Linux"),
            ("2001:db8::1", "2001:db8::1"),
        ] {
            assert_eq!(defang(text, 80), shown);
        }
    }
}
