//! Tickets.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;

use super::MemoryStore;
use super::mail::enqueue;
use crate::clock::Timestamp;
use crate::id::{QueuedMailId, UserKey};
use crate::queued_mail::QueuedMail;
use crate::secret::SecretHash;
use crate::store::{Stored, TicketStore};
use crate::ticket::{
    IssueOutcome, PresentedTicketSecret, RedeemOutcome, RedeemRequest, ReissueOutcome, Ticket, TicketKey,
    TicketPurpose, TicketSecret, TicketState,
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

/// How long until another ticket may be issued like this one; `None` if one may be now.
fn wait(tickets: &Tickets, like: &Ticket, now: Timestamp) -> Option<Duration> {
    let (user, limits) = (like.user_key(), like.purpose.limits());
    let since = now.minus(limits.within);
    let lately = of_user(tickets, &user, like.purpose).filter(|other| other.created > since);
    let mut lately: Vec<_> = lately.map(|other| other.created).collect();
    lately.sort_unstable();
    let oldest = lately.iter().rev().nth(limits.issued.saturating_sub(1) as usize)?;
    Some(limits.wait_since(*oldest, now))
}

/// How many wrong guesses at the user's tickets of this purpose were made lately.
fn wrong_guesses(tickets: &Tickets, like: &Ticket, now: Timestamp) -> u32 {
    let since = now.minus(like.purpose.limits().within);
    let user = like.user_key();
    let guessed = of_user(tickets, &user, like.purpose)
        .filter(|other| other.last_wrong.is_some_and(|wrong| wrong > since));
    guessed.map(|other| other.wrong).sum()
}

/// Closes the user's oldest open tickets beyond the limit, to which this one counts.
fn close_oldest(tickets: &mut Tickets, beside: &Ticket, now: Timestamp) {
    let (user, limits) = (beside.user_key(), beside.purpose.limits());
    let lives =
        |other: &&Ticket| other.state == TicketState::Open && other.expires > now && other.key != beside.key;
    let open = of_user(tickets, &user, beside.purpose).filter(lives);
    let mut open: Vec<_> = open.map(|other| (other.created, other.key.clone())).collect();
    open.sort_unstable();
    let too_many = (open.len() + 1).saturating_sub(limits.open as usize);
    for (_, key) in open.into_iter().take(too_many) {
        if let Some(oldest) = tickets.get_mut(&key) {
            oldest.state = TicketState::Closed;
        }
    }
}

#[async_trait]
impl TicketStore for MemoryStore {
    async fn issue(&self, ticket: &Ticket, mail: &QueuedMail) -> Stored<IssueOutcome> {
        let records = &mut *self.records();
        if let Some(wait) = wait(&records.tickets, ticket, ticket.created) {
            return Ok(IssueOutcome::TooMany { wait });
        }
        close_oldest(&mut records.tickets, ticket, ticket.created);
        records.tickets.insert(ticket.key.clone(), ticket.clone());
        enqueue(&mut records.mail, mail);
        Ok(IssueOutcome::Done)
    }

    async fn reissue(
        &self,
        key: &TicketKey,
        device: Option<SecretHash>,
        mail: &QueuedMail,
        now: Timestamp,
    ) -> Stored<ReissueOutcome> {
        let records = &mut *self.records();
        let Some(stored) = records.tickets.get(key).cloned() else { return Ok(ReissueOutcome::Gone) };
        let wrong_before = wrong_guesses(&records.tickets, &stored, now);
        let next = match stored.reissued(device.as_ref(), wrong_before, now) {
            Ok(next) => next,
            Err(refused) => return Ok(refused),
        };
        if let Some(wait) = wait(&records.tickets, &next, now) {
            return Ok(ReissueOutcome::TooMany { wait });
        }
        close_oldest(&mut records.tickets, &next, now);
        let counted = next.counting_ticket(mail.id, now);
        records.tickets.extend([&next, &counted].map(|ticket| (ticket.key.clone(), ticket.clone())));
        records.mail.retain(|(tenant, _), other| *tenant != key.tenant || other.ticket != Some(key.id));
        enqueue(&mut records.mail, mail);
        Ok(ReissueOutcome::Done(next))
    }

    async fn find(&self, key: &TicketKey) -> Stored<Option<Ticket>> {
        Ok(self.records().tickets.get(key).cloned())
    }

    async fn arm(
        &self,
        key: &TicketKey,
        mail: QueuedMailId,
        secret: &TicketSecret,
        now: Timestamp,
    ) -> Stored<Option<Ticket>> {
        let mut records = self.records();
        if !records.mail.contains_key(&(key.tenant.clone(), mail)) {
            return Ok(None);
        }
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
        let wrong_before = wrong_guesses(&records.tickets, &ticket, now);
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
