//! Requests are counted under the route that they match.

use portcullis_api::operation::{
    DEVICE_OPERATIONS, Method, SERVICE_OPERATIONS, STRATEGY_OPERATIONS, StrategyRow,
};

use crate::fixture::{STRATEGIES, ServerProcess};

/// The method and the route of every operation and document.
fn routes() -> Vec<(&'static str, String)> {
    let of_strategies = STRATEGIES.into_iter().flat_map(|strategy| {
        let path = move |row: StrategyRow| Some((row.method, row.path(strategy)?));
        STRATEGY_OPERATIONS.into_iter().filter_map(path)
    });
    let of_the_service = SERVICE_OPERATIONS.into_iter().map(|row| (Method::Get, row.route));
    let of_devices = DEVICE_OPERATIONS.into_iter().map(|row| (row.method, row.route));
    let fixed = of_the_service.chain(of_devices).map(|(method, route)| (method, route.to_owned()));
    let mut routes: Vec<_> =
        of_strategies.chain(fixed).map(|(method, route)| (method.as_str(), route)).collect();
    for document in ["/", "/openapi.json", "/docs", "/docs/", "/metrics"] {
        routes.push(("GET", document.to_owned()));
    }
    routes
}

/// The path of a route, with something in its places.
fn path(route: &str) -> String {
    let part = |part: &str| if part.starts_with('{') { "some".to_owned() } else { part.to_owned() };
    route.split('/').map(part).collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn every_route_is_counted_under_its_own_name() {
    let program = ServerProcess::start(&[]);
    for (method, route) in routes() {
        program.ask(method, &path(&route)).await;
    }
    let counted = program.ask("GET", "/metrics").await.status(200).body;
    for (method, route) in routes() {
        let labels = format!("portcullis_http_requests_total{{route=\"{route}\",method=\"{method}\",");
        assert!(counted.contains(&labels), "{labels} {counted}");
    }
    assert!(!counted.contains("unmatched"), "{counted}");
    for (record, outcome) in [("session", "hit"), ("session", "miss"), ("user", "bypass")] {
        let labels = format!("{{database=\"shared\",record=\"{record}\",outcome=\"{outcome}\"}}");
        assert!(counted.contains(&format!("portcullis_view_lookups_total{labels}")), "{labels} {counted}");
    }
    program.stop();
}
