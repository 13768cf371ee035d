//! What a gateway would do: its table of routes, and the fate of one request.

use std::fmt;

use http::{Method, Uri};
use percent_encoding::percent_decode_str;
use portcullis_api::operation::{FORWARD_AUTH_OPERATIONS, ForwardAuthRow};
use portcullis_api::refusal::Reason;
use portcullis_axum::Roles;
use portcullis_axum::forward_auth::RequirementSource;
use portcullis_config::parse::ForwardAuth;
use portcullis_core::user::Role;
use portcullis_verifier::OnStale;

use crate::config::GatewayConfig;
use crate::gateway::is_own;
use crate::path::{PathFault, RequestPath};
use crate::routes::{FoundRoute, GatewayRoute, RouteAccess, RoutePath, RoutingTable};

impl fmt::Display for RouteAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Public => f.write_str("public"),
            Self::SignedIn => f.write_str("signed in"),
            Self::Roles(roles) => {
                f.write_str(&roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(" or "))
            }
        }
    }
}

/// A route in words, for a table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RouteRow {
    /// Its path.
    pub path: String,
    /// Its methods.
    pub methods: String,
    /// Who may pass.
    pub access: String,
    /// What differs from the default.
    pub options: String,
    /// Where requests go.
    pub upstream: String,
}

impl RouteRow {
    /// A route in words.
    #[must_use]
    pub fn of(route: &GatewayRoute) -> Self {
        let urls: Vec<String> = route.upstream.urls.iter().map(ToString::to_string).collect();
        Self {
            path: route.path.to_string(),
            methods: if route.methods.is_empty() { "all".to_owned() } else { route.allow() },
            access: route.access.to_string(),
            options: options(route),
            upstream: urls.join(", "),
        }
    }
}

fn options(route: &GatewayRoute) -> String {
    let options = [
        (route.on_stale == OnStale::Refuse, "refuses when stale"),
        (route.path.is_exact(), "exact case"),
        (route.keeps_encoded, "keeps encoded"),
        (route.forwards_token, "forwards the token"),
        (route.asserts, "asserts"),
        (route.upstream.health.is_some(), "asks for health"),
    ];
    let words: Vec<&str> = options.into_iter().filter_map(|(is_so, word)| is_so.then_some(word)).collect();
    words.join(", ")
}

/// A policy of forward-auth in words, for a table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PolicyRow {
    /// The path that proxies ask.
    pub path: String,
    /// Who may pass.
    pub access: String,
    /// Where a browser is sent to sign in.
    pub login: String,
    /// The hosts to which it may return.
    pub hosts: String,
}

impl PolicyRow {
    /// What proxies may ask: the query, whose hosts are listed, and every policy.
    #[must_use]
    pub fn all(forward_auth: &ForwardAuth) -> Vec<Self> {
        let [query, ..] = FORWARD_AUTH_OPERATIONS;
        let by_query = Self {
            path: query.route.to_owned(),
            access: "by its query".to_owned(),
            login: "by its query".to_owned(),
            hosts: forward_auth.hosts.join(", "),
        };
        let policies = forward_auth.policies.iter().map(|(name, policy)| Self {
            path: format!("{}/@{name}", query.route),
            access: access_of(&policy.roles).to_string(),
            login: policy.login.as_ref().map(ToString::to_string).unwrap_or_default(),
            hosts: policy.hosts.join(", "),
        });
        std::iter::once(by_query).chain(policies).collect()
    }
}

fn access_of(roles: &[Role]) -> RouteAccess {
    if roles.is_empty() { RouteAccess::SignedIn } else { RouteAccess::Roles(roles.to_vec()) }
}

