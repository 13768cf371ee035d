//! Tickets, guesses and messages that wait.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::MemoryStore;
use crate::clock::Timestamp;
use crate::id::{QueuedMailId, TenantId, UserKey};
use crate::lockout::{
    self, AttemptEffect, AttemptKey, AttemptOutcome, AttemptPermit, AttemptRecord, LockoutLimits,
};
use crate::queued_mail::{CLAIM_LEASE, QueuedMail};
use crate::secret::SecretHash;
use crate::store::{AttemptStore, MailStore, Stored, TicketStore};
use crate::ticket::{
    IssueOutcome, RedeemOutcome, RedeemRequest, Ticket, TicketKey, TicketPurpose, TicketState,
};

/// The tickets of all users, by key.
pub(super) type Tickets = BTreeMap<TicketKey, Ticket>;

/// The messages that wait.
pub(super) type Queue = BTreeMap<(TenantId, QueuedMailId), QueuedMail>;

fn queue(mail: &mut Queue, mailing: &QueuedMail) {
    let place = (mailing.user.tenant.clone(), mailing.id);
    mail.entry(place).or_insert_with(|| mailing.clone());
}

fn of_user<'a>(
    tickets: &'a Tickets,
    user: &'a UserKey,
    purpose: TicketPurpose,
) -> impl Iterator<Item = &'a Ticket> + use<'a> {
    tickets.values().filter(move |ticket| ticket.user_key() == *user && ticket.purpose == purpose)
}

#[async_trait]
impl TicketStore for MemoryStore {
    async fn issue(&self, ticket: &Ticket, mailing: &QueuedMail) -> Stored<IssueOutcome> {
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
        queue(&mut records.mail, mailing);
        Ok(IssueOutcome::Done)
    }

    async fn find(&self, key: &TicketKey) -> Stored<Option<Ticket>> {
        Ok(self.records().tickets.get(key).cloned())
    }

    async fn arm(&self, key: &TicketKey, secret: SecretHash, now: Timestamp) -> Stored<Option<Ticket>> {
        let mut records = self.records();
        let Some(stored) = records.tickets.get_mut(key) else { return Ok(None) };
        let armed = stored.clone().armed(secret, now);
        if let Some(armed) = &armed {
            *stored = armed.clone();
        }
        Ok(armed)
    }

    async fn redeem(
        &self,
        key: &TicketKey,
        purpose: TicketPurpose,
        secret: SecretHash,
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
        let (redeemed, next) = ticket.redeem(&RedeemRequest { secret, device, now, wrong_before });
        records.tickets.insert(key.clone(), next);
        Ok(redeemed)
    }

    async fn purge(&self, now: Timestamp, limit: u32) -> Stored<u64> {
        let mut records = self.records();
        let spent = records.tickets.values().filter(|ticket| ticket.kept_until() <= now);
        let spent: Vec<TicketKey> = spent.take(limit as usize).map(|ticket| ticket.key.clone()).collect();
        for key in &spent {
            records.tickets.remove(key);
        }
        Ok(spent.len() as u64)
    }
}

/// The guesses at one password, and when something was added to them.
pub(super) type Counted = BTreeMap<AttemptKey, (AttemptRecord, Timestamp)>;

#[async_trait]
impl AttemptStore for MemoryStore {
    async fn reserve(
        &self,
        key: &AttemptKey,
        limits: &LockoutLimits,
        now: Timestamp,
    ) -> Stored<AttemptPermit> {
        let mut records = self.records();
        let stored = records.guesses.get(key).map(|(guesses, _)| guesses.clone()).unwrap_or_default();
        let (reserved, next) = stored.clone().reserve(now, limits);
        // A guess that may not be looked at adds nothing.
        if next != stored {
            records.guesses.insert(key.clone(), (next, now));
        }
        Ok(reserved)
    }

    async fn settle(
        &self,
        key: &AttemptKey,
        reserved: AttemptPermit,
        outcome: AttemptOutcome,
        limits: &LockoutLimits,
        now: Timestamp,
    ) -> Stored<AttemptEffect> {
        let mut records = self.records();
        let stored = records.guesses.get(key).map(|(guesses, _)| guesses.clone()).unwrap_or_default();
        let (settled, next) = stored.settle(reserved, outcome, now, limits);
        if next.is_blank() {
            records.guesses.remove(key);
        } else {
            records.guesses.insert(key.clone(), (next, now));
        }
        Ok(settled)
    }

    async fn find(&self, key: &AttemptKey) -> Stored<AttemptRecord> {
        Ok(self.records().guesses.get(key).map(|(guesses, _)| guesses.clone()).unwrap_or_default())
    }

    async fn clear(&self, user: &UserKey) -> Stored<()> {
        self.records().guesses.retain(|key, _| key.user != *user);
        Ok(())
    }

    async fn purge(&self, now: Timestamp, limit: u32) -> Stored<u64> {
        let mut records = self.records();
        let old = |(_, (_, at)): &(&AttemptKey, &(AttemptRecord, Timestamp))| {
            at.plus(lockout::ATTEMPT_RETENTION) <= now
        };
        let old = records.guesses.iter().filter(old).take(limit as usize);
        let old: Vec<AttemptKey> = old.map(|(key, _)| key.clone()).collect();
        for key in &old {
            records.guesses.remove(key);
        }
        Ok(old.len() as u64)
    }
}

#[async_trait]
impl MailStore for MemoryStore {
    async fn put(&self, mailing: &QueuedMail) -> Stored<()> {
        queue(&mut self.records().mail, mailing);
        Ok(())
    }

    async fn claim(&self, now: Timestamp, limit: u32) -> Stored<Vec<QueuedMail>> {
        let mut records = self.records();
        let mut due: Vec<&mut QueuedMail> =
            records.mail.values_mut().filter(|mailing| mailing.due <= now).collect();
        due.sort_unstable_by_key(|mailing| (mailing.due, mailing.id));
        let claim = |mailing: &mut QueuedMail| {
            mailing.due = now.plus(CLAIM_LEASE);
            mailing.tries += 1;
            mailing.clone()
        };
        Ok(due.into_iter().take(limit as usize).map(claim).collect())
    }

    async fn put_off(&self, tenant: &TenantId, id: QueuedMailId, due: Timestamp) -> Stored<bool> {
        let mut records = self.records();
        let found = records.mail.get_mut(&(tenant.clone(), id));
        Ok(found.map(|mailing| mailing.due = due).is_some())
    }

    async fn done(&self, tenant: &TenantId, id: QueuedMailId) -> Stored<bool> {
        Ok(self.records().mail.remove(&(tenant.clone(), id)).is_some())
    }

    async fn waiting(&self) -> Stored<u64> {
        Ok(self.records().mail.len() as u64)
    }
}
