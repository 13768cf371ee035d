//! From texts and layout to the HTML of one page.

use minijinja::context;
use minijinja::value::Value;
use portcullis_api::refusal::{Code, Reason, Refusal};
use url::Url;

use crate::templates::{Language, PAGE, PageKind, TemplateFault, TemplateSet, Text};

/// What a page shows of its tenant.
#[derive(Clone, Debug)]
pub(super) struct TenantView {
    /// The tag of its language.
    pub(super) language: String,
    pub(super) name: String,
    pub(super) logo: Option<Url>,
    pub(super) home: Option<Url>,
}

/// What a page is made of.
#[derive(Clone, Copy)]
pub(super) struct PageInput<'a> {
    pub(super) kind: PageKind,
    /// Why a form was rejected.
    pub(super) rejection: Option<&'a Refusal>,
    /// The token that the form of the page posts; `None` on a page without a form.
    pub(super) token: Option<&'a str>,
}

impl PageInput<'_> {
    pub(super) const fn notice(kind: PageKind) -> Self {
        Self { kind, rejection: None, token: None }
    }
}

/// The HTML of a page.
pub(super) fn render(
    templates: &TemplateSet,
    style: &str,
    tenant: &TenantView,
    input: PageInput<'_>,
) -> Result<String, TemplateFault> {
    let language = templates.language(&tenant.language)?;
    let variables = context! { tenant => tenant.name.as_str() };
    let sentence = |text: &Text| templates.sentence(language, text, &variables);
    let (action, form) = match input.kind {
        PageKind::Unlock => ("/auth/unlock", PageKind::Unlock),
        _ => ("/auth/password/reset", PageKind::Reset),
    };
    let title = &language.page(input.kind).title;
    let texts = language.page(if input.token.is_some() { form } else { input.kind });
    let form = input.token.map(|token| {
        Ok(context! {
            action => Value::from_safe_string(action.to_owned()),
            token,
            label => texts.label.as_ref().map(sentence).transpose()?,
            button => texts.button.as_ref().map(sentence).transpose()?,
        })
    });
    let home =
        |url: &Url| Ok(context! { url => url.as_str(), label => sentence(&language.texts.pages.home)? });
    let context = context! {
        language => language.tag.as_str(),
        tenant => tenant.name.as_str(),
        logo => tenant.logo.as_ref().map(Url::as_str),
        home => tenant.home.as_ref().map(home).transpose()?,
        style => Value::from_safe_string(style.to_owned()),
        title => sentence(title)?,
        reasons => input.rejection.map(|it| reasons(templates, language, tenant, it)).transpose()?.unwrap_or_default(),
        lines => texts.lines.iter().map(sentence).collect::<Result<Vec<_>, _>>()?,
        form => form.transpose()?,
    };
    templates.layout(PAGE, &context)
}

/// The sentences for a rejection: of the language, otherwise the English ones of the rejection.
fn reasons(
    templates: &TemplateSet,
    language: &Language,
    tenant: &TenantView,
    rejection: &Refusal,
) -> Result<Vec<String>, TemplateFault> {
    let sentence = |code, fault: &str| {
        let variables = context! { tenant => tenant.name.as_str(), fault };
        language.reason(code).map(|text| templates.sentence(language, text, &variables)).transpose()
    };
    match &rejection.reason {
        Reason::Faults(faults) => faults
            .iter()
            .map(|fault| match fault.strip_prefix("newPassword ") {
                // A user knows the member of the form by its label.
                Some(fault) => {
                    let fault = format!("The password {fault}");
                    Ok(sentence(Code::ValidationFailed, &fault)?.unwrap_or(fault))
                }
                None => Ok(fault.clone()),
            })
            .collect(),
        reason => Ok(vec![sentence(rejection.code, "")?.unwrap_or_else(|| match reason {
            Reason::Text(text) => text.to_string(),
            _ => rejection.code.title().to_owned(),
        })]),
    }
}
