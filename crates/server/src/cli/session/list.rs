//! `portcullis session list`

use clap::Args;
use portcullis_core::engine::ListedSession;
use portcullis_core::session::SessionState;
use portcullis_core::user::User;

use super::json::SessionJson;
use crate::cli::context::CommandContext;
use crate::cli::failure::Failure;
use crate::cli::output::{Table, moment, shortened, write_json};
use crate::cli::pages;
use crate::cli::target::UserSelector;
use crate::cli::user::everyone;

/// The most characters of a device's name in a table. JSON has all of them.
const DEVICE: usize = 32;

/// List the sessions of the signed-in users
///
/// The list is sorted by user, then oldest first. LAST SEEN is up to a minute behind. JSON also lists the recent
/// refresh tokens of a session: their ids, never the tokens.
#[derive(Args, Debug)]
pub(super) struct ListSessions {
    /// Only sessions of this user: an email address, a user name, a mobile number or an id
    #[arg(long, value_name = "USER")]
    user: Option<UserSelector>,
    /// Also sessions that have ended, until every token issued under them has expired
    #[arg(long)]
    ended: bool,
    /// Write JSON, for programs
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(
    ListSessions { user, ended, json }: &ListSessions,
    context: &mut CommandContext<'_>,
) -> Result<(), Failure> {
    let engine = context.engine;
    let users = match user {
        Some(selector) => vec![selector.find(context).await?],
        None => everyone("", context).await?,
    };
    let mut rows: Vec<(&User, ListedSession)> = Vec::new();
    for user in &users {
        let id = |listed: &ListedSession| listed.session.key.id;
        let sessions = pages::all(id, |page| engine.sessions(&user.key, page)).await?;
        let wanted = sessions.into_iter().filter(|listed| *ended || listed.state == SessionState::Live);
        rows.extend(wanted.map(|listed| (user, listed)));
    }
    if *json {
        let now = engine.now();
        let records = rows.iter().map(|(user, ListedSession { session, state })| SessionJson {
            user,
            session,
            state: *state,
            now,
        });
        return write_json(&records.collect::<Vec<_>>(), context.out);
    }
    if rows.is_empty() {
        return context.say("There are no live sessions.");
    }
    let table = Table::of(
        &rows,
        &[
            ("ID", |(_, listed)| listed.session.key.id.to_string()),
            ("USER", |(user, _)| user.email.as_typed().to_owned()),
            ("STRATEGY", |(_, listed)| listed.session.strategy.to_string()),
            ("DEVICE", |(_, listed)| shortened(&listed.session.device.name, DEVICE)),
            ("ADDRESS", |(_, listed)| listed.session.device.address.clone()),
            ("CREATED", |(_, listed)| moment(listed.session.created)),
            ("LAST SEEN", |(_, listed)| moment(listed.session.last_seen)),
            ("EXPIRES", |(_, listed)| {
                moment(listed.session.idle_expires.min(listed.session.absolute_expires))
            }),
            ("STATE", |(_, listed)| match listed.state {
                SessionState::Live => "live".to_owned(),
                SessionState::Ended(ending) => format!("ended ({})", ending.reason),
            }),
        ],
    );
    table.write(context.out)
}
