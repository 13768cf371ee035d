//! Renders a sample of every mail in every language at the start, so that a slip in a template stops the start.

use portcullis_core::clock::Timestamp;
use portcullis_core::outgoing_mail::MailContent;
use portcullis_core::queued_mail::MailKind;
use portcullis_core::secret::PlainSecret;

use super::render::{MailInput, RenderedMail, render};
use super::variables::variables;
use crate::templates::{Layout, TemplateFault, TemplateSet, TextsFor};

const CODE: &str = "271828";
const TOKEN: &str = "sample-token";
const TENANT: &str = "Example";

/// What is wrong with the templates of mails.
pub(super) fn faults(templates: &TemplateSet) -> Vec<TemplateFault> {
    let mut faults = Vec::new();
    for language in templates.languages() {
        for (texts, name) in TextsFor::all().flat_map(|texts| [(texts, Some("Ann")), (texts, None)]) {
            match sample(templates, &language.tag, texts, name) {
                Ok(rendered) => faults.extend(missing(templates, texts, &rendered)),
                Err(fault) => faults.push(fault),
            }
        }
    }
    faults
}

/// A sample mail, to a user with or without a name.
fn sample(
    templates: &TemplateSet,
    tag: &str,
    texts: TextsFor,
    name: Option<&str>,
) -> Result<RenderedMail, TemplateFault> {
    let now = Timestamp::from_seconds(0);
    let variables = variables(TENANT, name, content(texts, now).as_ref(), now);
    let link = format!("https://auth.example/?token={TOKEN}");
    let code = (texts == TextsFor::Mail(MailKind::Code)).then_some(CODE);
    let link = has_link(texts).then_some(link.as_str());
    render(templates, tag, MailInput { texts, tenant_name: TENANT, variables: &variables, code, link })
}

/// A mail without its code or link is of no use to its user.
fn missing(templates: &TemplateSet, texts: TextsFor, rendered: &RenderedMail) -> Vec<TemplateFault> {
    let (what, secret) = match texts {
        TextsFor::Mail(MailKind::Code) => ("code", CODE),
        _ if has_link(texts) => ("link", TOKEN),
        _ => return Vec::new(),
    };
    [(Layout::MailText, &rendered.text), (Layout::MailHtml, &rendered.html)]
        .into_iter()
        .filter(|(_, body)| !body.contains(secret))
        .map(|(layout, _)| TemplateFault::of_file(templates.path(layout), format!("does not show {what}")))
        .collect()
}

const fn has_link(texts: TextsFor) -> bool {
    matches!(texts, TextsFor::Mail(MailKind::Unlock | MailKind::Reset | MailKind::Welcome))
}

fn content(texts: TextsFor, at: Timestamp) -> Option<MailContent> {
    let secret = PlainSecret::presented;
    let (device, address) = ("Firefox on Linux".to_owned(), "192.0.2.1".to_owned());
    let TextsFor::Mail(about) = texts else { return None };
    Some(match about {
        MailKind::Code => MailContent::Code { code: secret(CODE), expires: at, device, address },
        MailKind::Unlock => MailContent::Unlock { token: secret(TOKEN), expires: at },
        MailKind::Reset => MailContent::Reset { token: secret(TOKEN), expires: at, page: None },
        MailKind::Welcome => MailContent::Welcome { token: secret(TOKEN), expires: at, page: None },
        MailKind::PasswordChanged => MailContent::PasswordChanged { at },
        MailKind::NewDevice => MailContent::NewDevice { device, address, at },
        MailKind::RefreshReused => MailContent::RefreshReused { device, address, at },
        MailKind::SignUpAttempted => MailContent::SignUpAttempted,
    })
}
