//! The URL of a Redis server. It may hold a password, so no message repeats it.

use std::fmt;
use std::fs;
use std::path::PathBuf;

use redis::io::tcp::TcpSettings;
use redis::{Client, ConnectionInfo, IntoConnectionInfo as _, ProtocolVersion, TlsCertificates};
use thiserror::Error;
use url::Url;

use super::RedisOpenError;
use super::keys::Keys;

/// The beginning of all keys, unless the URL names another.
const PRESET_PREFIX: &str = "pc:";
/// The longest prefix: it is in the name of each key.
const LONGEST_PREFIX: usize = 64;

/// Names a Redis server for live sessions: `redis://USER:PASSWORD@HOST:PORT/NUMBER`, or `rediss://…` with TLS.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUrl {
    text: String,
    shown: String,
    prefix: String,
    password_file: Option<PathBuf>,
    cacert: Option<PathBuf>,
}

/// Why a text is not the URL of a Redis server.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum RedisUrlError {
    /// The URL cannot be read.
    #[error(
        "is not the address of a Redis server: write redis://USER:PASSWORD@HOST:PORT, or rediss:// with TLS"
    )]
    NotRedis,
    /// The URL has a parameter without a meaning.
    #[error("has the parameter {0}, which has no meaning here: there are cacert, password_file and prefix")]
    UnknownParameter(String),
    /// The prefix cannot begin the name of a key.
    #[error("has a prefix that is empty, too long, or has other characters than a-z, 0-9, `-`, `_` and `:`")]
    Prefix,
    /// The URL has a password, and names a file with one.
    #[error("has a password and a password_file: leave one of them out")]
    TwoPasswords,
    /// The URL names a certificate without encryption.
    #[error("has cacert, but nothing is encrypted: write rediss://")]
    NotEncrypted,
}

impl RedisUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// [`RedisUrlError`] says what to write instead.
    pub fn parse(text: &str) -> Result<Self, RedisUrlError> {
        let url = Url::parse(text).map_err(|_| RedisUrlError::NotRedis)?;
        if !matches!(url.scheme(), "redis" | "rediss") || url.fragment().is_some() || url.host_str().is_none()
        {
            return Err(RedisUrlError::NotRedis);
        }
        let mut plain = url.clone();
        plain.set_query(None);
        plain.as_str().into_connection_info().map_err(|_| RedisUrlError::NotRedis)?;
        let read = Self {
            shown: without_password(&plain),
            text: plain.into(),
            prefix: PRESET_PREFIX.to_owned(),
            password_file: None,
            cacert: None,
        };
        read.with_parameters(&url)
    }

    fn with_parameters(mut self, url: &Url) -> Result<Self, RedisUrlError> {
        for (name, value) in url.query_pairs() {
            match &*name {
                "prefix" => self.prefix = value.into_owned(),
                "password_file" => self.password_file = Some(PathBuf::from(&*value)),
                "cacert" => self.cacert = Some(PathBuf::from(&*value)),
                // It may be the rest of a password.
                _ if !name.bytes().all(|c| c.is_ascii_lowercase() || c == b'_') => {
                    return Err(RedisUrlError::NotRedis);
                }
                _ => return Err(RedisUrlError::UnknownParameter(name.into_owned())),
            }
        }
        let is_allowed = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || b"-_:".contains(&c);
        if !(1..=LONGEST_PREFIX).contains(&self.prefix.len()) || !self.prefix.bytes().all(is_allowed) {
            return Err(RedisUrlError::Prefix);
        }
        if self.password_file.is_some() && url.password().is_some() {
            return Err(RedisUrlError::TwoPasswords);
        }
        if self.cacert.is_some() && url.scheme() == "redis" {
            return Err(RedisUrlError::NotEncrypted);
        }
        Ok(self)
    }

    pub(super) fn keys(&self) -> Keys {
        Keys(self.prefix.clone())
    }

    /// A client, which has not connected yet.
    pub(super) fn client(&self) -> Result<Client, RedisOpenError> {
        let unusable = |source| RedisOpenError::Unusable { url: self.to_string(), source };
        let info = self.connection_info()?;
        let Some(path) = &self.cacert else { return Client::open(info).map_err(unusable) };
        let unreadable = |source| RedisOpenError::File { path: path.clone(), source };
        let root_cert = Some(fs::read(path).map_err(unreadable)?);
        Client::build_with_tls(info, TlsCertificates { client_tls: None, root_cert }).map_err(unusable)
    }

    fn connection_info(&self) -> Result<ConnectionInfo, RedisOpenError> {
        let unusable = |source| RedisOpenError::Unusable { url: self.to_string(), source };
        let info = self.text.as_str().into_connection_info().map_err(unusable)?;
        let mut settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        if let Some(path) = &self.password_file {
            let unreadable = |source| RedisOpenError::File { path: path.clone(), source };
            settings = settings.set_password(fs::read_to_string(path).map_err(unreadable)?.trim_end());
        }
        let tcp = TcpSettings::default().set_nodelay(true);
        Ok(info.set_redis_settings(settings).set_tcp_settings(tcp))
    }
}

fn without_password(url: &Url) -> String {
    let mut shown = url.clone();
    // Only a URL without a host refuses, and this one has a host.
    let _ = shown.set_password(None);
    shown.into()
}

/// The URL without a password and without parameters.
impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RedisUrl").field(&self.shown).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_shown_without_its_password() {
        for (text, shown) in [
            ("redis://h", "redis://h"),
            ("redis://:hunter2@h:1/3", "redis://h:1/3"),
            ("rediss://u:hunter2@[::1]/?prefix=a:", "rediss://u@[::1]/"),
        ] {
            let url = RedisUrl::parse(text).unwrap();
            assert_eq!(url.to_string(), shown);
            assert!(!format!("{url:?}").contains("hunter2"));
        }
    }

    #[test]
    fn what_is_wrong_with_a_url_is_said_without_its_password() {
        for (text, said) in [
            ("redis:h", "not the address"),
            ("redis://", "not the address"),
            ("http://:hunter2@h", "not the address"),
            ("redis://:hunter2@h/x", "not the address"),
            ("rediss://:hunter2@h#insecure", "not the address"),
            ("redis://:hunter2@h?db=1", "the parameter db"),
            ("redis://u:12?hunter2@h/0", "not the address"),
            ("redis://:hunter2@h?prefix=", "a prefix"),
            ("redis://:hunter2@h?prefix={a}", "a prefix"),
            ("redis://:hunter2@h?password_file=x", "leave one of them out"),
            ("redis://h?cacert=x", "write rediss://"),
        ] {
            let message = RedisUrl::parse(text).unwrap_err().to_string();
            assert!(message.contains(said) && !message.contains("hunter2"), "{text}: {message}");
        }
    }
}
