//! Text that a stranger chose, as it may stand in a letter.
//!
//! Whoever signs up with somebody else's address chooses the name and the device in the letters that follow. So that our
//! mail does not carry anybody's advertisement, nothing in such a text becomes a link: mail programs make links of bare
//! host names, too.

use portcullis_core::invisible::is_invisible;

/// One line of at most `most` characters, and what is put in to spoil links. Nothing in it is unseen.
pub(super) fn inert(text: &str, most: usize) -> String {
    spoiled(&line(text, most))
}

/// One line of at most `most` characters in which nothing is unseen.
pub(super) fn line(text: &str, most: usize) -> String {
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
fn spoiled(text: &str) -> String {
    let mut spoiled = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        let rest = text.get(at + c.len_utf8()..).unwrap_or_default();
        match c {
            ':' if rest.starts_with("//") => spoiled.push_str("[:]"),
            '.' | '。' | '．' if ends_a_label(&spoiled) && begins_a_domain(rest) => spoiled.push_str("[.]"),
            '@' => spoiled.push_str("[at]"),
            _ => spoiled.push(c),
        }
    }
    spoiled
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
    fn a_strangers_text_is_one_bounded_line_in_which_nothing_is_unseen() {
        assert_eq!(inert("Ann\r\nBcc: eve\u{1b}[2J\u{202e}\u{2028}x", 80), "Ann Bcc: eve [2J x");
        assert_eq!(inert("  a\t b ", 80), "a b");
        assert_eq!(inert("漢字漢字", 3), "漢字…");
        assert_eq!(inert("\u{200b}\n", 9), "");
    }

    #[test]
    fn a_strangers_text_is_no_link() {
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
            assert_eq!(inert(text, 80), shown);
        }
    }
}
