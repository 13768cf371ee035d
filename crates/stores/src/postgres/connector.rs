//! The way to the primary: the hosts of a URL in turn, the one that was the primary last before the others.
//!
//! Each connection is asked the same before it is used, because what is true at the opening need not stay so: a server
//! becomes a standby, and an operator sets another `synchronous_commit`. What was found to be durable is pinned: the
//! connection keeps it whatever the server is told later.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use portcullis_core::clock::Clock;
use sqlx::postgres::{PgConnectOptions, PgRow};
use sqlx::{AssertSqlSafe, Connection as _, Executor, PgConnection, Postgres, Row as _};
use thiserror::Error;
use tokio::time::timeout;

use super::deadline::OverallDeadline;

/// The longest that one host may take.
const HOST_DEADLINE: Duration = Duration::from_secs(3);
/// What each connection is told first. The server ends what a node has begun that was cut off, well before the steps of
/// other nodes give up, and a step that waits for another's lock lets go of its connection meanwhile.
const SET_UP: &str = "SET statement_timeout = '5s'; SET lock_timeout = '500ms'; \
    SET idle_in_transaction_session_timeout = '2s'; SET default_transaction_isolation = 'read committed'";
/// What each connection is asked first. A standby is read-only, too. `ALTER SYSTEM` with a reload reaches open
/// connections, but not a setting that the session has made itself.
const FITNESS: &str = "SELECT pg_catalog.pg_is_in_recovery() AS is_standby, \
    pg_catalog.current_setting('transaction_read_only') AS is_read_only, \
    pg_catalog.set_config('synchronous_commit', pg_catalog.current_setting('synchronous_commit'), false) \
    AS synchronous_commit";

/// Why there is no connection to use.
#[derive(Debug, Error)]
pub(super) enum ConnectFault {
    /// The server, or the way there.
    #[error(transparent)]
    Driver(#[from] sqlx::Error),
    /// What a standby answers may be old.
    #[error("the server is a standby, which takes no writes")]
    Standby,
    /// An operator has made it so.
    #[error("the server takes no writes (default_transaction_read_only=on)")]
    ReadOnly,
    /// A commit does not wait for the disk.
    #[error("the server has synchronous_commit={0}, with which an acknowledged sign-out can be lost")]
    NotDurable(String),
    /// No host of several can be used.
    #[error("no host is the primary: {0}")]
    NoPrimary(String),
}

impl ConnectFault {
    fn late() -> Self {
        Self::Driver(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()))
    }
}

/// The hosts of a database, and what their connections are told.
pub(super) struct Connector {
    hosts: Arc<[PgConnectOptions]>,
    /// The host that was the primary last.
    last: Arc<AtomicUsize>,
    schema: String,
    set_up: String,
    clock: Arc<dyn Clock>,
}

impl Connector {
    /// The way to these hosts, into the schema that their search path finds.
    pub(super) fn new(hosts: Vec<PgConnectOptions>, clock: Arc<dyn Clock>) -> Self {
        let (schema, set_up) = (String::new(), format!("{SET_UP}; {FITNESS}"));
        Self { hosts: hosts.into(), last: Arc::default(), schema, set_up, clock }
    }

    /// The way to the same hosts, into this schema, whatever the search path finds later.
    pub(super) fn in_schema(&self, schema: String) -> Self {
        let set_up = format!("{SET_UP}; {}; {FITNESS}", search_path(&schema));
        Self { hosts: self.hosts.clone(), last: self.last.clone(), schema, set_up, clock: self.clock.clone() }
    }

    /// The schema of all tables; empty before it is known.
    pub(super) fn schema(&self) -> &str {
        &self.schema
    }

    /// A connection to the primary.
    pub(super) async fn connect(&self, within: Duration) -> Result<PgConnection, ConnectFault> {
        self.first_good(within, |host| async move {
            let mut db = PgConnection::connect_with(&host).await?;
            self.set_up(&mut db).await?;
            Ok(db)
        })
        .await
    }

    /// What `connect` makes of the first host with which it succeeds. A host that does not answer leaves time for the
    /// others.
    pub(super) async fn first_good<T, C>(
        &self,
        within: Duration,
        connect: impl Fn(PgConnectOptions) -> C,
    ) -> Result<T, ConnectFault>
    where
        C: Future<Output = Result<T, ConnectFault>>,
    {
        let deadline = OverallDeadline::new(&self.clock, within);
        let (count, first) = (self.hosts.len(), self.last.load(Ordering::Relaxed));
        let mut faults = Vec::new();
        for (place, host) in self.hosts.iter().enumerate().cycle().skip(first).take(count) {
            let untried = u32::try_from(count - faults.len()).unwrap_or(u32::MAX);
            let share = HOST_DEADLINE.min(deadline.left() / untried);
            match timeout(share, connect(host.clone())).await {
                Ok(Ok(connected)) => {
                    self.last.store(place, Ordering::Relaxed);
                    return Ok(connected);
                }
                Ok(Err(fault)) => faults.push((host, fault)),
                Err(_) => faults.push((host, ConnectFault::late())),
            }
        }
        Err(summed_up(faults))
    }

    /// Tells a connection what all are told, and refuses it if its server must not be used.
    pub(super) async fn set_up<'c>(
        &self,
        db: impl Executor<'c, Database = Postgres>,
    ) -> Result<(), ConnectFault> {
        // The connection is of no use if an error comes after the row.
        let row = db.fetch_one(AssertSqlSafe(self.set_up.clone())).await?;
        fitness(&row)
    }
}

fn fitness(server: &PgRow) -> Result<(), ConnectFault> {
    if server.try_get("is_standby")? {
        return Err(ConnectFault::Standby);
    }
    if server.try_get::<&str, _>("is_read_only")? == "on" {
        return Err(ConnectFault::ReadOnly);
    }
    match server.try_get("synchronous_commit")? {
        setting @ "off" => Err(ConnectFault::NotDurable(setting.to_owned())),
        _ => Ok(()),
    }
}

/// Temporary tables come last: no name means one of them.
fn search_path(schema: &str) -> String {
    format!("SET search_path = \"{}\", pg_temp", schema.replace('"', "\"\""))
}

fn summed_up(mut faults: Vec<(&PgConnectOptions, ConnectFault)>) -> ConnectFault {
    let said = faults.iter().map(|(host, fault)| format!("{}: {fault}", place(host)));
    let said = said.collect::<Vec<_>>().join("; ");
    match faults.pop() {
        Some((_, fault)) if faults.is_empty() => fault,
        _ => ConnectFault::NoPrimary(said),
    }
}

/// Host and port, for messages.
fn place(host: &PgConnectOptions) -> String {
    let socket = host.get_socket().map(|folder| folder.display().to_string());
    format!("{}:{}", socket.unwrap_or_else(|| host.get_host().to_owned()), host.get_port())
}
