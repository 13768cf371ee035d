//! Why a Redis server is not used, with what an operator can do about it.

use std::io;
use std::path::PathBuf;

use redis::RedisError;
use thiserror::Error;

/// Why a Redis server was refused. `url` is its URL without a password.
#[derive(Debug, Error)]
pub enum RedisOpenError {
    /// A file that the URL names cannot be read.
    #[error("{} cannot be read ({source}): the URL of the Redis server names it", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The driver does not take the URL.
    #[error("{url} cannot be used ({source})")]
    Unusable {
        /// The URL.
        url: String,
        /// What the driver said.
        source: RedisError,
    },
    /// The server does not answer.
    #[error("no Redis server answers at {url} ({source}): start it, or name the right host and port")]
    Unreachable {
        /// The URL.
        url: String,
        /// What the system said.
        source: RedisError,
    },
    /// The server refuses user or password.
    #[error("the Redis server {url} refuses the login ({source}): correct user and password")]
    Login {
        /// The URL.
        url: String,
        /// What the server said.
        source: RedisError,
    },
    /// The user may not run a command that is needed.
    #[error(
        "the user of {url} may not do what is needed ({source}): allow `+@read +@write +@scripting +@connection \
         -@dangerous +info ~PREFIX*`"
    )]
    Rights {
        /// The URL.
        url: String,
        /// What the server said.
        source: RedisError,
    },
    /// The server is too old.
    #[error("{url} is Redis {version}: upgrade it to 6.2 or later")]
    TooOld {
        /// The URL.
        url: String,
        /// Its version.
        version: String,
    },
    /// The server is a replica.
    #[error("{url} is a replica, which takes no writes: name the primary")]
    Replica {
        /// The URL.
        url: String,
    },
    /// The server is a node of a cluster.
    #[error("{url} is a node of a Redis Cluster, for which this build has no store: name a single server")]
    Cluster {
        /// The URL.
        url: String,
    },
    /// The server throws records away when its memory is full.
    #[error(
        "{url} has maxmemory-policy {policy}, with which sessions vanish when its memory is full: \
         `CONFIG SET maxmemory-policy noeviction`"
    )]
    Evicts {
        /// The URL.
        url: String,
        /// The policy.
        policy: String,
    },
    /// The server did not do what was asked.
    #[error("{url} cannot be used: {source}")]
    Server {
        /// The URL.
        url: String,
        /// What the server said.
        source: RedisError,
    },
}

impl RedisOpenError {
    /// The error for what the driver says.
    pub(super) fn of(url: &str, source: RedisError) -> Self {
        let url = url.to_owned();
        match source.code() {
            _ if source.kind() == redis::ErrorKind::AuthenticationFailed => Self::Login { url, source },
            Some("WRONGPASS" | "NOAUTH") => Self::Login { url, source },
            Some("NOPERM") => Self::Rights { url, source },
            _ if is_refused_in_script(&source) => Self::Rights { url, source },
            _ if source.is_io_error() || source.is_timeout() => Self::Unreachable { url, source },
            _ => Self::Server { url, source },
        }
    }
}

/// Within a script, a right that is missing has no code of its own: Redis 7 says the first, Redis 6 the second.
fn is_refused_in_script(source: &RedisError) -> bool {
    let said = source.to_string();
    ["ACL failure in script", "user executing the script can't"].iter().any(|text| said.contains(text))
}
