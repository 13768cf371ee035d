//! What a client holds the server to after it was killed and started again.
//!
//! First the requests whose answers were lost are settled, each way that is allowed; then every promise is called in:
//! who was registered exists, who was signed in still is, who was signed out is not, every chain goes on, and no spent
//! token opens anything.

mod chains;
mod ends;
mod unanswered_requests;

use std::net::SocketAddr;

use portcullis_bench::strategy::StrategyUnderTest;

use crate::breach::{Breach, BreachKind};
use crate::client::StrategyClient;
use crate::client_session::ClientSession;
use crate::server_connection::{ServerConnection, Stop, StrategyReply};

/// Live sessions that a client takes into the next round.
const MOST_SESSIONS: usize = 8;

impl StrategyClient {
    /// Checks everything.
    ///
    /// # Errors
    /// The first promise that was not kept.
    pub(crate) async fn verify(&mut self, address: SocketAddr) -> Result<(), Breach> {
        Stop::let_down(self.verify_on(address).await, true)
    }

    async fn verify_on(&mut self, address: SocketAddr) -> Result<(), Stop> {
        let mut wire = ServerConnection::open(address).await?;
        self.settle_doubts(&mut wire).await?;
        self.registered_users_exist(&mut wire).await?;
        for session in std::mem::take(&mut self.ledger.sessions) {
            self.session_lives(&mut wire, session).await?;
        }
        self.ended_sessions_stay_ended(&mut wire).await?;
        self.ledger.forget_old_sessions(MOST_SESSIONS);
        Ok(())
    }

    /// A second registration of an address that was acknowledged is a conflict; that costs no hash.
    async fn registered_users_exist(&mut self, wire: &mut ServerConnection) -> Result<(), Stop> {
        let round = self.round;
        let of_round = self.ledger.accounts.iter().filter(|account| account.round == round);
        let emails: Vec<String> = of_round.map(|account| account.email.clone()).collect();
        for email in emails {
            let what = format!("register {email} again");
            let reply = self
                .asked(wire, StrategyUnderTest::Jwt, &StrategyUnderTest::Jwt.register(&email), &what)
                .await?;
            let exists = reply.must_be(409, &format!("{email} was registered"));
            exists.map_err(|stop| stop.of_kind(BreachKind::WriteLost))?;
            self.ledger.check("registered user exists");
        }
        Ok(())
    }

    /// A live session opens its profile; a chain goes on as well.
    async fn session_lives(
        &mut self,
        wire: &mut ServerConnection,
        session: ClientSession,
    ) -> Result<(), Stop> {
        if session.has_chain() {
            return self.chain_goes_on(wire, session).await;
        }
        self.opens_profile(wire, &session).await?;
        self.ledger.sessions.push(session);
        Ok(())
    }

    async fn opens_profile(
        &mut self,
        wire: &mut ServerConnection,
        session: &ClientSession,
    ) -> Result<(), Stop> {
        let what = format!("profile of {session}");
        let reply = self.asked(wire, session.strategy, &session.profile(), &what).await?;
        let lives = reply.must_be(200, &format!("{session} was never ended"));
        lives.map_err(|stop| stop.of_kind(BreachKind::WriteLost))?;
        self.ledger.check("live session opens its profile");
        Ok(())
    }

    /// Asks, patiently, and writes the answer into the history.
    async fn asked(
        &mut self,
        wire: &mut ServerConnection,
        strategy: StrategyUnderTest,
        request: &[u8],
        what: &str,
    ) -> Result<StrategyReply, Stop> {
        let reply = wire.ask_patiently(strategy, request).await?;
        self.note(&format!("check: {what}"), &reply);
        Ok(reply)
    }
}
