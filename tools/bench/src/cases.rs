//! What is measured, as a list. The order is the order within a round: what is compared stands close together.

use portcullis_bench::strategy::StrategyUnderTest;

/// Connections of a case that costs the server little.
pub(crate) const MANY: usize = 64;
/// Connections of a case that is bound by hashing: two threads busy, and a short queue before them.
const FEW: usize = 4;
/// Sign-ins at once, of one strategy.
const CROWDED: [usize; 2] = [16, MANY];
/// Sessions that are refreshed in turn.
pub(crate) const IN_TURN: usize = 100_000;

/// The strategy whose tokens verifiers and proxies are shown.
pub(crate) const VERIFIED: StrategyUnderTest = StrategyUnderTest::SessionJwt;

/// One thing to measure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Case {
    /// An unguarded route of the server: the same layers and nothing behind them.
    Reference,
    /// The bare handler, which is sent the requests of this strategy's check and answers as many bytes.
    Bare(StrategyUnderTest),
    /// A check of who is signed in.
    Profile(StrategyUnderTest),
    /// The same check for a proxy that asks.
    ForwardAuth(StrategyUnderTest),
    /// The bare handler behind a guard of the library, on the database of the server.
    Guard(StrategyUnderTest),
    /// The bare handler behind a guard that follows the feed of the server, for [`VERIFIED`].
    VerifierGuard,
    /// The bare handler behind a reverse proxy, which is sent the requests of [`VERIFIED`].
    Proxy(ProxyCase),
    /// The check of another library, which keeps its sessions in Redis.
    Peer,
    /// A refresh with the device proof.
    Refresh(RefreshCase),
    /// A verb of the store without a server.
    Store(StoreCase),
    /// Hashing without a server.
    Hash,
    /// A login, over so many connections.
    Login(StrategyUnderTest, usize),
    /// A registration.
    Register(StrategyUnderTest),
    /// A list of sessions, over HTTP or as a microservice.
    Sessions(BenchTransport),
}

/// What is refreshed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum RefreshCase {
    /// One session for each connection.
    Each(StrategyUnderTest),
    /// The same under `refresh`, where a shared secret signs the access tokens (HS256).
    SharedSecret,
    /// So many sessions in turn that few are refreshed twice.
    InTurn,
}

/// A verb of the store, and whether many sessions take turns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct StoreCase {
    /// The verb, as the store's program knows it.
    pub(crate) verb: &'static str,
    /// Whether [`IN_TURN`] sessions take turns, or each task has one.
    pub(crate) in_turn: bool,
}

impl StoreCase {
    const ROTATE: Self = Self { verb: "rotate", in_turn: false };
    const ROTATE_IN_TURN: Self = Self { in_turn: true, ..Self::ROTATE };
    const FIND: Self = Self { verb: "find", in_turn: false };
    const FIND_IN_TURN: Self = Self { in_turn: true, ..Self::FIND };

    /// How many sessions the store has.
    pub(crate) const fn sessions(self) -> usize {
        if self.in_turn { IN_TURN } else { MANY }
    }
}

/// A reverse proxy, and what it does before it passes a request on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ProxyCase {
    /// nginx, which does nothing.
    Nginx,
    /// nginx, which asks the server.
    NginxAuthRequest,
    /// The same, over a connection for each question.
    NginxConnecting,
    /// The gateway, which verifies.
    Gateway,
    /// The gateway on a public route.
    GatewayPublic,
}

impl ProxyCase {
    pub(crate) const ALL: [Self; 5] =
        [Self::Nginx, Self::NginxAuthRequest, Self::NginxConnecting, Self::Gateway, Self::GatewayPublic];

    const fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx proxy",
            Self::NginxAuthRequest => "nginx auth_request",
            Self::NginxConnecting => "nginx auth_request 1.0",
            Self::Gateway => "gateway",
            Self::GatewayPublic => "gateway public",
        }
    }
}

/// Which way an operation of the device-session surface is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum BenchTransport {
    /// Kept-alive connections, one request at a time on each.
    Http,
    /// One connection, so many requests in flight.
    Tcp,
}

