//! The URL of a database on a server.

use std::env;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use portcullis_core::clock::Clock;
use portcullis_core::machine::SystemClock;
use portcullis_core::store::{StoreError, Stored};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use thiserror::Error;

use super::connector::Connector;
use super::host_list::HostList;
use super::server::checked;
use super::{DEFAULT_CONNECTIONS, OPENING, PostgresStore, schema};
use crate::backend::{Backend, IfMissing, MigrationState, OpenDatabase};
use crate::{DatabaseUrl, DatabaseUrlError};

/// The parameters of a URL that have a meaning here, as they have in libpq.
const PARAMETERS: [&str; 12] = [
    "application_name",
    "dbname",
    "host",
    "options",
    "password",
    "port",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "target_session_attrs",
    "user",
];

/// What a tenant's URL means where it says nothing: the variables of the environment are for the installation's.
const PRESETS_OF_TENANTS: [(&str, &str); 4] =
    [("host", "localhost"), ("port", "5432"), ("sslmode", "prefer"), ("application_name", "portcullis")];
/// Variables that cannot be kept from a tenant's database, and the parameter that comes before them.
const UNAVOIDABLE: [(&str, Option<&str>); 3] =
    [("PGOPTIONS", None), ("PGSSLCERT", Some("sslcert")), ("PGSSLKEY", Some("sslkey"))];

/// A database on a server, open or not. It holds a password.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct PostgresUrl {
    text: String,
    connections: usize,
    is_of_tenant: bool,
}

/// Why there is no copy.
#[derive(Clone, Copy, Debug, Error)]
#[error("PostgreSQL copies its databases itself: use `pg_dump`")]
struct UsePgDump;

/// The names of a query's parameters.
fn parameters(query: &str) -> Result<Vec<&str>, DatabaseUrlError> {
    let keys = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split('=').next());
    let keys: Vec<&str> = keys.flatten().collect();
    for key in &keys {
        if !key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') {
            // It may be the rest of a password.
            return Err(DatabaseUrlError::NotPostgres);
        }
        if !PARAMETERS.contains(key) {
            return Err(DatabaseUrlError::UnknownParameter((*key).to_owned()));
        }
    }
    Ok(keys)
}

/// Refuses what the driver takes for less than libpq does.
fn check_tls(mode: PgSslMode, keys: &[&str]) -> Result<(), DatabaseUrlError> {
    match mode {
        PgSslMode::Allow => Err(DatabaseUrlError::NoTls),
        PgSslMode::VerifyCa | PgSslMode::VerifyFull => Ok(()),
        _ if keys.contains(&"sslrootcert") => Err(DatabaseUrlError::NothingVerified),
        _ => Ok(()),
    }
}

/// Without what the driver takes from the environment, which is the installation's.
fn of_tenant(options: PgConnectOptions, said: &HostList) -> PgConnectOptions {
    let is_anothers = !said.has("password") && env::var_os("PGPASSWORD").is_some();
    let options = if is_anothers { options.password("") } else { options };
    if said.has("sslrootcert") { options } else { options.ssl_root_cert_from_pem(Vec::new()) }
}

fn completed(options: PgConnectOptions) -> PgConnectOptions {
    let is_named = options.get_application_name().is_some();
    let options = if is_named { options } else { options.application_name("portcullis") };
    // PgBouncer refuses `extra_float_digits`, and there are no floats. The cache holds more than all statements.
    options.extra_float_digits(None).statement_cache_capacity(256)
}

impl PostgresUrl {
    /// Reads a whole URL.
    pub(crate) fn parse(text: &str) -> Result<Self, DatabaseUrlError> {
        text.split_once("://").ok_or(DatabaseUrlError::NotPostgres)?;
        if text.contains(|c: char| c == '#' || c.is_ascii_control()) {
            // What comes next would be read as something else, or as nothing.
            return Err(DatabaseUrlError::NotPostgres);
        }
        let keys = parameters(text.split_once('?').map_or("", |(_, query)| query))?;
        let url = Self { text: text.to_owned(), connections: DEFAULT_CONNECTIONS, is_of_tenant: false };
        let hosts = url.hosts()?;
        let first = hosts.first().ok_or(DatabaseUrlError::NotPostgres)?;
        if first.get_database().is_none_or(str::is_empty) {
            return Err(DatabaseUrlError::NoDatabase);
        }
        check_tls(first.get_ssl_mode(), &keys).map(|()| url)
    }

