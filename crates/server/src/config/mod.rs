//! The configuration: flags over variables over the file, read once, whole.
//!
//! Reading has two halves. The low one takes text from every source, judges each setting by itself and each contradiction
//! between them, and collects all that is wrong; the high one is the [`Config`], typed, with nothing left to go wrong.
//! Everything that can be stated is in one table (`settings`), from which flags, variables, keys, the documentation and
//! the report are made. Reading opens no socket, no store and, but for the three files it may be told of, no file.
//!
//! ```
//! use std::collections::BTreeMap;
//! use portcullis_server::config::{Config, Flags};
//!
//! let flags = Flags::default().with("listen", "0.0.0.0:80");
//! let env = BTreeMap::from([("PORTCULLIS_LIMITS_BDY".to_owned(), "64KiB".to_owned())]);
//! let faults = Config::read(&flags, &env, &|_| Ok(String::new())).unwrap_err();
//! let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
//! assert!(lines[0].starts_with("flag --listen: 0.0.0.0:80 can be reached from other machines"));
//! assert_eq!(lines[1], "variable PORTCULLIS_LIMITS_BDY: is not a setting; did you mean PORTCULLIS_LIMITS_BODY?");
//! ```

mod builder;
mod check;
mod documentation;
mod fault;
mod file;
mod flags;
mod origin;
mod parse;
mod report;
mod rules;
mod settings;
mod sources;
mod strategies;
mod suggest;
pub(crate) mod tenant;
mod values;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use portcullis_core::key::{MasterKey, SharedSecrets};
use portcullis_stores::DatabaseUrl;

pub use check::check;
pub use documentation::{documentation, tenant_documentation};
pub use fault::ConfigFault;
pub use flags::Flags;
pub use origin::Origin;
pub(crate) use parse::web_page;
pub use parse::{
    Listen, MailTransport, PublicUrl, Sessions, SmtpSecurity, SmtpServer, TcpListen, Tls, WebOrigin,
};
pub use report::{ConfigReport, ReportRow};
pub use strategies::Strategies;
pub use values::{
    Branding, Cookie, Cors, Hashing, HttpLimits, HttpTimeouts, Liveness, Lockout, Log, LogFormat, Mail,
    Metrics, Passwords, SigningIn, Tcp, TcpLimits, TcpTimeouts, Tenants,
};

use crate::proxies::TrustedProxies;
use builder::ConfigBuilder;
use sources::Sources;

/// Everything the server is told, free of contradictions.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file that was read.
    pub file: Option<PathBuf>,
    /// The URL under which people reach the server; none is development mode.
    pub public_url: Option<PublicUrl>,
    /// Where this node keeps its files.
    pub data_dir: PathBuf,
    /// The addresses to listen on, at least one.
    pub listen: Vec<Listen>,
    /// The database.
    pub database: DatabaseUrl,
    /// Where sessions live.
    pub sessions: Sessions,
    /// The key that wraps private keys and secrets in the database; outside development mode there is one.
    pub master_key: Option<MasterKey>,
    /// The secrets that services which move here share: one signs access tokens with HS256, the other the session
    /// cookie. Keys of the database sign where there is none.
    pub shared_secrets: SharedSecrets,
    /// `aud` of every token; without one it is the tenant.
    pub audience: Option<String>,
    /// How far clocks may differ when `exp` and `nbf` are judged.
    pub leeway: Duration,
    /// The session cookie.
    pub cookie: Cookie,
    /// Who may read answers from other web pages.
    pub cors: Cors,
    /// Tenants.
    pub tenants: Tenants,
    /// What users see of a tenant that sets nothing else.
    pub branding: Branding,
    /// Signing in, where a tenant says nothing else.
    pub sign_in: SigningIn,
    /// Passwords, where one is set.
    pub password: Passwords,
    /// Mails to users.
    pub mail: Mail,
    /// The pool that hashes passwords.
    pub hashing: Hashing,
    /// The strategies offered, and their lifetimes.
    pub strategies: Strategies,
    /// How old a node's view of the sessions may be.
    pub liveness: Liveness,
    /// Sizes and numbers that a client cannot exceed.
    pub limits: HttpLimits,
    /// The proxies that are believed when they say whom a request came from.
    pub proxies: TrustedProxies,
    /// How long is waited.
    pub timeouts: HttpTimeouts,
    /// The transport of microservices.
    pub tcp: Tcp,
    /// Where metrics are shown.
    pub metrics: Metrics,
    /// The log.
    pub log: Log,
    report: ConfigReport,
}

impl Config {
    /// Reads flags over `env` over the file that one of them names; `open` gets a file's text.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, in the order of flags, variables and lines of the file.
    pub fn read(
        flags: &Flags,
        env: &BTreeMap<String, String>,
        open: &dyn Fn(&Path) -> io::Result<String>,
    ) -> Result<Self, Vec<ConfigFault>> {
        let mut faults = Vec::new();
        let sources = Sources::gather(flags, env, open, &mut faults);
        let mut builder = ConfigBuilder::blank();
        for setting in settings::all() {
            setting.apply_all(&mut builder, sources.of(setting), &mut faults);
        }
        builder.open_files(open, &mut faults);
        builder.share_secrets(&mut faults);
        if sources.is_complete() {
            rules::check(&builder, &mut faults);
        }
        if faults.is_empty() {
            return Ok(builder.config);
        }
        faults.sort_by(|a, b| a.origin().cmp(b.origin()));
        Err(faults)
    }

    /// Reads flags over this process's environment over the file that one of them names.
    ///
    /// # Errors
    ///
    /// Everything that is wrong.
    pub fn load(flags: &Flags) -> Result<Self, Vec<ConfigFault>> {
        Self::read(flags, &environment(), &|path| std::fs::read_to_string(path))
    }

    /// Whether no public URL is configured: everything works at once, for this machine alone.
    #[must_use]
    pub const fn is_development(&self) -> bool {
        self.public_url.is_none()
    }

    /// Whether people come over TLS, so that cookies are `Secure`.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.public_url.as_ref().is_some_and(PublicUrl::is_https)
    }

    /// Every setting with its effective value, secrets masked, and where it came from.
    #[must_use]
    pub const fn report(&self) -> &ConfigReport {
        &self.report
    }
}

/// A length of time as it is written in a configuration, at most `most`.
///
/// # Errors
///
/// What is wrong with it, in a sentence.
pub(crate) fn duration(text: &str, most: &str) -> Result<Duration, String> {
    parse::duration(text, "0s", most)
}

/// This process's environment. What is not UTF-8 gets replacement characters, which are refused where we read.
fn environment() -> BTreeMap<String, String> {
    let text = |os: std::ffi::OsString| os.to_string_lossy().into_owned();
    std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect()
}