/// What becomes of a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fate {
    /// It is refused with this status, because of this.
    Refused(u16, String),
    /// The gateway answers it itself.
    Answered {
        /// What the answer is.
        what: &'static str,
        /// Who gets it, or which users it lets pass.
        needs: String,
        /// Where a browser is sent to sign in.
        login: Option<String>,
    },
    /// It is forwarded, if its user may pass.
    Forwarded {
        /// The path and query that the upstream gets.
        target: String,
        /// The route.
        route: String,
        /// Who may pass, under each reading of the path.
        needs: Vec<String>,
        /// Where it goes.
        upstream: String,
    },
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(status, reason) => write!(f, "refused with {status}: {reason}"),
            Self::Answered { what, needs, login } => {
                writeln!(f, "answered   by the gateway itself: {what}")?;
                write!(f, "needs      {needs}")?;
                login.iter().try_for_each(|login| write!(f, "\nlogin      {login}"))
            }
            Self::Forwarded { target, route, needs, upstream } => {
                writeln!(f, "route      {route}")?;
                writeln!(f, "needs      {}", needs.join(", and "))?;
                writeln!(f, "upstream   {upstream}")?;
                write!(f, "forwarded  {target}")
            }
        }
    }
}

/// What becomes of a request for a path.
#[must_use]
pub fn explain(config: &GatewayConfig, method: &Method, path: &str) -> Fate {
    // A URL might be that of any host.
    let Some(uri) = path.parse::<Uri>().ok().filter(|uri| uri.authority().is_none()) else {
        return Fate::Refused(400, "this is no path: write /reports/7".to_owned());
    };
    if let Some(own) = answered(config, method, &uri) {
        return own;
    }
    let path = match RequestPath::read(&uri) {
        Ok(path) => path,
        Err(fault) => return Fate::Refused(400, fault.to_string()),
    };
    if config.forward_auth.is_some() && RoutePath::of_forward_auth().takes_as_any(&path) {
        return Fate::Refused(
            404,
            "the gateway answers /auth/verify, and nothing else lies there".to_owned(),
        );
    }
    let table = RoutingTable::new(config.routes.iter().collect());
    let Some(found) = table.find(&path) else {
        return Fate::Refused(404, "no route takes this path".to_owned());
    };
    refused(&found, &path, method).unwrap_or_else(|| forwarded(&found, &path))
}

/// What the gateway says itself.
fn answered(config: &GatewayConfig, method: &Method, uri: &Uri) -> Option<Fate> {
    if is_own(method, uri) {
        let what = "the key that verifies assertions";
        return Some(Fate::Answered { what, needs: RouteAccess::Public.to_string(), login: None });
    }
    let rules = config.forward_auth_rules()?;
    let (_, name) = ForwardAuthRow::of_path(uri.path())?;
    let name = name.map(|name| percent_decode_str(name).decode_utf8_lossy());
    let source = name
        .as_deref()
        .map_or_else(|| RequirementSource::Query(uri.query().unwrap_or_default()), RequirementSource::Policy);
    Some(match rules.required(source) {
        Ok(required) => Fate::Answered {
            what: "forward-auth, whatever the method",
            needs: access_of(required.roles.as_ref().map_or(&[], Roles::as_slice)).to_string(),
            login: required.login.as_ref().map(ToString::to_string),
        },
        Err(refusal) => {
            let reason = match (&name, refusal.reason) {
                (Some(name), _) => format!("there is no policy {name}"),
                (None, Reason::Faults(faults)) => faults.join("; "),
                (None, _) => "the query has a fault".to_owned(),
            };
            Fate::Refused(refusal.code.status(), reason)
        }
    })
}

fn refused(found: &FoundRoute<'_, &GatewayRoute>, path: &RequestPath, method: &Method) -> Option<Fate> {
    if path.is_ambiguous() && !found.all().all(|route| route.keeps_encoded) {
        return Some(Fate::Refused(400, PathFault::Encoded.to_string()));
    }
    let other = found.all().find(|route| !route.takes(method))?;
    Some(Fate::Refused(405, format!("{} takes {}", other.path, other.allow())))
}

fn forwarded(found: &FoundRoute<'_, &GatewayRoute>, path: &RequestPath) -> Fate {
    let mut needs: Vec<String> = Vec::new();
    for access in found.all().map(|route| route.access.to_string()) {
        if !needs.contains(&access) {
            needs.push(access);
        }
    }
    if needs.len() > 1 {
        // To everyone under one reading, and to some under another: those count.
        needs.retain(|need| *need != RouteAccess::Public.to_string());
    }
    let row = RouteRow::of(found.route);
    Fate::Forwarded { target: path.target().to_string(), route: row.path, needs, upstream: row.upstream }
}
