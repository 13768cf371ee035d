//! Finds the records that cannot be read, for `portcullis doctor`.

use portcullis_core::id::TenantId;
use portcullis_core::store::{StoreError, Stored, UnreadableRecord};

use super::super::sessions::session;
use super::super::{Columns, SqlConnection, SqlResult, Statement};
use super::user;

/// How many rows are read at a time.
const STEP: i64 = 500;

const USERS: &str = "SELECT * FROM users WHERE tenant = $1 AND id > $2 ORDER BY id LIMIT $3";
const SESSIONS: &str = "SELECT * FROM sessions WHERE tenant = $1 AND id > $2 ORDER BY id LIMIT $3";

pub(crate) async fn unreadable<C: SqlConnection>(
    db: &mut C,
    tenant: &TenantId,
) -> SqlResult<Vec<UnreadableRecord>> {
    let mut found = search(db, USERS, tenant, |row| user(row).map(|user| user.unreadable), "user").await?;
    found.extend(search(db, SESSIONS, tenant, |row| session(row).map(|_| Vec::new()), "session").await?);
    Ok(found)
}

async fn search<C: SqlConnection>(
    db: &mut C,
    list: &'static str,
    tenant: &TenantId,
    read: impl Fn(&C::Row) -> Stored<Vec<&'static str>>,
    record: &'static str,
) -> SqlResult<Vec<UnreadableRecord>> {
    let (mut found, mut after) = (Vec::new(), String::new());
    loop {
        let page = Statement::new(list).bind(tenant.as_str()).bind(after.as_str()).bind(STEP);
        let rows = page.fetch_all(&mut *db).await?;
        let Some(end) = rows.last() else { return Ok(found) };
        end.text("id")?.unwrap_or_default().clone_into(&mut after);
        for row in &rows {
            let id = row.text("id")?.unwrap_or_default();
            let fields = match read(row) {
                Ok(fields) => fields,
                Err(StoreError::Corrupt { field, .. }) => vec![field],
                Err(fault) => return Err(fault.into()),
            };
            let named = |field| UnreadableRecord { record, id: id.to_owned(), field };
            found.extend(fields.into_iter().map(named));
        }
    }
}
