//! The file of a gateway, and the variables that go before it.
//!
//! Every key is a row of a table (`settings`, `route_settings`). Each fault names the line and the cure, and all
//! are found at once.

mod assembly;
mod documentation;
mod draft;
mod file;
mod key;
mod route_settings;
mod settings;
mod variables;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use portcullis_axum::Origins;
use portcullis_axum::forward_auth::{ForwardAuthRules, SignInHost};
use portcullis_config::parse::{ForwardAuth, Listen, PublicUrl};
use portcullis_config::{ConfigFault, Origin, StatedValue, unreadable};
use portcullis_core::id::TenantId;
use portcullis_core::secret::PlainSecret;
use portcullis_transport::proxies::TrustedProxies;
use tracing::Level;

use crate::headers::OurCookies;
use crate::routes::GatewayRoute;
use assembly::Assembly;

pub use documentation::documentation;
pub use variables::{is_variable, variables};

/// Where a gateway verifies credentials.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerificationServer {
    /// The URL of the server.
    pub url: PublicUrl,
    /// The feed key.
    pub feed_key: PlainSecret,
    /// The tenants whose users may pass.
    pub tenants: Vec<TenantId>,
    /// The names that its session cookie may have.
    pub cookies: Vec<String>,
}

/// What of a gateway's configuration cannot change while it runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GatewayProcess {
    /// Where clients connect.
    pub listen: Vec<Listen>,
    /// The server that is followed; `None` where the gateway runs inside of it.
    pub server: Option<VerificationServer>,
    /// How old the knowledge of what is revoked may be.
    pub max_staleness: Duration,
    /// How many clients may be connected at once.
    pub connections: usize,
    /// How long a connection may be idle, and how long the head of a request may take.
    pub client_idle: Duration,
    /// How long requests in flight may take once the gateway stops.
    pub shutdown: Duration,
    /// How long a connection without a request stays open then.
    pub drain: Duration,
    /// Where metrics are served.
    pub metrics: Option<SocketAddr>,
    /// Whether lines of the log are JSON.
    pub log_json: bool,
    /// What is logged.
    pub log_level: Level,
    /// Whether each request has a line of the log.
    pub log_requests: bool,
}

/// A gateway's configuration.
#[derive(Clone, Debug)]
pub struct GatewayConfig {
    /// What cannot change while it runs.
    pub process: GatewayProcess,
    /// The routes, in the order of the file.
    pub routes: Vec<GatewayRoute>,
    /// The origins whose pages may call.
    pub origins: Origins,
    /// The proxies whose headers name the client.
    pub proxies: TrustedProxies,
    /// For how long a stream may go on while nothing is proven.
    pub stream_grace: Duration,
    /// The names of our cookies.
    pub cookies: OurCookies,
    /// What proxies may ask at `/auth/verify`; `None` if that is for the routes.
    pub forward_auth: Option<ForwardAuth>,
    /// The host of the server's own pages.
    pub sign_in: SignInHost,
}

/// What a gateway's configuration is read from.
pub struct GatewaySources<'s> {
    /// The file.
    pub file: PathBuf,
    /// The environment: names and values.
    pub environment: &'s BTreeMap<String, String>,
    /// The address of `--listen`.
    pub listen: Option<String>,
    /// Reads a file.
    pub open: &'s dyn Fn(&Path) -> io::Result<String>,
}

impl GatewayConfig {
    /// Reads flags over variables over the file.
    ///
    /// # Errors
    ///
    /// Every fault, in the order of flags, variables and lines of the file.
    pub fn read(sources: &GatewaySources<'_>) -> Result<Self, Vec<ConfigFault>> {
        let mut faults = Vec::new();
        let text = (sources.open)(&sources.file).map_err(|error| {
            let origin = Origin::Flag("config".to_owned());
            vec![ConfigFault::new(origin, unreadable(&sources.file, &error))]
        })?;
        let Some(mut stated) = file::read(&sources.file, &text, &mut faults) else { return Err(faults) };
        variables::add(sources.environment, &mut stated, &mut faults);
        if let Some(text) = &sources.listen {
            let origin = Origin::Flag("listen".to_owned());
            stated.add("listen", StatedValue { text: text.clone(), origin });
        }
        let config = Assembly { open: sources.open, faults: &mut faults }.gateway(&stated);
        if faults.is_empty() {
            return Ok(config);
        }
        faults.sort_by(|a, b| a.origin().cmp(b.origin()));
        Err(faults)
    }
}

impl GatewayConfig {
    /// What is answered at `/auth/verify`; `None` if that is for the routes.
    #[must_use]
    pub fn forward_auth_rules(&self) -> Option<ForwardAuthRules> {
        let stated = self.forward_auth.as_ref()?;
        Some(ForwardAuthRules::of(stated, self.sign_in.clone()))
    }

    /// What is allowed, and may not be what was meant.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        let trusts_a_proxy = !self.proxies.networks.is_empty();
        let (key, warning) = self.forward_auth.as_ref()?.warning(trusts_a_proxy)?;
        Some(format!("{key}: {warning}"))
    }
}

#[cfg(test)]
mod tests;
