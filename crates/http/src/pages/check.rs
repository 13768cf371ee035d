//! Renders a sample of every page in every language at the start, so that a slip in a template stops the start.

use portcullis_api::refusal::{Code, Reason, Refusal};
use url::Url;

use super::render::{PageInput, TenantView, render};
use crate::templates::{Language, PAGE, PageKind, TemplateFault, TemplateSet};

const TOKEN: &str = "sample-token";
const STYLE: &str = "/sample.css";

/// What the Content-Security-Policy blocks.
const INLINE: [&str; 4] = ["<script", "<style", " style=", " onclick="];

/// What is wrong with the templates of pages.
pub(super) fn faults(templates: &TemplateSet) -> Vec<TemplateFault> {
    let rejections = rejections();
    let inputs = inputs(&rejections);
    let mut faults = Vec::new();
    for language in templates.languages() {
        faults.extend(PageKind::ALL.into_iter().filter_map(|kind| misfit(language, kind)));
        for tenant in tenants(&language.tag) {
            faults.extend(inputs.iter().filter_map(|input| {
                match render(templates, STYLE, &tenant, *input) {
                    Ok(html) => {
                        wrong(&html, *input).map(|it| TemplateFault::of_file(templates.path(PAGE), it))
                    }
                    Err(fault) => Some(fault),
                }
            }));
        }
    }
    faults
}

/// Whether a page with a form has the texts of one, and no other page has.
fn misfit(language: &Language, kind: PageKind) -> Option<TemplateFault> {
    let texts = language.page(kind);
    let is_reset = kind == PageKind::Reset;
    let fits =
        texts.label.is_some() == is_reset && texts.button.is_some() == (is_reset || kind == PageKind::Unlock);
    let message = "must have `button` where it is a form, `label` where it is the form for a password, and else neither";
    (!fits).then(|| language.fault(&texts.title, 1, format!("the page of this title {message}")))
}

/// A rejection for each reason that has a text.
fn rejections() -> Vec<Refusal> {
    let weak = Reason::Faults(vec!["newPassword is short".to_owned()]);
    let others = [
        Code::InvalidResetToken,
        Code::InvalidUnlockToken,
        Code::PasswordReused,
        Code::TooManyRequests,
        Code::Busy,
        Code::TenantSuspended,
        Code::CrossSite,
    ];
    let weak = Refusal { reason: weak, ..Refusal::plain(Code::ValidationFailed) };
    others.map(Refusal::plain).into_iter().chain([weak]).collect()
}

/// Every page.
fn inputs(rejections: &[Refusal]) -> Vec<PageInput<'_>> {
    let plain = PageKind::ALL.map(|kind| PageInput {
        token: matches!(kind, PageKind::Reset | PageKind::Unlock).then_some(TOKEN),
        ..PageInput::notice(kind)
    });
    let rejected = rejections.iter().flat_map(|rejection| {
        let input = PageInput { rejection: Some(rejection), ..PageInput::notice(PageKind::ResetFailed) };
        [input, PageInput { token: Some(TOKEN), ..input }]
    });
    plain.into_iter().chain(rejected).collect()
}

/// A tenant with a logo and a link, and one without.
fn tenants(tag: &str) -> [TenantView; 2] {
    let url = Url::parse("https://example.com/").ok();
    let bare = TenantView { language: tag.to_owned(), name: "Example".to_owned(), logo: None, home: None };
    [TenantView { logo: url.clone(), home: url, ..bare.clone() }, bare]
}

/// Why a page would not work in a browser.
fn wrong(html: &str, input: PageInput<'_>) -> Option<String> {
    let field = r#"name="newPassword""#;
    if input.token.is_some() && !html.contains(TOKEN) {
        return Some("does not post `form.token`".to_owned());
    }
    if input.token.is_some() && input.kind != PageKind::Unlock && !html.contains(field) {
        return Some(format!("has no field with {field} where `form.label` is set"));
    }
    let inline = INLINE.into_iter().find(|inline| html.contains(inline))?;
    Some(format!("has {:?}, which browsers block here; put styles into page.css", inline.trim()))
}
