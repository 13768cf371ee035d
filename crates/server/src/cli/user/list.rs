//! `portcullis user list`

use std::io::Write;

use portcullis_core::engine::{AccountError, Engine};
use portcullis_core::id::TenantId;
use portcullis_core::store::Page;
use portcullis_core::user::{PersonName, User};

use super::Record;
use crate::cli::failure::Failure;
use crate::cli::shown::{Table, moment, moment_if, write_json};

/// How many users are read at a time.
const PAGE: u32 = 500;

pub(super) async fn run(
    json: bool,
    engine: &Engine,
    tenant: &TenantId,
    out: &mut (dyn Write + Send),
) -> Result<(), Failure> {
    let users = everyone(engine, tenant).await?;
    if json {
        return write_json(&users.iter().map(Record::of).collect::<Vec<_>>(), out);
    }
    if users.is_empty() {
        return Ok(writeln!(out, "Tenant {tenant} has no users; `portcullis user create` makes one.")?);
    }
    let mut table = Table::new(["ID", "EMAIL", "NAME", "ROLE", "CREATED", "DISABLED"]);
    for user in &users {
        table.push(&[
            user.key.id.to_string(),
            user.email.shown().to_owned(),
            user.name.as_ref().map_or("-", PersonName::full).to_owned(),
            user.role.to_string(),
            moment(user.created),
            moment_if(user.disabled),
        ]);
    }
    table.write(out)
}

/// All users of a tenant, in the order in which they came.
pub(in super::super) async fn everyone(
    engine: &Engine,
    tenant: &TenantId,
) -> Result<Vec<User>, AccountError> {
    let mut all: Vec<User> = Vec::new();
    loop {
        let after = all.last().map(|user| user.key.id);
        let page = engine.users(tenant, "", Page { after, limit: PAGE }).await?;
        let is_last = page.len() < PAGE as usize;
        all.extend(page);
        if is_last {
            return Ok(all);
        }
    }
}
