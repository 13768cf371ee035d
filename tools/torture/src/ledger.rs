//! What the server has acknowledged to one client, and what it has not.
//!
//! A request is entered as pending before it is sent; its answer settles it. What is left when the server is killed are
//! exactly the requests without an answer.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use portcullis_bench::strategy::StrategyUnderTest;

use crate::client_session::ClientSession;

/// Lines of history that are kept for a failure's report.
const HISTORY: usize = 1000;
/// Ended sessions that are asked for again in later rounds.
const REMEMBERED_ENDS: usize = 200;
/// Logins of one user: few enough that no cap on sessions ends one.
const LOGINS: u32 = 4;

/// A user whose registration was acknowledged.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) email: String,
    /// The round in which that was.
    pub(crate) round: u64,
    pub(crate) logins: u32,
}

impl Account {
    /// Whether the user may sign in once more.
    pub(crate) fn has_logins_left(&self) -> bool {
        self.logins < LOGINS
    }
}

/// A request without an answer: it took effect or did not.
#[derive(Debug)]
pub(crate) enum UnansweredRequest {
    Register(String),
    Login,
    Refresh(ClientSession),
    /// All sessions that the sign-out ends.
    Logout(Vec<ClientSession>),
}

impl UnansweredRequest {
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Register(_) => "register",
            Self::Login => "login",
            Self::Refresh(_) => "refresh",
            Self::Logout(_) => "logout",
        }
    }
}

/// A session whose end was acknowledged.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) session: ClientSession,
    pub(crate) why: &'static str,
    pub(crate) round: u64,
}

/// Counts by kind of event.
pub(crate) type Counts = BTreeMap<&'static str, u64>;

/// One client's records of what it was promised.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) accounts: Vec<Account>,
    /// Live, as far as was acknowledged.
    pub(crate) sessions: Vec<ClientSession>,
    pub(crate) ended: VecDeque<Ended>,
    pub(crate) doubts: Vec<UnansweredRequest>,
    /// Users of sessions for which a token that was or may have been spent was shown without a proof: the only ones who
    /// may be told of a theft.
    pub(crate) accused: BTreeSet<String>,
    /// Operations that were acknowledged.
    pub(crate) acknowledged: Counts,
    /// Requests that were in doubt when a server died.
    pub(crate) lost: Counts,
    /// Promises that were checked after a restart.
    pub(crate) checked: Counts,
    history: VecDeque<String>,
}

impl Ledger {
    /// Enters a line of history.
    pub(crate) fn note(&mut self, line: String) {
        if self.history.len() == HISTORY {
            self.history.pop_front();
        }
        self.history.push_back(line);
    }

    /// The last lines of history.
    pub(crate) fn history(&self) -> impl Iterator<Item = &str> {
        self.history.iter().map(String::as_str)
    }

    /// Counts an acknowledged operation.
    pub(crate) fn acknowledge(&mut self, kind: &'static str) {
        *self.acknowledged.entry(kind).or_default() += 1;
    }

    /// Counts a promise that was kept.
    pub(crate) fn check(&mut self, kind: &'static str) {
        *self.checked.entry(kind).or_default() += 1;
    }

    /// Enters a session as ended.
    pub(crate) fn end(&mut self, session: ClientSession, why: &'static str, round: u64) {
        if self.ended.len() == REMEMBERED_ENDS {
            self.ended.pop_front();
        }
        self.ended.push_back(Ended { session, why, round });
    }

    /// Takes a session, and with it every other one that signing it out ends: of `denylist`, all of the user's.
    pub(crate) fn take_with_all_that_sign_out_ends(&mut self, index: usize) -> Vec<ClientSession> {
        let first = self.sessions.swap_remove(index);
        if first.strategy != StrategyUnderTest::Denylist {
            return vec![first];
        }
        let goes_too = |other: &mut ClientSession| {
            other.strategy == StrategyUnderTest::Denylist && other.email == first.email
        };
        let mut taken: Vec<ClientSession> = self.sessions.extract_if(.., goes_too).collect();
        taken.insert(0, first);
        taken
    }

    /// Forgets sessions that will soon expire by themselves, and the oldest beyond `most`.
    pub(crate) fn forget_old_sessions(&mut self, most: usize) {
        self.sessions.retain(ClientSession::is_young);
        self.sessions.sort_by_key(|session| session.number);
        let surplus = self.sessions.len().saturating_sub(most);
        self.sessions.drain(..surplus);
    }
}

#[cfg(test)]
mod tests {
    use portcullis_bench::strategy::{AccessCredential, Credentials};

    use super::*;

    fn session(number: u64, email: &str, strategy: StrategyUnderTest) -> ClientSession {
        let access = AccessCredential::Bearer(String::new());
        let given = Credentials { access, refresh_token: None, device_secret: None };
        ClientSession::begun(number, email.to_owned(), strategy, given)
    }

    #[test]
    fn signing_out_of_denylist_takes_all_of_the_users_denylist_sessions_and_no_others() {
        let sessions = vec![
            session(0, "a", StrategyUnderTest::Denylist),
            session(1, "a", StrategyUnderTest::Refresh),
            session(2, "b", StrategyUnderTest::Denylist),
            session(3, "a", StrategyUnderTest::Denylist),
        ];
        let mut ledger = Ledger { sessions, ..Ledger::default() };
        let numbers = |sessions: &[ClientSession]| sessions.iter().map(|s| s.number).collect::<Vec<_>>();
        assert_eq!(numbers(&ledger.take_with_all_that_sign_out_ends(3)), [3, 0]);
        ledger.forget_old_sessions(10);
        assert_eq!(numbers(&ledger.sessions), [1, 2]);
        ledger.forget_old_sessions(1);
        assert_eq!(numbers(&ledger.sessions), [2], "the oldest go first");
    }
}
