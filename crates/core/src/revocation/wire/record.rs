//! One revocation, as a JSON array whose first member says what it is.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::de::{self, Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};
use serde_json::{Value, json};
use thiserror::Error;

use crate::clock::Timestamp;
use crate::id::{SessionId, TenantId, UserId};
use crate::key::Kid;
use crate::user::Role;

/// What was revoked. `until` is when the last credential that it concerns has expired. It travels in whole seconds,
/// rounded up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Revocation {
    /// `["s",sid,until]`: a session has ended. Under `hybrid` the id is the token's `jti`.
    Session {
        /// The session.
        id: SessionId,
        /// When its last credential has expired.
        until: Timestamp,
    },
    /// `["u",sub,epoch,[sid…],until]`: tokens of a user under a lower epoch are over, but for the kept sessions.
    User {
        /// The user.
        id: UserId,
        /// The lowest epoch that counts.
        epoch: u64,
        /// The sessions that are spared.
        kept: Vec<SessionId>,
        /// When the last of the tokens has expired.
        until: Timestamp,
    },
    /// `["t","active"|"suspended",epoch]`: the state of a tenant, and the lowest epoch that counts there.
    Tenant {
        /// Whether the tenant is suspended.
        suspended: bool,
        /// The lowest epoch that counts.
        epoch: u64,
    },
    /// `["e",epoch]`: the lowest epoch of everyone that counts.
    Everyone {
        /// The lowest epoch that counts.
        epoch: u64,
    },
    /// `["r",sub,role,until]`: a user's role, which counts in place of the token's.
    Role {
        /// The user.
        id: UserId,
        /// The role.
        role: Role,
        /// When the last token with another role has expired.
        until: Timestamp,
    },
    /// `["k",kid]`: a key is compromised; what it signed counts no more.
    Key {
        /// The key.
        kid: Kid,
    },
    /// `["j"]`: the key set has changed, and is to be fetched again.
    KeySet,
}

/// A revocation, with its tenant where the feed key is of several tenants.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RevocationRecord {
    /// What was revoked.
    pub revocation: Revocation,
    /// The tenant, the last member of the array; `None` where the feed key is of one tenant.
    pub tenant: Option<TenantId>,
}

/// The array is no record that this version knows. A verifier must not pass it over: it would forget a revocation.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("not a record of the revocation feed")]
pub struct InvalidRecord;

impl Revocation {
    /// When it may be forgotten; `None` if it counts for ever.
    #[must_use]
    pub const fn until(&self) -> Option<Timestamp> {
        match self {
            Self::Session { until, .. } | Self::User { until, .. } | Self::Role { until, .. } => Some(*until),
            Self::Tenant { .. } | Self::Everyone { .. } | Self::Key { .. } | Self::KeySet => None,
        }
    }

    fn members(&self) -> Value {
        match self {
            Self::Session { id, until } => json!(["s", id, rounded_up(*until)]),
            Self::User { id, epoch, kept, until } => json!(["u", id, epoch, kept, rounded_up(*until)]),
            Self::Tenant { suspended, epoch } => json!(["t", state(*suspended), epoch]),
            Self::Everyone { epoch } => json!(["e", epoch]),
            Self::Role { id, role, until } => json!(["r", id, role, rounded_up(*until)]),
            Self::Key { kid } => json!(["k", kid]),
            Self::KeySet => json!(["j"]),
        }
    }

    /// Reads the members of an array, and returns what is left of them: the tenant, if any.
    fn read(members: &[Value]) -> Option<(Self, &[Value])> {
        let (word, members) = members.split_first()?;
        Some(match (word.as_str()?, members) {
            ("s", [id, until, rest @ ..]) => (Self::Session { id: parsed(id)?, until: time(until)? }, rest),
            ("u", [id, epoch, kept, until, rest @ ..]) => {
                let kept = kept.as_array()?.iter().map(parsed).collect::<Option<_>>()?;
                (Self::User { id: parsed(id)?, epoch: epoch.as_u64()?, kept, until: time(until)? }, rest)
            }
            ("t", [state, epoch, rest @ ..]) => {
                (Self::Tenant { suspended: is_suspended(state)?, epoch: epoch.as_u64()? }, rest)
            }
            ("e", [epoch, rest @ ..]) => (Self::Everyone { epoch: epoch.as_u64()? }, rest),
            ("r", [id, role, until, rest @ ..]) => {
                (Self::Role { id: parsed(id)?, role: parsed(role)?, until: time(until)? }, rest)
            }
            ("k", [kid, rest @ ..]) => (Self::Key { kid: parsed(kid)? }, rest),
            ("j", rest) => (Self::KeySet, rest),
            _ => return None,
        })
    }
}

