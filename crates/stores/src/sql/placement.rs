//! Where the nodes of the database keep live sessions.

use portcullis_core::session::Ending;
use portcullis_core::store::{EpochScope, Updated};

use super::row::RecordRow;
use super::{SqlConnection, SqlResult, Statement, epochs, updated};
use crate::SessionPlacement;

const FIND: &str = "SELECT kind, marker FROM session_placement WHERE one = 1";
const NOTE: &str =
    "INSERT INTO session_placement (one, kind, marker) VALUES (1, $1, $2) ON CONFLICT DO NOTHING";
const REPLACE: &str =
    "UPDATE session_placement SET kind = $1, marker = $2 WHERE one = 1 AND kind = $3 AND marker = $4";

const DATABASE: &str = "database";
const REDIS: &str = "redis";

pub(crate) async fn find(db: &mut impl SqlConnection) -> SqlResult<Option<SessionPlacement>> {
    let Some(row) = Statement::new(FIND).fetch_optional(db).await? else { return Ok(None) };
    let row = RecordRow::of("session placement", "kind", &row);
    let marker = row.text("marker")?;
    let placement = row.read("kind", |kind| match kind {
        DATABASE => Some(SessionPlacement::Database),
        REDIS => Some(SessionPlacement::Redis { marker: marker.clone() }),
        _ => None,
    });
    Ok(Some(placement?))
}

pub(crate) async fn note(db: &mut impl SqlConnection, placement: &SessionPlacement) -> SqlResult<()> {
    bound(Statement::new(NOTE), placement).execute(db).await?;
    Ok(())
}

/// Replaces what was noted before, and ends all sessions in the same step if `ending` says so.
pub(crate) async fn replace(
    db: &mut impl SqlConnection,
    before: &SessionPlacement,
    after: &SessionPlacement,
    ending: Option<Ending>,
) -> SqlResult<Updated> {
    let replace = bound(bound(Statement::new(REPLACE), after), before);
    let replaced = updated(replace.execute(&mut *db).await?);
    if let (Updated::Done, Some(ending)) = (replaced, ending) {
        epochs::advance(db, &EpochScope::Everyone, ending).await?;
    }
    Ok(replaced)
}

fn bound(statement: Statement, placement: &SessionPlacement) -> Statement {
    match placement {
        SessionPlacement::Database => statement.bind(DATABASE).bind(""),
        SessionPlacement::Redis { marker } => statement.bind(REDIS).bind(marker.as_str()),
    }
}
