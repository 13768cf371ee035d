//! A configuration that is being read: the values so far, and the settings that are wrong.
//!
//! It starts blank, and the table of settings fills it. Once no rule objects, its [`Config`] is the result.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use portcullis_axum::SameSite;
use portcullis_core::key::SharedSecrets;
use portcullis_core::liveness::ViewLimits;
use portcullis_core::tenant::SecondStep;
use portcullis_stores::DatabaseUrl;
use tracing::Level;
use zeroize::Zeroizing;

use super::Config;
use super::parse::{self, Parsed, Sessions, Tls};
use super::report::{ConfigReport, ReportRow};
use super::strategies::Strategies;
use super::values::{
    Cookie, Cors, Hashing, HttpLimits, HttpTimeouts, Lockout, Log, LogFormat, Mail, Metrics, Passwords,
    SigningIn, Tcp, Tenants,
};
use portcullis_config::parse::ForwardAuth;
use portcullis_config::{ConfigFault, OpenFile, Origin, unreadable};
use portcullis_http::pages::Branding;
use portcullis_transport::proxies::TrustedProxies;

/// A configuration that is being read.
pub(super) struct ConfigBuilder {
    /// The values so far.
    pub(super) config: Config,
    /// The file of the master key, if it is in one.
    pub(super) master_key_file: Option<PathBuf>,
    /// The file of the password for the mail server, if it is in one.
    pub(super) mail_password_file: Option<PathBuf>,
    /// The shared secret that signs access tokens.
    pub(super) jwt_secret: Option<Zeroizing<String>>,
    /// The shared secret that signs the session cookie.
    pub(super) session_secret: Option<Zeroizing<String>>,
    /// The default lifetime of access tokens.
    pub(super) jwt_expires_in: Option<Duration>,
    /// The default lifetime of refresh tokens.
    pub(super) jwt_refresh_expires_in: Option<Duration>,
    /// The files of TLS.
    pub(super) tcp_tls: TlsFiles,
    /// Where the value that is being parsed was written.
    pub(super) parsing: Origin,
    /// Where each policy of forward-auth was last written about.
    pub(super) policies: BTreeMap<String, Origin>,
    broken: BTreeSet<&'static str>,
}

/// The files that TLS needs.
#[derive(Default)]
pub(super) struct TlsFiles {
    pub(super) certificate: Option<PathBuf>,
    pub(super) key: Option<PathBuf>,
    pub(super) client_ca: Option<PathBuf>,
}

impl ConfigBuilder {
    pub(super) fn blank() -> Self {
        Self {
            config: blank(),
            master_key_file: None,
            mail_password_file: None,
            jwt_secret: None,
            session_secret: None,
            jwt_expires_in: None,
            jwt_refresh_expires_in: None,
            tcp_tls: TlsFiles::default(),
            parsing: Origin::Default,
            policies: BTreeMap::new(),
            broken: BTreeSet::new(),
        }
    }

    /// Adds a setting's line to the report.
    pub(super) fn report(&mut self, row: ReportRow) {
        self.config.report.push(row);
    }

    /// Notes that a setting is invalid, so that no rule judges it.
    pub(super) fn mark_broken(&mut self, key: &'static str) {
        self.broken.insert(key);
    }

    /// Reads the files that hold a secret or a certificate, if settings name any.
    pub(super) fn open_files(&mut self, open: OpenFile<'_>, faults: &mut Vec<ConfigFault>) {
        let path = self.master_key_file.clone();
        if let Some(key) = self.read_file("master_key_file", path, open, parse::master_key, faults) {
            self.config.master_key = Some(key);
        }
        let path = self.mail_password_file.clone();
        if let Some(password) = self.read_file("mail.password_file", path, open, parse::mail_password, faults)
        {
            self.config.mail.password = Some(password);
        }
        self.open_certificates(open, faults);
    }

    /// Reads the certificates and the key of TLS, if settings name any.
    fn open_certificates(&mut self, open: OpenFile<'_>, faults: &mut Vec<ConfigFault>) {
        let TlsFiles { certificate, key, client_ca } = std::mem::take(&mut self.tcp_tls);
        let certificate =
            self.read_file("tcp.tls.certificate", certificate, open, parse::certificate, faults);
        let key = self.read_file("tcp.tls.key", key, open, parse::private_key, faults);
        let authorities = self.read_file("tcp.tls.client_ca", client_ca, open, parse::authorities, faults);
        let Some((certificate, key)) = certificate.zip(key) else { return };
        match Tls::new(certificate, key, authorities) {
            Ok(tls) => self.config.tcp.tls = Some(tls),
            Err(message) => faults.push(self.fault("tcp.tls.certificate", message)),
        }
    }

