//! Requests whose answers were lost: the deed was done or it was not, and each of the two must be whole.

use portcullis_bench::strategy::StrategyUnderTest;

use crate::client::StrategyClient;
use crate::client_session::ClientSession;
use crate::ledger::{Account, UnansweredRequest};
use crate::server_connection::{ServerConnection, Stop};

/// Registers and signs in without keeping anything at the server.
const STRATEGY: StrategyUnderTest = StrategyUnderTest::Jwt;

impl StrategyClient {
    pub(super) async fn settle_doubts(&mut self, wire: &mut ServerConnection) -> Result<(), Stop> {
        for doubt in std::mem::take(&mut self.ledger.doubts) {
            match doubt {
                UnansweredRequest::Register(email) => self.user_is_whole_or_absent(wire, email).await?,
                // A client that lost the answer to a sign-in holds no credentials.
                UnansweredRequest::Login => {}
                UnansweredRequest::Refresh(session) => self.refreshes_again(wire, session).await?,
                UnansweredRequest::Logout(sessions) => {
                    for session in sessions {
                        self.lives_or_has_ended(wire, session).await?;
                    }
                }
            }
        }
        Ok(())
    }

    async fn refreshes_again(
        &mut self,
        wire: &mut ServerConnection,
        session: ClientSession,
    ) -> Result<(), Stop> {
        if session.has_proof() {
            self.is_not_stranded(wire, session).await
        } else {
            self.tries_the_held_token(wire, session).await
        }
    }

    /// Either the address is still free, or the user can sign in with the password that was sent.
    async fn user_is_whole_or_absent(
        &mut self,
        wire: &mut ServerConnection,
        email: String,
    ) -> Result<(), Stop> {
        let what = format!("register {email}, whose answer was lost, again");
        let reply = self.asked(wire, STRATEGY, &STRATEGY.register(&email), &what).await?;
        let mut logins = 0;
        if reply.status != 201 {
            reply.must_be(409, "a lost registration either happened or did not")?;
            self.owner_signs_in(wire, &email).await?;
            logins = 1;
        }
        self.ledger.check("user of a lost registration is whole or absent");
        self.ledger.accounts.push(Account { email, round: self.round, logins });
        Ok(())
    }

    async fn owner_signs_in(&mut self, wire: &mut ServerConnection, email: &str) -> Result<(), Stop> {
        let login = STRATEGY.login(email, false);
        let reply = self.asked(wire, STRATEGY, &login, &format!("login {email}")).await?;
        reply.must_be(201, &format!("{email} is taken, so its owner must be let in"))
    }

    /// A client that holds its proof sends the same request again and gets a pair that works, whatever was lost.
    async fn is_not_stranded(
        &mut self,
        wire: &mut ServerConnection,
        mut session: ClientSession,
    ) -> Result<(), Stop> {
        let what = format!("the lost refresh of {session}, sent once more");
        self.redeems(wire, &mut session, &what).await?;
        self.opens_profile(wire, &session).await?;
        let what = format!("refresh of {session} after that");
        self.redeems(wire, &mut session, &what).await?;
        self.ledger.check("lost refresh repeated with proof");
        self.ledger.sessions.push(session);
        Ok(())
    }

    /// Without a proof the token that the client holds may be spent: then showing it ends the session.
    async fn tries_the_held_token(
        &mut self,
        wire: &mut ServerConnection,
        session: ClientSession,
    ) -> Result<(), Stop> {
        let what = format!("the lost refresh of {session}, sent once more");
        let Some(request) = session.refresh() else { return Ok(()) };
        self.ledger.accused.insert(session.email.clone());
        let reply = self.asked(wire, session.strategy, &request, &what).await?;
        self.ledger.check("lost refresh repeated without proof");
        if reply.status == 201 {
            return self.keep_renewed(session, reply, &what);
        }
        reply.must_be(401, &format!("{what} is either a refresh or a reuse"))?;
        self.ledger.end(session, "showed a spent token", self.round);
        Ok(())
    }

    /// A lost sign-out happened or did not. What it left is entered, and held to that from now on: a session that ended
    /// by half fails the check of the ended ones, or that of the live ones.
    async fn lives_or_has_ended(
        &mut self,
        wire: &mut ServerConnection,
        session: ClientSession,
    ) -> Result<(), Stop> {
        let what = format!("is {session} alive after a lost logout");
        // The access token of `refresh` lives out its minutes; only the chain can tell.
        let chain = if session.strategy == StrategyUnderTest::Refresh { session.refresh() } else { None };
        let renews = chain.is_some();
        let request = chain.unwrap_or_else(|| session.profile());
        let reply = self.asked(wire, session.strategy, &request, &what).await?;
        self.ledger.check("session of a lost sign-out lives or has ended");
        if reply.status != 401 {
            if renews {
                return self.keep_renewed(session, reply, &what);
            }
            reply.must_be(200, &format!("{what}: yes or no"))?;
            self.ledger.sessions.push(session);
            return Ok(());
        }
        self.ledger.end(session, "was signed out, and the answer was lost", self.round);
        Ok(())
    }
}
