//! The store of users.

use async_trait::async_trait;

use super::{Inserted, Page, Stored, Updated};
use crate::email::Email;
use crate::id::{TenantId, UserId, UserKey};
use crate::mobile::Mobile;
use crate::session::Epochs;
use crate::user::{User, UserCorrection};
use crate::username::{LoginName, Username};
use crate::word_enum::word_enum;

/// How a user is looked up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum UserHandle {
    /// By id.
    Id(UserKey),
    /// By address, in its canonical form.
    Email(TenantId, Email),
    /// By user name, in its canonical form.
    Username(TenantId, Username),
    /// By mobile number.
    Mobile(TenantId, Mobile),
}

impl UserHandle {
    /// By the name that a user types to sign in.
    #[must_use]
    pub fn by_login(tenant: &TenantId, name: &LoginName) -> Self {
        let tenant = tenant.clone();
        match name.clone() {
            LoginName::Email(email) => Self::Email(tenant, email),
            LoginName::Mobile(mobile) => Self::Mobile(tenant, mobile),
            LoginName::Username(username) => Self::Username(tenant, username),
        }
    }
}

word_enum! {
    /// The kinds of records that an operator may have to mend.
    pub enum RecordKind {
        /// A user.
        User = "user",
        /// A session.
        Session = "session",
    }
}

/// A record with a column that cannot be read: an operator or another program has written it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnreadableRecord {
    /// The kind of record.
    pub record: RecordKind,
    /// The id as it is stored, which may be the column that cannot be read.
    pub id: String,
    /// The column.
    pub field: &'static str,
}

/// What became of a record that was to be mended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MendOutcome {
    /// There is no such record, or it can be read in full.
    NothingToMend,
    /// These columns cannot be read, and the correction neither states nor gives them up. The record is as it was.
    Unclear(Vec<&'static str>),
    /// Another user has the mended id, address, user name or mobile number. The record is as it was.
    Clash,
    /// The session is removed.
    Discarded,
    /// The record is mended.
    Mended {
        /// The user.
        user: Box<User>,
        /// The columns whose content was given up.
        lost: Vec<&'static str>,
    },
}

/// Users.
#[async_trait]
pub trait UserStore: Send + Sync {
    /// Creates a user. [`Inserted::Clash`]: the tenant has one with this id, address, user name or mobile number.
    async fn insert(&self, user: &User) -> Stored<Inserted>;

    /// The user, or `None`.
    async fn find(&self, handle: &UserHandle) -> Stored<Option<User>>;

    /// The user and the three epochs that hold for it, of one moment.
    async fn find_with_epochs(&self, key: &UserKey) -> Stored<Option<(User, Epochs)>>;

    /// Replaces the user if its stored version is the one before `user.version`.
    async fn update(&self, user: &User) -> Stored<Updated>;

    /// Users of a tenant, by id, of whom [`User::matches_search`] says that they match. An empty text matches every
    /// user.
    /// A record that cannot be read is left out and logged.
    async fn list(&self, tenant: &TenantId, search: &str, page: Page<UserId>) -> Stored<Vec<User>>;

    /// The users and sessions of a tenant whose records cannot be read, or not in full. Records that only this program
    /// writes are never among them.
    async fn unreadable(&self, _tenant: &TenantId) -> Stored<Vec<UnreadableRecord>> {
        Ok(Vec::new())
    }

    /// Mends a record that cannot be read, or not in full. Columns of a user that are only spelled otherwise than they
    /// are looked up by get that spelling; the correction decides about the others. A session is removed if the
    /// correction gives columns up.
    async fn mend(
        &self,
        _tenant: &TenantId,
        _record: &UnreadableRecord,
        _correction: &UserCorrection,
    ) -> Stored<MendOutcome> {
        Ok(MendOutcome::NothingToMend)
    }
}
