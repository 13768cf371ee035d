//! How many requests were answered, by route, method and status.
//!
//! A request is counted under the route that it matches, never under what the client wrote.

use std::sync::{PoisonError, RwLock};

use http::{Method, StatusCode};
use metrics::{Counter, counter};
use portcullis_core::strategy::StrategyName;

/// The counters of one route, by method and status. Each is looked up by its labels once.
pub(super) struct RouteCounter {
    route: String,
    /// The strategy of `/auth/{strategy}/…`, otherwise `device` below `/auth`.
    pub(super) strategy: Option<StrategyName>,
    counters: RwLock<Vec<(&'static str, StatusCode, Counter)>>,
}

impl RouteCounter {
    pub(super) fn new(route: String) -> Self {
        Self { strategy: strategy(&route), route, counters: RwLock::default() }
    }

    /// Counts an answer.
    pub(super) fn answered(&self, method: &'static str, status: StatusCode) {
        let known = self.counters.read().unwrap_or_else(PoisonError::into_inner);
        let found = known.iter().find(|(of, with, _)| *of == method && *with == status);
        if let Some((.., counter)) = found {
            return counter.increment(1);
        }
        drop(known);
        let (route, code) = (self.route.clone(), status.as_str().to_owned());
        let counter = counter!("portcullis_http_requests_total", "route" => route, "method" => method, "status" => code);
        counter.increment(1);
        self.counters.write().unwrap_or_else(PoisonError::into_inner).push((method, status, counter));
    }
}

/// A client can make up any number of methods; they are counted as one.
pub(super) fn known_method(method: &Method) -> &'static str {
    let known = ["GET", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"];
    known.into_iter().find(|known| *known == method.as_str()).unwrap_or("other")
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
    fn made_up_methods_are_counted_as_one() {
        let methods = ["GET", "POST", "get", "FROB1", "FROB2"].map(|name| name.parse::<Method>().unwrap());
        assert_eq!(methods.each_ref().map(known_method), ["GET", "POST", "other", "other", "other"]);
    }

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
                counter.answered("GET", status);
            }
            counter.answered("POST", StatusCode::OK);
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
