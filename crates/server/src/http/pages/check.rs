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
    let rejections = rejections();
    let inputs = inputs(&rejections);
    let mut faults = Vec::new();
    for language in templates.languages() {
        for tenant in tenants(&language.tag) {
            faults.extend(inputs.iter().filter_map(|input| {
                match render(templates, STYLE, &tenant, *input) {
                    Ok(html) => wrong(&html, *input)
                        .map(|it| TemplateFault::of_file(templates.path(Layout::Page), it)),
                    Err(fault) => Some(fault),
                }
            }));
        }
    }
    faults
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
    let form = |kind| Some(FormInput { kind, token: TOKEN });
    let forms = [PageKind::Reset, PageKind::Unlock]
        .map(|kind| PageInput { form: form(kind), ..PageInput::notice(kind) });
    let notices =
        [PageKind::ResetDone, PageKind::UnlockDone, PageKind::UnlockFailed, PageKind::IncompleteLink]
            .map(PageInput::notice);
    let rejected = rejections.iter().flat_map(|rejection| {
        let input = PageInput { rejection: Some(rejection), ..PageInput::notice(PageKind::ResetFailed) };
        [input, PageInput { form: form(PageKind::Reset), ..input }]
    });
    forms.into_iter().chain(notices).chain(rejected).collect()
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
