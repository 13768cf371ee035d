//! What goes wrong with a store, and how it is undone.

use std::time::{Duration, Instant};

use clap::ValueEnum as _;
use portcullis_bench::store_servers::RedisServer;
use rand::RngExt as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use tokio::time::sleep;

use super::feeds;
use super::history::Aftermath;
use super::tcp_proxy::{Held, Passage};
use super::three_nodes::ThreeNodes;
use crate::run::TortureError;
use crate::stores_under_test::DATABASE;

/// How long a killed server stays away, in milliseconds.
const AWAY: std::ops::RangeInclusive<u64> = 100..=1500;
/// How long a node is cut off.
const CUT: Duration = Duration::from_millis(3500);
/// How long a node's clock is off, and by how many seconds.
const CLOCK_OFF: Duration = Duration::from_secs(2);
const OFF_BY: [i64; 2] = [3600, -3600];
/// How much younger than its copy a Redis is that comes back as that.
const LOST: Duration = Duration::from_secs(1);
/// Removes sessions as an operator does who knows what their keys look like.
const REMOVE_SESSIONS: &str =
    "for _, key in ipairs(redis.call('KEYS', 'pc:s:*')) do redis.call('DEL', key) end";

/// A fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub(crate) enum StoreFault {
    PostgresKilled,
    PostgresPaused,
    /// Its standby takes its place.
    PostgresFailedOver,
    /// One node loses its connections to the stores.
    NodeCutOff,
    /// One node gets no more bytes from the stores, and is not told.
    NodeUnheard,
    /// The connections on which nodes hear of changes are ended.
    FeedsLost,
    /// What is announced on them is held back.
    FeedsDelayed,
    /// The clock of one node's machine is set, and set back.
    ClockSet,
    /// An operator deletes all sessions.
    SessionsDeleted,
    /// An operator empties the table of sessions.
    TableEmptied,
    RedisKilled,
    RedisPaused,
    RedisEmptied,
    /// It comes back with what it had written by a moment before.
    RedisOlder,
}

impl StoreFault {
    /// Those that are possible, in their order.
    pub(super) fn possible(has_redis: bool) -> impl Iterator<Item = Self> {
        Self::value_variants().iter().copied().filter(move |fault| has_redis || !fault.needs_redis())
    }

    const fn needs_redis(self) -> bool {
        matches!(self, Self::RedisKilled | Self::RedisPaused | Self::RedisEmptied | Self::RedisOlder)
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::PostgresKilled => "stores: PostgreSQL killed",
            Self::PostgresPaused => "stores: PostgreSQL paused",
            Self::PostgresFailedOver => "stores: PostgreSQL failed over",
            Self::NodeCutOff => "stores: one node cut off",
            Self::NodeUnheard => "stores: one node unheard",
            Self::FeedsLost => "stores: feeds lost",
            Self::FeedsDelayed => "stores: feeds delayed",
            Self::ClockSet => "stores: clock of one node set",
            Self::SessionsDeleted => "stores: sessions deleted by hand",
            Self::TableEmptied => "stores: table of sessions emptied",
            Self::RedisKilled => "stores: Redis killed",
            Self::RedisPaused => "stores: Redis paused",
            Self::RedisEmptied => "stores: Redis emptied",
            Self::RedisOlder => "stores: Redis back with an older copy",
        }
    }

    /// Does it, holds it for a while, and undoes it.
    pub(super) async fn happens(
        self,
        stores: &mut ThreeNodes,
        random: &mut StdRng,
        pauses: std::ops::RangeInclusive<u64>,
    ) -> Result<Aftermath, TortureError> {
        let away = Duration::from_millis(random.random_range(AWAY));
        let pause = Duration::from_secs(random.random_range(pauses));
        match self {
            Self::PostgresKilled => {
                stores.postgres.kill()?;
                sleep(away).await;
                stores.postgres.start_again().await?;
            }
            Self::PostgresPaused => {
                stores.postgres.pause()?;
                sleep(pause).await;
                stores.postgres.resume()?;
            }
            Self::PostgresFailedOver => stores.fail_over(away).await?,
            Self::NodeCutOff => stores.cut(random, Passage::Closed, CUT).await,
            Self::NodeUnheard => {
                let held = [Held::All, Held::Questions, Held::Answers].choose(random).copied();
                stores.cut(random, Passage::Silent(held.unwrap_or(Held::All)), CUT).await;
            }
            Self::FeedsLost => feeds::lose(stores, random).await?,
            Self::FeedsDelayed => feeds::delay(stores, random, CUT).await?,
            Self::ClockSet => {
                let off_by = OFF_BY.choose(random).copied().unwrap_or_default();
                stores.clock.is_off(off_by, CLOCK_OFF).await?;
            }
            Self::SessionsDeleted => return delete_sessions(stores),
            Self::TableEmptied => {
                return all_ended(|| Ok(stores.postgres.by_hand(DATABASE, "TRUNCATE sessions")?));
            }
            Self::RedisKilled | Self::RedisPaused | Self::RedisEmptied | Self::RedisOlder => {
                if let Some(redis) = &mut stores.redis {
                    return self.happens_to(redis, away, pause).await;
                }
            }
        }
        Ok(Aftermath::None)
    }

    async fn happens_to(
        self,
        redis: &mut RedisServer,
        away: Duration,
        pause: Duration,
    ) -> Result<Aftermath, TortureError> {
        match self {
            Self::RedisEmptied => return all_ended(|| Ok(redis.by_hand(&["FLUSHALL"]).map(drop)?)),
            Self::RedisOlder => return comes_back_older(redis, away).await,
            Self::RedisPaused => {
                redis.pause()?;
                sleep(pause).await;
                redis.resume()?;
            }
            _ => {
                redis.kill()?;
                sleep(away).await;
                redis.start_again().await?;
            }
        }
        Ok(Aftermath::None)
    }
}

fn delete_sessions(stores: &ThreeNodes) -> Result<Aftermath, TortureError> {
    all_ended(|| match &stores.redis {
        Some(redis) => Ok(redis.by_hand(&["EVAL", REMOVE_SESSIONS, "0"]).map(drop)?),
        None => Ok(stores.postgres.by_hand(DATABASE, "DELETE FROM sessions")?),
    })
}

/// Ends all sessions, and notes when.
fn all_ended(by_hand: impl FnOnce() -> Result<(), TortureError>) -> Result<Aftermath, TortureError> {
    let sent = Instant::now();
    by_hand()?;
    Ok(Aftermath::AllEnded { sent, answered: Instant::now() })
}

/// What the loss of its last second means, as after a power cut with `appendfsync everysec`.
async fn comes_back_older(redis: &mut RedisServer, away: Duration) -> Result<Aftermath, TortureError> {
    let folder = tempfile::tempdir()?;
    let (copy, there) = (folder.path().join("copy"), Instant::now());
    redis.copy_to(&copy)?;
    sleep(LOST).await;
    let since = Instant::now();
    redis.kill()?;
    redis.put_back(&copy)?;
    sleep(away).await;
    redis.start_again().await?;
    Ok(Aftermath::NewestLost { there, since })
}
