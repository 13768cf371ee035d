//! Pages as responses: status, headers and HTML.

use std::path::PathBuf;

use axum::response::{Html, IntoResponse as _, Response};
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderValue, REFERRER_POLICY, RETRY_AFTER};
use portcullis_api::refusal::{Code, Refusal};
use portcullis_axum::RefusalResponse;
use portcullis_config::parse::web_page;
use portcullis_core::engine::Engine;
use portcullis_core::tenant::TenantSettings;
use portcullis_core::ticket::LinkToken;
use tracing::error;
use url::Url;

use super::check;
use super::render::{PageInput, TenantView, render};
use super::style::Style;
use crate::templates::{ENGLISH, STYLE, TemplateError, TemplateSet};

/// What users see of a tenant that sets nothing else.
#[derive(Clone, Default, Debug)]
pub struct Branding {
    /// The name that mails and pages show.
    pub name: String,
    /// The URL of the logo that pages show; `None` shows the name.
    pub logo_url: Option<String>,
    /// The URL that pages link to; `None` is no link.
    pub home_url: Option<String>,
}

/// How pages look and speak.
#[derive(Clone, Debug)]
pub struct PageSettings {
    /// The folder of texts and layouts that replace the built-in ones.
    pub templates: Option<PathBuf>,
    /// The language for tenants that set none.
    pub language: String,
    /// What holds for tenants that set nothing.
    pub branding: Branding,
}

/// What every page is made of.
#[derive(Debug)]
pub struct Pages {
    pub(super) templates: TemplateSet,
    pub(super) style: Style,
    /// What holds for tenants that set nothing.
    branding: Branding,
    /// The language for tenants that set none.
    language: String,
}

impl Pages {
    /// Loads the templates of these settings.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn load(settings: PageSettings) -> Result<Self, TemplateError> {
        let PageSettings { templates, language, branding } = settings;
        let templates = TemplateSet::load(templates.as_deref(), &language, check::faults)?;
        Ok(Self::of(templates, language, branding))
    }

    /// Pages of the built-in templates, in English.
    #[must_use]
    pub fn built_in(branding: Branding) -> Self {
        Self::of(TemplateSet::built_in(), ENGLISH.to_owned(), branding)
    }

    fn of(templates: TemplateSet, language: String, branding: Branding) -> Self {
        Self { style: Style::new(templates.text(STYLE)), templates, branding, language }
    }

    /// The route of what pages load.
    pub(crate) fn style_route(&self) -> &str {
        &self.style.path
    }

    /// The style sheet.
    pub(crate) fn style(&self) -> Response {
        self.style.response()
    }

    /// What a page shows of the tenant of a link; of the installation, if that tenant cannot be loaded.
    pub(super) async fn tenant_of(&self, engine: &Engine, token: &str) -> TenantView {
        let Some(LinkToken { ticket, .. }) = LinkToken::parse(token) else { return self.installation() };
        match engine.tenant(&ticket.tenant).await {
            Ok(tenant) => self.view(&tenant.record.settings),
            Err(_) => self.installation(),
        }
    }

    pub(super) fn installation(&self) -> TenantView {
        self.view(&TenantSettings::default())
    }

    pub(super) fn view(&self, settings: &TenantSettings) -> TenantView {
        // Another program may have written the settings.
        let url = |own: &Option<String>, common: &Option<String>| {
            let text = own.as_ref().or(common.as_ref())?;
            Url::parse(&web_page(text).ok()?).ok()
        };
        TenantView {
            language: settings.language.as_ref().unwrap_or(&self.language).clone(),
            name: settings.name.as_ref().unwrap_or(&self.branding.name).clone(),
            logo: url(&settings.logo_url, &self.branding.logo_url),
            home: url(&settings.home_url, &self.branding.home_url),
        }
    }

    /// The response that shows a page.
    pub(super) fn respond(&self, status: StatusCode, tenant: &TenantView, input: PageInput<'_>) -> Response {
        let html = match render(&self.templates, &self.style.path, tenant, input) {
            Ok(html) => html,
            Err(fault) => {
                error!(%fault, "a page cannot be rendered");
                return RefusalResponse(Refusal::plain(Code::InternalError)).into_response();
            }
        };
        let headers = [
            (CACHE_CONTROL, HeaderValue::from_static("no-store")),
            (CONTENT_SECURITY_POLICY, policy(tenant.logo.as_ref())),
            // With `no-referrer` browsers post forms with `Origin: null` (Fetch, section 3.1).
            (REFERRER_POLICY, HeaderValue::from_static("strict-origin")),
        ];
        let mut response = (status, headers, Html(html)).into_response();
        if let Some(seconds) = input.rejection.and_then(Refusal::retry_after_seconds) {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// Own style, forms that post here, the logo, and nothing else.
fn policy(logo: Option<&Url>) -> HeaderValue {
    const POLICY: &str =
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    let policy = logo.map(|logo| format!("{POLICY}; img-src {}", logo.origin().ascii_serialization()));
    policy.and_then(|policy| policy.try_into().ok()).unwrap_or(HeaderValue::from_static(POLICY))
}
