//! What was revoked, as a database announces and lists it.

use crate::clock::Timestamp;
use crate::id::{SessionId, TenantId, UserId};
use crate::key::Kid;
use crate::user::Role;

/// Something that ends tokens before they expire.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredRevocation {
    /// The tenant; `None` for all tenants in the database.
    pub tenant: Option<TenantId>,
    /// What was revoked.
    pub what: Revoked,
    /// By then every token that this is about has expired, by the database's clock.
    pub until: Timestamp,
    /// When it was written, by the database's clock.
    pub at: Timestamp,
}

/// What was revoked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Revoked {
    /// A session.
    Session(SessionId),
    /// The sessions of a user under lower epochs than this one, except one that is kept.
    User {
        /// The user.
        user: UserId,
        /// The user's epoch.
        epoch: u64,
        /// The session that the epoch spares.
        kept: Option<SessionId>,
    },
    /// A role: this one counts instead of that in the user's tokens.
    Role {
        /// The user.
        user: UserId,
        /// The user's role.
        role: Role,
    },
    /// A tenant has another epoch, or was suspended or resumed. Two databases may have to be asked which.
    Tenant,
    /// The epoch of everyone was counted up.
    Everyone,
    /// A signing key, with all that it signed.
    Key(Kid),
    /// There is a new signing key, which verifiers must fetch.
    KeySet,
}

/// The place of a revocation in the list of a database.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub struct RevocationPlace {
    /// The tenant; empty for all.
    pub tenant: String,
    /// The kind, as it is stored.
    pub kind: String,
    /// The id, as it is stored.
    pub id: String,
}

impl Revoked {
    /// The kind, as it is stored.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Session(_) => "session",
            Self::User { .. } => "user",
            Self::Role { .. } => "role",
            Self::Tenant => "tenant",
            Self::Everyone => "everyone",
            Self::Key(_) => "key",
            Self::KeySet => "keys",
        }
    }

    /// The id, as it is stored.
    #[must_use]
    pub fn id(&self) -> String {
        match self {
            Self::Session(session) => session.to_string(),
            Self::User { user, .. } | Self::Role { user, .. } => user.to_string(),
            Self::Key(kid) => kid.to_string(),
            Self::Tenant | Self::Everyone | Self::KeySet => String::new(),
        }
    }

    /// What was stored; `None` if its id is none of ours, so that no token names it. A role that is none of ours gives
    /// the least rights, and a session that is none of ours is not kept.
    #[must_use]
    pub fn read(kind: &str, id: &str, epoch: u64, detail: &str) -> Option<Self> {
        Some(match kind {
            "session" => Self::Session(id.parse().ok()?),
            "user" => Self::User { user: id.parse().ok()?, epoch, kept: detail.parse().ok() },
            "role" => Self::Role { user: id.parse().ok()?, role: detail.parse().unwrap_or(Role::User) },
            "tenant" => Self::Tenant,
            "everyone" => Self::Everyone,
            "key" => Self::Key(id.parse().ok()?),
            "keys" => Self::KeySet,
            _ => return None,
        })
    }
}

impl StoredRevocation {
    /// Its place in the list of a database.
    #[must_use]
    pub fn place(&self) -> RevocationPlace {
        let tenant = self.tenant.as_ref().map(TenantId::to_string).unwrap_or_default();
        RevocationPlace { tenant, kind: self.what.kind().to_owned(), id: self.what.id() }
    }
}
