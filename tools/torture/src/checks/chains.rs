//! Chains of refresh tokens after a kill: the newest token works, a retry gives the same successor, a spent token gives
//! nothing, and without the proof it ends the session.

use rand::RngExt as _;
use rand::seq::IteratorRandom as _;

use crate::breach::BreachKind;
use crate::client::{StrategyClient, must_be_same_successor, take_pair};
use crate::client_session::ClientSession;
use crate::server_connection::{ServerConnection, Stop, StrategyReply};

const VICTIMS: f64 = 0.15;
const SLEEPING_TABS: f64 = 0.25;

impl StrategyClient {
    pub(super) async fn chain_goes_on(
        &mut self,
        wire: &mut ServerConnection,
        mut session: ClientSession,
    ) -> Result<(), Stop> {
        if self.random.random_bool(VICTIMS)
            && let Some(stolen) = self.spent_token(&session, 0)
        {
            return self.thief_ends_it(wire, session, &stolen).await;
        }
        self.retry_gives_the_same(wire, &session).await?;
        if self.random.random_bool(SLEEPING_TABS) {
            self.old_token_with_proof_gives_nothing(wire, &session).await?;
        }
        let what = format!("refresh of {session}");
        self.redeems(wire, &mut session, &what).await?;
        self.ledger.check("newest token of a chain is redeemed");
        self.opens_profile(wire, &session).await?;
        self.ledger.sessions.push(session);
        Ok(())
    }

    /// The newest token that was acknowledged gives a new pair.
    pub(super) async fn redeems(
        &mut self,
        wire: &mut ServerConnection,
        session: &mut ClientSession,
        what: &str,
    ) -> Result<(), Stop> {
        let Some(request) = session.refresh() else { return Ok(()) };
        let reply = self.asked(wire, session.strategy, &request, what).await?;
        take_pair(session, reply, what)
    }

    async fn retry_gives_the_same(
        &mut self,
        wire: &mut ServerConnection,
        session: &ClientSession,
    ) -> Result<(), Stop> {
        let Some(request) = session.retry() else { return Ok(()) };
        let what = format!("the last refresh of {session}, once more");
        let reply = self.asked(wire, session.strategy, &request, &what).await?;
        must_be_same_successor(session, &reply)?;
        self.ledger.check("acknowledged refresh repeated: same successor");
        Ok(())
    }

    /// A tab that slept shows a token from before the last one: refused, and the session stays.
    async fn old_token_with_proof_gives_nothing(
        &mut self,
        wire: &mut ServerConnection,
        session: &ClientSession,
    ) -> Result<(), Stop> {
        let secret = session.chain.as_ref().and_then(|chain| chain.device_secret.as_deref());
        let (Some(token), Some(secret)) = (self.spent_token(session, 1), secret) else { return Ok(()) };
        let request = session.strategy.refresh(&token, Some(secret));
        let what = format!("an old token of {session}, with the proof");
        let reply = self.asked(wire, session.strategy, &request, &what).await?;
        gives_nothing(&reply, &what)?;
        self.ledger.check("old token with proof is refused, session stays");
        Ok(())
    }

    /// A thief without the proof shows a used token: refused, and the session ends.
    async fn thief_ends_it(
        &mut self,
        wire: &mut ServerConnection,
        session: ClientSession,
        stolen: &str,
    ) -> Result<(), Stop> {
        let request = session.strategy.refresh(stolen, None);
        let what = format!("a spent token of {session}, without proof");
        self.ledger.accused.insert(session.email.clone());
        let reply = self.asked(wire, session.strategy, &request, &what).await?;
        gives_nothing(&reply, &what)?;
        self.ledger.check("spent token without proof is refused, session ends");
        self.ledger.end(session, "was ended by a spent token", self.round);
        Ok(())
    }

    /// A random spent token, not one of the newest `but`.
    fn spent_token(&mut self, session: &ClientSession, but: usize) -> Option<String> {
        let spent = &session.chain.as_ref()?.spent;
        spent.iter().rev().skip(but).choose(&mut self.random).cloned()
    }
}

/// A spent token must be refused.
fn gives_nothing(reply: &StrategyReply, what: &str) -> Result<(), Stop> {
    let kind = if reply.status == 201 { BreachKind::SpentTwice } else { BreachKind::Other };
    reply.must_be(401, &format!("{what} gives nothing")).map_err(|stop| stop.of_kind(kind))
}
