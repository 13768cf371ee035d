//! Sending a browser that asks for a page, and whose user is not signed in, to the page where the user signs in.

use http::header::HeaderName;
use http::{HeaderMap, StatusCode};
use portcullis_api::refusal::Refusal;
use portcullis_config::parse::authority_of;
use url::Url;

use super::forwarded_request::ForwardedRequest;
use super::requirements::Requirements;
use crate::browser::{fetch_mode, is_html_accepted};

const REQUESTED_WITH: HeaderName = HeaderName::from_static("x-requested-with");

/// Where a browser is sent instead of this refusal; `None` if the refusal is the answer. A user who is signed in and
/// may not pass is never sent: the user would come back at once, and so on.
pub(super) fn instead_of(
    refusal: &Refusal,
    required: &Requirements,
    forwarded: &ForwardedRequest<'_>,
) -> Option<Url> {
    let login = required.login.as_ref().filter(|_| refusal.code.status() == 401)?;
    let back = forwarded.url().filter(|_| is_navigation(forwarded.headers))?;
    let is_allowed = authority_of(&back).is_some_and(|host| required.hosts.contains(&host));
    is_allowed.then(|| {
        let mut location = login.clone();
        location.query_pairs_mut().append_pair("return_to", back.as_str());
        location
    })
}

/// The status of the redirect. After it a browser repeats no other method than GET and HEAD.
pub(super) fn status(forwarded: &ForwardedRequest<'_>) -> StatusCode {
    if forwarded.is_get() { StatusCode::FOUND } else { StatusCode::SEE_OTHER }
}

/// Whether a browser asks for a page of its own, and no script for data.
fn is_navigation(headers: &HeaderMap) -> bool {
    let is_script = headers.get(REQUESTED_WITH).is_some_and(|with| with == "XMLHttpRequest")
        || fetch_mode(headers).is_some_and(|mode| mode != "navigate");
    is_html_accepted(headers) && !is_script
}

#[cfg(test)]
mod tests {
    use http::Method;
    use http::header::{ACCEPT, HeaderValue};
    use portcullis_api::refusal::Code;
    use proptest::prelude::*;

    use super::*;

    const HOST: &str = "app.example.com";

    fn required() -> Requirements {
        let login = Url::parse("https://auth.example.com/login?a=b").ok();
        Requirements { roles: None, login, hosts: [HOST.to_owned()].into() }
    }

    /// Where a browser is sent that asks for this scheme, host and path.
    fn sent(forwarded: [&[u8]; 3]) -> Option<Url> {
        let names = ["x-forwarded-proto", "x-forwarded-host", "x-forwarded-uri"].map(HeaderName::from_static);
        let mut headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("text/html"))]);
        for (name, value) in names.into_iter().zip(forwarded) {
            headers.insert(name, HeaderValue::from_bytes(value).ok()?);
        }
        let forwarded = ForwardedRequest::new(&headers, &Method::GET, true);
        instead_of(&Refusal::plain(Code::Unauthorized), &required(), &forwarded)
    }

    /// The address to which the browser may then return.
    fn back(location: &Url) -> Url {
        let pairs: Vec<_> = location.query_pairs().collect();
        assert_eq!((location.host_str(), location.path()), (Some("auth.example.com"), "/login"));
        assert_eq!(pairs.first().map(|(name, value)| (&**name, &**value)), Some(("a", "b")));
        let [_, (name, address)] = &pairs[..] else { panic!("{location}") };
        assert_eq!(name, "return_to");
        Url::parse(address).unwrap()
    }

    // ASVS-map: CS5
    #[test]
    fn an_address_that_is_allowed_comes_back_whole() {
        for path in ["/", "/a?b=c&d=%2F#e", "//a", "/\u{fc}?\u{fc}"] {
            let location = sent([b"https", HOST.as_bytes(), path.as_bytes()]);
            let expected = Url::parse(&format!("https://{HOST}{path}")).unwrap();
            assert_eq!(
                location.map(|location| back(&location)),
                path.is_ascii().then_some(expected),
                "{path}"
            );
        }
    }

    proptest! {
        // ASVS-map: CS5
        #[test]
        fn whatever_a_proxy_passes_on_the_browser_returns_to_an_allowed_host(
            scheme in "https?|[a-z:/]{0,9}",
            host in "app\\.example\\.com|[ -~]{0,12}(app\\.example\\.com)?[ -~]{0,12}",
            path in "/?[ -~]{0,24}",
        ) {
            if let Some(location) = sent([scheme.as_bytes(), host.as_bytes(), path.as_bytes()]) {
                let back = back(&location);
                prop_assert_eq!(back.host_str(), Some(HOST), "{} {} {}", scheme, host, path);
                prop_assert!(matches!(back.scheme(), "http" | "https") && back.username().is_empty());
            }
        }

        // ASVS-map: CS5
        #[test]
        fn bytes_of_any_kind_send_no_browser_elsewhere(bytes in any::<[Vec<u8>; 3]>()) {
            if let Some(location) = sent(bytes.each_ref().map(Vec::as_slice)) {
                let back = back(&location);
                prop_assert_eq!(back.host_str(), Some(HOST));
            }
        }
    }
}
