//! Renders a sample of every mail in every language at the start, so that a slip in a template stops the start.

use portcullis_core::clock::Timestamp;
use portcullis_core::outgoing_mail::MailContent;
use portcullis_core::queued_mail::MailKind;
use portcullis_core::secret::PlainSecret;

use super::links::MailLinks;
use super::render::{RenderedMail, render};
use super::variables::MailInput;
use portcullis_http::templates::{MAIL_HTML, MAIL_TEXT, TemplateFault, TemplateSet};

const CODE: &str = "271828";
const TOKEN: &str = "sample-token";

/// What is wrong with the templates of mails.
pub(super) fn faults(templates: &TemplateSet, links: &MailLinks) -> Vec<TemplateFault> {
    let at = Timestamp::from_seconds(0);
    let contents = MailKind::ALL.map(|kind| Some(content(kind, at))).into_iter().chain([None]);
    let mut faults = Vec::new();
    for content in contents {
        // To a user with a name, and to one without.
        let samples = [Some("Ann"), None].map(|name| MailInput {
            tenant_name: "Example",
            name,
            content: content.as_ref(),
            at,
        });
        for (language, input) in templates.languages().flat_map(|it| samples.map(|input| (it, input))) {
            match render(templates, links, &language.tag, input) {
                Ok(rendered) => faults.extend(missing(templates, content.as_ref(), &rendered)),
                Err(fault) => faults.push(fault),
            }
        }
    }
    faults
}

/// A mail without its code or link is of no use to its user.
fn missing(
    templates: &TemplateSet,
    content: Option<&MailContent>,
    rendered: &RenderedMail,
) -> Vec<TemplateFault> {
    use MailContent::{Code, Reset, Unlock, Welcome};
    let (what, secret) = match content {
        Some(Code { .. }) => ("code", CODE),
        Some(Unlock { .. } | Reset { .. } | Welcome { .. }) => ("link", TOKEN),
        _ => return Vec::new(),
    };
    [(MAIL_TEXT, &rendered.text), (MAIL_HTML, &rendered.html)]
        .into_iter()
        .filter(|(_, body)| !body.contains(secret))
        .map(|(layout, _)| TemplateFault::of_file(templates.path(layout), format!("does not show {what}")))
        .collect()
}

fn content(kind: MailKind, at: Timestamp) -> MailContent {
    let secret = PlainSecret::presented;
    let (device, address) = ("Firefox on Linux".to_owned(), "192.0.2.1".to_owned());
    match kind {
        MailKind::Code => MailContent::Code { code: secret(CODE), expires: at, device, address },
        MailKind::Unlock => MailContent::Unlock { token: secret(TOKEN), expires: at },
        MailKind::Reset => MailContent::Reset { token: secret(TOKEN), expires: at, page: None },
        MailKind::Welcome => MailContent::Welcome { token: secret(TOKEN), expires: at, page: None },
        MailKind::PasswordChanged => MailContent::PasswordChanged { at },
        MailKind::NewDevice => MailContent::NewDevice { device, address, at },
        MailKind::RefreshReused => MailContent::RefreshReused { device, address, at },
        MailKind::RefreshShared => MailContent::RefreshShared { device, address, at },
        MailKind::SignUpAttempted => MailContent::SignUpAttempted,
    }
}
