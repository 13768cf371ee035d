//! Why a database is not opened, with what an operator can do about it.

use std::io::ErrorKind;

use thiserror::Error;

use super::connector::ConnectFault;
use crate::NewerDatabase;

/// Why a database was not opened. `url` is its URL without a password.
#[derive(Debug, Error)]
pub enum PostgresOpenError {
    /// The server does not answer.
    #[error("no server answers at {url} ({source}): start it, or name the right host and port")]
    Unreachable {
        /// The URL.
        url: String,
        /// What the system said.
        source: sqlx::Error,
    },
    /// The certificate of the server is not accepted.
    #[error(
        "the certificate of {url} is not accepted ({source}): name its authority with `sslrootcert`, and the host as \
         the certificate does"
    )]
    Certificate {
        /// The URL.
        url: String,
        /// What is wrong with it.
        source: sqlx::Error,
    },
    /// The server refuses the user or the password.
    #[error(
        "the server of {url} refuses the login ({source}): correct user and password in the URL, or `pg_hba.conf`"
    )]
    Login {
        /// The URL.
        url: String,
        /// What the server said.
        source: sqlx::Error,
    },
    /// The server has no such database.
    #[error(
        "the server of {url} has no such database: make it with `createdb`, owned by the user in the URL"
    )]
    NoDatabase {
        /// The URL.
        url: String,
    },
    /// The user may not do what is needed.
    #[error(
        "the user of {url} lacks a privilege ({source}): make it the owner of the database, or grant it CREATE on the \
         schema and all rights on the tables"
    )]
    Privilege {
        /// The URL.
        url: String,
        /// What the server said.
        source: sqlx::Error,
    },
    /// The user lacks a right on a table.
    #[error("the user of {url} lacks the right to {right}: `GRANT ALL ON ALL TABLES IN SCHEMA … TO …`")]
    Rights {
        /// The URL.
        url: String,
        /// The right, and the table.
        right: String,
    },
    /// No schema of the search path exists.
    #[error("the user of {url} has no schema to work in: create the first schema of its search_path")]
    NoSchema {
        /// The URL.
        url: String,
    },
    /// The server is older than this program supports.
    #[error("the server of {url} is PostgreSQL {version}: upgrade it to {oldest} or later")]
    TooOld {
        /// The URL.
        url: String,
        /// Its version.
        version: String,
        /// The oldest version that works.
        oldest: i64,
    },
    /// The server is a standby.
    #[error("the server of {url} is a standby, which takes no writes: name the primary")]
    Standby {
        /// The URL.
        url: String,
    },
    /// None of several hosts can be used.
    #[error("no host of {url} is a primary to use ({tried}): start one, or correct what it says")]
    NoPrimary {
        /// The URL.
        url: String,
        /// What each host said.
        tried: String,
    },
    /// The server takes no writes, though it is no standby.
    #[error(
        "the server of {url} takes no writes: `ALTER DATABASE … SET default_transaction_read_only = off`"
    )]
    ReadOnly {
        /// The URL.
        url: String,
    },
    /// A commit does not wait for the disk.
    #[error(
        "the server of {url} has synchronous_commit={setting}, with which an acknowledged sign-out can be lost: \
         `ALTER DATABASE … SET synchronous_commit = on`"
    )]
    NotDurable {
        /// The URL.
        url: String,
        /// What it is set to.
        setting: String,
    },
    /// Two connections had one server process.
    #[error(
        "{url} is a proxy that pools transactions, through which no change can be listened to: name the server itself, \
         or let the proxy pool sessions (`pool_mode = session`)"
    )]
    TransactionPooler {
        /// The URL.
        url: String,
    },
    /// The database has another encoding than UTF-8.
    #[error(
        "the database {url} has the encoding {encoding}: make one with `createdb --encoding=UTF8 --template=template0`"
    )]
    Encoding {
        /// The URL.
        url: String,
        /// Its encoding.
        encoding: String,
    },
    /// The database has none of this program's tables, and had them before.
    #[error("{url} has none of this program's tables, and is left so: restore the database")]
    Empty {
        /// The URL.
        url: String,
    },
    /// Another program's tables are in the way.
    #[error(
        "{url} has tables of another program ({source}): give this program a database or a schema of its own"
    )]
    Foreign {
        /// The URL.
        url: String,
        /// What the server said.
        source: sqlx::Error,
    },
    /// A newer version has migrated the database. It is left as it is.
    #[error("{url} {newer}")]
    Newer {
        /// The URL.
        url: String,
        /// The versions of the database and of this program.
        newer: NewerDatabase,
    },
    /// An operator changed the history of the tables.
    #[error("{url} was made otherwise: its migration {migration} is none of this program's")]
    Altered {
        /// The URL.
        url: String,
        /// The migration that differs.
        migration: i64,
    },
    /// Another session holds the lock on the migrations, or on a table.
    #[error(
        "{url} was locked by another session for five minutes ({source}): let the other node finish its migrations, or \
         end the session that `pg_locks` shows"
    )]
    Locked {
        /// The URL.
        url: String,
        /// What the server said.
        source: sqlx::Error,
    },
    /// The server did not do what was asked.
    #[error("{url} cannot be opened: {source}")]
    Database {
        /// The URL.
        url: String,
        /// What the server said.
        source: sqlx::Error,
    },
}

impl PostgresOpenError {
    /// The error for what keeps from a connection.
    pub(super) fn of_connecting(url: &str, fault: ConnectFault) -> Self {
        let named = url.to_owned();
        match fault {
            ConnectFault::Driver(source) => Self::of(url, source),
            ConnectFault::Standby => Self::Standby { url: named },
            ConnectFault::ReadOnly => Self::ReadOnly { url: named },
            ConnectFault::NotDurable(setting) => Self::NotDurable { url: named, setting },
            ConnectFault::NoPrimary(tried) => Self::NoPrimary { url: named, tried },
        }
    }

    /// The error for what the driver says.
    pub(super) fn of(url: &str, source: sqlx::Error) -> Self {
        let url = url.to_owned();
        let sqlx::Error::Database(refused) = &source else {
            return match &source {
                sqlx::Error::Io(fault) if fault.kind() == ErrorKind::InvalidData => {
                    Self::Certificate { url, source }
                }
                sqlx::Error::Io(_) => Self::Unreachable { url, source },
                _ => Self::Database { url, source },
            };
        };
        match refused.code().as_deref() {
            Some("28P01" | "28000") => Self::Login { url, source },
            Some("3D000") => Self::NoDatabase { url },
            Some("42501") => Self::Privilege { url, source },
            Some("55P03") => Self::Locked { url, source },
            // A statement that was prepared on one process of the server is looked for on another.
            Some("42P05" | "26000") => Self::TransactionPooler { url },
            Some("42P07" | "42710" | "42723") => Self::Foreign { url, source },
            _ => Self::Database { url, source },
        }
    }
}
