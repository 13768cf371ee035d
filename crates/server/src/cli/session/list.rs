//! `portcullis session list`

use std::io::Write;

use clap::Args;
use portcullis_core::engine::{Engine, ListedSession};
use portcullis_core::id::TenantId;
use portcullis_core::session::SessionState;
use portcullis_core::store::Page;
use portcullis_core::user::User;

use super::json::SessionJson;
use crate::cli::failure::Failure;
use crate::cli::output::{Table, moment, shortened, write_json};
use crate::cli::target::UserSelector;
use crate::cli::user::everyone;

/// Sessions read at a time.
const PAGE: u32 = 500;

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
    engine: &Engine,
    tenant: &TenantId,
    out: &mut (dyn Write + Send),
) -> Result<(), Failure> {
    let users = match user {
        Some(selector) => vec![selector.find(engine, tenant).await?],
        None => everyone(engine, tenant).await?,
    };
    let mut rows: Vec<(&User, ListedSession)> = Vec::new();
    for user in &users {
        let sessions = sessions_of(user, engine).await?;
        let wanted = sessions.into_iter().filter(|listed| *ended || listed.state == SessionState::Live);
        rows.extend(wanted.map(|listed| (user, listed)));
    }
    if *json {
        let now = engine.now();
        let records: Vec<SessionJson<'_>> =
            rows.iter().map(|(user, row)| SessionJson::of(user, row, now)).collect();
        return write_json(&records, out);
    }
    write_table(&rows, out)
}

async fn sessions_of(user: &User, engine: &Engine) -> Result<Vec<ListedSession>, Failure> {
    let mut all: Vec<ListedSession> = Vec::new();
    loop {
        let after = all.last().map(|listed| listed.session.key.id);
        let page = engine.sessions(&user.key, Page { after, limit: PAGE }).await?;
        let is_last = page.len() < PAGE as usize;
        all.extend(page);
        if is_last {
            return Ok(all);
        }
    }
}

fn write_table(rows: &[(&User, ListedSession)], out: &mut dyn Write) -> Result<(), Failure> {
    if rows.is_empty() {
        return Ok(writeln!(out, "There are no live sessions.")?);
    }
    let mut table = Table::new([
        "ID",
        "USER",
        "STRATEGY",
        "DEVICE",
        "ADDRESS",
        "CREATED",
        "LAST SEEN",
        "EXPIRES",
        "STATE",
    ]);
    for (user, ListedSession { session, state }) in rows {
        table.push(&[
            session.key.id.to_string(),
            user.email.as_typed().to_owned(),
            session.strategy.to_string(),
            shortened(&session.device.name, DEVICE),
            session.device.address.clone(),
            moment(session.created),
            moment(session.last_seen),
            moment(session.idle_expires.min(session.absolute_expires)),
            match state {
                SessionState::Live => "live".to_owned(),
                SessionState::Ended(ending) => format!("ended ({})", ending.reason),
            },
        ]);
    }
    table.write(out)
}
