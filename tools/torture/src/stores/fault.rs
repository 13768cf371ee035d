//! What goes wrong with a store, and how it is undone.

use std::time::{Duration, Instant};

use rand::RngExt as _;
use rand::rngs::StdRng;
use tokio::time::sleep;

use super::tcp_proxy::Passage;
use super::three_nodes::ThreeNodes;
use crate::run::TortureError;
use crate::stores_under_test::DATABASE;

/// How long a killed server stays away, in milliseconds.
const AWAY: std::ops::RangeInclusive<u64> = 100..=1500;
/// How long a node is cut off.
const CUT: Duration = Duration::from_millis(3500);
/// Removes sessions as an operator does who knows what their keys look like.
const REMOVE_SESSIONS: &str =
    "for _, key in ipairs(redis.call('KEYS', 'pc:s:*')) do redis.call('DEL', key) end";

/// A fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum StoreFault {
    PostgresKilled,
    PostgresPaused,
    /// One node loses its connections to the stores.
    NodeCutOff,
    /// One node gets no more bytes from the stores, and is not told.
    NodeUnheard,
    /// An operator deletes all sessions.
    SessionsDeleted,
    RedisKilled,
    RedisPaused,
    RedisEmptied,
}

/// When all sessions were ended by hand: from when on, and when that was acknowledged.
pub(super) type AllEnded = Option<(Instant, Instant)>;

impl StoreFault {
    /// All of them; without Redis the first few.
    pub(super) const ALL: [Self; 8] = [
        Self::PostgresKilled,
        Self::PostgresPaused,
        Self::NodeCutOff,
        Self::NodeUnheard,
        Self::SessionsDeleted,
        Self::RedisKilled,
        Self::RedisPaused,
        Self::RedisEmptied,
    ];
    /// Those that need no Redis.
    pub(super) const OF_POSTGRES: usize = 5;

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::PostgresKilled => "stores: PostgreSQL killed",
            Self::PostgresPaused => "stores: PostgreSQL paused",
            Self::NodeCutOff => "stores: one node cut off",
            Self::NodeUnheard => "stores: one node unheard",
            Self::SessionsDeleted => "stores: sessions deleted by hand",
            Self::RedisKilled => "stores: Redis killed",
            Self::RedisPaused => "stores: Redis paused",
            Self::RedisEmptied => "stores: Redis emptied",
        }
    }

    /// Does it, holds it for a while, and undoes it.
    pub(super) async fn happens(
        self,
        stores: &mut ThreeNodes,
        random: &mut StdRng,
        pauses: std::ops::RangeInclusive<u64>,
    ) -> Result<AllEnded, TortureError> {
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
            Self::NodeCutOff => stores.cut(random, Passage::Closed, CUT).await,
            Self::NodeUnheard => stores.cut(random, Passage::Silent, CUT).await,
            Self::SessionsDeleted => return delete_sessions(stores).map(Some),
            Self::RedisKilled => {
                if let Some(redis) = &mut stores.redis {
                    redis.kill()?;
                    sleep(away).await;
                    redis.start_again().await?;
                }
            }
            Self::RedisPaused => {
                if let Some(redis) = &stores.redis {
                    redis.pause()?;
                    sleep(pause).await;
                    redis.resume()?;
                }
            }
            Self::RedisEmptied => return empty(stores),
        }
        Ok(None)
    }
}

fn delete_sessions(stores: &ThreeNodes) -> Result<(Instant, Instant), TortureError> {
    let sent = Instant::now();
    match &stores.redis {
        Some(redis) => redis.by_hand(&["EVAL", REMOVE_SESSIONS, "0"])?,
        None => stores.postgres.by_hand(DATABASE, "DELETE FROM sessions")?,
    }
    Ok((sent, Instant::now()))
}

fn empty(stores: &ThreeNodes) -> Result<AllEnded, TortureError> {
    let Some(redis) = &stores.redis else { return Ok(None) };
    let sent = Instant::now();
    redis.by_hand(&["FLUSHALL"])?;
    Ok(Some((sent, Instant::now())))
}
