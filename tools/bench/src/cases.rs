//! What is measured, as a list. The order is the order within a round: what is compared stands close together.

use portcullis_bench::device::{Outbox, sessions};
use portcullis_bench::http::get;
use portcullis_bench::strategy::{Credentials, StrategyUnderTest};

use crate::error::BenchError;
use crate::script::Script;
use crate::users::BenchUsers;

/// Connections of a case that costs the server little.
pub(crate) const MANY: usize = 64;
/// Connections of a case that is bound by hashing: two threads busy, and a short queue before them.
const FEW: usize = 4;
/// Sessions that the connections of a profile case share.
const SESSIONS: usize = 16;

/// Users that a run needs: each connection of a refresh case has a chain of its own.
pub(crate) const USERS: usize = MANY;

/// One thing to measure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Case {
    /// An unguarded route of the server: the same layers and nothing behind them.
    Reference,
    /// The bare handler.
    BareServer,
    /// Hashing without a server.
    Hash,
    /// A check of who is signed in.
    Profile(StrategyUnderTest),
    /// A refresh with the device proof.
    Refresh(StrategyUnderTest),
    /// A login.
    Login(StrategyUnderTest),
    /// A registration.
    Register(StrategyUnderTest),
    /// A list of sessions, over HTTP or as a microservice.
    Sessions(BenchTransport),
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

/// What a case is compared with, and with which others it shares a table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum CaseKind {
    /// Bound by handling requests.
    Requests,
    /// Bound by hashing passwords.
    Hashes,
    /// The same operation over one transport and over another.
    Transports,
}

impl Case {
    /// All cases.
    pub(crate) fn all() -> Vec<Self> {
        let mut cases = vec![Self::Reference, Self::BareServer];
        cases.extend(StrategyUnderTest::ALL.map(Self::Profile));
        cases.extend(StrategyUnderTest::ROTATING.map(Self::Refresh));
        cases.extend(BenchTransport::ALL.map(Self::Sessions));
        cases.push(Self::Hash);
        cases.extend(StrategyUnderTest::ALL.map(Self::Login));
        cases.extend(StrategyUnderTest::ALL.map(Self::Register));
        cases
    }

    /// Those whose name contains the text, and what they are compared with.
    pub(crate) fn matching(text: &str) -> Vec<Self> {
        let matches = |case: &Self| case.name().contains(text);
        let kinds: Vec<CaseKind> = Self::all().into_iter().filter(matches).map(Self::kind).collect();
        let wanted = |case: &Self| matches(case) || (case.is_base() && kinds.contains(&case.kind()));
        Self::all().into_iter().filter(wanted).collect()
    }

    /// What it is called in tables.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Reference => "reference".to_owned(),
            Self::BareServer => "bare".to_owned(),
            Self::Hash => "hash".to_owned(),
            Self::Profile(strategy) => format!("profile {strategy}"),
            Self::Refresh(strategy) => format!("refresh {strategy}"),
            Self::Login(strategy) => format!("login {strategy}"),
            Self::Register(strategy) => format!("register {strategy}"),
            Self::Sessions(transport) => format!("sessions {}", transport.name()),
        }
    }

    pub(crate) fn kind(self) -> CaseKind {
        match self {
            Self::Reference | Self::BareServer | Self::Profile(_) | Self::Refresh(_) => CaseKind::Requests,
            Self::Hash | Self::Login(_) | Self::Register(_) => CaseKind::Hashes,
            Self::Sessions(_) => CaseKind::Transports,
        }
    }

    /// Whether others are compared with it.
    fn is_base(self) -> bool {
        matches!(self, Self::Reference | Self::BareServer | Self::Hash | Self::Sessions(BenchTransport::Http))
    }

    /// One script a connection, with fresh credentials.
    ///
    /// # Errors
    /// [`BenchError`], if a user could not be signed in.
    pub(crate) async fn scripts(
        self,
        round: u64,
        people: &BenchUsers,
        outbox: &Outbox,
    ) -> Result<Vec<Script>, BenchError> {
        Ok(match self {
            Self::Reference => repeat(MANY, &[get("/healthz", &[])]),
            Self::BareServer => repeat(MANY, &[get("/", &[])]),
            // Driven without scripts.
            Self::Hash | Self::Sessions(BenchTransport::Tcp) => Vec::new(),
            Self::Sessions(BenchTransport::Http) => {
                let access = people.join(outbox, &format!("http-{round}")).await?;
                repeat(MANY, &[sessions(&access)])
            }
            Self::Profile(strategy) => {
                let signed_in = people.password_sign_in(strategy, SESSIONS).await?;
                repeat(MANY, &profiles(strategy, &signed_in))
            }
            Self::Refresh(strategy) => {
                let signed_in = people.password_sign_in(strategy, MANY).await?;
                signed_in.iter().filter_map(|credentials| Script::chain(strategy, credentials)).collect()
            }
            Self::Login(strategy) => repeat(FEW, &people.logins(strategy).take(FEW).collect::<Vec<_>>()),
            Self::Register(strategy) => {
                let mailbox = |client| format!("{}-{round}-{client}", strategy.name());
                (0..FEW).map(|client| Script::sign_ups(strategy, mailbox(client))).collect()
            }
        })
    }
}

fn profiles(strategy: StrategyUnderTest, signed_in: &[Credentials]) -> Vec<Vec<u8>> {
    signed_in.iter().map(|credentials| strategy.profile(&credentials.access)).collect()
}

/// So many clients, who take turns at these requests.
fn repeat(clients: usize, requests: &[Vec<u8>]) -> Vec<Script> {
    requests.iter().cycle().take(clients).cloned().map(Script::repeat).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_name_chooses_cases_and_what_they_are_compared_with() {
        let names = |text| Case::matching(text).into_iter().map(Case::name).collect::<Vec<_>>();
        assert_eq!(names("profile hybrid"), ["reference", "bare", "profile hybrid"]);
        assert_eq!(names("login session-jwt"), ["hash", "login session-jwt"]);
        assert_eq!(names("nothing"), [""; 0]);
        assert_eq!(names("tcp"), ["sessions http", "sessions tcp"]);
        assert_eq!(names("").len(), 2 + 6 + 2 + 2 + 1 + 6 + 6);
    }
}
