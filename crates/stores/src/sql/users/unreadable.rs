//! Finds the records that cannot be read, for `portcullis doctor`.

use portcullis_core::id::TenantId;
use portcullis_core::store::{RecordKind, StoreError, Stored, UnreadableRecord};

use super::super::sessions::session;
use super::super::{Columns, SqlConnection, SqlResult, Statement};
use super::user;

/// How many rows are read at a time.
const STEP: i64 = 500;

const USERS: &str = "SELECT * FROM users WHERE tenant = $1 AND id >= $2 ORDER BY id LIMIT $3";
const SESSIONS: &str = "SELECT * FROM sessions WHERE tenant = $1 AND id >= $2 ORDER BY id LIMIT $3";

pub(crate) async fn unreadable<C: SqlConnection>(
    db: &mut C,
    tenant: &TenantId,
) -> SqlResult<Vec<UnreadableRecord>> {
    let mut found =
        search(db, USERS, tenant, |row| user(row).map(|user| user.unreadable), RecordKind::User).await?;
    found.extend(
        search(db, SESSIONS, tenant, |row| session(row).map(|_| Vec::new()), RecordKind::Session).await?,
    );
    Ok(found)
}

async fn search<C: SqlConnection>(
    db: &mut C,
    list: &'static str,
    tenant: &TenantId,
    read: impl Fn(&C::Row) -> Stored<Vec<&'static str>>,
    record: RecordKind,
) -> SqlResult<Vec<UnreadableRecord>> {
    // An empty id is one that cannot be read, too: so each page begins with the last row of the one before.
    let (mut found, mut end) = (Vec::new(), None::<String>);
    loop {
        let begin = end.as_deref().unwrap_or_default();
        let page = Statement::new(list).bind(tenant.as_str()).bind(begin).bind(STEP);
        let rows = page.fetch_all(&mut *db).await?;
        let before = end.clone();
        for row in &rows {
            let id = row.text("id")?.unwrap_or_default().to_owned();
            if end.as_ref() == Some(&id) {
                continue;
            }
            found.extend(unreadable_columns(read(row))?.into_iter().map(|field| UnreadableRecord {
                record,
                id: id.clone(),
                field,
            }));
            end = Some(id);
        }
        if end == before {
            return Ok(found);
        }
    }
}

fn unreadable_columns(read: Stored<Vec<&'static str>>) -> Stored<Vec<&'static str>> {
    match read {
        Err(StoreError::Corrupt { field, .. }) => Ok(vec![field]),
        read => read,
    }
}
