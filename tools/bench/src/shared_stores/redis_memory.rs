//! How much of Redis' memory a session takes, at one session a user.

use std::path::Path;

use portcullis_bench::device::Outbox;
use portcullis_bench::http::HttpConnection;
use portcullis_bench::server::Server;
use portcullis_bench::strategy::StrategyUnderTest;
use redis::Client;

use super::kinds::{StoreKind, StoreServers};
use super::session_ids::WrittenSession;
use super::template::TemplateSession;
use super::written_sessions;
use crate::BenchPlan;
use crate::error::BenchError;
use crate::programs::BenchPrograms;

const SESSIONS: usize = 10_000;
/// The prefix of a URL that names none: it is in each key.
const PREFIX: &str = "pc:";

/// Bytes of a session under one strategy.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SessionMemory {
    pub(crate) strategy: &'static str,
    pub(crate) bytes: f64,
    pub(crate) goal: u32,
}

/// Writes sessions under each strategy, and asks Redis how much more it uses.
///
/// # Errors
/// [`BenchError`]
pub(crate) async fn measure(
    plan: &BenchPlan,
    directory: &Path,
    servers: &StoreServers,
) -> Result<Vec<SessionMemory>, BenchError> {
    let kind = StoreKind { name: "sqlite+redis", on_postgres: false, on_redis: true };
    let stores = servers.new_stores(kind, "memory", directory)?.with_prefix(PREFIX);
    let program = BenchPrograms::measured(plan)?.server;
    let data_dir = stores.folder.join("node");
    let mut server = Server::start_with(&program, &data_dir, &stores.settings().variables()).await?;
    let mut connection = HttpConnection::open(server.address()).await?;
    let of_password = TemplateSession::of_strategy(&mut connection, StrategyUnderTest::SessionJwt).await?;
    let of_device = TemplateSession::of_device(&mut connection, &Outbox::of(&data_dir)).await?;
    drop(connection);
    server.stop()?;
    let mut found = Vec::new();
    for (strategy, template, goal) in [("session-jwt", of_password, 480), ("device", of_device, 620)] {
        let written = WrittenSession::many(SESSIONS, template.session)?;
        let before = used_memory(servers)?;
        written_sessions::write(&stores, servers.redis.address(), &template, &written).await?;
        let bytes = per_session(used_memory(servers)?.saturating_sub(before));
        println!("redis: {bytes:.0} bytes a session under {strategy}");
        found.push(SessionMemory { strategy, bytes, goal });
    }
    servers.remove(&stores)?;
    Ok(found)
}

fn used_memory(servers: &StoreServers) -> Result<u64, BenchError> {
    let mut db = Client::open(format!("redis://{}", servers.redis.address()))?.get_connection()?;
    let info: String = redis::cmd("INFO").arg("memory").query(&mut db)?;
    let used = info.lines().find_map(|line| line.strip_prefix("used_memory:")?.trim().parse().ok());
    used.ok_or_else(|| BenchError::OwnProgram("Redis does not say how much memory it uses".to_owned()))
}

#[expect(clippy::cast_precision_loss, reason = "no machine has 2^52 bytes")]
fn per_session(bytes: u64) -> f64 {
    bytes as f64 / SESSIONS as f64
}
