//! Three nodes on stores that they share, each by way of proxies of its own.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use portcullis_bench::server::Server;
use portcullis_bench::store_servers::{PostgresServer, RedisServer};
use rand::RngExt as _;
use rand::rngs::StdRng;
use tokio::time::sleep;

use super::NODES;
use super::faked_clock::FakedClock;
use super::tcp_proxy::{Passage, TcpProxy};
use crate::alarms::{AlarmWatch, LogReader};
use crate::run::TortureError;
use crate::stores_under_test::{DATABASE, postgres_in, redis_in};

/// How long connections are broken, for bytes that are held back to be lost.
const BROKEN: Duration = Duration::from_millis(50);

/// A node, and what stands between it and the stores.
pub(super) struct Node {
    pub(super) server: Server,
    data: PathBuf,
    proxies: Vec<TcpProxy>,
    alarms: AlarmWatch,
}

/// The stores, and the nodes on them.
pub(super) struct ThreeNodes {
    /// Before the servers, so that they end first.
    pub(super) nodes: Vec<Node>,
    pub(super) postgres: PostgresServer,
    pub(super) redis: Option<RedisServer>,
    /// That of the last node.
    pub(super) clock: FakedClock,
}

impl ThreeNodes {
    pub(super) async fn start(folder: &Path, program: &Path, has_redis: bool) -> Result<Self, TortureError> {
        let postgres = postgres_in(folder).await?;
        postgres.new_database(DATABASE)?;
        let redis = if has_redis { Some(redis_in(folder).await?) } else { None };
        let data = |number| folder.join(format!("node-{number}"));
        let clock = FakedClock::of(&data(NODES - 1))?;
        let mut started = Self { nodes: Vec::new(), postgres, redis, clock };
        for number in 0..NODES {
            let own = if number == NODES - 1 { started.clock.variables() } else { Vec::new() };
            let node = started.node(&data(number), program, own).await?;
            FakedClock::unlink(node.server.pid());
            started.nodes.push(node);
        }
        Ok(started)
    }

    async fn node(
        &self,
        data: &Path,
        program: &Path,
        own: Vec<(&'static str, OsString)>,
    ) -> Result<Node, TortureError> {
        let to_database = TcpProxy::to(self.postgres.address()).await?;
        let database = format!("postgres://portcullis@{}/{DATABASE}?sslmode=disable", to_database.address());
        let (mut proxies, mut sessions) = (vec![to_database], database.clone());
        if let Some(redis) = &self.redis {
            let to_redis = TcpProxy::to(redis.address()).await?;
            sessions = format!("redis://{}", to_redis.address());
            proxies.push(to_redis);
        }
        let mut variables = vec![
            ("PORTCULLIS_DATABASE", OsStr::new(&database)),
            ("PORTCULLIS_SESSIONS", OsStr::new(&sessions)),
        ];
        variables.extend(own.iter().map(|(name, value)| (*name, value.as_os_str())));
        let server = Server::start_with(program, data, &variables).await?;
        Ok(Node { server, data: data.to_owned(), proxies, alarms: AlarmWatch::of(data) })
    }

    /// Kills the primary, and lets all nodes find its standby in its place.
    pub(super) async fn fail_over(&mut self, away: Duration) -> Result<(), TortureError> {
        let standby = self.postgres.standby().await?;
        self.postgres.kill()?;
        sleep(away).await;
        standby.promote().await?;
        for to_database in self.nodes.iter().filter_map(|node| node.proxies.first()) {
            to_database.lead_to(standby.address());
        }
        self.postgres = standby;
        Ok(())
    }

    /// Those who were told of a theft since the last look.
    pub(super) fn alarmed(&self) -> io::Result<Vec<String>> {
        let mut alarmed = Vec::new();
        for node in &self.nodes {
            alarmed.extend(node.alarms.alarmed(&BTreeSet::new())?);
        }
        Ok(alarmed)
    }

    /// What nodes say, since the last look, of a store that has lost a rotation.
    pub(super) fn lost_rotations(&mut self) -> io::Result<Vec<String>> {
        let mut lost = Vec::new();
        for node in &mut self.nodes {
            lost.extend(node.alarms.lost_rotations()?);
        }
        Ok(lost)
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
        hold(&cut, passage, span).await;
        if passage != Passage::Closed && random.random_bool(0.5) {
            // What was held back is lost.
            hold(&cut, Passage::Closed, BROKEN).await;
        }
        hold(&cut, Passage::Open, Duration::ZERO).await;
    }
}

impl Node {
    /// What it says from now on.
    pub(super) fn log(&self) -> io::Result<LogReader> {
        LogReader::from_now(&self.data)
    }

    pub(super) fn set(&self, passage: Passage) {
        self.proxies.iter().for_each(|proxy| proxy.set(passage));
    }
}

async fn hold(proxies: &[&TcpProxy], passage: Passage, span: Duration) {
    for proxy in proxies {
        proxy.set(passage);
    }
    sleep(span).await;
}
