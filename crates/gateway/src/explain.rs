//! What a gateway would do: its table of routes, and the fate of one request.

use std::fmt;

use http::{Method, Uri};
use portcullis_verifier::OnStale;

use crate::gateway::is_own;
use crate::path::{PathFault, RequestPath};
use crate::routes::{FoundRoute, GatewayRoute, RouteAccess, RoutingTable};

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

/// What becomes of a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fate {
    /// It is refused with this status, because of this.
    Refused(u16, String),
    /// The gateway answers it: with the key of its assertions.
    Answered,
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
            Self::Answered => f.write_str("answered by the gateway with the key of its assertions"),
            Self::Refused(status, reason) => write!(f, "refused with {status}: {reason}"),
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
pub fn explain(routes: &[GatewayRoute], method: &Method, path: &str) -> Fate {
    // A URL might be that of any host.
    let Some(uri) = path.parse::<Uri>().ok().filter(|uri| uri.authority().is_none()) else {
        return Fate::Refused(400, "this is no path: write /reports/7".to_owned());
    };
    if is_own(method, &uri) {
        return Fate::Answered;
    }
    let path = match RequestPath::read(&uri) {
        Ok(path) => path,
        Err(fault) => return Fate::Refused(400, fault.to_string()),
    };
    let table = RoutingTable::new(routes.iter().collect());
    let Some(found) = table.find(&path) else {
        return Fate::Refused(404, "no route takes this path".to_owned());
    };
    refused(&found, &path, method).unwrap_or_else(|| forwarded(&found, &path))
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
