//! What the SQLite store does without a server: so many tasks rotate the refresh tokens of so many sessions in turn, or
//! find them. No refresh over HTTP can be faster than this.

use std::io::{Write as _, stdin, stdout};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use portcullis_bench::tally::{Tally, TallySummary};
use portcullis_core::clock::{Clock as _, Ticks};
use portcullis_core::id::TenantId;
use portcullis_core::key::{KeyRecord, KeyUse};
use portcullis_core::machine::{SystemClock, SystemRandom};
use portcullis_core::secret::SecretHash;
use portcullis_core::session::{RotationOutcome, RotationRequest, Session};
use portcullis_core::store::{SessionHandle, SessionStore, Updated, UserVersions};
use portcullis_stores::sqlite::SqliteStore;
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::LibraryBenchError;
use crate::session_writer::{Issuance, LIFETIME};

const GRACE: Duration = Duration::from_mins(1);

/// How much is to be done at once, and with how many sessions.
#[derive(Debug, clap::Args)]
pub(crate) struct StoreArguments {
    #[arg(long)]
    tasks: usize,
    #[arg(long)]
    sessions: usize,
}

/// What every task does with its sessions, again and again.
#[derive(Clone, Copy)]
enum MeasuredVerb {
    Rotate,
    Find,
}

/// Says `ready` once the sessions are written. From then on, a line like `rotate 2000` of the standard input is
/// answered with what was done in so many milliseconds.
///
/// # Errors
/// What the store says, or that a line cannot be understood.
pub(crate) async fn serve(arguments: &StoreArguments) -> Result<(), LibraryBenchError> {
    let directory = TempDir::new()?;
    let mut store = StoreUnderLoad::open(directory.path(), arguments).await?;
    tell("ready")?;
    for line in stdin().lines() {
        let (verb, span) = read(&line?)?;
        let summary = store.measure(verb, span).await?;
        tell(&serde_json::to_string(&summary)?)?;
    }
    Ok(())
}

/// The reader waits for each line.
fn tell(line: &str) -> Result<(), LibraryBenchError> {
    Ok(writeln!(stdout().lock(), "{line}")?)
}

fn read(line: &str) -> Result<(MeasuredVerb, Duration), LibraryBenchError> {
    let (verb, millis) = line.split_once(' ').ok_or("a line is a verb and milliseconds")?;
    let verb = match verb {
        "rotate" => MeasuredVerb::Rotate,
        "find" => MeasuredVerb::Find,
        other => return Err(format!("{other:?} is no verb").into()),
    };
    Ok((verb, Duration::from_millis(millis.parse()?)))
}

/// A store with sessions, of which each task has a share.
struct StoreUnderLoad {
    /// Keeps the database open.
    _store: SqliteStore,
    sessions: Arc<dyn SessionStore>,
    shares: Vec<Vec<Session>>,
}

impl StoreUnderLoad {
    async fn open(folder: &Path, arguments: &StoreArguments) -> Result<Self, LibraryBenchError> {
        let store = SqliteStore::open(&folder.join("bench.db"), Arc::new(SystemClock)).await?;
        let now = SystemClock.now();
        let (usage, tenant) = (KeyUse::Refresh, TenantId::default_tenant());
        let key = KeyRecord::generate(&tenant, usage, usage.algorithm(), now, now, &SystemRandom)?;
        let issuance = Arc::new(Issuance::with_keys(store.stores(), &[key]).await?);
        let sessions = store.stores().sessions;
        let mut filling = JoinSet::new();
        for task in 0..arguments.tasks {
            let share = (arguments.sessions + task) / arguments.tasks;
            filling.spawn(filled(sessions.clone(), issuance.clone(), task, share));
        }
        let shares = filling.join_all().await.into_iter().collect::<Result<_, LibraryBenchError>>()?;
        Ok(Self { _store: store, sessions, shares })
    }

    /// Runs all tasks for so long.
    async fn measure(
        &mut self,
        verb: MeasuredVerb,
        span: Duration,
    ) -> Result<TallySummary, LibraryBenchError> {
        let begun = SystemClock.ticks();
        let mut tasks = JoinSet::new();
        for share in self.shares.drain(..) {
            let sessions = self.sessions.clone();
            tasks.spawn(async move { repeat(verb, &*sessions, share, (begun, span)).await });
        }
        let mut total = Tally::new();
        for done in tasks.join_all().await {
            let (share, tally) = done?;
            total.merge(&tally);
            self.shares.push(share);
        }
        total.elapsed = SystemClock.ticks().since(begun);
        Ok(total.summary())
    }
}

