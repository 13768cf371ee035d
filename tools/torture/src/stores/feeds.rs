//! The connections on which nodes hear of changes: they are ended by the stores themselves, or what comes on them is
//! held back, while all others go on.

use std::time::Duration;

use rand::RngExt as _;
use rand::rngs::StdRng;
use tokio::time::sleep;

use super::NODES;
use super::tcp_proxy::Passage;
use super::three_nodes::{Node, ThreeNodes};
use crate::alarms::LogReader;
use crate::run::TortureError;
use crate::stores_under_test::DATABASE;

/// How often in a row they are ended, and how long it takes until the next time, in milliseconds.
const TIMES: usize = 8;
const PAUSE: std::ops::RangeInclusive<u64> = 100..=500;
/// What a node says then, and of which feed. Nothing has been tried unless it does.
const LOST: &str = "the change feed is lost";
const FEEDS: [&str; 2] = ["postgres-feed", "redis-feed"];

/// Ends all, and then again those of one node, or of all.
pub(super) async fn lose(stores: &ThreeNodes, random: &mut StdRng) -> Result<(), TortureError> {
    let nodes: Vec<&Node> = stores.nodes.iter().collect();
    let lost = notices(stores, &nodes);
    let ended = async {
        for time in 0..TIMES {
            let one = random.random_bool(0.5).then(|| random.random_range(0..NODES));
            let one = one.filter(|_| time > 0);
            end_at_postgres(stores, one)?;
            end_at_redis(stores, one)?;
            sleep(Duration::from_millis(random.random_range(PAUSE))).await;
        }
        Ok(())
    };
    tokio::try_join!(lost, ended).map(drop)
}

/// Holds back those of one node, or of all.
pub(super) async fn delay(
    stores: &ThreeNodes,
    random: &mut StdRng,
    span: Duration,
) -> Result<(), TortureError> {
    let (of_all, chosen) = (random.random_bool(0.5), random.random_range(0..NODES));
    let is_meant = |(number, _): &(usize, &Node)| of_all || *number == chosen;
    let nodes: Vec<&Node> = stores.nodes.iter().enumerate().filter(is_meant).map(|(_, node)| node).collect();
    let lost = notices(stores, &nodes);
    let held = async {
        for (passage, span) in [(Passage::FeedsSilent, span), (Passage::Open, Duration::ZERO)] {
            for node in &nodes {
                node.set(passage);
            }
            sleep(span).await;
        }
        Ok(())
    };
    tokio::try_join!(lost, held).map(drop)
}

/// Waits until these nodes have noticed that they lost their feeds.
async fn notices(stores: &ThreeNodes, nodes: &[&Node]) -> Result<(), TortureError> {
    let feeds = if stores.redis.is_some() { &FEEDS[..] } else { &FEEDS[..1] };
    let logs: Vec<LogReader> = nodes.iter().map(|node| node.log()).collect::<Result<_, _>>()?;
    for log in logs {
        for feed in feeds {
            log.clone().says(&[LOST, feed]).await?;
        }
    }
    Ok(())
}

/// A feed is known by its question.
fn end_at_postgres(stores: &ThreeNodes, one: Option<usize>) -> Result<(), TortureError> {
    let chosen = one.map_or_else(String::new, |one| format!("ORDER BY pid OFFSET {one} LIMIT 1"));
    let feeds = format!(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() \
         AND query LIKE '%pg_listening_channels%' {chosen}"
    );
    let end = format!("SELECT pg_terminate_backend(pid) FROM ({feeds}) AS feeds");
    Ok(stores.postgres.by_hand(DATABASE, &end)?)
}

/// A feed is announced all changes of a prefix.
fn end_at_redis(stores: &ThreeNodes, one: Option<usize>) -> Result<(), TortureError> {
    let Some(redis) = &stores.redis else { return Ok(()) };
    let clients = redis.by_hand(&["CLIENT", "LIST"])?;
    let feeds = clients.lines().filter(|client| field(client, "flags=").contains('B'));
    for (number, feed) in feeds.enumerate() {
        if one.is_none_or(|one| one == number) {
            redis.by_hand(&["CLIENT", "KILL", "ID", field(feed, "id=")])?;
        }
    }
    Ok(())
}

fn field<'a>(client: &'a str, name: &str) -> &'a str {
    client.split(' ').find_map(|field| field.strip_prefix(name)).unwrap_or_default()
}
