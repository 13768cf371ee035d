//! Properties of reading `Cookie` headers.

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use portcullis_axum::SessionCookie;

const OURS: &str = "an-id.signature";

/// Each line of the bytes is a header that an attacker planted. The server's own cookie is found at every position
/// among them: no planted header hides it or is taken for it.
pub(super) fn check(bytes: &[u8]) {
    let lines = bytes.split(|byte| *byte == b'\n').filter_map(|line| HeaderValue::from_bytes(line).ok());
    let planted: Vec<HeaderValue> = lines.collect();
    for https in [false, true] {
        let cookie = SessionCookie::over(https);
        let before = headers(&planted);
        let values = cookie.values(&before);
        assert!(values.iter().all(|value| !value.contains(';')), "{values:?}");
        for place in [0, planted.len()] {
            let mut lines = planted.clone();
            lines.insert(place, HeaderValue::from_str(&format!("{}={OURS}", cookie.name)).unwrap());
            let after = headers(&lines);
            let found = cookie.values(&after);
            assert_eq!((found.len(), found.contains(&OURS)), (values.len() + 1, true), "{lines:?}");
        }
    }
}

fn headers(lines: &[HeaderValue]) -> HeaderMap {
    lines.iter().map(|line| (COOKIE, line.clone())).collect()
}
