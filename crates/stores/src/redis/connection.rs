//! The connection of the verbs: one, which all share, and which is made anew after a fault.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, FromRedisValue, RedisError};
use thiserror::Error;
use tokio::sync::Mutex;
use tokio::time::timeout;

use portcullis_core::store::{StoreError, Stored};

use super::marker::MarkerAgreement;
use super::scripts::ScriptCall;

/// How long a verb may take in all.
const DEADLINE: Duration = Duration::from_secs(5);
/// How long a connection may take to be made, and an answer to come.
pub(super) const CONNECT_DEADLINE: Duration = Duration::from_secs(2);
pub(super) const ANSWER_DEADLINE: Duration = Duration::from_secs(3);

#[derive(Debug, Error)]
enum UnansweredScript {
    #[error("Redis gave no answer within {} seconds", DEADLINE.as_secs())]
    Late,
    #[error("the connection to Redis has been closed")]
    Closed,
    #[error("the nodes of the database keep live sessions elsewhere by now")]
    Elsewhere,
    #[error("Redis: {0}")]
    Refused(#[from] RedisError),
}

/// The shared connection.
pub(super) struct SharedConnection {
    client: Client,
    marker: Arc<MarkerAgreement>,
    current: Mutex<Current>,
}

enum Current {
    None,
    Open(MultiplexedConnection, Arc<()>),
    Closed,
}

impl SharedConnection {
    pub(super) fn new(client: Client, marker: Arc<MarkerAgreement>) -> Self {
        Self { client, marker, current: Mutex::new(Current::None) }
    }

    /// Runs a script on sessions, unless they are elsewhere.
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        doing: &'static str,
        call: ScriptCall<'_>,
    ) -> Stored<T> {
        if self.marker.is_elsewhere() {
            return Err(StoreError::unavailable(doing, UnansweredScript::Elsewhere));
        }
        self.run_anywhere(doing, call).await
    }

    /// Runs a script. It is not run again after a fault: it may have been run.
    pub(super) async fn run_anywhere<T: FromRedisValue>(
        &self,
        doing: &'static str,
        call: ScriptCall<'_>,
    ) -> Stored<T> {
        let answer = match timeout(DEADLINE, self.answer(call)).await {
            Ok(answer) => answer,
            Err(_) => Err(UnansweredScript::Late),
        };
        answer.map_err(|fault| StoreError::unavailable(doing, fault))
    }

    async fn answer<T: FromRedisValue>(&self, call: ScriptCall<'_>) -> Result<T, UnansweredScript> {
        let (mut db, token) = self.lease().await?;
        let answer = call.invoke(&mut db).await;
        if let Err(fault) = &answer
            && outlives_no(fault)
        {
            self.discard(&token).await;
        }
        Ok(answer?)
    }

    /// The connection, made anew if there is none. The token says which one it is.
    async fn lease(&self) -> Result<(MultiplexedConnection, Arc<()>), UnansweredScript> {
        let mut current = self.current.lock().await;
        match &*current {
            Current::Open(db, token) => Ok((db.clone(), token.clone())),
            Current::Closed => Err(UnansweredScript::Closed),
            Current::None => {
                let db = connect(&self.client, config()).await?;
                let token = Arc::new(());
                *current = Current::Open(db.clone(), token.clone());
                Ok((db, token))
            }
        }
    }

    /// Closes the connection, unless another one has taken its place.
    async fn discard(&self, faulty: &Arc<()>) {
        let mut current = self.current.lock().await;
        if matches!(&*current, Current::Open(_, token) if Arc::ptr_eq(token, faulty)) {
            *current = Current::None;
        }
    }

    /// Closes the connection for good.
    pub(super) async fn close(&self) {
        *self.current.lock().await = Current::Closed;
    }
}

pub(super) fn config() -> AsyncConnectionConfig {
    AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_DEADLINE))
        .set_response_timeout(Some(ANSWER_DEADLINE))
}

pub(super) async fn connect(
    client: &Client,
    config: AsyncConnectionConfig,
) -> Result<MultiplexedConnection, RedisError> {
    client.get_multiplexed_async_connection_with_config(&config).await
}

/// Whether the connection is of no use after this fault. A server that has become a replica is asked for by name anew.
fn outlives_no(fault: &RedisError) -> bool {
    fault.is_io_error()
        || fault.is_timeout()
        || fault.is_connection_dropped()
        || fault.is_unrecoverable_error()
        || matches!(fault.code(), Some("READONLY" | "LOADING" | "MASTERDOWN"))
}
