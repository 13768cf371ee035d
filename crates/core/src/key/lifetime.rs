//! Key rotation: when a key is published, signs, verifies only, and retires.

use std::time::Duration;

use super::{KeyRecord, KeyUse, Kid};
use crate::clock::Timestamp;
use crate::session::REPEAT_AFTER_EXPIRY;
use crate::ticket::LONGEST_LIFETIME;
use crate::token::LEEWAY;

/// The longest that anything signed by a key stays valid, by use. Do not shorten one before everything that was signed
/// under the longer time has expired.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeyLifetimes {
    /// The longest lifetime of an access token.
    pub access: Duration,
    /// The longest lifetime of a refresh token.
    pub refresh: Duration,
    /// The longest lifetime of a cookie.
    pub cookie: Duration,
}

impl KeyLifetimes {
    /// The longest lifetime of what a key of this use signs.
    #[must_use]
    pub const fn of(&self, usage: KeyUse) -> Duration {
        match usage {
            KeyUse::Access => self.access,
            KeyUse::Refresh => self.refresh,
            KeyUse::Cookie => self.cookie,
            KeyUse::Code => LONGEST_LIFETIME,
        }
    }

    /// How long what a key of this use signs may be presented.
    const fn presented(&self, usage: KeyUse) -> Duration {
        let leeway = match usage {
            KeyUse::Access | KeyUse::Cookie | KeyUse::Code => LEEWAY,
            KeyUse::Refresh => REPEAT_AFTER_EXPIRY,
        };
        self.of(usage).saturating_add(leeway)
    }
}

/// A day for access tokens (the longest default of a strategy), 30 days for refresh tokens, 400 days for cookies.
impl Default for KeyLifetimes {
    fn default() -> Self {
        let days = |days: u64| Duration::from_secs(days * 24 * 60 * 60);
        Self { access: days(1), refresh: days(30), cookie: days(400) }
    }
}

/// When a key retires: the last thing it signed has expired, leeway included. From then on it verifies nothing, is not
/// published, and its record may be purged. `None` as long as no other key among `all` follows it.
#[must_use]
pub fn retires_at(record: &KeyRecord, all: &[KeyRecord], lifetimes: &KeyLifetimes) -> Option<Timestamp> {
    let of_same_use = |other: &&KeyRecord| other.tenant == record.tenant && other.usage == record.usage;
    let successor = all
        .iter()
        .filter(of_same_use)
        .filter(|other| seniority(other) > seniority(record))
        .min_by_key(|other| seniority(other))?;
    Some(successor.active_from.plus(lifetimes.presented(record.usage)))
}

/// The order in which keys follow one another: the same on every node, even for keys made at the same time.
pub(crate) fn seniority(record: &KeyRecord) -> (Timestamp, Timestamp, &Kid) {
    (record.active_from, record.created, &record.kid)
}

/// The decrypted keys of one use, oldest first.
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
    /// Decrypts the records of one use with `open`.
    pub(super) fn open<E>(
        usage: KeyUse,
        records: &[KeyRecord],
        lifetimes: &KeyLifetimes,
        open: impl Fn(&KeyRecord) -> Result<K, E>,
    ) -> Result<Self, E> {
        let mut ours: Vec<&KeyRecord> = records.iter().filter(|record| record.usage == usage).collect();
        ours.sort_by_key(|record| seniority(record));
        let scheduled = |record: &KeyRecord| {
            Ok(ScheduledKey {
                kid: record.kid.clone(),
                active_from: record.active_from,
                retires: retires_at(record, records, lifetimes),
                key: open(record)?,
            })
        };
        ours.into_iter().map(scheduled).collect::<Result<_, E>>().map(Self)
    }

    /// The newest key that is active. If none is, because the clock was set back, the oldest.
    pub(super) fn signer(&self, now: Timestamp) -> Option<&K> {
        let active = self.0.iter().rev().find(|scheduled| scheduled.active_from <= now);
        active.or_else(|| self.0.first()).map(|scheduled| &scheduled.key)
    }

    /// The key with this id, until it retires.
    pub(super) fn find(&self, kid: &Kid, now: Timestamp) -> Option<&K> {
        self.not_retired(now).find(|scheduled| scheduled.kid == *kid).map(|scheduled| &scheduled.key)
    }

    /// Every key that verifies, including those that are not active yet; newest first.
    pub(super) fn verifying(&self, now: Timestamp) -> impl Iterator<Item = &K> {
        self.not_retired(now).map(|scheduled| &scheduled.key)
    }

    fn not_retired(&self, now: Timestamp) -> impl Iterator<Item = &ScheduledKey<K>> {
        self.0.iter().rev().filter(move |scheduled| scheduled.retires.is_none_or(|end| now < end))
    }
}
