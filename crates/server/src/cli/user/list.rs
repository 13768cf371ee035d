//! `portcullis user list`

use clap::Args;
use portcullis_core::clock::Timestamp;
use portcullis_core::engine::UserAdminError;
use portcullis_core::mobile::Mobile;
use portcullis_core::user::{PersonName, User};
use portcullis_core::username::Username;

use super::UserJson;
use crate::cli::context::CommandContext;
use crate::cli::failure::Failure;
use crate::cli::output::{Table, counted, moment, moment_if, write_json};
use crate::cli::pages;

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
    context: &mut CommandContext<'_>,
) -> Result<(), Failure> {
    let mut users = Vec::new();
    for user in everyone(search, context).await? {
        users.push((context.engine.locked_until(&user.key).await?, user));
    }
    if *json {
        let records = users.iter().map(|(locked, user)| UserJson { user, locked: *locked });
        return write_json(&records.collect::<Vec<_>>(), context.out);
    }
    let tenant = context.tenant;
    match (users.is_empty(), search.as_str()) {
        (false, _) => table(&users).write(context.out)?,
        (true, "") => {
            context
                .say(format_args!("Tenant {tenant} has no users; `portcullis user create` creates one."))?;
        }
        (true, search) => context.say(format_args!("No user of tenant {tenant} matches {search:?}."))?,
    }
    match context.engine.unreadable(tenant).await?.len() as u64 {
        0 => Ok(()),
        count => context.say(format_args!(
            "{} of users and sessions cannot be read; `portcullis doctor` names them.",
            counted(count, "column")
        )),
    }
}

fn table(users: &[(Option<Timestamp>, User)]) -> Table {
    Table::of(
        users,
        &[
            ("ID", |(_, user)| user.key.id.to_string()),
            ("EMAIL", |(_, user)| user.email.as_typed().to_owned()),
            ("USERNAME", |(_, user)| user.username.as_ref().map_or("-", Username::as_typed).to_owned()),
            ("MOBILE", |(_, user)| user.mobile.as_ref().map_or("-", Mobile::as_str).to_owned()),
            ("NAME", |(_, user)| user.name.as_ref().map_or("-", PersonName::full).to_owned()),
            ("ROLE", |(_, user)| user.role.to_string()),
            ("CREATED", |(_, user)| moment(user.created)),
            ("DISABLED", |(_, user)| moment_if(user.disabled)),
            ("LOCKED UNTIL", |(locked, _)| moment_if(*locked)),
        ],
    )
}

/// All users of a tenant with this text, oldest first.
pub(in super::super) async fn everyone(
    search: &str,
    context: &CommandContext<'_>,
) -> Result<Vec<User>, UserAdminError> {
    let CommandContext { engine, tenant, .. } = *context;
    pages::all(|user: &User| user.key.id, |page| engine.users(tenant, search, page)).await
}
