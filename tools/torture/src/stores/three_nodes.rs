//! Three nodes on stores that they share, each by way of proxies of its own.

use std::ffi::OsStr;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use portcullis_bench::server::Server;
use portcullis_bench::store_servers::{PostgresServer, RedisServer};
use rand::RngExt as _;
use rand::rngs::StdRng;
use tokio::time::sleep;

use super::NODES;
use super::tcp_proxy::{Passage, TcpProxy};
use crate::run::TortureError;
use crate::stores_under_test::{DATABASE, postgres_in, redis_in};

/// A node, and what stands between it and the stores.
pub(super) struct Node {
    pub(super) server: Server,
    proxies: Vec<TcpProxy>,
}

/// The stores, and the nodes on them.
pub(super) struct ThreeNodes {
    /// Before the servers, so that they end first.
    pub(super) nodes: Vec<Node>,
    pub(super) postgres: PostgresServer,
    pub(super) redis: Option<RedisServer>,
}

impl ThreeNodes {
    pub(super) async fn start(folder: &Path, program: &Path, has_redis: bool) -> Result<Self, TortureError> {
        let postgres = postgres_in(folder).await?;
        postgres.new_database(DATABASE)?;
        let redis = if has_redis { Some(redis_in(folder).await?) } else { None };
        let mut started = Self { nodes: Vec::new(), postgres, redis };
        for number in 0..NODES {
            let node = started.node(&folder.join(format!("node-{number}")), program).await?;
            started.nodes.push(node);
        }
        Ok(started)
    }

    async fn node(&self, folder: &Path, program: &Path) -> Result<Node, TortureError> {
        let to_database = TcpProxy::to(self.postgres.address()).await?;
        let database = format!("postgres://portcullis@{}/{DATABASE}?sslmode=disable", to_database.address());
        let (mut proxies, mut sessions) = (vec![to_database], database.clone());
        if let Some(redis) = &self.redis {
            let to_redis = TcpProxy::to(redis.address()).await?;
            sessions = format!("redis://{}", to_redis.address());
            proxies.push(to_redis);
        }
        let variables =
            [("PORTCULLIS_DATABASE", OsStr::new(&database)), ("PORTCULLIS_SESSIONS", OsStr::new(&sessions))];
        let server = Server::start_with(program, folder, &variables).await?;
        Ok(Node { server, proxies })
    }

    pub(super) fn addresses(&self) -> [SocketAddr; NODES] {
        let mut addresses = [SocketAddr::from((Ipv4Addr::LOCALHOST, 0)); NODES];
        for (address, node) in addresses.iter_mut().zip(&self.nodes) {
            *address = node.server.address();
        }
        addresses
    }

    /// Cuts one node off from some of its stores for a while.
    pub(super) async fn cut(&self, random: &mut StdRng, passage: Passage, span: Duration) {
        let Some(node) = self.nodes.get(random.random_range(0..NODES)) else { return };
        let from_all = random.random_bool(0.3);
        let chosen = random.random_range(0..node.proxies.len());
        let is_cut = |(number, _): &(usize, &TcpProxy)| from_all || *number == chosen;
        let cut: Vec<&TcpProxy> =
            node.proxies.iter().enumerate().filter(is_cut).map(|(_, proxy)| proxy).collect();
        let set_all = |passage| {
            for proxy in &cut {
                proxy.set(passage);
            }
        };
        set_all(passage);
        sleep(span).await;
        set_all(Passage::Open);
    }
}
