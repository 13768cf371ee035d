//! One client under load: it registers, signs in, checks, refreshes and signs out, as its seed says, until the
//! connection breaks.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use portcullis_bench::strategy::StrategyUnderTest;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};

use crate::breach::{Breach, BreachKind};
use crate::client_session::ClientSession;
use crate::ledger::{Account, Ledger, UnansweredRequest};
use crate::server_connection::{ServerConnection, Stop, StrategyReply, pause};

/// With fewer sessions the client does not sign out.
const ENOUGH_SESSIONS: usize = 3;

/// What a client can do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum ClientAction {
    Register,
    Login,
    Profile,
    Refresh,
    /// The last refresh once more, as a second tab sends it.
    Retry,
    Logout,
}

/// With hashing in the mix, most requests in flight at a kill are hashes; a light client leaves them out, so that
/// rotations and sign-outs are hit too.
const MIXED: [(ClientAction, u32); 6] = [
    (ClientAction::Register, 8),
    (ClientAction::Login, 16),
    (ClientAction::Profile, 20),
    (ClientAction::Refresh, 36),
    (ClientAction::Retry, 10),
    (ClientAction::Logout, 10),
];
const LIGHT: [(ClientAction, u32); 4] = [
    (ClientAction::Profile, 10),
    (ClientAction::Refresh, 70),
    (ClientAction::Retry, 10),
    (ClientAction::Logout, 10),
];

/// One client.
#[derive(Debug)]
pub(crate) struct StrategyClient {
    pub(crate) number: u64,
    pub(crate) round: u64,
    pub(crate) ledger: Ledger,
    pub(crate) random: StdRng,
    mix: &'static [(ClientAction, u32)],
    made: u64,
}

impl StrategyClient {
    /// The client of this number, which has done nothing yet.
    pub(crate) fn new(number: u64) -> Self {
        let random = StdRng::from_seed([0; 32]);
        Self { number, round: 0, ledger: Ledger::default(), random, mix: &MIXED, made: 0 }
    }

    /// Turns to the next round, whose choices depend on nothing but the seed, the round and the client.
    pub(crate) fn begin_round(&mut self, seed: u64, round: u64) {
        self.round = round;
        self.random = random_of(seed, round, self.number);
        self.mix = if self.random.random_bool(0.5) { &MIXED } else { &LIGHT };
    }

    /// Works until the server is killed.
    ///
    /// # Errors
    /// What the server did that it must not do.
    pub(crate) async fn work(&mut self, address: SocketAddr, killed: &AtomicBool) -> Result<(), Breach> {
        let outcome = self.work_on(address).await;
        Stop::let_down(outcome, !killed.load(Ordering::SeqCst))?;
        for doubt in &self.ledger.doubts {
            *self.ledger.lost.entry(doubt.kind()).or_default() += 1;
        }
        self.ledger.note(format!("round {}: the server was killed", self.round));
        Ok(())
    }

    async fn work_on(&mut self, address: SocketAddr) -> Result<(), Stop> {
        let mut wire = ServerConnection::open(address).await?;
        loop {
            match self.choose() {
                ClientAction::Register => self.register(&mut wire).await?,
                ClientAction::Login => self.login(&mut wire).await?,
                ClientAction::Profile => self.profile(&mut wire).await?,
                ClientAction::Refresh => self.refresh(&mut wire).await?,
                ClientAction::Retry => self.retry(&mut wire).await?,
                ClientAction::Logout => self.logout(&mut wire).await?,
            }
        }
    }

    fn choose(&mut self) -> ClientAction {
        if self.ledger.sessions.is_empty() {
            return ClientAction::Login;
        }
        let chosen = self.mix.choose_weighted(&mut self.random, |(_, weight)| *weight);
        let operation = chosen.map_or(ClientAction::Profile, |(operation, _)| *operation);
        match operation {
            ClientAction::Logout if self.ledger.sessions.len() < ENOUGH_SESSIONS => ClientAction::Profile,
            other => other,
        }
    }

    async fn register(&mut self, wire: &mut ServerConnection) -> Result<(), Stop> {
        self.made += 1;
        let email = format!("r{}-c{}-{}@torture.example", self.round, self.number, self.made);
        let strategy = self.any_strategy();
        self.ledger.doubts.push(UnansweredRequest::Register(email.clone()));
        let what = format!("register {email} under {strategy}");
        let reply = self.ask(wire, strategy, &strategy.register(&email), &what).await?;
        if self.settled(&reply, 201, "a new address must be registered").await? {
            self.ledger.acknowledge("register");
            self.ledger.accounts.push(Account { email, round: self.round, logins: 0 });
        }
        Ok(())
    }

