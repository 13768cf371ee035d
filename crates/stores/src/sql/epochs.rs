//! Epochs: counters that end any number of sessions in one write.

use portcullis_core::id::{SessionId, UserKey};
use portcullis_core::session::{Ending, Epochs};
use portcullis_core::store::EpochScope;

use super::row::RecordRow;
use super::{SqlConnection, SqlResult, Statement};

const READ: &str = "SELECT scope, epoch FROM epochs WHERE (scope = 'user' AND tenant = $1 AND id = $2) \
    OR (scope = 'tenant' AND tenant = $1 AND id = '') OR (scope = 'everyone' AND tenant = '' AND id = '')";
const ADVANCE: &str = "INSERT INTO epochs (scope, tenant, id, epoch, at, reason, kept, kept_epoch) \
    VALUES ($1, $2, $3, 1, $4, $5, $6, 1) ON CONFLICT (scope, tenant, id) DO UPDATE \
    SET epoch = epochs.epoch + 1, at = excluded.at, reason = excluded.reason, kept_epoch = epochs.epoch + 1, \
    kept = CASE WHEN EXISTS (SELECT 1 FROM sessions WHERE sessions.tenant = excluded.tenant \
    AND sessions.id = excluded.kept AND sessions.epoch_user < epochs.epoch) THEN '' ELSE excluded.kept END \
    RETURNING epoch";

/// The three epochs that hold for a user, read at one moment.
pub(crate) async fn read(db: &mut impl SqlConnection, user: &UserKey) -> SqlResult<Epochs> {
    let read = Statement::keyed(READ, &user.tenant, &user.id);
    let mut epochs = Epochs::default();
    for row in read.fetch_all(db).await? {
        let row = RecordRow::of("epoch", "scope", &row);
        let epoch = row.count("epoch")?;
        match row.text("scope")?.as_str() {
            "user" => epochs.user = epoch,
            "tenant" => epochs.tenant = epoch,
            _ => epochs.everyone = epoch,
        }
    }
    Ok(epochs)
}

/// Counts the epoch of a tenant, or of everyone, up.
pub(crate) async fn advance(
    db: &mut impl SqlConnection,
    scope: &EpochScope,
    ending: Ending,
) -> SqlResult<()> {
    match scope {
        EpochScope::Tenant(tenant) => count_up(db, ["tenant", tenant.as_str(), ""], None, ending).await?,
        EpochScope::Everyone => count_up(db, ["everyone", "", ""], None, ending).await?,
    };
    Ok(())
}

/// Counts a user's epoch up and returns it. A session that is kept must be taken over into it; one that an earlier
/// epoch has ended is not kept.
pub(crate) async fn advance_user(
    db: &mut impl SqlConnection,
    user: &UserKey,
    kept: Option<SessionId>,
    ending: Ending,
) -> SqlResult<u64> {
    count_up(db, ["user", user.tenant.as_str(), &user.id.to_string()], kept, ending).await
}

async fn count_up(
    db: &mut impl SqlConnection,
    key: [&str; 3],
    kept: Option<SessionId>,
    ending: Ending,
) -> SqlResult<u64> {
    let [scope, tenant, id] = key;
    let advance = Statement::new(ADVANCE).bind(scope).bind(tenant).bind(id);
    let advance = advance.bind(ending.at.as_millis()).bind(ending.reason.as_str());
    let kept = kept.map(|session| session.to_string()).unwrap_or_default();
    let row = advance.bind(kept).fetch_one(db).await?;
    Ok(RecordRow::of("epoch", "epoch", &row).count("epoch")?)
}
