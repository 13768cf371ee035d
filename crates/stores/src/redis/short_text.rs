//! Short forms of what is in every record: memory is what a session costs in Redis.

use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portcullis_core::id::{SessionId, UserId};
use portcullis_core::secret::SecretHash;

/// The length of an id's short form.
pub(super) const ID_LENGTH: usize = 22;

pub(super) fn session_id(id: SessionId) -> String {
    URL_SAFE_NO_PAD.encode(id.as_uuid().as_bytes())
}

pub(super) fn user_id(id: UserId) -> String {
    URL_SAFE_NO_PAD.encode(id.as_uuid().as_bytes())
}

/// The id with this short form.
pub(super) fn id<I: FromStr>(short: &[u8]) -> Option<I> {
    let bytes: [u8; 16] = URL_SAFE_NO_PAD.decode(short).ok()?.try_into().ok()?;
    format!("{:032x}", u128::from_be_bytes(bytes)).parse().ok()
}

pub(super) fn hash(hash: &SecretHash) -> String {
    URL_SAFE_NO_PAD.encode(hash.as_bytes())
}

/// What browsers send again and again. Each part is written as the control character of its place; no user agent has
/// one. Parts are only ever added, at the end: records name them by their place.
const PARTS: [&str; 20] = [
    "Mozilla/5.0 (",
    ") AppleWebKit/537.36 (KHTML, like Gecko) Chrome/",
    ".0.0.0 Safari/537.36",
    " Safari/537.36",
    "Windows NT 10.0; Win64; x64",
    "Macintosh; Intel Mac OS X 10_15_7",
    "X11; Linux x86_64",
    "Linux; Android 10; K",
    "iPhone; CPU iPhone OS ",
    "iPad; CPU OS ",
    " like Mac OS X",
    ") AppleWebKit/605.1.15 (KHTML, like Gecko) Version/",
    " Mobile/15E148 Safari/604.1",
    " Safari/605.1.15",
    ") Gecko/20100101 Firefox/",
    "; rv:",
    ".0.0.0 Mobile Safari/537.36",
    " Edg/",
    " OPR/",
    ".0.0.0",
];
/// Stands before a text that is written as it is.
const PLAIN: char = '\0';

fn mark(place: usize) -> Option<char> {
    u8::try_from(place + 1).ok().map(char::from)
}

/// A user agent with a character for each known part.
pub(super) fn shortened(user_agent: &str) -> String {
    if user_agent.chars().any(char::is_control) {
        return format!("{PLAIN}{user_agent}");
    }
    let parts = PARTS.iter().enumerate().filter_map(|(place, part)| Some((part, mark(place)?)));
    parts.fold(user_agent.to_owned(), |text, (part, mark)| text.replace(part, mark.encode_utf8(&mut [0; 4])))
}

/// The user agent that was shortened.
pub(super) fn lengthened(short: &str) -> String {
    if let Some(plain) = short.strip_prefix(PLAIN) {
        return plain.to_owned();
    }
    let mut text = String::with_capacity(128);
    for character in short.chars() {
        let part = (character as usize).checked_sub(1).and_then(|place| PARTS.get(place));
        match part {
            Some(part) => text.push_str(part),
            None => text.push(character),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use portcullis_core::store::conformance::records::{new_user_key, session, tenant};

    use super::*;

    #[test]
    fn a_user_agent_is_the_same_again() {
        for (user_agent, longest) in [
            ("", 0),
            ("curl/8.1", 8),
            ("漢😀\u{7f} \u{1}Mozilla/5.0 (\0", 40),
            ("\u{15}", 2),
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
                10,
            ),
            ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0", 20),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 Version/18.6 Mobile/15E148 Safari/604.1",
                20,
            ),
        ] {
            let short = shortened(user_agent);
            assert_eq!(lengthened(&short), user_agent);
            assert!(short.len() <= longest, "{short:?}");
        }
        assert!(PARTS.len() < 0x1f, "a part beyond the control characters would be taken for a letter");
        for part in PARTS {
            assert_eq!(lengthened(&shortened(part)), part);
        }
    }

    #[test]
    fn an_id_is_the_same_again() {
        let known = session(&new_user_key(&tenant("acme")));
        assert_eq!(id(session_id(known.key.id).as_bytes()), Some(known.key.id));
        assert_eq!(id(user_id(known.user).as_bytes()), Some(known.user));
        assert_eq!(user_id(known.user).len(), ID_LENGTH);
        for wrong in [&b"x"[..], b"\xff", b"", &[b'A'; 23]] {
            assert_eq!(id::<SessionId>(wrong), None);
        }
    }
}