    async fn login(&mut self, wire: &mut ServerConnection) -> Result<(), Stop> {
        let Some(email) = self.count_login() else { return self.register(wire).await };
        let strategy = self.any_strategy();
        let native = strategy.rotates() && self.random.random_bool(0.6);
        self.ledger.doubts.push(UnansweredRequest::Login);
        let what = format!("login {email} under {strategy}, native {native}");
        let reply = self.ask(wire, strategy, &strategy.login(&email, native), &what).await?;
        if self.settled(&reply, 201, "a registered user must be let in").await? {
            self.ledger.acknowledge("login");
            self.begin_session(email, strategy, native, reply)?;
        }
        Ok(())
    }

    /// The address of a user who may sign in once more.
    fn count_login(&mut self) -> Option<String> {
        let mut newest_first = self.ledger.accounts.iter_mut().rev();
        let account = newest_first.find(|account| account.has_logins_left())?;
        account.logins += 1;
        Some(account.email.clone())
    }

    fn begin_session(
        &mut self,
        email: String,
        strategy: StrategyUnderTest,
        native: bool,
        reply: StrategyReply,
    ) -> Result<(), Stop> {
        let complete = reply.credentials.as_ref().is_some_and(|given| {
            given.refresh_token.is_some() == strategy.rotates() && given.device_secret.is_some() == native
        });
        match reply.credentials {
            Some(given) if complete => {
                self.made += 1;
                self.ledger.sessions.push(ClientSession::begun(self.made, email, strategy, given));
                Ok(())
            }
            _ => Err(Stop::broken(format!(
                "a {strategy} login (native {native}) must give its credentials, but gave {}",
                reply.text
            ))),
        }
    }

    async fn profile(&mut self, wire: &mut ServerConnection) -> Result<(), Stop> {
        let Some(index) = self.any_session(ClientSession::is_young) else { return self.login(wire).await };
        let Some(session) = self.ledger.sessions.get(index) else { return Ok(()) };
        let (strategy, request) = (session.strategy, session.profile());
        let what = format!("profile of {session}");
        let reply = self.ask(wire, strategy, &request, &what).await?;
        match reply.status {
            200 => self.ledger.acknowledge("profile"),
            503 => pause().await,
            _ => {
                let broken = reply.broken(&format!("{what} must be given: the session was not ended"));
                return Err(broken.of_kind(BreachKind::WriteLost));
            }
        }
        Ok(())
    }

    async fn refresh(&mut self, wire: &mut ServerConnection) -> Result<(), Stop> {
        let Some(index) = self.any_session(ClientSession::has_chain) else { return self.login(wire).await };
        let session = self.ledger.sessions.swap_remove(index);
        let Some(request) = session.refresh() else { return Ok(()) };
        let (strategy, what) = (session.strategy, format!("refresh of {session}"));
        self.ledger.doubts.push(UnansweredRequest::Refresh(session.clone()));
        let reply = self.ask(wire, strategy, &request, &what).await?;
        let settled = self.settled(&reply, 201, &format!("{what} must give a new pair")).await;
        if settled.map_err(|stop| stop.of_kind(session.refusal()))? {
            let kind = if session.has_proof() { "refresh with proof" } else { "refresh without proof" };
            self.ledger.acknowledge(kind);
            self.keep_renewed(session, reply, &what)?;
        }
        Ok(())
    }

    async fn retry(&mut self, wire: &mut ServerConnection) -> Result<(), Stop> {
        let Some(index) = self.any_session(|session| session.retry().is_some()) else {
            return self.refresh(wire).await;
        };
        let Some(session) = self.ledger.sessions.get(index).cloned() else { return Ok(()) };
        let Some(request) = session.retry() else { return Ok(()) };
        let what = format!("the last refresh of {session} once more");
        let reply = self.ask(wire, session.strategy, &request, &what).await?;
        if reply.status == 503 {
            pause().await;
            return Ok(());
        }
        self.ledger.acknowledge("retry of a refresh");
        must_be_same_successor(&session, &reply)
    }