    /// The same database with so many connections.
    pub(crate) fn with_connections(&self, connections: usize) -> Self {
        Self { connections, ..self.clone() }
    }

    /// The same database as that of a tenant: the environment says nothing of it.
    pub(crate) fn of_tenant(self) -> Result<Self, DatabaseUrlError> {
        let said = HostList::parse(&self.text)?;
        if !said.has_database() {
            return Err(DatabaseUrlError::NoDatabase);
        }
        if !said.has("user") {
            return Err(DatabaseUrlError::NoUser);
        }
        let is_open = |(variable, parameter): &&(&str, Option<&str>)| {
            env::var_os(variable).is_some() && parameter.is_none_or(|parameter| !said.has(parameter))
        };
        match UNAVOIDABLE.iter().find(is_open) {
            Some((variable, _)) => Err(DatabaseUrlError::OfTheInstallation(variable)),
            None => Ok(Self { is_of_tenant: true, ..self }),
        }
    }

    pub(super) const fn connections(&self) -> usize {
        self.connections
    }

    /// How to reach each of its hosts.
    pub(super) fn hosts(&self) -> Result<Vec<PgConnectOptions>, DatabaseUrlError> {
        let said = HostList::parse(&self.text)?;
        let presets: &[_] = if self.is_of_tenant { &PRESETS_OF_TENANTS } else { &[] };
        let options = said.singles(presets).into_iter().map(|single| {
            let options: PgConnectOptions = single.parse().map_err(|_| DatabaseUrlError::NotPostgres)?;
            Ok(completed(if self.is_of_tenant { of_tenant(options, &said) } else { options }))
        });
        options.collect()
    }

    /// The URL without a password, and without parameters, among which there may be another one.
    pub(super) fn shown(&self) -> String {
        let (scheme, rest) = self.text.split_once("://").unwrap_or(("postgres", ""));
        let rest = rest.split('?').next().unwrap_or_default();
        let (login, place) = rest.rsplit_once('@').unwrap_or(("", rest));
        let user = login.split(':').next().unwrap_or_default();
        let at = if user.is_empty() { "" } else { "@" };
        format!("{scheme}://{user}{at}{place}")
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PostgresUrl").field(&self.shown()).finish()
    }
}

#[async_trait]
impl Backend for PostgresUrl {
    fn product(&self) -> &'static str {
        "PostgreSQL"
    }

    fn url(&self) -> String {
        self.shown()
    }

    fn based_in(&self, _directory: &Path) -> DatabaseUrl {
        self.clone().into()
    }

    fn file(&self) -> Option<&Path> {
        None
    }

    async fn migrations(&self) -> Stored<Vec<MigrationState>> {
        let doing = "read its migrations";
        let hosts = self.hosts().map_err(|fault| StoreError::unavailable(doing, fault))?;
        let (url, connector) = (self.shown(), Connector::new(hosts, Arc::new(SystemClock)));
        let unavailable = |fault| StoreError::unavailable(doing, fault);
        let (mut db, connector) = checked(&connector, &url).await.map_err(unavailable)?;
        schema::migrations(&mut db, connector.schema(), &url).await.map_err(unavailable)
    }

    async fn backup(&self, _to: &Path) -> Stored<()> {
        Err(StoreError::unavailable("back up its database", UsePgDump))
    }

    async fn open(&self, clock: Arc<dyn Clock>, if_missing: IfMissing) -> Stored<Arc<dyn OpenDatabase>> {
        let store = PostgresStore::open_or(self, clock, if_missing).await;
        Ok(Arc::new(store.map_err(|fault| StoreError::unavailable(OPENING, fault))?))
    }
}
