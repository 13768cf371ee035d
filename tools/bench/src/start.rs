//! How long a server with many sessions in its database takes to the first answer after its start.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use portcullis_bench::http::{HttpConnection, HttpError};
use portcullis_bench::server::Server;
use portcullis_bench::tally::Tally;
use tokio::time::{sleep, timeout};

use crate::BenchPlan;
use crate::case_service::database_in;
use crate::crowd::{chain, written_sessions};
use crate::error::BenchError;
use crate::load;
use crate::programs::BenchPrograms;
use crate::script::Script;

/// Sessions in the small database and in the large one, and how many of them one user has.
const SESSIONS: [usize; 2] = [64, 1_000_000];
const PER_USER: usize = 10;

const PAUSE: Duration = Duration::from_millis(1);
const DEADLINE: Duration = Duration::from_mins(3);

/// The starts of one database.
#[derive(Debug)]
pub(crate) struct Starts {
    /// How many sessions it has.
    pub(crate) sessions: usize,
    /// Its size.
    pub(crate) mebibytes: u64,
    /// From the start of the process to the first answer, milliseconds.
    pub(crate) millis: Vec<f64>,
}

/// Starts a server on a small database and on a large one, in turns.
///
/// # Errors
/// [`BenchError`]
pub(crate) async fn measure(plan: &BenchPlan, directory: &Path) -> Result<Vec<Starts>, BenchError> {
    let programs = BenchPrograms::measured(plan)?;
    let mut databases = Vec::new();
    for sessions in SESSIONS {
        let data_dir = directory.join(format!("start-{sessions}"));
        let script = written(&programs, &data_dir, sessions).await?;
        let mebibytes = fs::metadata(database_in(&data_dir))?.len() >> 20;
        databases.push((data_dir, script, Starts { sessions, mebibytes, millis: Vec::new() }));
    }
    for round in 1..=plan.rounds {
        for (data_dir, script, starts) in &mut databases {
            let took = first_answer(&programs.server, data_dir, script).await?;
            println!("round {round}/{}: start with {} sessions, {took:.1} ms", plan.rounds, starts.sessions);
            starts.millis.push(took);
        }
    }
    Ok(databases.into_iter().map(|(_, _, starts)| starts).collect())
}

/// A database with so many sessions, and the refreshes of one.
async fn written(programs: &BenchPrograms, data_dir: &Path, sessions: usize) -> Result<Script, BenchError> {
    let tokens = written_sessions(programs, data_dir, sessions, PER_USER, 1).await?;
    tokens.lines().find_map(chain).ok_or(BenchError::NoRequest)
}

/// Milliseconds from the start of the process to the answer to a refresh. The server is stopped after it.
async fn first_answer(program: &Path, data_dir: &Path, script: &mut Script) -> Result<f64, BenchError> {
    let begun = Instant::now();
    let mut server = Server::launch(program, data_dir, &[])?;
    let asking = ask_until_answered(&server, script);
    let asked = timeout(DEADLINE, asking).await.map_err(|_| BenchError::NoAnswer(server.last_words()))?;
    let took = begun.elapsed();
    asked?;
    server.stop()?;
    Ok(took.as_secs_f64() * 1000.0)
}

async fn ask_until_answered(server: &Server, script: &mut Script) -> Result<(), BenchError> {
    loop {
        match HttpConnection::open(server.address()).await {
            // It does not listen yet.
            Err(HttpError::Lost(_)) => {}
            Err(other) => return Err(other.into()),
            Ok(mut connection) => {
                if load::ask(&mut connection, script, &mut Tally::new()).await? {
                    return Ok(());
                }
            }
        }
        sleep(PAUSE).await;
    }
}