    async fn logout(&mut self, wire: &mut ServerConnection) -> Result<(), Stop> {
        let Some(index) = self.any_session(ClientSession::is_young) else { return self.login(wire).await };
        let sessions = self.ledger.take_with_all_that_sign_out_ends(index);
        let Some(first) = sessions.first() else { return Ok(()) };
        let (strategy, request) = (first.strategy, first.strategy.logout(&first.access));
        let what = format!("logout of {first}, {} in all", sessions.len());
        self.ledger.doubts.push(UnansweredRequest::Logout(sessions));
        let reply = self.ask(wire, strategy, &request, &what).await?;
        let settled = self.settle(&reply, 201, &format!("{what} must be possible")).await?;
        let Some(UnansweredRequest::Logout(sessions)) = settled else { return Ok(()) };
        self.ledger.acknowledge("logout");
        for session in sessions {
            self.ledger.end(session, "was signed out", self.round);
        }
        Ok(())
    }

    /// Asks, and writes the answer into the history.
    async fn ask(
        &mut self,
        wire: &mut ServerConnection,
        strategy: StrategyUnderTest,
        request: &[u8],
        what: &str,
    ) -> Result<StrategyReply, Stop> {
        let reply = wire.ask(strategy, request).await?;
        self.note(what, &reply);
        Ok(reply)
    }

    /// The session goes on with the pair that an answered refresh must carry.
    pub(crate) fn keep_renewed(
        &mut self,
        mut session: ClientSession,
        reply: StrategyReply,
        what: &str,
    ) -> Result<(), Stop> {
        take_pair(&mut session, reply, what)?;
        self.ledger.sessions.push(session);
        Ok(())
    }

    /// Whether the answer settles the last doubt.
    async fn settled(&mut self, reply: &StrategyReply, status: u16, promise: &str) -> Result<bool, Stop> {
        Ok(self.settle(reply, status, promise).await?.is_some())
    }

    /// Takes back the last doubt if the answer settles it. A 503 does not: it may have come after the deed.
    async fn settle(
        &mut self,
        reply: &StrategyReply,
        status: u16,
        promise: &str,
    ) -> Result<Option<UnansweredRequest>, Stop> {
        if reply.status == 503 {
            pause().await;
            return Ok(None);
        }
        reply.must_be(status, promise)?;
        Ok(self.ledger.doubts.pop())
    }

    pub(crate) fn note(&mut self, what: &str, reply: &StrategyReply) {
        self.ledger.note(format!("round {}: {what}: {}", self.round, reply.text));
    }

    fn any_strategy(&mut self) -> StrategyUnderTest {
        StrategyUnderTest::ALL.choose(&mut self.random).copied().unwrap_or(StrategyUnderTest::Jwt)
    }

    /// The place of a random session among those that fit.
    fn any_session(&mut self, fits: impl Fn(&ClientSession) -> bool) -> Option<usize> {
        let sessions = self.ledger.sessions.iter().enumerate();
        let fitting: Vec<usize> =
            sessions.filter(|(_, session)| fits(session)).map(|(index, _)| index).collect();
        fitting.choose(&mut self.random).copied()
    }
}

/// An answered refresh must carry the new pair.
pub(crate) fn take_pair(session: &mut ClientSession, reply: StrategyReply, what: &str) -> Result<(), Stop> {
    let promise = format!("{what} must give a new pair");
    let broken = reply.broken(&promise).of_kind(session.refusal());
    reply.must_be(201, &promise).map_err(|stop| stop.of_kind(session.refusal()))?;
    if reply.credentials.is_some_and(|given| session.renew(given)) { Ok(()) } else { Err(broken) }
}

/// A retry must be given the very refresh token that the client holds already.
pub(crate) fn must_be_same_successor(session: &ClientSession, reply: &StrategyReply) -> Result<(), Stop> {
    let promise = format!("the last refresh of {session}, sent once more, must give the same token");
    reply.must_be(201, &promise).map_err(|stop| stop.of_kind(BreachKind::ProofRefused))?;
    let given = reply.credentials.as_ref().and_then(|given| given.refresh_token.as_ref());
    if given == session.chain.as_ref().map(|chain| &chain.current) {
        Ok(())
    } else {
        Err(reply.broken(&promise).of_kind(BreachKind::SpentTwice))
    }
}

/// The random choices of one client in one round.
pub(crate) fn random_of(seed: u64, round: u64, client: u64) -> StdRng {
    let mut bytes = [0; 32];
    let parts = [seed, round, client].into_iter().flat_map(u64::to_le_bytes);
    bytes.iter_mut().zip(parts).for_each(|(byte, part)| *byte = part);
    StdRng::from_seed(bytes)
}
