//! What a gateway serves: routes, and what they need. It is replaced as a whole.

use std::sync::Arc;
use std::time::Duration;

use portcullis_api::operation::ForwardAuthRow;
use portcullis_axum::Origins;
use portcullis_transport::http::AnswerCounter;
use portcullis_transport::proxies::TrustedProxies;
use thiserror::Error;

use super::forward_auth::{AskedRow, ForwardAuthEndpoint};
use crate::config::GatewayConfig;
use crate::headers::HeaderPolicy;
use crate::routes::{GatewayRoute, RoutingTable};
use crate::upstream::{ConnectorError, Pool, keep_looking};

const METRIC: &str = "portcullis_gateway_requests_total";

/// What a gateway serves.
#[derive(Debug)]
pub struct GatewayState {
    /// The routes.
    pub table: RoutingTable<ServedRoute>,
    /// The origins whose pages may call.
    pub origins: Origins,
    /// The proxies whose headers name the client.
    pub proxies: TrustedProxies,
    /// What of a request's headers is taken away.
    pub headers: HeaderPolicy,
    /// For how long a stream may go on while nothing is proven.
    pub stream_grace: Duration,
    /// What answers `/auth/verify`; `None` if the routes do.
    pub forward_auth: Option<ForwardAuthEndpoint>,
    /// Whether each request has a line of the log.
    pub logs_requests: bool,
    /// Counts answers to requests of no route.
    pub unmatched: AnswerCounter,
}

/// A route that is served.
#[derive(Clone, Debug)]
pub struct ServedRoute {
    /// The route.
    pub route: GatewayRoute,
    /// Its upstreams.
    pub pool: Arc<Pool>,
    /// Counts its answers.
    pub answers: Arc<AnswerCounter>,
}

/// An upstream that cannot be used as the file describes it.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("routes.ca_file of {route}: {source}")]
pub struct UnusableUpstream {
    route: String,
    source: ConnectorError,
}

impl GatewayState {
    /// What a configuration describes. Upstreams that were served `before` keep their connections.
    ///
    /// It needs a Tokio runtime: upstreams are asked how they are.
    ///
    /// # Errors
    ///
    /// The first [`UnusableUpstream`].
    pub fn new(config: &GatewayConfig, before: Option<&Self>) -> Result<Self, UnusableUpstream> {
        let mut served: Vec<ServedRoute> = Vec::new();
        let known: Vec<ServedRoute> =
            before.iter().flat_map(|before| before.table.routes()).cloned().collect();
        for route in &config.routes {
            let all: Vec<ServedRoute> = known.iter().chain(&served).cloned().collect();
            served.push(ServedRoute::new(route.clone(), &all)?);
        }
        Ok(Self {
            table: RoutingTable::new(served),
            origins: config.origins.clone(),
            proxies: config.proxies.clone(),
            headers: HeaderPolicy { cookies: config.cookies.clone() },
            stream_grace: config.stream_grace,
            forward_auth: ForwardAuthEndpoint::of(config, METRIC),
            logs_requests: config.process.log_requests,
            unmatched: AnswerCounter::new(METRIC, "unmatched".to_owned()),
        })
    }
}

impl GatewayState {
    /// What answers a path of forward-auth, and by which row.
    pub(super) fn forward_auth<'p>(&self, path: &'p str) -> Option<(&ForwardAuthEndpoint, AskedRow<'p>)> {
        let own = self.forward_auth.as_ref()?;
        Some((own, ForwardAuthRow::of_path(path)?))
    }

    /// Whether servers send the requests for a path, so that CORS does not apply.
    pub(super) fn is_asked_by_servers(&self, path: &str) -> bool {
        self.forward_auth(path).is_some()
    }
}

impl AsRef<GatewayRoute> for ServedRoute {
    fn as_ref(&self) -> &GatewayRoute {
        &self.route
    }
}

impl ServedRoute {
    /// Serves a route. Its pool is one of `known`, with the connections and the health that it has, if one is the same;
    /// otherwise it is made, and its upstreams are asked how they are.
    fn new(route: GatewayRoute, known: &[Self]) -> Result<Self, UnusableUpstream> {
        let is_same = |other: &&Self| {
            other.pool.described == route.upstream && other.route.timeouts.connect == route.timeouts.connect
        };
        let pool = match known.iter().find(is_same) {
            Some(other) => other.pool.clone(),
            None => opened(&route)?,
        };
        let answers = Arc::new(AnswerCounter::new(METRIC, route.path.to_string()));
        Ok(Self { route, pool, answers })
    }
}

fn opened(route: &GatewayRoute) -> Result<Arc<Pool>, UnusableUpstream> {
    let pool = Pool::new(&route.upstream, route.timeouts.connect);
    let unusable = |source| UnusableUpstream { route: route.path.to_string(), source };
    let pool = Arc::new(pool.map_err(unusable)?);
    if route.upstream.health.is_some() {
        tokio::spawn(keep_looking(Arc::downgrade(&pool)));
    }
    Ok(pool)
}
