//! A letter of each kind that goes to nobody: templates are tried on it.

use minijinja::value::Value;
use portcullis_core::clock::Timestamp;
use portcullis_core::id::TenantId;
use portcullis_core::outgoing_mail::MailContent;
use portcullis_core::queued_mail::MailKind;
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
    let code = (kind == Kind::Told(MailKind::Code)).then_some(CODE);
    let link = has_link(kind).then_some(link.as_str());
    render(Content { kind, facts: &facts, code, link })
}

/// What a letter of this kind must show, by name and as the sample has it.
pub(super) fn secret(kind: Kind) -> Option<(&'static str, &'static str)> {
    if kind == Kind::Told(MailKind::Code) {
        Some(("code", CODE))
    } else {
        has_link(kind).then_some(("link", TOKEN))
    }
}

const fn has_link(kind: Kind) -> bool {
    matches!(kind, Kind::Told(MailKind::Unlock | MailKind::Reset | MailKind::Welcome))
}

fn message(kind: Kind, at: Timestamp) -> Option<MailContent> {
    let token = || PlainSecret::presented(TOKEN);
    let (device, address) = ("Firefox on Linux".to_owned(), "192.0.2.1".to_owned());
    let Kind::Told(about) = kind else { return None };
    Some(match about {
        MailKind::Code => {
            MailContent::Code { code: PlainSecret::presented(CODE), expires: at, device, address }
        }
        MailKind::Unlock => MailContent::Unlock { token: token(), expires: at },
        MailKind::Reset => MailContent::Reset { token: token(), expires: at, page: None },
        MailKind::Welcome => MailContent::Welcome { token: token(), expires: at, page: None },
        MailKind::PasswordChanged => MailContent::PasswordChanged { at },
        MailKind::NewDevice => MailContent::NewDevice { device, address, at },
        MailKind::RefreshReused => MailContent::RefreshReused { device, address, at },
        MailKind::SignUpAttempted => MailContent::SignUpAttempted,
    })
}
