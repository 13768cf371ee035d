//! The pages that links in mails lead to. A page shows a form that posts, because those who only look (mail scanners,
//! previews) follow links too: looking must change nothing.
//!
//! No script and nothing from elsewhere. The token stands in a form field and in no other address, header or log.

use axum::extract::Request;
use axum::response::Response;
use axum::routing::MethodRouter;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Method, StatusCode};
use portcullis_api::operation::PublicOperation::{ResetPage, ResetPassword, Unlock, UnlockPage};
use portcullis_api::operation::{DeviceOperation, DeviceRow};
use portcullis_api::refusal::{Code, Reason, Refusal};
use portcullis_api::request::Body;
use portcullis_api::request::device::UnlockBody;
use portcullis_axum::RefusalResponse;

use crate::http::inspect_layer::inspect;

/// Forms post to ourselves, and the style stands in the page.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// The page that a request asks for in place of an answer, if it asks for one.
pub(super) fn asked_for(operation: DeviceOperation, request: &Request) -> Option<Response> {
    let (title, form): (_, fn(&str) -> String) = match operation {
        DeviceOperation::Public(ResetPage) => ("Choose a new password", reset_form),
        // A request that only looks does nothing, whoever makes it.
        DeviceOperation::Public(UnlockPage) if request.method() == Method::HEAD || is_wanted(request) => {
            ("Unlock your account", unlock_form)
        }
        _ => return None,
    };
    let token = token_of(request);
    if token.is_empty() {
        let text = "A part of the link is missing. Copy the whole link from the mail, or ask for a new one.";
        return Some(page(StatusCode::BAD_REQUEST, "The link is not complete", &paragraph(text)));
    }
    Some(page(StatusCode::OK, title, &form(&token)))
}

/// The handler, whose refusals are pages where a browser asks.
pub(super) fn instead_of_refusals(row: DeviceRow, handler: MethodRouter) -> MethodRouter {
    if !matches!(row.kind, DeviceOperation::Public(UnlockPage | Unlock | ResetPage | ResetPassword)) {
        return handler;
    }
    handler.route_layer(inspect(move |request: &mut Request| {
        let is_wanted = is_wanted(request);
        Ok(move |response: Response| match response.extensions().get::<RefusalResponse>() {
            Some(RefusalResponse(refusal)) if is_wanted => refused(&row, refusal, ""),
            _ => response,
        })
    }))
}

/// Whether a browser asks, for somebody to read the answer.
pub(super) fn is_wanted(request: &Request) -> bool {
    let accepted = request.headers().get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|text| text.split(',')).any(|range| {
        range.split(';').next().is_some_and(|media| media.trim().eq_ignore_ascii_case("text/html"))
    })
}

/// A form that was posted.
pub(super) struct Form {
    row: DeviceRow,
    /// Which it is to be posted with again; empty where there was none.
    token: String,
}

impl Form {
    pub(super) fn of(row: DeviceRow, members: &Body) -> Self {
        let token = UnlockBody::read(members).map(|read| read.token.reveal().to_owned()).unwrap_or_default();
        Self { row, token }
    }

    /// What it has led to.
    pub(super) fn led_to(&self, refusal: Option<&Refusal>) -> Response {
        if let Some(refusal) = refusal {
            return refused(&self.row, refusal, &self.token);
        }
        let (title, text) = if self.row.kind == ResetPassword.into() {
            (
                "Password changed",
                "Your password was changed, and you were signed out everywhere. You can sign in now.",
            )
        } else {
            ("Account unlocked", "Your account is open again. You can sign in now.")
        };
        page(StatusCode::CREATED, title, &paragraph(text))
    }
}

