//! How long a key lives: published, signing, verifying, gone.

use std::time::Duration;

use super::{KeyRecord, KeyUse, Kid};
use crate::clock::Timestamp;
use crate::token::LEEWAY;

/// The longest that something signed by a key stays good, by use. Never shorten one before everything that was signed
/// under the longer time has expired.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeyLifetimes {
    /// Of access tokens.
    pub access: Duration,
    /// Of refresh tokens.
    pub refresh: Duration,
    /// Of cookies.
    pub cookie: Duration,
}

impl KeyLifetimes {
    /// The longest life under the key of one use.
    #[must_use]
    pub const fn of(&self, usage: KeyUse) -> Duration {
        match usage {
            KeyUse::Access => self.access,
            KeyUse::Refresh => self.refresh,
            KeyUse::Cookie => self.cookie,
        }
    }
}

/// A day for access tokens (the longest default of a strategy), 30 days for refresh tokens, 400 days for cookies.
impl Default for KeyLifetimes {
    fn default() -> Self {
        let days = |days: u64| Duration::from_secs(days * 24 * 60 * 60);
        Self { access: days(1), refresh: days(30), cookie: days(400) }
    }
}

/// When a key is of no more use: the last thing it signed has expired, leeway included. From then on it verifies
/// nothing, is no longer published, and its record may be purged. `None` as long as no other key among `all` follows it.
#[must_use]
pub fn retires_at(record: &KeyRecord, all: &[KeyRecord], lifetimes: &KeyLifetimes) -> Option<Timestamp> {
    let of_one_line = |other: &&KeyRecord| other.tenant == record.tenant && other.usage == record.usage;
    let successor = all
        .iter()
        .filter(of_one_line)
        .filter(|other| seniority(other) > seniority(record))
        .min_by_key(|other| seniority(other))?;
    Some(successor.active_from.plus(lifetimes.of(record.usage)).plus(LEEWAY))
}

/// The order in which keys follow one another: the same on every node, even for two that were made at one time.
fn seniority(record: &KeyRecord) -> (Timestamp, Timestamp, &Kid) {
    (record.active_from, record.created, &record.kid)
}

/// The keys of one use, opened, oldest first.
#[derive(Debug)]
pub(super) struct KeySequence<K>(Vec<ScheduledKey<K>>);

#[derive(Debug)]
struct ScheduledKey<K> {
    kid: Kid,
    active_from: Timestamp,
    retires: Option<Timestamp>,
    key: K,
}

impl<K> KeySequence<K> {
    /// Opens the records of one use.
    pub(super) fn open<E>(
        usage: KeyUse,
        records: &[KeyRecord],
        lifetimes: &KeyLifetimes,
        open: impl Fn(&KeyRecord) -> Result<K, E>,
    ) -> Result<Self, E> {
        let mut ours: Vec<&KeyRecord> = records.iter().filter(|record| record.usage == usage).collect();
        ours.sort_by_key(|record| seniority(record));
        let term = |record: &KeyRecord| {
            Ok(ScheduledKey {
                kid: record.kid.clone(),
                active_from: record.active_from,
                retires: retires_at(record, records, lifetimes),
                key: open(record)?,
            })
        };
        ours.into_iter().map(term).collect::<Result<_, E>>().map(Self)
    }

    /// The newest key that is active.
    pub(super) fn signer(&self, now: Timestamp) -> Option<&K> {
        self.0.iter().rev().find(|term| term.active_from <= now).map(|term| &term.key)
    }

    /// The key of this name, until it retires.
    pub(super) fn find(&self, kid: &Kid, now: Timestamp) -> Option<&K> {
        self.terms(now).find(|term| term.kid == *kid).map(|term| &term.key)
    }

    /// Every key that verifies, those included that are not active yet; newest first.
    pub(super) fn verifying(&self, now: Timestamp) -> impl Iterator<Item = &K> {
        self.terms(now).map(|term| &term.key)
    }

    fn terms(&self, now: Timestamp) -> impl Iterator<Item = &ScheduledKey<K>> {
        self.0.iter().rev().filter(move |term| term.retires.is_none_or(|end| now < end))
    }
}