impl BenchTransport {
    pub(crate) const ALL: [Self; 2] = [Self::Http, Self::Tcp];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Tcp => "tcp",
        }
    }
}

/// With which others a case shares a table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum CaseKind {
    /// Bound by handling requests.
    Checks,
    /// The same in a service that uses the library.
    Guards,
    /// Bound by passing requests on.
    Proxies,
    /// Bound by the store.
    Refreshes,
    /// Bound by hashing passwords.
    Hashes,
    /// The same operation over one transport and over another.
    Transports,
    /// Another library.
    Peers,
}

impl Case {
    /// All cases; those of another library only if it is there.
    pub(crate) fn all(with_peers: bool) -> Vec<Self> {
        use StrategyUnderTest::{Denylist, Refresh, Session, SessionJwt};
        let mut cases = vec![Self::Reference];
        for strategy in StrategyUnderTest::ALL {
            cases.extend([Self::Bare(strategy), Self::Profile(strategy)]);
            let of_both = [Session, SessionJwt].contains(&strategy);
            let cases_of_both = [Self::ForwardAuth(strategy), Self::Guard(strategy)];
            cases.extend(cases_of_both.into_iter().filter(|_| of_both));
            cases.extend((strategy == VERIFIED).then_some(Self::VerifierGuard));
            cases.extend((with_peers && strategy == Session).then_some(Self::Peer));
        }
        cases.extend(ProxyCase::ALL.map(Self::Proxy));
        cases.push(Self::Store(StoreCase::ROTATE));
        cases.extend([Refresh, Denylist].map(|strategy| Self::Refresh(RefreshCase::Each(strategy))));
        cases.push(Self::Refresh(RefreshCase::SharedSecret));
        cases.push(Self::Store(StoreCase::ROTATE_IN_TURN));
        cases.push(Self::Refresh(RefreshCase::InTurn));
        cases.extend([StoreCase::FIND, StoreCase::FIND_IN_TURN].map(Self::Store));
        cases.extend(BenchTransport::ALL.map(Self::Sessions));
        cases.push(Self::Hash);
        cases.extend(StrategyUnderTest::ALL.map(|strategy| Self::Login(strategy, FEW)));
        cases.extend(CROWDED.map(|connections| Self::Login(SessionJwt, connections)));
        cases.extend(StrategyUnderTest::ALL.map(Self::Register));
        cases
    }

    /// Those whose name contains the text, and what they are compared with.
    pub(crate) fn matching(text: &str, with_peers: bool) -> Vec<Self> {
        let all = Self::all(with_peers);
        let matches = |case: &&Self| case.name().contains(text);
        let bases: Vec<Self> = all.iter().filter(matches).flat_map(|case| case.bases()).collect();
        all.iter().filter(|case| matches(case) || bases.contains(case)).copied().collect()
    }

    /// What it is compared with.
    pub(crate) fn bases(self) -> Vec<Self> {
        match self {
            Self::Profile(strategy) => vec![Self::Reference, Self::Bare(strategy)],
            Self::ForwardAuth(strategy) => vec![Self::Reference, Self::Profile(strategy)],
            Self::Guard(strategy) => vec![Self::Bare(strategy)],
            Self::VerifierGuard => vec![Self::Bare(VERIFIED), Self::Guard(VERIFIED)],
            Self::Proxy(ProxyCase::Gateway) => {
                [ProxyCase::Nginx, ProxyCase::NginxAuthRequest, ProxyCase::NginxConnecting]
                    .map(Self::Proxy)
                    .to_vec()
            }
            Self::Proxy(ProxyCase::GatewayPublic) => vec![Self::Proxy(ProxyCase::Nginx)],
            Self::Peer => [Self::Bare, Self::Profile].map(|case| case(StrategyUnderTest::Session)).to_vec(),
            Self::Refresh(RefreshCase::InTurn) => vec![Self::Store(StoreCase::ROTATE_IN_TURN)],
            Self::Refresh(_) => vec![Self::Store(StoreCase::ROTATE)],
            Self::Login(..) | Self::Register(_) => vec![Self::Hash],
            Self::Sessions(_) => vec![Self::Sessions(BenchTransport::Http)],
            Self::Reference | Self::Bare(_) | Self::Proxy(_) | Self::Store(_) | Self::Hash => Vec::new(),
        }
    }

