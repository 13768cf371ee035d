//! The routes of a server: what answers a path and a method.
//!
//! One look-up finds it, and the counters of the route with it.

use axum::response::{IntoResponse as _, Response};
use http::header::{ALLOW, HeaderValue};
use http::{Method, Uri};
use matchit::Router;
use percent_encoding::percent_decode_str;
use portcullis_api::operation::Caller;
use portcullis_api::refusal::{Code, Refusal};
use portcullis_axum::RefusalResponse;
use tracing::error;

use crate::route_counter::RouteCounter;
use crate::route_endpoint::RouteEndpoint;
use crate::routed_request::PathMembers;

/// All routes.
pub struct RouteTable<E> {
    routes: Router<Route<E>>,
    unmatched: Route<E>,
}

/// A row of the table: what answers a path and a method.
pub type EndpointRow<E> = (String, Method, E);

/// A route: its path's counters, and what answers each method.
pub(crate) struct Route<E> {
    pub(crate) counter: RouteCounter,
    endpoints: Vec<(Method, E)>,
}

impl<E: RouteEndpoint> RouteTable<E> {
    /// The table of these rows. A path may have several, of different methods.
    #[must_use]
    pub fn of(rows: impl IntoIterator<Item = EndpointRow<E>>) -> Self {
        let mut paths: Vec<(String, Vec<(Method, E)>)> = Vec::new();
        for (path, method, endpoint) in rows {
            match paths.iter_mut().find(|(known, _)| *known == path) {
                Some((_, endpoints)) => {
                    debug_assert!(
                        endpoints.iter().all(|(known, _)| *known != method),
                        "{method} {path} twice"
                    );
                    endpoints.push((method, endpoint));
                }
                None => paths.push((path, vec![(method, endpoint)])),
            }
        }
        let mut routes = Router::new();
        for (path, endpoints) in paths {
            let route = Route::new(path.clone(), endpoints);
            if let Err(fault) = routes.insert(path.as_str(), route) {
                debug_assert!(false, "{path} cannot be reached: {fault}");
                error!(%fault, path, "a route cannot be reached");
            }
        }
        Self { routes, unmatched: Route::new("unmatched".to_owned(), Vec::new()) }
    }

    /// The route of a request, and the members that its path has.
    pub(crate) fn find(&self, sent: &Uri) -> (&Route<E>, PathMembers) {
        let Ok(found) = self.routes.at(sent.path()) else { return (&self.unmatched, PathMembers::new()) };
        let decoded = |text| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let members = found.params.iter().map(|(name, text)| (name.to_owned(), decoded(text)));
        (found.value, members.collect())
    }
}

impl<E: RouteEndpoint> Route<E> {
    fn new(path: String, endpoints: Vec<(Method, E)>) -> Self {
        Self { counter: RouteCounter::new(path), endpoints }
    }

    /// Whether pages of browsers may call it, so that CORS applies. Servers alone call it if each of its rows says so.
    pub(crate) fn is_for_pages(&self) -> bool {
        self.endpoints.is_empty()
            || self.endpoints.iter().any(|(_, endpoint)| endpoint.caller() == Caller::Client)
    }

    /// Whether a request by this method changes nothing here.
    pub(crate) fn is_safe(&self, method: &Method) -> bool {
        method.is_safe() || self.endpoints.iter().any(|(_, endpoint)| endpoint.is_check())
    }

    /// What answers a method. HEAD is a GET whose body is not sent.
    pub(crate) fn endpoint(&self, method: &Method) -> Option<&E> {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        let found = self.endpoints.iter().find(|(of, endpoint)| of == method || endpoint.takes_any_method());
        found.map(|(_, endpoint)| endpoint)
    }

    /// The answer where nothing answers the method.
    pub(crate) fn refused(&self) -> Response {
        if self.endpoints.is_empty() {
            return RefusalResponse(Refusal::no_route()).into_response();
        }
        let mut response = RefusalResponse(Refusal::plain(Code::MethodNotAllowed)).into_response();
        let methods = self.endpoints.iter().map(|(method, _)| match method {
            &Method::GET => "GET,HEAD",
            other => other.as_str(),
        });
        if let Ok(allowed) = HeaderValue::try_from(methods.collect::<Vec<_>>().join(",")) {
            response.headers_mut().insert(ALLOW, allowed);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routed_request::RoutedRequest;

    /// What answers every method with nothing.
    struct Nothing;

    impl RouteEndpoint for Nothing {
        async fn answer(&self, _: &mut RoutedRequest) -> Response {
            Response::default()
        }
    }

    fn table() -> RouteTable<Nothing> {
        let rows = [("/a/{id}", Method::GET), ("/b", Method::POST), ("/a/{id}", Method::DELETE)];
        RouteTable::of(rows.map(|(path, method)| (path.to_owned(), method, Nothing)))
    }

    #[test]
    fn the_members_of_a_path_are_decoded_once() {
        let table = table();
        let members = |path: &'static str| table.find(&Uri::from_static(path)).1;
        assert_eq!(members("/a/x%2Fy%2520?id=z"), [("id".to_owned(), "x/y%20".to_owned())]);
        assert_eq!(members("/a/%ff"), [("id".to_owned(), "\u{fffd}".to_owned())]);
        assert!(members("/b").is_empty() && members("/a/x/y").is_empty());
    }

    #[test]
    fn a_route_answers_its_methods_and_names_them_to_others() {
        let table = table();
        let (of_a, _) = table.find(&Uri::from_static("/a/1"));
        let answers = |method| of_a.endpoint(&method).is_some();
        assert!(answers(Method::GET) && answers(Method::HEAD) && answers(Method::DELETE));
        assert!(!answers(Method::POST) && !answers(Method::OPTIONS));
        let refused = of_a.refused();
        assert_eq!(
            (refused.status().as_u16(), refused.headers()[ALLOW].to_str().unwrap()),
            (405, "GET,HEAD,DELETE")
        );
        let nowhere = table.find(&Uri::from_static("/c")).0.refused();
        assert_eq!((nowhere.status().as_u16(), nowhere.headers().get(ALLOW)), (404, None));
    }
}
