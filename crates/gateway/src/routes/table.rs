//! All routes, and which one takes a request.

use std::cmp::Reverse;

use thiserror::Error;

use super::GatewayRoute;
use crate::path::{Reading, RequestPath};

/// Two routes that cannot stand beside each other. Each is named by its place in the file, counted from 0.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum TableFault {
    /// Both take the same paths.
    #[error(
        "a request may be for this route and for {other}: leave one out, or write case = \"exact\" in both"
    )]
    Tie {
        /// The second one.
        route: usize,
        /// The path of the first one.
        other: String,
    },
    /// A route below a route that keeps encoded characters is stricter than it.
    #[error(
        "encoded = \"keep\" leaves it to the upstream where a segment ends, so a request for {below}, which is stricter, \
         could come through this route: leave it out, or give both routes the same access, methods and on_stale"
    )]
    StricterBelow {
        /// The route that keeps.
        route: usize,
        /// The path of the stricter one.
        below: String,
    },
}

impl TableFault {
    /// The place in the file of the route that is to be changed.
    #[must_use]
    pub const fn route(&self) -> usize {
        match self {
            Self::Tie { route, .. } | Self::StricterBelow { route, .. } => *route,
        }
    }
}

/// All routes.
#[derive(Clone, Default, Debug)]
pub struct RoutingTable<R> {
    /// The longest path first.
    routes: Vec<R>,
    /// Whether even a path in small letters may be that of more than one route: `/open` of `/Open` or of `/`.
    has_readings: bool,
}

/// The route of a request.
#[derive(Debug)]
pub struct FoundRoute<'t, R> {
    /// The one whose upstream gets the request.
    pub route: &'t R,
    /// The routes that it would have if the path were read as other servers may read it. They must admit it, too.
    pub others: Vec<&'t R>,
}

impl<R: AsRef<GatewayRoute>> FoundRoute<'_, R> {
    /// The route, and the others.
    pub fn all(&self) -> impl Iterator<Item = &GatewayRoute> {
        std::iter::once(self.route).chain(self.others.iter().copied()).map(AsRef::as_ref)
    }
}

impl RoutingTable<GatewayRoute> {
    /// Checks that routes, in the order of the file, can stand beside each other.
    ///
    /// # Errors
    ///
    /// Every [`TableFault`].
    pub fn check(routes: &[GatewayRoute]) -> Result<(), Vec<TableFault>> {
        let ties = routes.iter().enumerate().filter_map(|(at, route)| {
            let other = routes.iter().take(at).find(|other| other.path.ties_with(&route.path))?;
            Some(TableFault::Tie { route: at, other: other.path.to_string() })
        });
        let keepers = routes.iter().enumerate().filter(|(_, route)| route.keeps_encoded);
        let strict = keepers.filter_map(|(at, keeper)| {
            let is_below = |other: &&GatewayRoute| keeper.path.lies_at_or_above(&other.path);
            let below = routes.iter().filter(is_below).find(|other| other.is_stricter_than(keeper))?;
            Some(TableFault::StricterBelow { route: at, below: below.path.to_string() })
        });
        let faults: Vec<TableFault> = ties.chain(strict).collect();
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }
}

impl<R: AsRef<GatewayRoute>> RoutingTable<R> {
    /// A table of routes that were checked.
    #[must_use]
    pub fn new(mut routes: Vec<R>) -> Self {
        routes.sort_by_key(|route| Reverse(route.as_ref().path.len()));
        let has_readings = routes.iter().any(|route| route.as_ref().path.has_readings());
        Self { routes, has_readings }
    }

    /// The routes, the longest path first.
    pub fn routes(&self) -> impl Iterator<Item = &R> {
        self.routes.iter()
    }

    /// The route that takes a path; `None` if there is none.
    #[must_use]
    pub fn find(&self, path: &RequestPath) -> Option<FoundRoute<'_, R>> {
        let route = self.longest(path, Reading::OF_POLICY)?;
        let mut others: Vec<&R> = Vec::new();
        if self.has_readings || path.has_readings() {
            for found in Reading::OTHERS.into_iter().filter_map(|reading| self.longest(path, reading)) {
                let is_known =
                    std::ptr::eq(found, route) || others.iter().any(|other| std::ptr::eq(*other, found));
                if !is_known {
                    others.push(found);
                }
            }
        }
        Some(FoundRoute { route, others })
    }

    fn longest(&self, path: &RequestPath, reading: Reading) -> Option<&R> {
        self.routes.iter().find(|route| route.as_ref().path.takes(path.segments(), reading))
    }
}
