//! How many requests were answered, by route, method and status.
//!
//! A request is counted under the route that it matches, never under what the client wrote.

use http::{Method, StatusCode};
use portcullis_core::strategy::StrategyName;
use portcullis_transport::http::AnswerCounter;

/// The counters of one route.
pub(crate) struct RouteCounter {
    /// The strategy of `/auth/{strategy}/…`, otherwise `device` below `/auth`.
    pub(crate) strategy: Option<StrategyName>,
    answers: AnswerCounter,
}

impl RouteCounter {
    pub(crate) fn new(route: String) -> Self {
        Self {
            strategy: strategy(&route),
            answers: AnswerCounter::new("portcullis_http_requests_total", route),
        }
    }

    /// Counts an answer.
    pub(crate) fn answered(&self, method: &Method, status: StatusCode) {
        self.answers.answered(method, status);
    }
}

fn strategy(route: &str) -> Option<StrategyName> {
    let mut parts = route.strip_prefix("/auth/")?.split('/');
    let named = parts.next().and_then(|name| name.parse().ok());
    Some(named.unwrap_or(StrategyName::Device))
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    #[test]
    fn a_route_tells_its_strategy() {
        let of = |route| strategy(route).map(StrategyName::as_str);
        assert_eq!(of("/auth/session-jwt/profile"), Some("session-jwt"));
        assert_eq!((of("/auth/me"), of("/healthz")), (Some("device"), None));
    }

    #[test]
    fn requests_are_counted_by_route_method_and_status() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let counter = RouteCounter::new("/auth/jwt/profile".to_owned());
        metrics::with_local_recorder(&recorder, || {
            for status in [StatusCode::NOT_FOUND, StatusCode::NOT_FOUND, StatusCode::OK] {
                counter.answered(&Method::GET, status);
            }
            counter.answered(&Method::POST, StatusCode::OK);
        });
        let text = recorder.handle().render();
        for (labels, count) in [
            (r#"method="GET",status="404""#, 2),
            (r#"method="GET",status="200""#, 1),
            (r#"method="POST",status="200""#, 1),
        ] {
            let line =
                format!(r#"portcullis_http_requests_total{{route="/auth/jwt/profile",{labels}}} {count}"#);
            assert!(text.lines().any(|found| found == line), "{line}: {text}");
        }
    }
}
