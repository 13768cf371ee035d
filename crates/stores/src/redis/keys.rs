//! The names of the keys.
//!
//! All keys of a user's sessions are in one slot of a cluster, that of the user's bucket. What a check reads is in keys
//! of their own, which the change feed watches. What each use and each rotation changes is in a hash of the user, which
//! it does not watch.

use portcullis_core::id::{Bucket, SessionKey, TenantId, UserKey};
use portcullis_core::session::Session;
use portcullis_core::store::CookieKey;

use super::short_text;

/// Names keys under one prefix.
#[derive(Clone, Debug)]
pub(super) struct Keys(pub(super) String);

impl Keys {
    /// The beginning of all keys that the feed watches.
    pub(super) fn watched(&self) -> String {
        format!("{}s:", self.0)
    }

    /// The key that a node removes, and that never exists, to prove that the server takes writes.
    pub(super) fn barrier(&self) -> String {
        format!("{}barrier", self.0)
    }

    /// The key that names one life of the sessions here. It has no end.
    pub(super) fn marker(&self) -> String {
        format!("{}marker", self.0)
    }

    /// The beginning of the keys of the sessions in a slot; an id follows.
    pub(super) fn sessions(&self, tenant: &TenantId, bucket: Bucket) -> String {
        format!("{}s:{{{tenant}:{bucket}}}:", self.0)
    }

    /// The beginning of the keys of the users in a slot; an id follows.
    pub(super) fn users(&self, tenant: &TenantId, bucket: Bucket) -> String {
        format!("{}u:{{{tenant}:{bucket}}}:", self.0)
    }

    pub(super) fn session(&self, key: &SessionKey) -> String {
        self.sessions(&key.tenant, key.id.bucket()) + &short_text::session_id(key.id)
    }

    pub(super) fn user(&self, user: &UserKey) -> String {
        self.users(&user.tenant, user.id.bucket()) + &short_text::user_id(user.id)
    }

    pub(super) fn cookie(&self, cookie: &CookieKey) -> String {
        format!("{}c:{{{}:{}}}:{}", self.0, cookie.tenant, cookie.bucket, short_text::hash(&cookie.hash))
    }

    /// The keys of one session: its own, the hash of its user, and that of its cookie if it has one.
    pub(super) fn of(&self, session: &Session) -> Vec<String> {
        let SessionKey { tenant, id } = &session.key;
        let bucket = id.bucket();
        let user = self.users(tenant, bucket) + &short_text::user_id(session.user);
        let cookie = session.cookie.map(|hash| CookieKey { tenant: tenant.clone(), bucket, hash });
        let cookie = cookie.map(|cookie| self.cookie(&cookie));
        [self.session(&session.key), user].into_iter().chain(cookie).collect()
    }

    /// The session that a watched key is of; `None` if the key makes no sense.
    pub(super) fn session_of(&self, key: &str) -> Option<SessionKey> {
        let (slot, id) = key.strip_prefix(&self.watched())?.strip_prefix('{')?.split_once("}:")?;
        let (tenant, _) = slot.split_once(':')?;
        Some(SessionKey { tenant: tenant.parse().ok()?, id: short_text::id(id.as_bytes())? })
    }
}

#[cfg(test)]
mod tests {
    use portcullis_core::store::conformance::records::{new_user_key, session, tenant};

    use super::*;

    #[test]
    fn a_session_is_known_by_its_key() {
        let keys = Keys("p:".to_owned());
        let known = session(&new_user_key(&tenant("acme")));
        assert_eq!(keys.session_of(&keys.session(&known.key)), Some(known.key.clone()));
        let others = ["p:s:", "p:s:{acme}:x", "p:u:{acme:000}:x", "p:s:{acme:000}:x", "s:{acme:000}:x", ""];
        assert!(others.iter().all(|key| keys.session_of(key).is_none()));
    }

    #[test]
    fn all_keys_of_a_user_are_in_one_slot() {
        let keys = Keys("p:".to_owned());
        let jo = new_user_key(&tenant("acme"));
        let known = session(&jo);
        let slot = |key: &String| key.split(['{', '}']).nth(1).map(str::to_owned);
        let all: Vec<String> = keys.of(&known).into_iter().chain([keys.user(&jo)]).collect();
        assert_eq!(all.len(), 4);
        assert!(all.iter().all(|key| slot(key) == Some(format!("acme:{}", jo.id.bucket()))));
    }
}
