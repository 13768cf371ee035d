//! One verb, tried as often as that helps.

use std::sync::Arc;
use std::time::Duration;

use portcullis_core::store::{StoreError, Stored};
use sqlx::{Connection as _, Executor as _};
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use super::connection::StatementConnection;
use super::deadline::OverallDeadline;
use super::fault::{FaultMeaning, UnansweredStep};
use super::pool::{ConnectionPool, LeasedConnection};
use crate::sql::{DatabaseFault, Fault, SqlResult};

/// How long a verb may take, with the wait for a connection.
pub(super) const DEADLINE: Duration = Duration::from_secs(5);
/// How often a verb is tried, if other transactions are in its way.
const MOST_TRIES: u32 = 8;

/// How the statements of a verb run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum StepKind {
    /// Each by itself, and they only read: they may be sent again.
    Reading,
    /// It is one statement, which writes.
    Writing,
    /// In one transaction. A statement sees what others committed before it; [`SqlConnection::lock_user`] keeps them
    /// out.
    ///
    /// [`SqlConnection::lock_user`]: crate::sql::SqlConnection::lock_user
    Transaction,
    /// In one transaction, which sees one state, and fails if others have written what it writes.
    Snapshot,
}

impl StepKind {
    const fn begin(self) -> Option<&'static str> {
        match self {
            Self::Reading | Self::Writing => None,
            Self::Transaction => Some("BEGIN"),
            Self::Snapshot => Some("BEGIN ISOLATION LEVEL REPEATABLE READ"),
        }
    }
}

/// The tries of a verb.
pub(super) struct Tries {
    doing: &'static str,
    kind: StepKind,
    pool: Arc<ConnectionPool>,
    deadline: OverallDeadline,
    left: u32,
}

impl Tries {
    pub(super) fn new(doing: &'static str, kind: StepKind, pool: &Arc<ConnectionPool>) -> Self {
        let deadline = OverallDeadline::new(&pool.clock, DEADLINE);
        Self { doing, kind, pool: pool.clone(), deadline, left: MOST_TRIES }
    }

    /// How long the verb may still take.
    pub(super) fn time_left(&self) -> Duration {
        self.deadline.left()
    }

    /// The next try, on a connection.
    pub(super) async fn next(&self) -> Stored<Try> {
        let unavailable = |fault| StoreError::unavailable(self.doing, fault);
        let mut lease = self.pool.lease(&self.deadline).await.map_err(unavailable)?;
        if let Some(begin) = self.kind.begin() {
            match timeout(self.time_left(), lease.db.execute(begin)).await {
                Ok(Ok(_)) => {}
                Ok(Err(fault)) => {
                    lease.discard();
                    return Err(StoreError::unavailable(self.doing, fault));
                }
                Err(_) => return Err(self.late()),
            }
        }
        Ok(Try { lease, in_transaction: self.kind.begin().is_some() })
    }

    fn late(&self) -> StoreError {
        StoreError::unavailable(self.doing, UnansweredStep::Late(DEADLINE))
    }

    /// What the verb answers; `None` if it is worth another try.
    pub(super) async fn settle<T>(
        &mut self,
        mut tried: Try,
        done: Result<SqlResult<T>, Elapsed>,
    ) -> Option<Stored<T>> {
        let fault = match done {
            Err(_) => return Some(Err(self.late())),
            Ok(Ok(answer)) => match timeout(self.time_left(), tried.commit()).await {
                Ok(Ok(())) => {
                    tried.lease.give_back();
                    return Some(Ok(answer));
                }
                Ok(Err(fault)) => Fault::Database(DatabaseFault::new(fault)),
                Err(_) => return Some(Err(self.late())),
            },
            Ok(Err(fault)) => fault,
        };
        let meaning = meaning(&fault);
        tried.undo(meaning, self.time_left()).await;
        self.left = self.left.saturating_sub(1);
        (!self.helps(meaning)).then(|| Err(fault.while_doing(self.doing)))
    }

    /// Whether another try may end otherwise. What has been sent on a connection that broke may have been done.
    fn helps(&self, meaning: FaultMeaning) -> bool {
        let is_passing = match meaning {
            FaultMeaning::Conflict | FaultMeaning::StalePlan => true,
            // It has broken the transaction off. The next try sees who has the name.
            FaultMeaning::NameTaken => self.kind.begin().is_some(),
            FaultMeaning::Connection => self.kind == StepKind::Reading && self.left + 1 == MOST_TRIES,
            FaultMeaning::Refused => false,
        };
        is_passing && self.left > 0
    }
}

fn meaning(fault: &Fault) -> FaultMeaning {
    match fault {
        Fault::Database(fault) => fault.downcast_ref().map_or(FaultMeaning::Refused, FaultMeaning::of),
        Fault::Column(_) | Fault::Record(_) => FaultMeaning::Refused,
    }
}

/// One try of a verb, on its connection.
pub(super) struct Try {
    lease: LeasedConnection,
    in_transaction: bool,
}

impl Try {
    /// The connection, for the statements of `sql`.
    pub(super) fn statements(&mut self) -> StatementConnection<'_> {
        let (db, schema) = self.lease.parts();
        StatementConnection { db, schema, in_transaction: self.in_transaction }
    }

    async fn commit(&mut self) -> Result<(), sqlx::Error> {
        if self.in_transaction {
            self.lease.db.execute("COMMIT").await?;
        }
        Ok(())
    }

    /// Leaves nothing behind of what has failed.
    async fn undo(mut self, meaning: FaultMeaning, time_left: Duration) {
        if meaning == FaultMeaning::Connection {
            return self.lease.discard();
        }
        let undoing = async {
            if self.in_transaction {
                self.lease.db.execute("ROLLBACK").await?;
            }
            if meaning == FaultMeaning::StalePlan {
                self.lease.db.clear_cached_statements().await?;
            }
            Ok::<(), sqlx::Error>(())
        };
        if let Ok(Ok(())) = timeout(time_left, undoing).await {
            self.lease.give_back();
        }
    }
}

/// Carries a step out, and tries it again where that helps.
macro_rules! tried {
    ($store:ident, $doing:literal, $kind:ident, |$db:ident| $step:expr) => {{
        let mut tries =
            $crate::postgres::step::Tries::new($doing, $crate::postgres::step::StepKind::$kind, &$store.pool);
        loop {
            let mut current = tries.next().await?;
            let mut statements = current.statements();
            let $db = &mut statements;
            let done = ::tokio::time::timeout(tries.time_left(), $step).await;
            if let Some(answer) = tries.settle(current, done).await {
                break answer;
            }
        }
    }};
}
pub(super) use tried;
