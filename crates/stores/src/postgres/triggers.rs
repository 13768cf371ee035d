//! The triggers that announce what is written. Without them a feed hears nothing, and must prove nothing.

use sqlx::postgres::PgRow;
use sqlx::{Error, Row as _};

/// All that a schema must have, by name.
pub(super) const TRIGGERS: [&str; 30] = [
    "sessions_written",
    "sessions_updated",
    "sessions_password_epoch_updated",
    "sessions_emptied",
    "users_written",
    "users_emptied",
    "epochs_written",
    "epochs_emptied",
    "keys_written",
    "keys_emptied",
    "tenants_written",
    "tenants_emptied",
    "sessions_revoked",
    "sessions_revoked_elsewhere",
    "sessions_removed",
    "sessions_revoked_together",
    "epochs_revoke",
    "users_role_revoked",
    "users_role_renewed",
    "users_disabled",
    "users_removed",
    "users_revoked_together",
    "tenants_standing",
    "tenants_removed",
    "tenants_revoked_together",
    "keys_added",
    "keys_revoked",
    "keys_revoked_together",
    "revocations_written",
    "revocations_emptied",
];

/// Whether the connection listens to the channel, what the schema has of the triggers, and what the server's clock
/// shows. It writes nothing and takes no lock that others wait for.
///
/// A trigger that is switched off and on again has another `xmin`, and so has a schema that was called otherwise for a
/// while. Both can happen between two questions.
pub(super) const BARRIER: &str = concat!(
    "SELECT ",
    milliseconds!(),
    " AS milliseconds, \
    EXISTS (SELECT FROM pg_catalog.pg_listening_channels() AS channel WHERE channel = $1::TEXT) AS listens, \
    (SELECT pg_catalog.string_agg(announcer.tgname::TEXT || ' ' || announcer.oid::TEXT || ' ' \
    || announcer.xmin::TEXT || ' ' || place.xmin::TEXT, ',' ORDER BY announcer.tgname) \
    FROM pg_catalog.pg_namespace AS place \
    JOIN pg_catalog.pg_class AS records ON records.relnamespace = place.oid \
    JOIN pg_catalog.pg_trigger AS announcer ON announcer.tgrelid = records.oid \
    WHERE place.nspname = $2::TEXT::NAME COLLATE \"C\" \
    AND records.relname IN ('sessions', 'users', 'epochs', 'keys', 'tenants', 'revocations') \
    AND announcer.tgname = ANY ($3::TEXT[]::NAME[]) AND announcer.tgenabled IN ('O', 'A')) AS triggers"
);

/// The triggers of a schema that are there and switched on, at one moment.
#[derive(Default, PartialEq)]
pub(super) struct TriggerState(String);

impl TriggerState {
    /// What an answer to the question says.
    pub(super) fn of(answer: &PgRow) -> Result<Self, Error> {
        Ok(Self(answer.try_get::<Option<String>, _>("triggers")?.unwrap_or_default()))
    }

    /// An error that names those that are missing.
    pub(super) fn check(&self) -> Result<(), Error> {
        let named = |trigger: &&str| self.0.split(',').any(|found| found.split(' ').next() == Some(trigger));
        let missing: Vec<_> = TRIGGERS.into_iter().filter(|trigger| !named(trigger)).collect();
        if missing.is_empty() { Ok(()) } else { Err(missing_triggers(&missing)) }
    }
}

fn missing_triggers(names: &[&str]) -> Error {
    Error::Protocol(format!(
        "no change is announced, because the schema lacks triggers ({}): give it its name back, restore it, or switch \
         them on with `ALTER TABLE … ENABLE TRIGGER …`",
        names.join(", ")
    ))
}

/// What was written meanwhile may have been announced to no one.
pub(super) fn changed_triggers() -> Error {
    Error::Protocol("the triggers that announce changes are not those of before".to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::schema::created;
    use super::*;

    /// They number what is changed by hand, and announce nothing.
    const COUNTING: [&str; 2] = ["sessions_counted", "users_counted"];

    #[test]
    fn each_trigger_that_the_migrations_create_must_be_there_but_for_those_that_only_count() {
        let mut created = created(&["CREATE TRIGGER", "CREATE CONSTRAINT TRIGGER"]);
        let mut known = [&TRIGGERS[..], &COUNTING].concat();
        created.sort_unstable();
        known.sort_unstable();
        assert_eq!(created, known);
    }
}
