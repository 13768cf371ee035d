//! From texts and layouts to the words of one mail.

use minijinja::context;
use portcullis_core::outgoing_mail::MailContent;

use super::links::MailLinks;
use super::variables::{MailInput, variables};
use portcullis_http::templates::{MAIL_HTML, MAIL_TEXT, TemplateFault, TemplateSet, Text};

/// A mail in words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct RenderedMail {
    pub(super) subject: String,
    pub(super) text: String,
    pub(super) html: String,
}

/// Puts a mail into the words of the language with this tag.
pub(super) fn render(
    templates: &TemplateSet,
    links: &MailLinks,
    tag: &str,
    input: MailInput<'_>,
) -> Result<RenderedMail, TemplateFault> {
    let language = templates.language(tag)?;
    let texts = language.mail(input.content.map(MailContent::kind));
    let variables = variables(input);
    let sentence = |text: &Text| templates.sentence(language, text, &variables);
    let sentences = |texts: &[Text]| texts.iter().map(sentence).collect::<Result<Vec<_>, _>>();
    // The secrets are for the layouts alone, so that none gets into a subject.
    let (code, link) = match input.content {
        Some(MailContent::Code { code, .. }) => (Some(code.reveal()), None),
        Some(MailContent::Unlock { token, .. }) => (None, Some(links.unlock(token))),
        Some(MailContent::Reset { token, page, .. } | MailContent::Welcome { token, page, .. }) => {
            (None, Some(links.password(page.as_deref(), token)))
        }
        _ => (None, None),
    };
    let subject = sentence(&texts.subject)?;
    let context = context! {
        language => language.tag.as_str(),
        tenant => input.tenant_name,
        subject => subject.as_str(),
        greeting => sentence(&language.texts.greeting)?,
        lines => sentences(&texts.lines)?,
        code => code,
        link => link,
        button => texts.button.as_ref().map(sentence).transpose()?,
        notes => sentences(&texts.notes)?,
        closing => sentence(&language.texts.closing)?,
    };
    let text = templates.layout(MAIL_TEXT, &context)?;
    let html = templates.layout(MAIL_HTML, &context)?;
    Ok(RenderedMail { subject, text, html })
}
