//! Ids of tenants, users, sessions, tokens, tickets and queued mails. None of them is a secret.
//!
//! Stores, caches and channels take a [`UserKey`] or a [`SessionKey`], which include the tenant, so that no caller can
//! write a look-up across tenants.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use serde::Serialize;
use thiserror::Error;
use uuid::{Builder, Uuid};

use crate::clock::Timestamp;
use crate::random::{self, Random};
use crate::shown::shown_as_text;

/// A tenant's id: 1 to 63 of `a-z`, `0-9`, `-` and `_`, beginning with a letter or a digit.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantId(Arc<str>);

/// The text is not a tenant id.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("a tenant is named by 1 to 63 of a-z, 0-9, - and _, beginning with a letter or a digit")]
pub struct InvalidTenantId;

impl TenantId {
    /// The tenant of a request that names none.
    #[must_use]
    pub fn default_tenant() -> Self {
        static DEFAULT: LazyLock<TenantId> = LazyLock::new(|| TenantId(Arc::from("default")));
        DEFAULT.clone()
    }

    /// The id as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TenantId {
    type Err = InvalidTenantId;

    fn from_str(text: &str) -> Result<Self, InvalidTenantId> {
        let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
        let first_is_plain = text.bytes().next().is_some_and(plain);
        let rest_is_allowed = text.bytes().all(|c| plain(c) || c == b'-' || c == b'_');
        if first_is_plain && rest_is_allowed && text.len() <= 63 {
            Ok(Self(Arc::from(text)))
        } else {
            Err(InvalidTenantId)
        }
    }
}

shown_as_text!(TenantId by as_str: Display, Debug, Serialize);

macro_rules! uuid_ids {
    ($($(#[$doc:meta])* $name:ident $(of the $time:ident)?;)+) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// The id that is written as this UUID.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID.
            #[must_use]
            pub const fn as_uuid(self) -> Uuid {
                self.0
            }
        }

        $(impl $name {
            #[doc = concat!("Makes a new id, which begins with the ", stringify!($time), ".")]
            pub fn generate(now: Timestamp, random: &dyn Random) -> Self {
                Self(uuid_v7(now, random))
            }
        })?

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                Uuid::try_parse(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    )+ };
}

uuid_ids! {
    /// A user's id, which never changes: a version 7 UUID if Portcullis made it, any UUID if it was imported.
    UserId of the time;

    /// A session's public id (`sid`): a version 7 UUID whose `rand_a` is the user's [`Bucket`]. Lists show it, and it
    /// is not a credential.
    SessionId;

    /// The id of one issued access token (`jti`): a version 7 UUID.
    TokenId of the time;

    /// A ticket's id: a version 4 UUID. A client sends it along with the ticket's secret; alone it is not a credential.
    TicketId;

    /// A feed key's id: a version 4 UUID. It is not the key.
    FeedKeyId;

    /// A queued mail's id: a version 7 UUID.
    QueuedMailId of the time;
}

impl UserId {
    /// The bucket of all sessions of this user.
    #[must_use]
    pub fn bucket(self) -> Bucket {
        // The leading bits of a version 7 id are time: without a hash, all users who signed up today would share one.
        let digest = ring::digest::digest(&ring::digest::SHA256, self.0.as_bytes());
        let leading = digest.as_ref().iter().take(2).fold(0u16, |bits, byte| (bits << 8) | u16::from(*byte));
        Bucket(leading >> 4)
    }
}

impl SessionId {
    /// Makes the id of a new session, with the user's bucket in it.
    pub fn generate(now: Timestamp, user: UserId, random: &dyn Random) -> Self {
        let mut rest: [u8; 10] = random::bytes(random);
        let [high, low] = user.bucket().0.to_be_bytes();
        rest[0] = high;
        rest[1] = low;
        Self(Builder::from_unix_timestamp_millis(unix_millis(now), &rest).into_uuid())
    }

    /// The bucket of the session's user.
    #[must_use]
    pub fn bucket(self) -> Bucket {
        let [.., high, low, _, _, _, _, _, _, _, _] = *self.0.as_bytes();
        Bucket(u16::from_be_bytes([high & 0x0f, low]))
    }
}

fn uuid_v7(now: Timestamp, random: &dyn Random) -> Uuid {
    Builder::from_unix_timestamp_millis(unix_millis(now), &random::bytes(random)).into_uuid()
}

fn unix_millis(now: Timestamp) -> u64 {
    u64::try_from(now.as_millis()).unwrap_or(0)
}

/// Twelve bits, equal for all sessions of one user, so that a clustered store keeps them in one slot.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Bucket(u16);

impl FromStr for Bucket {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u16::from_str_radix(text, 16).map(|bits| Self(bits & 0x0fff))
    }
}

/// Three hexadecimal digits.
impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03x}", self.0)
    }
}

/// A user's id with the tenant.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct UserKey {
    /// The user's tenant.
    pub tenant: TenantId,
    /// The user's id.
    pub id: UserId,
}

/// A session's id with the tenant.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SessionKey {
    /// The session's tenant.
    pub tenant: TenantId,
    /// The session's id.
    pub id: SessionId,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::SystemRandom;

    #[test]
    fn a_tenant_id_is_short_lower_case_and_plain() {
        for good in ["default", "a", "9-lives", "acme_eu", &"x".repeat(63)] {
            assert_eq!(good.parse::<TenantId>().unwrap().as_str(), good);
        }
        for bad in ["", "-a", "_a", "Acme", "a b", "a/b", "é", "a\0", &"x".repeat(64)] {
            assert_eq!(bad.parse::<TenantId>(), Err(InvalidTenantId), "{bad:?}");
        }
    }

    #[test]
    fn a_session_id_is_a_version_7_uuid_that_names_the_bucket_of_its_user() {
        let now = Timestamp::from_millis(1_769_638_376_311);
        for _ in 0..100 {
            let user = UserId::generate(now, &SystemRandom);
            let session = SessionId::generate(now, user, &SystemRandom);
            assert_eq!(session.as_uuid().get_version_num(), 7);
            assert_eq!(session.bucket(), user.bucket());
            assert_eq!(session.bucket().to_string().parse::<Bucket>().unwrap(), user.bucket());
        }
    }

    #[test]
    fn users_made_in_the_same_millisecond_spread_over_the_buckets() {
        let now = Timestamp::from_millis(1_769_638_376_311);
        let buckets: std::collections::HashSet<Bucket> =
            (0..1000).map(|_| UserId::generate(now, &SystemRandom).bucket()).collect();
        assert!(buckets.len() > 700, "{} of 4096", buckets.len());
    }
}
