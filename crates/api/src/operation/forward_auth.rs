//! Forward-auth: what a proxy asks before it passes a request on to a service.

use super::{Access, Caller};

/// Whose requirements a request must meet.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ForwardAuthOperation {
    /// Those in the query.
    Query,
    /// Those of a policy of the configuration, which the path names.
    Policy,
    /// The same. Some proxies append the path and the query of the request that they ask about; neither is read.
    PolicyBeforePath,
}

/// A row of [`FORWARD_AUTH_OPERATIONS`]: for signed-in users of any strategy. It answers every method alike, because
/// some proxies ask with that of the request; it changes nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ForwardAuthRow {
    /// The operation.
    pub kind: ForwardAuthOperation,
    /// The path.
    pub route: &'static str,
    /// One line about it.
    pub summary: &'static str,
    /// Which programs send its requests.
    pub caller: Caller,
}

const fn row(kind: ForwardAuthOperation, route: &'static str, summary: &'static str) -> ForwardAuthRow {
    ForwardAuthRow { kind, route, summary, caller: Caller::Server }
}

/// The operations of forward-auth.
///
/// | request | what it does |
/// |---|---|
/// | any method `/auth/verify` | Whether a request may pass that meets the requirements in the query |
/// | any method `/auth/verify/@{policy}` | Whether a request may pass that meets those of a policy |
/// | any method `/auth/verify/@{policy}/{*request}` | The same, before the path of the request |
pub const FORWARD_AUTH_OPERATIONS: [ForwardAuthRow; 3] = [
    row(ForwardAuthOperation::Query, QUERY, "Whether a request may pass, by the requirements in the query"),
    row(ForwardAuthOperation::Policy, POLICY, "Whether a request may pass, by a policy of the configuration"),
    row(
        ForwardAuthOperation::PolicyBeforePath,
        "/auth/verify/@{policy}/{*request}",
        "The same, for a proxy that appends the path of the request",
    ),
];

const QUERY: &str = "/auth/verify";
const POLICY: &str = "/auth/verify/@{policy}";

impl ForwardAuthRow {
    /// Who may call it.
    #[must_use]
    pub const fn access(&self) -> Access {
        Access::SignedIn
    }

    /// The row of a path, and the name of the policy as the path spells it, for a program that has no router.
    #[must_use]
    pub fn of_path(path: &str) -> Option<(Self, Option<&str>)> {
        let [query, policy, before_path] = FORWARD_AUTH_OPERATIONS;
        let Some(rest) = path.strip_prefix(before_policy()) else {
            let is_query = path.strip_suffix('/').unwrap_or(path) == QUERY;
            return is_query.then_some((query, None));
        };
        let (name, appended) = rest.split_once('/').unwrap_or((rest, ""));
        let row = if appended.is_empty() { policy } else { before_path };
        (!name.is_empty()).then_some((row, Some(name)))
    }
}

fn before_policy() -> &'static str {
    POLICY.split('{').next().unwrap_or(POLICY)
}

/// Whether a path is one of forward-auth.
pub(super) fn is_forward_auth(path: &str) -> bool {
    path == QUERY || path.starts_with(before_policy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_the_row_whose_route_it_matches() {
        use ForwardAuthOperation::{Policy, PolicyBeforePath, Query};
        for (path, found) in [
            ("/auth/verify", Some((Query, None))),
            ("/auth/verify/", Some((Query, None))),
            ("/auth/verify/@app", Some((Policy, Some("app")))),
            ("/auth/verify/@app/", Some((Policy, Some("app")))),
            ("/auth/verify/@app//", Some((PolicyBeforePath, Some("app")))),
            ("/auth/verify/@app/a/../@staff", Some((PolicyBeforePath, Some("app")))),
            ("/auth/verify/@app%2fx", Some((Policy, Some("app%2fx")))),
            ("/auth/verify/@", None),
            ("/auth/verify/@/x", None),
            ("/auth/verify/app", None),
            ("/auth/verify//", None),
            ("/auth/verify//@app", None),
            ("/auth/verify;x", None),
            ("/auth/Verify", None),
            ("/auth", None),
        ] {
            let row = ForwardAuthRow::of_path(path).map(|(row, name)| (row.kind, name));
            assert_eq!(row, found, "{path}");
        }
    }
}
