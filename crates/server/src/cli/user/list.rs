//! `portcullis user list`

use std::io::Write;

use clap::Args;
use portcullis_core::clock::Timestamp;
use portcullis_core::engine::{Engine, UserAdminError};
use portcullis_core::id::TenantId;
use portcullis_core::mobile::Mobile;
use portcullis_core::store::Page;
use portcullis_core::user::{PersonName, User};
use portcullis_core::username::Username;

use super::UserJson;
use crate::cli::failure::Failure;
use crate::cli::output::{Table, moment, moment_if, write_json};

/// Users read at a time.
const PAGE: u32 = 500;

/// List the users
#[derive(Args, Debug)]
pub(super) struct ListUsers {
    /// Only users with this text in their address, user name, mobile number or name, in any case
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    search: String,
    /// Write JSON, for programs
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(
    ListUsers { search, json }: &ListUsers,
    engine: &Engine,
    tenant: &TenantId,
    out: &mut (dyn Write + Send),
) -> Result<(), Failure> {
    let mut users = Vec::new();
    for user in those_with(search, engine, tenant).await? {
        users.push((engine.locked_until(&user.key).await?, user));
    }
    if *json {
        return write_json(
            &users.iter().map(|(locked, user)| UserJson::of(user, *locked)).collect::<Vec<_>>(),
            out,
        );
    }
    match (users.is_empty(), search.as_str()) {
        (false, _) => write_table(&users, out),
        (true, "") => {
            Ok(writeln!(out, "Tenant {tenant} has no users; `portcullis user create` creates one.")?)
        }
        (true, search) => Ok(writeln!(out, "No user of tenant {tenant} matches {search:?}.")?),
    }
}

fn write_table(users: &[(Option<Timestamp>, User)], out: &mut dyn Write) -> Result<(), Failure> {
    let mut table = Table::new([
        "ID",
        "EMAIL",
        "USERNAME",
        "MOBILE",
        "NAME",
        "ROLE",
        "CREATED",
        "DISABLED",
        "LOCKED UNTIL",
    ]);
    for (locked, user) in users {
        table.push(&[
            user.key.id.to_string(),
            user.email.as_typed().to_owned(),
            user.username.as_ref().map_or("-", Username::as_typed).to_owned(),
            user.mobile.as_ref().map_or("-", Mobile::as_str).to_owned(),
            user.name.as_ref().map_or("-", PersonName::full).to_owned(),
            user.role.to_string(),
            moment(user.created),
            moment_if(user.disabled),
            moment_if(*locked),
        ]);
    }
    table.write(out)
}

/// All users of a tenant, oldest first.
pub(in super::super) async fn everyone(
    engine: &Engine,
    tenant: &TenantId,
) -> Result<Vec<User>, UserAdminError> {
    those_with("", engine, tenant).await
}

async fn those_with(search: &str, engine: &Engine, tenant: &TenantId) -> Result<Vec<User>, UserAdminError> {
    let mut all: Vec<User> = Vec::new();
    loop {
        let after = all.last().map(|user| user.key.id);
        let page = engine.users(tenant, search, Page { after, limit: PAGE }).await?;
        let is_last = page.len() < PAGE as usize;
        all.extend(page);
        if is_last {
            return Ok(all);
        }
    }
}
