//! What has ended stays ended, in this round and in all that follow.

use rand::seq::IteratorRandom as _;

use crate::breach::BreachKind;
use crate::client::StrategyClient;
use crate::server_connection::{ServerConnection, Stop};

/// Sessions of earlier rounds that are asked for again.
const OLD_ONES: usize = 4;

impl StrategyClient {
    /// Shows everything that the ended sessions of this round held, and of a few of earlier rounds: all is refused.
    pub(super) async fn ended_sessions_stay_ended(
        &mut self,
        wire: &mut ServerConnection,
    ) -> Result<(), Stop> {
        let (round, ended) = (self.round, &self.ledger.ended);
        let new_ones = ended.iter().filter(|end| end.round == round);
        let old_ones = ended.iter().filter(|end| end.round < round).sample(&mut self.random, OLD_ONES);
        let shown: Vec<_> = new_ones
            .chain(old_ones)
            .map(|end| {
                (end.session.strategy, end.session.must_be_refused(), format!("{} {}", end.session, end.why))
            })
            .collect();
        for (strategy, requests, what) in shown {
            for request in requests {
                let reply = self.asked(wire, strategy, &request, &format!("{what}, yet shows")).await?;
                let refused = reply.must_be(401, &what);
                refused.map_err(|stop| stop.of_kind(BreachKind::WriteLost))?;
                self.ledger.check("credential of an ended session is refused");
            }
        }
        Ok(())
    }
}
