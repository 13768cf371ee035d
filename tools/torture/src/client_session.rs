//! A session as the client knows it: what it holds, and what it has held.

use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

use portcullis_bench::strategy::{AccessCredential, Credentials, StrategyUnderTest};

use crate::breach::BreachKind;

/// Spent tokens that a client remembers.
const REMEMBERED: usize = 32;
/// A retry of the last refresh is honoured for 60 s; later tries would test the clock and not the crash.
const SURELY_WITHIN_GRACE: Duration = Duration::from_secs(40);
/// The shortest access token lives 15 min.
const SURELY_ALIVE: Duration = Duration::from_mins(10);

/// What one acknowledged login gave.
#[derive(Clone, Debug)]
pub(crate) struct ClientSession {
    /// Counts the client's logins.
    pub(crate) number: u64,
    pub(crate) email: String,
    pub(crate) strategy: StrategyUnderTest,
    pub(crate) access: AccessCredential,
    pub(crate) chain: Option<RefreshChain>,
    issued: Instant,
}

/// The refresh tokens of a session.
#[derive(Clone, Debug)]
pub(crate) struct RefreshChain {
    /// The newest one that was acknowledged.
    pub(crate) current: String,
    /// Spent ones, the oldest first.
    pub(crate) spent: VecDeque<String>,
    pub(crate) device_secret: Option<String>,
    /// The access token before the last refresh.
    former_access: Option<AccessCredential>,
}

impl ClientSession {
    pub(crate) const fn has_chain(&self) -> bool {
        self.chain.is_some()
    }

    /// The session that a login began.
    pub(crate) fn begun(number: u64, email: String, strategy: StrategyUnderTest, given: Credentials) -> Self {
        let chain = given.refresh_token.map(|current| RefreshChain {
            current,
            spent: VecDeque::new(),
            device_secret: given.device_secret,
            former_access: None,
        });
        Self { number, email, strategy, access: given.access, chain, issued: Instant::now() }
    }

    /// Takes what a refresh gave. Whether there was a refresh token in it.
    pub(crate) fn renew(&mut self, given: Credentials) -> bool {
        let (Some(chain), Some(token)) = (&mut self.chain, given.refresh_token) else { return false };
        chain.spent.push_back(std::mem::replace(&mut chain.current, token));
        if chain.spent.len() > REMEMBERED {
            chain.spent.pop_front();
        }
        chain.former_access = Some(std::mem::replace(&mut self.access, given.access));
        self.issued = Instant::now();
        true
    }

    /// Whether the access token has not expired by itself.
    pub(crate) fn is_young(&self) -> bool {
        self.issued.elapsed() < SURELY_ALIVE
    }

    /// The request that asks who this is.
    pub(crate) fn profile(&self) -> Vec<u8> {
        self.strategy.profile(&self.access)
    }

    /// The request that redeems the newest token, with all that the client holds.
    pub(crate) fn refresh(&self) -> Option<Vec<u8>> {
        let chain = self.chain.as_ref()?;
        Some(self.strategy.refresh(&chain.current, chain.device_secret.as_deref()))
    }

    /// The request that repeats the last refresh, while a client with its proof may do that.
    pub(crate) fn retry(&self) -> Option<Vec<u8>> {
        let chain = self.chain.as_ref()?;
        let secret = chain.device_secret.as_deref()?;
        if self.issued.elapsed() > SURELY_WITHIN_GRACE {
            return None;
        }
        Some(self.strategy.refresh(chain.spent.back()?, Some(secret)))
    }

    /// Whether the client can prove which device it is.
    pub(crate) fn has_proof(&self) -> bool {
        self.chain.as_ref().is_some_and(|chain| chain.device_secret.is_some())
    }

    /// What is broken if its newest token is refused.
    pub(crate) fn refusal(&self) -> BreachKind {
        if self.has_proof() { BreachKind::ProofRefused } else { BreachKind::WriteLost }
    }

    /// Every request that must be refused once the session has ended. A `jwt` ends nowhere but in its expiry, and the
    /// access token of `refresh` lives out its minutes.
    pub(crate) fn must_be_refused(&self) -> Vec<Vec<u8>> {
        let former = self.chain.as_ref().and_then(|chain| chain.former_access.as_ref());
        let accesses = [Some(&self.access), former].into_iter().flatten();
        let profiles = accesses.map(|access| self.strategy.profile(access));
        match self.strategy {
            StrategyUnderTest::Jwt => Vec::new(),
            StrategyUnderTest::Session | StrategyUnderTest::Hybrid | StrategyUnderTest::SessionJwt => {
                vec![self.profile()]
            }
            StrategyUnderTest::Refresh => self.refresh().into_iter().collect(),
            StrategyUnderTest::Denylist => profiles.chain(self.refresh()).collect(),
        }
    }
}

impl fmt::Display for ClientSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let proof = if self.has_proof() { " with proof" } else { "" };
        write!(f, "session {} ({}{proof}, {})", self.number, self.strategy, self.email)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(generation: u32) -> Credentials {
        Credentials {
            access: AccessCredential::Bearer(format!("Bearer a{generation}")),
            refresh_token: Some(format!("t{generation}")),
            device_secret: Some("secret".to_owned()),
        }
    }

    #[test]
    fn a_chain_remembers_its_spent_tokens_and_its_proof() {
        let mut session = ClientSession::begun(1, "a@b".to_owned(), StrategyUnderTest::Denylist, given(0));
        assert!(session.retry().is_none(), "nothing has been refreshed yet");
        for generation in 1..=100 {
            let without_secret = Credentials { device_secret: None, ..given(generation) };
            assert!(session.renew(without_secret));
        }
        let chain = session.chain.as_ref().unwrap();
        assert_eq!((chain.current.as_str(), chain.spent.len()), ("t100", REMEMBERED));
        let retry = String::from_utf8(session.retry().unwrap()).unwrap();
        assert!(retry.contains("\"t99\"") && retry.contains("\"secret\""), "{retry}");
    }

    #[test]
    fn the_end_of_a_denylist_session_takes_both_access_tokens_and_the_refresh_token() {
        let mut session = ClientSession::begun(1, "a@b".to_owned(), StrategyUnderTest::Denylist, given(0));
        session.renew(given(1));
        let refused: Vec<String> =
            session.must_be_refused().into_iter().map(|bytes| String::from_utf8(bytes).unwrap()).collect();
        let names = |part: &str| refused.iter().filter(|request| request.contains(part)).count();
        assert_eq!((names("Bearer a0"), names("Bearer a1"), names("\"t1\"")), (1, 1, 1));
    }
}
