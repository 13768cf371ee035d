//! When a browser gets a page: for a link, for a form that it posted, and for a rejection of either.

use axum::response::Response;
use http::request::Parts;
use http::{Method, StatusCode};
use portcullis_api::operation::PublicOperation::{ResetPage, ResetPassword, Unlock, UnlockPage};
use portcullis_api::operation::{DEVICE_OPERATIONS, DeviceOperation, DeviceRow};
use portcullis_api::refusal::{Code, Refusal};
use portcullis_api::request::Body;
use portcullis_api::request::device::UnlockBody;
use portcullis_axum::RefusalResponse;

use super::render::{PageInput, TenantView};
use crate::AuthApp;
use crate::templates::PageKind;

/// A form that a link leads to.
pub(crate) struct RequestedForm {
    kind: PageKind,
    token: String,
}

impl RequestedForm {
    /// The form that a request asks for instead of an answer, if it asks for one.
    pub(crate) fn of(operation: DeviceOperation, request: &Parts) -> Option<Self> {
        let kind = match operation {
            DeviceOperation::Public(ResetPage) => PageKind::Reset,
            // HEAD does nothing, whichever client sends it.
            DeviceOperation::Public(UnlockPage) if request.method == Method::HEAD || is_wanted(request) => {
                PageKind::Unlock
            }
            _ => return None,
        };
        Some(Self { kind, token: token_of(request) })
    }

    /// The page with the form.
    pub(crate) async fn shown(self, app: &AuthApp) -> Response {
        let tenant = app.pages.tenant_of(&app.engine, &self.token).await;
        let (status, input) = if self.token.is_empty() {
            (StatusCode::BAD_REQUEST, PageInput::notice(PageKind::IncompleteLink))
        } else {
            (StatusCode::OK, PageInput { token: Some(&self.token), ..PageInput::notice(self.kind) })
        };
        app.pages.respond(status, &tenant, input)
    }
}

/// A form that a browser posted.
pub(crate) struct SubmittedForm {
    row: DeviceRow,
    /// The token, to show the form again; empty if the form had none.
    token: String,
}

impl SubmittedForm {
    pub(crate) fn of(row: DeviceRow, members: &Body) -> Self {
        let token = UnlockBody::read(members).map(|read| read.token.reveal().to_owned()).unwrap_or_default();
        Self { row, token }
    }

    /// The page that shows the outcome.
    pub(crate) async fn answered(&self, app: &AuthApp, rejection: Option<&Refusal>) -> Response {
        let tenant = app.pages.tenant_of(&app.engine, &self.token).await;
        if let Some(rejection) = rejection {
            return rejected(app, &tenant, &self.row, rejection, &self.token);
        }
        let is_reset = self.row.kind == ResetPassword.into();
        let kind = if is_reset { PageKind::ResetDone } else { PageKind::UnlockDone };
        app.pages.respond(StatusCode::CREATED, &tenant, PageInput::notice(kind))
    }
}

/// Whether an operation is what a link leads to, or what the form behind it posts.
pub(crate) const fn has_page(row: DeviceRow) -> bool {
    matches!(row.kind, DeviceOperation::Public(UnlockPage | Unlock | ResetPage | ResetPassword))
}

/// The answer for a browser: a rejection is a page.
pub(crate) fn html_rejection(app: &AuthApp, row: DeviceRow, answer: Response) -> Response {
    match answer.extensions().get::<RefusalResponse>() {
        Some(RefusalResponse(rejection)) => rejected(app, &app.pages.installation(), &row, rejection, ""),
        None => answer,
    }
}

/// The page for a request that is rejected before its handler is known, if a browser posted a form.
pub(crate) fn rejected_at_once(app: &AuthApp, request: &Parts, rejection: &Refusal) -> Option<Response> {
    let path = request.uri.path().trim_end_matches('/');
    let row = DEVICE_OPERATIONS.into_iter().find(|row| row.form && row.route == path)?;
    is_wanted(request).then(|| rejected(app, &app.pages.installation(), &row, rejection, ""))
}

/// Whether a browser asks for a page.
pub(crate) fn is_wanted(request: &Parts) -> bool {
    portcullis_axum::is_html_accepted(&request.headers)
}

/// The page for a rejection, with the form again if another password may be accepted.
fn rejected(
    app: &AuthApp,
    tenant: &TenantView,
    row: &DeviceRow,
    rejection: &Refusal,
    token: &str,
) -> Response {
    rejection.log();
    let rejection = rejection.clone().worded_for(row.texts);
    let status = StatusCode::from_u16(rejection.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let is_reset = matches!(row.kind, DeviceOperation::Public(ResetPage | ResetPassword));
    let kind = if is_reset { PageKind::ResetFailed } else { PageKind::UnlockFailed };
    let may_try_again = is_reset
        && !token.is_empty()
        && matches!(rejection.code, Code::ValidationFailed | Code::PasswordReused | Code::Busy);
    let token = may_try_again.then_some(token);
    app.pages.respond(status, tenant, PageInput { kind, rejection: Some(&rejection), token })
}

fn token_of(request: &Parts) -> String {
    let query = request.uri.query().unwrap_or_default();
    let mut members = url::form_urlencoded::parse(query.as_bytes());
    members.find(|(name, _)| name == "token").map(|(_, token)| token.into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use http::header::ACCEPT;

    use super::*;

    use http::Request;

    fn request(method: Method, path: &str, accept: &str) -> Parts {
        let request = Request::builder().method(method).uri(path).header(ACCEPT, accept).body(()).unwrap();
        request.into_parts().0
    }

    #[test]
    fn a_browser_gets_a_page_and_a_program_an_answer_and_head_does_nothing() {
        let path = "/auth/unlock?token=a.b.c";
        let browser = "text/html,application/xhtml+xml;q=0.9";
        let is_shown =
            |method, accept| RequestedForm::of(UnlockPage.into(), &request(method, path, accept)).is_some();
        assert!(is_shown(Method::GET, browser) && is_shown(Method::HEAD, "*/*"));
        assert!(!is_shown(Method::GET, "application/json") && !is_shown(Method::GET, "*/*"));
    }

    #[test]
    fn the_token_is_read_as_it_was_sent() {
        let request = request(Method::GET, "/auth/unlock?x=1&token=%22%3E%3Cscript%3E", "text/html");
        assert_eq!(token_of(&request), "\"><script>");
    }
}