    /// What it is called in tables.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Reference => "reference".to_owned(),
            Self::Bare(strategy) => format!("bare {strategy}"),
            Self::Profile(strategy) => format!("profile {strategy}"),
            Self::ForwardAuth(strategy) => format!("forward-auth {strategy}"),
            Self::Guard(strategy) => format!("guard {strategy}"),
            Self::VerifierGuard => "verifier guard".to_owned(),
            Self::Proxy(proxy) => proxy.name().to_owned(),
            Self::Peer => "peer tower-sessions".to_owned(),
            Self::Refresh(RefreshCase::Each(strategy)) => format!("refresh {strategy}"),
            Self::Refresh(RefreshCase::SharedSecret) => "refresh HS256".to_owned(),
            Self::Refresh(RefreshCase::InTurn) => "refresh in turn".to_owned(),
            Self::Store(StoreCase { verb, in_turn: false }) => format!("store {verb}"),
            Self::Store(StoreCase { verb, in_turn: true }) => format!("store {verb} in turn"),
            Self::Hash => "hash".to_owned(),
            Self::Login(strategy, FEW) => format!("login {strategy}"),
            Self::Login(strategy, connections) => format!("login {strategy} {connections}"),
            Self::Register(strategy) => format!("register {strategy}"),
            Self::Sessions(transport) => format!("sessions {}", transport.name()),
        }
    }

    /// How many connections it has where hashing binds it.
    pub(crate) const fn hashing_connections(self) -> usize {
        if let Self::Login(_, connections) = self { connections } else { FEW }
    }

    pub(crate) const fn kind(self) -> CaseKind {
        match self {
            Self::Reference | Self::Bare(_) | Self::Profile(_) | Self::ForwardAuth(_) => CaseKind::Checks,
            Self::Guard(_) | Self::VerifierGuard => CaseKind::Guards,
            Self::Proxy(_) => CaseKind::Proxies,
            Self::Peer => CaseKind::Peers,
            Self::Refresh(_) | Self::Store(_) => CaseKind::Refreshes,
            Self::Hash | Self::Login(..) | Self::Register(_) => CaseKind::Hashes,
            Self::Sessions(_) => CaseKind::Transports,
        }
    }

    /// Whether allocations and system calls are counted: the server answers it, or the bare handler.
    pub(crate) const fn is_counted(self) -> bool {
        matches!(
            self,
            Self::Reference | Self::Bare(_) | Self::Profile(_) | Self::Refresh(RefreshCase::Each(_))
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_name_chooses_cases_and_what_they_are_compared_with() {
        let names = |text| Case::matching(text, true).into_iter().map(Case::name).collect::<Vec<_>>();
        assert_eq!(names("profile hybrid"), ["reference", "bare hybrid", "profile hybrid"]);
        assert_eq!(
            names("login session-jwt"),
            ["hash", "login session-jwt", "login session-jwt 16", "login session-jwt 64"]
        );
        assert_eq!(names("refresh in"), ["store rotate in turn", "refresh in turn"]);
        assert_eq!(names("peer"), ["bare session", "profile session", "peer tower-sessions"]);
        assert_eq!(
            names("forward-auth session-jwt"),
            ["reference", "profile session-jwt", "forward-auth session-jwt"]
        );
        assert_eq!(names("verifier guard"), ["bare session-jwt", "guard session-jwt", "verifier guard"]);
        assert_eq!(
            names("gateway"),
            ["nginx proxy", "nginx auth_request", "nginx auth_request 1.0", "gateway", "gateway public"]
        );
        assert_eq!(names("nothing"), [""; 0]);
        assert_eq!(names("tcp"), ["sessions http", "sessions tcp"]);
        let all = 1 + 6 + 6 + 2 + 2 + 1 + 1 + 5 + 4 + 4 + 2 + 1 + 8 + 6;
        assert_eq!(names("").len(), all);
        assert_eq!(Case::matching("", false).len(), all - 1);
    }
}
