//! Where live sessions are kept. A URL may hold a password, so no message here repeats it.

use thiserror::Error;

use crate::DatabaseUrl;
#[cfg(feature = "redis")]
use crate::{RedisUrl, RedisUrlError};

/// Where live sessions are stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Sessions {
    /// In the database.
    InDatabase,
    /// On a Redis server.
    #[cfg(feature = "redis")]
    InRedis(RedisUrl),
}

/// Why a text does not say where live sessions are.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum SessionsUrlError {
    /// The URL of a Redis server cannot be read.
    #[cfg(feature = "redis")]
    #[error(transparent)]
    Redis(#[from] RedisUrlError),
    /// The URL names a database, and not the one that everything else is in.
    #[error("is another database: sessions are in the database itself, or in Redis (redis://…)")]
    OtherDatabase,
    /// The text is the URL of nothing that keeps sessions.
    #[error("is neither the database nor redis://USER:PASSWORD@HOST:PORT")]
    NotAUrl,
}

impl Sessions {
    /// Where a URL puts the live sessions of a service with this database.
    ///
    /// # Errors
    /// [`SessionsUrlError`] says what to write instead.
    pub fn parse(text: &str, database: &DatabaseUrl) -> Result<Self, SessionsUrlError> {
        #[cfg(feature = "redis")]
        if matches!(text.split_once(':'), Some(("redis" | "rediss", _))) {
            return Ok(Self::InRedis(RedisUrl::parse(text)?));
        }
        match DatabaseUrl::parse(text) {
            Ok(url) if url == *database => Ok(Self::InDatabase),
            Ok(_) => Err(SessionsUrlError::OtherDatabase),
            Err(_) => Err(SessionsUrlError::NotAUrl),
        }
    }
}

#[cfg(all(test, feature = "redis"))]
mod tests {
    use super::*;

    #[test]
    fn sessions_live_in_the_database_or_in_redis() {
        let here = DatabaseUrl::parse("sqlite:portcullis.db").unwrap();
        assert_eq!(Sessions::parse("sqlite:portcullis.db", &here), Ok(Sessions::InDatabase));
        assert_eq!(Sessions::parse("sqlite:b.db", &here), Err(SessionsUrlError::OtherDatabase));
        let redis = RedisUrl::parse("rediss://u:hunter2@h:1/2").unwrap();
        assert_eq!(Sessions::parse("rediss://u:hunter2@h:1/2", &here), Ok(Sessions::InRedis(redis)));
    }

    #[test]
    fn what_keeps_no_sessions_is_refused_without_its_password() {
        let here = DatabaseUrl::parse("sqlite:portcullis.db").unwrap();
        for (url, said) in [
            ("mongodb+srv://u:hunter2@h/d", "redis://USER"),
            ("redis-cluster://h1:1,h2:2", "redis://USER"),
            ("redis://:hunter2@h?x=1", "the parameter x"),
        ] {
            let message = Sessions::parse(url, &here).unwrap_err().to_string();
            assert!(message.contains(said) && !message.contains("hunter2"), "{url}: {message}");
        }
    }
}
