//! Renders a sample of every page in every language at the start, so that a slip in a template stops the start.

use portcullis_api::refusal::{Code, Reason, Refusal};
use url::Url;

use super::render::{FormInput, PageInput, TenantView, render};
use crate::templates::{Layout, PageKind, TemplateFault, TemplateSet};

const TOKEN: &str = "sample-token";
const STYLE: &str = "/sample.css";

/// What the Content-Security-Policy blocks.
const INLINE: [&str; 4] = ["<script", "<style", " style=", " onclick="];

/// What is wrong with the templates of pages.
pub(super) fn faults(templates: &TemplateSet) -> Vec<TemplateFault> {
    let rejections = [
        Refusal::plain(Code::InvalidResetToken),
        Refusal::plain(Code::InvalidUnlockToken),
        Refusal {
            reason: Reason::Faults(vec!["newPassword is short".to_owned()]),
            ..Refusal::plain(Code::ValidationFailed)
        },
        Refusal::plain(Code::PasswordReused),
        Refusal::plain(Code::TooManyRequests),
        Refusal::plain(Code::Busy),
        Refusal::plain(Code::TenantSuspended),
        Refusal::plain(Code::CrossSite),
    ];
    let form = |kind| Some(FormInput { kind, token: TOKEN });
    let forms =
        [PageKind::Reset, PageKind::Unlock].map(|kind| PageInput { kind, rejection: None, form: form(kind) });
    let notices =
        [PageKind::ResetDone, PageKind::UnlockDone, PageKind::UnlockFailed, PageKind::IncompleteLink]
            .map(PageInput::notice);
    let rejected = rejections.iter().flat_map(|rejection| {
        let input = PageInput { kind: PageKind::ResetFailed, rejection: Some(rejection), form: None };
        [input, PageInput { form: form(PageKind::Reset), ..input }]
    });
    let inputs: Vec<PageInput<'_>> = forms.into_iter().chain(notices).chain(rejected).collect();
    let mut faults = Vec::new();
    for language in templates.languages() {
        for (tenant, input) in
            tenants(&language.tag).iter().flat_map(|it| inputs.iter().map(move |input| (it, input)))
        {
            match render(templates, STYLE, tenant, *input) {
                Ok(html) => faults.extend(
                    wrong(&html, *input)
                        .map(|what| TemplateFault::of_file(templates.path(Layout::Page), what)),
                ),
                Err(fault) => faults.push(fault),
            }
        }
    }
    faults
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
    let is_reset = input.form.is_some_and(|form| form.kind == PageKind::Reset);
    if input.form.is_some() && !html.contains(TOKEN) {
        return Some("does not post `form.token`".to_owned());
    }
    if is_reset && !html.contains(field) {
        return Some(format!("has no field with {field} where `form.label` is set"));
    }
    let inline = INLINE.into_iter().find(|inline| html.contains(inline))?;
    Some(format!("has {:?}, which browsers block here; put styles into page.css", inline.trim()))
}
