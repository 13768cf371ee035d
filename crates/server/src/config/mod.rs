//! The configuration: flags over environment variables over the file, read once at the start.
//!
//! Reading collects texts from every source, parses each setting, checks the rules between settings, and reports every
//! fault at once. The result is a typed [`Config`] that is valid as a whole. One table (`settings`) declares every
//! setting; flags, variables, keys of the file, the documentation and the report are made from it. Reading opens no
//! socket and no store. It opens only the configuration file and the files that settings name.
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

mod addresses;
mod builder;
mod documentation;
mod file;
mod flags;
mod parse;
mod partial;
mod report;
mod rules;
mod settings;
mod sources;
mod strategies;
mod template;
pub(crate) mod tenant;
mod values;
mod warnings;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use portcullis_core::key::{MasterKey, SharedSecrets};
use portcullis_core::liveness::ViewLimits;
use portcullis_core::strategy::StrategyName;
use portcullis_core::tenant::SecondStep;
use portcullis_stores::DatabaseUrl;

pub(crate) use documentation::variables;
pub use documentation::{documentation, tenant_documentation};
pub use flags::Flags;
pub use parse::{MailTransport, Sessions, SmtpSecurity, SmtpServer, Tls};
pub(crate) use partial::{PartialConfig, configuration_file};
pub use portcullis_config::parse::{ForwardAuth, ForwardAuthPolicy, Listen, PublicUrl, TcpListen, WebOrigin};
pub use portcullis_config::{ConfigFault, Origin};
pub use portcullis_http::pages::Branding;
pub use report::{ConfigReport, ReportRow};
pub use strategies::Strategies;
pub(crate) use template::ConfigTemplate;
pub use values::{
    Cookie, Cors, Hashing, HttpLimits, HttpTimeouts, Lockout, Log, LogFormat, Mail, Metrics, Passwords,
    SigningIn, Tcp, TcpLimits, TcpTimeouts, Tenants,
};

use builder::ConfigBuilder;
use portcullis_transport::proxies::TrustedProxies;
use sources::Sources;

/// The whole configuration, typed and free of contradictions.
#[derive(Clone, Debug)]
pub struct Config {
    /// The configuration file; `None` if there is none.
    pub file: Option<PathBuf>,
    /// The URL under which users reach the server; `None` is development mode.
    pub public_url: Option<PublicUrl>,
    /// The directory of this node's files.
    pub data_dir: PathBuf,
    /// The addresses to listen on, at least one.
    pub listen: Vec<Listen>,
    /// The Unix socket over which the next process takes over the sockets; `None` is no hand-over.
    pub handover: Option<PathBuf>,
    /// The file of a gateway that runs in this process; `None` if none does.
    pub gateway: Option<PathBuf>,
    /// The database.
    pub database: DatabaseUrl,
    /// The most connections to it, if it is on a server.
    pub database_connections: usize,
    /// The store of the sessions.
    pub sessions: Sessions,
    /// The key that encrypts private keys and secrets in the database; `None` in development mode alone.
    pub master_key: Option<MasterKey>,
    /// The secrets that other services share: one signs access tokens with HS256, the other the session cookie. Without
    /// them the keys of the tenant sign.
    pub shared_secrets: SharedSecrets,
    /// The audience (`aud`) of every token. `None` is the tenant, and none in access tokens under `jwt_secret`.
    pub audience: Option<String>,
    /// The tolerated clock difference for `exp` and `nbf`.
    pub leeway: Duration,
    /// The session cookie.
    pub cookie: Cookie,
    /// The origins whose pages may call the server.
    pub cors: Cors,
    /// What proxies ask before they pass requests on.
    pub forward_auth: ForwardAuth,
    /// How requests name their tenant.
    pub tenants: Tenants,
    /// What users see of a tenant that sets nothing else.
    pub branding: Branding,
    /// Sign-in, unless a tenant overrides it.
    pub sign_in: SigningIn,
    /// The rules for new passwords.
    pub password: Passwords,
    /// Mails to users.
    pub mail: Mail,
    /// The pool that hashes passwords.
    pub hashing: Hashing,
    /// The strategies offered, and their lifetimes.
    pub strategies: Strategies,
    /// How old a node's session view may be, and how much it holds.
    pub liveness: ViewLimits,
    /// Limits of HTTP clients.
    pub limits: HttpLimits,
    /// The proxies whose header names the client.
    pub proxies: TrustedProxies,
    /// How long the server waits for HTTP clients.
    pub timeouts: HttpTimeouts,
    /// The TCP transport for microservices.
    pub tcp: Tcp,
    /// Where metrics are served.
    pub metrics: Metrics,
    /// How the server logs.
    pub log: Log,
    report: ConfigReport,
}

impl Config {
    /// Reads flags over `env` over the file that one of them names; `open` reads a file.
    ///
    /// # Errors
    ///
    /// Every fault, in the order of flags, variables and lines of the file.
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
            warnings::second_step(&mut builder.config);
            warnings::forward_auth(&mut builder.config);
            return Ok(builder.config);
        }
        faults.sort_by(|a, b| a.origin().cmp(b.origin()));
        Err(faults)
    }

    /// Reads flags over this process's environment over the file that one of them names.
    ///
    /// # Errors
    ///
    /// Every fault.
    pub fn load(flags: &Flags) -> Result<Self, Vec<ConfigFault>> {
        let mut config = Self::read(flags, &environment(), &|path| std::fs::read_to_string(path))?;
        warnings::readable_secrets(&mut config);
        Ok(config)
    }

    /// The strategies that a tenant without settings of its own offers.
    #[must_use]
    pub fn offered(&self) -> Vec<StrategyName> {
        let is_forced = self.sign_in.otp == SecondStep::Forced;
        let enabled = self.strategies.enabled.iter();
        enabled.filter(|name| !is_forced || name.has_second_step()).copied().collect()
    }

    /// Whether no public URL is configured: the server works without configuration, for this machine alone.
    #[must_use]
    pub const fn is_development(&self) -> bool {
        self.public_url.is_none()
    }

    /// Whether users come over TLS, so that cookies are `Secure`.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.public_url.as_ref().is_some_and(PublicUrl::is_https)
    }

    /// Every setting with its effective value and its source; secrets are masked.
    #[must_use]
    pub const fn report(&self) -> &ConfigReport {
        &self.report
    }
}

/// Parses a duration as in the configuration, at most `most`.
///
/// # Errors
///
/// A sentence that says what is wrong.
pub(crate) fn duration(text: &str, most: &str) -> Result<Duration, String> {
    parse::duration(text, "0s", most)
}

/// This process's environment, and the configuration file of this machine's installation, if there is one. Bytes that
/// are not UTF-8 become replacement characters, which settings refuse.
pub(crate) fn environment() -> BTreeMap<String, String> {
    let text = |os: std::ffi::OsString| os.to_string_lossy().into_owned();
    let installed = Path::new(INSTALLED_FILE).exists().then(|| INSTALLED_FILE.into());
    let installed = installed.map(|file| (sources::INSTALLED.into(), file));
    std::env::vars_os().chain(installed).map(|(name, value)| (text(name), text(value))).collect()
}

/// What is read where no flag and no variable names a file: the Debian package puts it there. So a command that an
/// administrator types finds the database of the server, and makes none in the current folder.
const INSTALLED_FILE: &str = "/etc/portcullis/portcullis.toml";
