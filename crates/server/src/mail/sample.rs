//! A letter of each kind that goes to nobody: templates are tried on it.

use minijinja::value::Value;
use portcullis_core::clock::Timestamp;
use portcullis_core::id::TenantId;
use portcullis_core::mail::Message;
use portcullis_core::mailing::About;
use portcullis_core::secret::PlainSecret;

use super::facts::facts;
use super::kind::Kind;
use super::templates::Content;

const CODE: &str = "271828";
const TOKEN: &str = "sample-token";

/// Hands a letter of this kind to `render`.
pub(super) fn with<T>(kind: Kind, named: bool, render: impl FnOnce(Content<'_>) -> T) -> T {
    let now = Timestamp::from_seconds(0);
    let name = named.then_some("Ann");
    let facts: Value = facts(&TenantId::default_tenant(), name, message(kind, now).as_ref(), now);
    let link = format!("https://auth.example/?token={TOKEN}");
    let code = (kind == Kind::Told(About::Code)).then_some(CODE);
    let link = has_link(kind).then_some(link.as_str());
    render(Content { kind, facts: &facts, code, link })
}

/// What a letter of this kind must show, by name and as the sample has it.
pub(super) fn secret(kind: Kind) -> Option<(&'static str, &'static str)> {
    if kind == Kind::Told(About::Code) {
        Some(("code", CODE))
    } else {
        has_link(kind).then_some(("link", TOKEN))
    }
}

const fn has_link(kind: Kind) -> bool {
    matches!(kind, Kind::Told(About::Unlock | About::Reset | About::Welcome))
}

fn message(kind: Kind, at: Timestamp) -> Option<Message> {
    let token = || PlainSecret::presented(TOKEN);
    let (device, address) = ("Firefox on Linux".to_owned(), "192.0.2.1".to_owned());
    let Kind::Told(about) = kind else { return None };
    Some(match about {
        About::Code => Message::Code { code: PlainSecret::presented(CODE), expires: at, device, address },
        About::Unlock => Message::Unlock { token: token(), expires: at },
        About::Reset => Message::Reset { token: token(), expires: at, page: None },
        About::Welcome => Message::Welcome { token: token(), expires: at, page: None },
        About::PasswordChanged => Message::PasswordChanged { at },
        About::NewDevice => Message::NewDevice { device, address, at },
        About::RefreshReused => Message::RefreshReused { device, address, at },
        About::SignUpAttempted => Message::SignUpAttempted,
    })
}