/// A user for each session.
async fn filled(
    sessions: Arc<dyn SessionStore>,
    issuance: Arc<Issuance>,
    task: usize,
    count: usize,
) -> Result<Vec<Session>, LibraryBenchError> {
    let mut share = Vec::with_capacity(count);
    for number in 0..count {
        let user = issuance.write_user(&format!("{task}-{number}")).await?;
        let (session, _) = issuance.begin(user)?;
        sessions.insert(&session).await?;
        share.push(session);
    }
    Ok(share)
}

/// Goes through the sessions in turn until the time is over. The next time it goes on where it stopped, so that what
/// was used last is used last again.
async fn repeat(
    verb: MeasuredVerb,
    sessions: &dyn SessionStore,
    mut share: Vec<Session>,
    (begun, span): (Ticks, Duration),
) -> Result<(Vec<Session>, Tally), LibraryBenchError> {
    let (mut tally, mut before, mut used) = (Tally::new(), SystemClock.ticks(), 0);
    while before.since(begun) < span {
        let Some(session) = share.get_mut(used) else {
            used = 0;
            tokio::task::yield_now().await;
            continue;
        };
        *session = once(verb, sessions, session).await?;
        used += 1;
        let now = SystemClock.ticks();
        tally.done(now.since(before));
        before = now;
    }
    share.rotate_left(used);
    Ok((share, tally))
}

async fn once(
    verb: MeasuredVerb,
    sessions: &dyn SessionStore,
    session: &Session,
) -> Result<Session, LibraryBenchError> {
    match verb {
        MeasuredVerb::Find => {
            let handle = SessionHandle::Id(session.key.clone());
            Ok(sessions.find(&handle, SystemClock.now()).await?.ok_or("a session is gone")?)
        }
        MeasuredVerb::Rotate => match session.clone().rotate(&redemption(session)?) {
            RotationOutcome::Won(next)
                if sessions.update(&next, Some(versions(session))).await? == Updated::Done =>
            {
                Ok(next)
            }
            other => Err(format!("{other:?}").into()),
        },
    }
}

/// Under which a session of a user is rotated who was written and never changed.
const fn versions(session: &Session) -> UserVersions {
    UserVersions { user: 0, epochs: session.epochs }
}

/// The request of a client that redeems the current refresh token of its session.
fn redemption(session: &Session) -> Result<RotationRequest, LibraryBenchError> {
    let rotation = session.rotation.as_ref().ok_or("a session has no refresh token")?;
    Ok(RotationRequest {
        pins: false,
        generation: rotation.generation,
        presented: rotation.current,
        issued: rotation.issued,
        expires: rotation.expires,
        successor: SecretHash::of(&[&rotation.generation.to_be_bytes()]),
        kid: rotation.kid.clone(),
        proof: session.proof.map(|proof| proof.hash),
        now: SystemClock.now(),
        lifetime: LIFETIME,
        grace: GRACE,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_session_is_rotated_in_turn_again_and_again() {
        let folder = TempDir::new().unwrap();
        let arguments = StoreArguments { tasks: 2, sessions: 5 };
        let mut store = StoreUnderLoad::open(folder.path(), &arguments).await.unwrap();
        let (mut rotated, mut generations) = (0, Vec::new());
        while generations.iter().any(|generation| *generation < 2) || generations.is_empty() {
            let summary = store.measure(MeasuredVerb::Rotate, Duration::from_millis(20)).await.unwrap();
            rotated += summary.count;
            generations = store.shares.concat().iter().filter_map(generation_of).collect();
        }
        assert_eq!((generations.len(), generations.iter().sum::<u64>()), (5, rotated));
        for share in &store.shares {
            let of_share: Vec<_> = share.iter().filter_map(generation_of).collect();
            assert!(of_share.iter().max().unwrap() - of_share.iter().min().unwrap() <= 1, "{of_share:?}");
        }
        assert!(store.measure(MeasuredVerb::Find, Duration::from_millis(20)).await.unwrap().count > 0);
    }

    fn generation_of(session: &Session) -> Option<u64> {
        session.rotation.as_ref().map(|rotation| rotation.generation)
    }

    #[test]
    fn a_line_is_a_verb_and_milliseconds() {
        let twenty = Duration::from_millis(20);
        assert!(matches!(read("rotate 20").unwrap(), (MeasuredVerb::Rotate, span) if span == twenty));
        assert!(matches!(read("find 20").unwrap(), (MeasuredVerb::Find, span) if span == twenty));
        assert!(read("dance 20").is_err() && read("find").is_err() && read("find soon").is_err());
    }
}