/// Why not; with the form once more where another password may do.
fn refused(row: &DeviceRow, refusal: &Refusal, token: &str) -> Response {
    let refusal = refusal.clone().worded_for(row.texts);
    let status = StatusCode::from_u16(refusal.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let is_reset = matches!(row.kind, DeviceOperation::Public(ResetPage | ResetPassword));
    let title = if is_reset { "The password was not changed" } else { "The account was not unlocked" };
    let said: Vec<String> = match &refusal.reason {
        Reason::Text(text) => vec![text.to_string()],
        // They name a member of the form, which people know by its label.
        Reason::Faults(faults) => faults.iter().map(|it| it.replace("newPassword", "The password")).collect(),
        Reason::Plain | Reason::NoRoute => vec![refusal.code.title().to_owned()],
    };
    let mut text: String = said.iter().map(|sentence| paragraph(sentence)).collect();
    let another_may_do = matches!(refusal.code, Code::ValidationFailed | Code::PasswordReused | Code::Busy);
    if is_reset && another_may_do && !token.is_empty() {
        text.push_str(&reset_form(token));
    } else {
        text.push_str(&paragraph("Go back to try again, or ask for a new link."));
    }
    let mut response = page(status, title, &text);
    if let Some(wait) = refusal.retry_after_seconds() {
        response.headers_mut().insert(RETRY_AFTER, wait.into());
    }
    response
}

fn token_of(request: &Request) -> String {
    let query = request.uri().query().unwrap_or_default();
    let mut members = url::form_urlencoded::parse(query.as_bytes());
    members.find(|(name, _)| name == "token").map(|(_, token)| token.into_owned()).unwrap_or_default()
}

fn unlock_form(token: &str) -> String {
    format!(
        r#"<form method="post" action="/auth/unlock"><input type="hidden" name="token" value="{}">
<p>Somebody entered a wrong password too often, so your account was locked. Was it you?</p>
<button>Unlock my account</button></form>"#,
        escaped(token)
    )
}

fn reset_form(token: &str) -> String {
    format!(
        r#"<form method="post" action="/auth/password/reset"><input type="hidden" name="token" value="{}">
<label for="new">New password</label>
<input id="new" type="password" name="newPassword" autocomplete="new-password" required autofocus>
<p>You will be signed out everywhere.</p>
<button>Change my password</button></form>"#,
        escaped(token)
    )
}

fn paragraph(text: &str) -> String {
    format!("<p>{}</p>", escaped(text))
}

fn page(status: StatusCode, title: &str, content: &str) -> Response {
    let title = escaped(title);
    let text = format!(
        r#"<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer"><meta name="robots" content="noindex"><title>{title}</title>
<style>{STYLE}</style></head>
<body><main><h1>{title}</h1>
{content}
</main></body></html>
"#
    );
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HTML);
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;margin:0;background:#f4f5f7;color:#1c1e21}\
main{max-width:26rem;margin:12vh auto;padding:2rem;background:#fff;border-radius:.5rem;box-shadow:0 1px 4px #0002}\
h1{font-size:1.3rem;margin-top:0}label{display:block}input{width:100%;box-sizing:border-box;font:inherit;padding:.5rem;\
border:1px solid #b8bcc4;border-radius:.25rem}button{font:inherit;padding:.6rem 1rem;border:0;border-radius:.25rem;\
background:#1f5eff;color:#fff;cursor:pointer}\
@media(prefers-color-scheme:dark){body{background:#15171a;color:#e6e6e6}main{background:#1f2226}}";

fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut escaped, c| {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    use axum::body::Body;

    fn asked(method: Method, path: &str, accept: &str) -> Request {
        Request::builder().method(method).uri(path).header(ACCEPT, accept).body(Body::empty()).unwrap()
    }

    #[test]
    fn whoever_only_looks_gets_a_page_and_a_program_that_asks_gets_an_answer() {
        let path = "/auth/unlock?token=a.b.c";
        let browser = "text/html,application/xhtml+xml;q=0.9";
        let shown = |method, accept| asked_for(UnlockPage.into(), &asked(method, path, accept)).is_some();
        assert!(shown(Method::GET, browser) && shown(Method::HEAD, "*/*"));
        assert!(!shown(Method::GET, "application/json") && !shown(Method::GET, "*/*"));
    }

    #[test]
    fn a_token_that_is_no_token_stays_text() {
        let request = asked(Method::GET, "/auth/unlock?x=1&token=%22%3E%3Cscript%3E", "text/html");
        assert_eq!(token_of(&request), "\"><script>");
        assert!(unlock_form(&token_of(&request)).contains(r#"value="&quot;&gt;&lt;script&gt;""#));
    }
}