    /// The parsed content of the file that a setting names; `None` if it names none or the content is wrong.
    fn read_file<T>(
        &mut self,
        key: &'static str,
        path: Option<PathBuf>,
        open: OpenFile<'_>,
        parse: fn(&str) -> Parsed<T>,
        faults: &mut Vec<ConfigFault>,
    ) -> Option<T> {
        let told = opened(&path?, open, parse).map_err(|message| {
            self.broken.insert(key);
            faults.push(self.fault(key, message));
        });
        told.ok()
    }

    /// Puts the two shared secrets together. Each is long enough by itself here, so a fault about both is about the
    /// second. One that can be guessed is a fault with a public URL, and otherwise a warning.
    pub(super) fn share_secrets(&mut self, faults: &mut Vec<ConfigFault>) {
        if self.is_broken("jwt_secret") || self.is_broken("session_secret") {
            return;
        }
        let (jwt, session) = (self.jwt_secret.as_ref(), self.session_secret.as_ref());
        let [jwt, session] = [jwt, session].map(|secret| secret.map(|secret| secret.as_str()));
        let weak = [
            ("jwt_secret", SharedSecrets::new(jwt, None)),
            ("session_secret", SharedSecrets::new(None, session)),
        ];
        let secrets = SharedSecrets::even_guessable(jwt, session);
        for (key, judged) in weak {
            let Err(fault) = judged else { continue };
            if self.is_stated("public_url") {
                faults.push(self.fault(key, fault));
            } else {
                self.warn(key, fault.to_string());
            }
        }
        match secrets {
            Ok(secrets) => self.config.shared_secrets = secrets,
            Err(fault) => faults.push(self.fault("session_secret", fault)),
        }
    }

    /// Adds a warning about a setting.
    pub(super) fn warn(&mut self, key: &str, warning: String) {
        self.config.report.warn(key, warning);
    }

    /// Whether a source states this setting, valid or not.
    pub(super) fn is_stated(&self, key: &str) -> bool {
        self.config.report.row(key).is_some_and(|row| row.origin != Origin::Default)
    }

    /// Whether the stated value is invalid, so that no rule can judge it.
    pub(super) fn is_broken(&self, key: &str) -> bool {
        self.broken.contains(key)
    }

    /// The value of this setting as text; empty if it has none.
    pub(super) fn text(&self, key: &str) -> &str {
        self.config.report.text(key)
    }

    /// A fault of this setting, with the source that states it.
    pub(super) fn fault(&self, key: &'static str, message: impl fmt::Display) -> ConfigFault {
        let origin = self.config.report.row(key).map_or(Origin::Default, |row| row.origin.clone());
        ConfigFault::new(origin, message.to_string()).about(key)
    }
}

/// Reads and parses a file. A fault names the file and repeats nothing of its content.
fn opened<T>(path: &Path, open: OpenFile<'_>, parse: impl FnOnce(&str) -> Parsed<T>) -> Parsed<T> {
    let text = open(path).map_err(|error| unreadable(path, &error))?;
    parse(&text).map_err(|message| format!("{:?}: {message}", path.to_string_lossy()))
}

fn blank() -> Config {
    Config {
        file: None,
        public_url: None,
        data_dir: PathBuf::new(),
        listen: Vec::new(),
        handover: None,
        gateway: None,
        database: DatabaseUrl::preset(Path::new("")),
        database_connections: 0,
        sessions: Sessions::InDatabase,
        master_key: None,
        shared_secrets: SharedSecrets::default(),
        audience: None,
        leeway: Duration::ZERO,
        cookie: Cookie { name: String::new(), same_site: SameSite::Lax, domain: None },
        cors: Cors::default(),
        forward_auth: ForwardAuth::default(),
        tenants: Tenants::default(),
        branding: Branding::default(),
        sign_in: SigningIn {
            otp: SecondStep::On,
            lockout: Lockout::default(),
            session_cap: 0,
            hide_existence: false,
        },
        password: Passwords::default(),
        mail: Mail::default(),
        hashing: Hashing::default(),
        strategies: Strategies::default(),
        liveness: ViewLimits::default(),
        limits: HttpLimits::default(),
        proxies: TrustedProxies::default(),
        timeouts: HttpTimeouts::default(),
        tcp: Tcp::default(),
        metrics: Metrics::default(),
        log: Log { format: LogFormat::Text, level: Level::INFO },
        report: ConfigReport::default(),
    }
}
