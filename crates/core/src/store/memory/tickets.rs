//! Tickets.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::MemoryStore;
use super::mail::enqueue;
use crate::clock::Timestamp;
use crate::id::UserKey;
use crate::queued_mail::QueuedMail;
use crate::secret::SecretHash;
use crate::store::{Stored, TicketStore};
use crate::ticket::{
    IssueOutcome, PresentedTicketSecret, RedeemOutcome, RedeemRequest, Ticket, TicketKey, TicketPurpose,
    TicketSecret, TicketState,
};

/// The tickets of all users, by key.
pub(super) type Tickets = BTreeMap<TicketKey, Ticket>;

fn of_user<'a>(
    tickets: &'a Tickets,
    user: &'a UserKey,
    purpose: TicketPurpose,
) -> impl Iterator<Item = &'a Ticket> + use<'a> {
    tickets.values().filter(move |ticket| ticket.user_key() == *user && ticket.purpose == purpose)
}

#[async_trait]
impl TicketStore for MemoryStore {
    async fn issue(&self, ticket: &Ticket, mail: &QueuedMail) -> Stored<IssueOutcome> {
        let mut records = self.records();
        let (user, limits) = (ticket.user_key(), ticket.purpose.limits());
        let since = ticket.created.minus(limits.within);
        let lately = of_user(&records.tickets, &user, ticket.purpose).filter(|other| other.created > since);
        let mut lately: Vec<_> = lately.map(|other| other.created).collect();
        lately.sort_unstable();
        if let Some(oldest) = lately.iter().rev().nth(limits.issued.saturating_sub(1) as usize) {
            return Ok(IssueOutcome::too_many_since(*oldest, &limits, ticket.created));
        }
        let lives = |other: &&Ticket| other.state == TicketState::Open && other.expires > ticket.created;
        let open = of_user(&records.tickets, &user, ticket.purpose).filter(lives);
        let mut open: Vec<_> = open.map(|other| (other.created, other.key.clone())).collect();
        open.sort_unstable();
        let too_many = (open.len() + 1).saturating_sub(limits.open as usize);
        for (_, key) in open.into_iter().take(too_many) {
            if let Some(oldest) = records.tickets.get_mut(&key) {
                oldest.state = TicketState::Closed;
            }
        }
        records.tickets.insert(ticket.key.clone(), ticket.clone());
        enqueue(&mut records.mail, mail);
        Ok(IssueOutcome::Done)
    }

    async fn find(&self, key: &TicketKey) -> Stored<Option<Ticket>> {
        Ok(self.records().tickets.get(key).cloned())
    }

    async fn arm(&self, key: &TicketKey, secret: &TicketSecret, now: Timestamp) -> Stored<Option<Ticket>> {
        let mut records = self.records();
        let Some(stored) = records.tickets.get_mut(key) else { return Ok(None) };
        let armed = stored.clone().armed(secret.clone(), now);
        if let Some(armed) = &armed {
            *stored = armed.clone();
        }
        Ok(armed)
    }

    async fn redeem(
        &self,
        key: &TicketKey,
        purpose: TicketPurpose,
        secret: &PresentedTicketSecret,
        device: Option<SecretHash>,
        now: Timestamp,
    ) -> Stored<RedeemOutcome> {
        let mut records = self.records();
        let Some(ticket) = records.tickets.get(key).filter(|ticket| ticket.purpose == purpose).cloned()
        else {
            return Ok(RedeemOutcome::Gone);
        };
        let since = now.minus(purpose.limits().within);
        let user = ticket.user_key();
        let guessed = of_user(&records.tickets, &user, purpose)
            .filter(|other| other.last_wrong.is_some_and(|wrong| wrong > since));
        let wrong_before = guessed.map(|other| other.wrong).sum();
        let secret = secret.clone();
        let (redeemed, next) = ticket.redeem(&RedeemRequest { secret, device, now, wrong_before });
        records.tickets.insert(key.clone(), next);
        Ok(redeemed)
    }

    async fn purge(&self, now: Timestamp, limit: u32) -> Stored<u64> {
        let mut records = self.records();
        let over = records.tickets.extract_if(.., |_, ticket| ticket.kept_until() <= now);
        Ok(over.take(limit as usize).count() as u64)
    }
}
