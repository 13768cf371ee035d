//! The pages that links in mails lead to. A page shows a form that posts, because those who only look (mail scanners,
//! previews) follow links too: looking must change nothing.
//!
//! No script and nothing from elsewhere. The token stands in a form field and in no other address, header or log.

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue};
use http::{Method, StatusCode};
use portcullis_api::operation::DeviceOperation;
use portcullis_api::refusal::{Reason, Refusal};

/// Forms post to ourselves, and the style stands in the page.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// The page that a request asks for in place of an answer, if it asks for one.
pub(super) fn asked_for(operation: DeviceOperation, request: &Request) -> Option<Response> {
    let token = token_of(request);
    match operation {
        DeviceOperation::ResetPage => {
            Some(page(StatusCode::OK, "Choose a new password", &reset_form(&token)))
        }
        // A request that only looks does nothing, whoever makes it.
        DeviceOperation::UnlockPage if request.method() == Method::HEAD || is_wanted(request) => {
            Some(page(StatusCode::OK, "Unlock your account", &unlock_form(&token)))
        }
        _ => None,
    }
}

/// Whether a browser asks, for somebody to read the answer.
pub(super) fn is_wanted(request: &Request) -> bool {
    let accepted = request.headers().get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|text| text.split(',')).any(|range| {
        range.split(';').next().is_some_and(|media| media.trim().eq_ignore_ascii_case("text/html"))
    })
}

/// What a form that was posted has led to.
pub(super) fn outcome(operation: DeviceOperation, refused: Option<&Refusal>) -> Response {
    let is_reset = operation == DeviceOperation::ResetPassword;
    let Some(refusal) = refused else {
        let (title, text) = if is_reset {
            (
                "Password changed",
                "Your password was changed, and you were signed out everywhere. You can sign in now.",
            )
        } else {
            ("Account unlocked", "Your account is open again. You can sign in now.")
        };
        return page(StatusCode::CREATED, title, &paragraph(text));
    };
    let refusal = refusal.clone().worded_for(operation);
    let status = StatusCode::from_u16(refusal.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let title = if is_reset { "The password was not changed" } else { "The account was not unlocked" };
    let said: Vec<String> = match &refusal.reason {
        Reason::Text(text) => vec![text.to_string()],
        Reason::Faults(faults) => faults.clone(),
        Reason::Plain | Reason::NoRoute => vec![refusal.code.title().to_owned()],
    };
    let mut text: String = said.iter().map(|sentence| paragraph(sentence)).collect();
    text.push_str(&paragraph("Go back to try again, or ask for a new link."));
    page(status, title, &text)
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
    let mut response = Response::new(Body::from(text));
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

    fn asked(method: Method, path: &str, accept: &str) -> Request {
        Request::builder().method(method).uri(path).header(ACCEPT, accept).body(Body::empty()).unwrap()
    }

    #[test]
    fn whoever_only_looks_gets_a_page_and_a_program_that_asks_gets_an_answer() {
        let path = "/auth/unlock?token=a.b.c";
        let browser = "text/html,application/xhtml+xml;q=0.9";
        let shown =
            |method, accept| asked_for(DeviceOperation::UnlockPage, &asked(method, path, accept)).is_some();
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
