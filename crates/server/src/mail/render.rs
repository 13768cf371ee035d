//! From texts and layouts to the words of one mail.

use minijinja::context;
use minijinja::value::Value;

use crate::templates::{Layout, TemplateFault, TemplateSet, TextsFor};

/// What a mail is made of. Its secrets are for the layouts alone, so that none gets into a subject.
#[derive(Clone, Copy)]
pub(super) struct MailInput<'a> {
    pub(super) texts: TextsFor,
    pub(super) tenant_name: &'a str,
    /// What its sentences may use.
    pub(super) variables: &'a Value,
    pub(super) code: Option<&'a str>,
    pub(super) link: Option<&'a str>,
}

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
    tag: &str,
    input: MailInput<'_>,
) -> Result<RenderedMail, TemplateFault> {
    let language = templates.language(tag)?;
    let texts = language.mail(input.texts);
    let sentence = |text| templates.sentence(language, text, input.variables);
    let sentences = |texts| templates.sentences(language, texts, input.variables);
    let subject = sentence(&texts.subject)?;
    let context = context! {
        language => language.tag.as_str(),
        tenant => input.tenant_name,
        subject => subject.as_str(),
        greeting => sentence(language.greeting())?,
        lines => sentences(&texts.lines)?,
        code => input.code,
        link => input.link,
        button => texts.button.as_ref().map(sentence).transpose()?,
        notes => sentences(&texts.notes)?,
        closing => sentence(language.closing())?,
    };
    let text = templates.layout(Layout::MailText, &context)?;
    let html = templates.layout(Layout::MailHtml, &context)?;
    Ok(RenderedMail { subject, text, html })
}
