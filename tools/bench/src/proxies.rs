//! Reverse proxies before the bare handler: nginx, which passes on or asks the server first, and the gateway.

use std::net::SocketAddr;
use std::path::Path;

use portcullis_bench::bare_server::{BareRoute, BareServerArguments};

use crate::case_service::CaseService;
use crate::cases::{ProxyCase, VERIFIED};
use crate::error::BenchError;
use crate::gateway_process::{BenchGateway, FollowedServer, RouteBehind};
use crate::nginx::BenchNginx;

/// The public path of the gateway.
pub(crate) const OPEN: &str = "/open";

/// Both before one service; dropping this ends both.
#[derive(Debug)]
pub(crate) struct BenchProxies {
    nginx: BenchNginx,
    gateway: BenchGateway,
    /// The server that they ask or follow.
    server: u32,
}

impl BenchProxies {
    /// Starts them.
    ///
    /// # Errors
    /// [`BenchError`]
    pub(crate) async fn start(
        folder: &Path,
        upstream: SocketAddr,
        server: FollowedServer<'_>,
    ) -> Result<Self, BenchError> {
        let routes = [("/", false), (OPEN, true)];
        let routes = routes.map(|(path, is_public)| RouteBehind { path, upstream, is_public });
        Ok(Self {
            nginx: BenchNginx::start(&folder.join("nginx"), upstream, server.address).await?,
            gateway: BenchGateway::start(server, &folder.join("gateway"), &routes).await?,
            server: server.pid,
        })
    }

    /// Where a case is sent, and which processes work for it.
    pub(crate) fn service(&self, case: ProxyCase) -> CaseService {
        let nginx = |address| CaseService { address, pid: self.nginx.pid(), asked: None };
        let asked = Some(self.server);
        match case {
            ProxyCase::Nginx => nginx(self.nginx.passing()),
            ProxyCase::NginxAuthRequest => CaseService { asked, ..nginx(self.nginx.asking()) },
            ProxyCase::NginxConnecting => CaseService { asked, ..nginx(self.nginx.connecting()) },
            ProxyCase::Gateway | ProxyCase::GatewayPublic => CaseService { asked, ..self.gateway.service() },
        }
    }
}

/// The public path of the bare handler, with an answer as long as that to the other requests of proxies.
pub(crate) fn open_route(routes: &BareServerArguments) -> BareServerArguments {
    let path = VERIFIED.profile_path();
    let same = routes.routes.iter().find(|route| route.path == path);
    let open = same.map(|route| BareRoute { path: OPEN.to_owned(), bytes: route.bytes });
    BareServerArguments { routes: open.into_iter().collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_path_answers_as_many_bytes_as_the_protected_one() {
        let route = |path: &str, bytes| BareRoute { path: path.to_owned(), bytes };
        let routes = vec![route("/auth/jwt/profile", 7), route("/auth/session-jwt/profile", 8)];
        assert_eq!(open_route(&BareServerArguments { routes }).words(), ["--route", "/open=8"]);
    }
}