fn rounded_up(until: Timestamp) -> i64 {
    until.plus(Duration::from_millis(999)).as_seconds()
}

const fn state(suspended: bool) -> &'static str {
    if suspended { "suspended" } else { "active" }
}

fn is_suspended(value: &Value) -> Option<bool> {
    match value.as_str()? {
        "active" => Some(false),
        "suspended" => Some(true),
        _ => None,
    }
}

fn parsed<T: FromStr>(value: &Value) -> Option<T> {
    value.as_str()?.parse().ok()
}

fn time(value: &Value) -> Option<Timestamp> {
    value.as_i64().map(Timestamp::from_seconds)
}

impl TryFrom<&Value> for RevocationRecord {
    type Error = InvalidRecord;

    fn try_from(value: &Value) -> Result<Self, InvalidRecord> {
        let members = value.as_array().ok_or(InvalidRecord)?;
        let (revocation, rest) = Revocation::read(members).ok_or(InvalidRecord)?;
        let tenant = match rest {
            [] => None,
            [tenant] => Some(parsed(tenant).ok_or(InvalidRecord)?),
            _ => return Err(InvalidRecord),
        };
        Ok(Self { revocation, tenant })
    }
}

impl From<&RevocationRecord> for Value {
    fn from(record: &RevocationRecord) -> Self {
        let mut value = record.revocation.members();
        if let (Some(members), Some(tenant)) = (value.as_array_mut(), &record.tenant) {
            members.push(json!(tenant));
        }
        value
    }
}

impl Serialize for RevocationRecord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Value::from(self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for RevocationRecord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::try_from(&Value::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl fmt::Display for RevocationRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Value::from(self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORDS: [&str; 10] = [
        r#"["s","019c0a5e-0000-7000-8000-000000000001",1769640000]"#,
        r#"["u","019c0a5e-0000-7000-8000-000000000002",3,[],1769640000]"#,
        r#"["u","019c0a5e-0000-7000-8000-000000000002",4,["019c0a5e-0000-7000-8000-000000000001"],1769640000]"#,
        r#"["t","suspended",2]"#,
        r#"["t","active",2]"#,
        r#"["e",9]"#,
        r#"["r","019c0a5e-0000-7000-8000-000000000002","manager",1769640000]"#,
        r#"["k","key-1"]"#,
        r#"["j"]"#,
        r#"["s","019c0a5e-0000-7000-8000-000000000001",1769640000,"acme"]"#,
    ];

    #[test]
    fn a_record_is_read_as_it_was_written() {
        for text in RECORDS {
            let record: RevocationRecord = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&record).unwrap(), text);
            assert_eq!(record.tenant.is_some(), text.ends_with(r#""acme"]"#));
        }
    }

    #[test]
    fn the_end_of_a_record_is_never_rounded_down() {
        let id = "019c0a5e-0000-7000-8000-000000000001".parse().unwrap();
        for (millis, seconds) in [(1_000, 1), (1_001, 2), (1_999, 2)] {
            let revocation = Revocation::Session { id, until: Timestamp::from_millis(millis) };
            let record = RevocationRecord { revocation, tenant: None };
            assert_eq!(record.to_string(), format!(r#"["s","{id}",{seconds}]"#));
        }
    }

    #[test]
    fn a_record_that_this_version_does_not_know_is_a_fault_and_is_never_passed_over() {
        for bad in [
            "[]",
            "{}",
            "null",
            r#"["x"]"#,
            r#"["s"]"#,
            r#"["s","not an id",1]"#,
            r#"["s","019c0a5e-0000-7000-8000-000000000001","1"]"#,
            r#"["s","019c0a5e-0000-7000-8000-000000000001",1,"acme",1]"#,
            r#"["s","019c0a5e-0000-7000-8000-000000000001",1,"Not A Tenant"]"#,
            r#"["u","019c0a5e-0000-7000-8000-000000000002",-3,[],1]"#,
            r#"["t","asleep",2]"#,
            r#"["r","019c0a5e-0000-7000-8000-000000000002","king",1]"#,
            r#"["k",""]"#,
        ] {
            assert!(serde_json::from_str::<RevocationRecord>(bad).is_err(), "{bad}");
        }
    }
}
