//! A server with many sessions, which its clients refresh in turn.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use portcullis_bench::server::Server;
use portcullis_bench::strategy::{AccessCredential, Credentials, DEVICE_SECRET, StrategyUnderTest};
use tokio::sync::Mutex;

use crate::case_service::{CaseService, database_in};
use crate::cases::MANY;
use crate::error::BenchError;
use crate::load::LoadClient;
use crate::programs::BenchPrograms;
use crate::script::Script;

/// The server, and for each client the sessions that it takes turns at.
#[derive(Debug)]
pub(crate) struct Crowd {
    server: Server,
    scripts: Mutex<Vec<Vec<Script>>>,
}

impl Crowd {
    /// Starts a server and writes so many sessions, each with a user of its own.
    ///
    /// # Errors
    /// [`BenchError`]
    pub(crate) async fn start(
        programs: &BenchPrograms,
        data_dir: &Path,
        sessions: usize,
    ) -> Result<Self, BenchError> {
        let tokens = written_sessions(programs, data_dir, sessions, 1, sessions).await?;
        let server = Server::start(&programs.server, data_dir).await?;
        let mut scripts: Vec<Vec<Script>> = (0..MANY).map(|_| Vec::new()).collect();
        for (number, token) in tokens.lines().enumerate() {
            scripts.get_mut(number % MANY).into_iter().for_each(|client| client.extend(chain(token)));
        }
        Ok(Self { server, scripts: Mutex::new(scripts) })
    }

    pub(crate) fn service(&self) -> CaseService {
        CaseService::of_server(&self.server)
    }

    /// The sessions of each client, in the state in which the last measurement has left them.
    pub(crate) async fn take(&self) -> Vec<Vec<Script>> {
        std::mem::take(&mut *self.scripts.lock().await)
    }

    /// Keeps the sessions for the next measurement: their refresh tokens have been used.
    pub(crate) async fn keep(&self, clients: Vec<LoadClient>) {
        *self.scripts.lock().await = clients.into_iter().map(LoadClient::into_scripts).collect();
    }
}

/// The refreshes of a session that was written.
pub(crate) fn chain(token: &str) -> Option<Script> {
    let signed_in = Credentials {
        access: AccessCredential::Bearer(String::new()),
        refresh_token: Some(token.to_owned()),
        device_secret: Some(DEVICE_SECRET.to_owned()),
    };
    Script::chain(StrategyUnderTest::Refresh, &signed_in)
}

/// Writes sessions into the database of a server that does not run; returns so many refresh tokens, one on a line.
///
/// # Errors
/// [`BenchError`]
pub(crate) async fn written_sessions(
    programs: &BenchPrograms,
    data_dir: &Path,
    sessions: usize,
    per_user: usize,
    tokens: usize,
) -> Result<String, BenchError> {
    // The first start makes the keys.
    Server::start(&programs.server, data_dir).await?.stop()?;
    println!("writing {sessions} sessions");
    let numbers = [("--sessions", sessions), ("--per-user", per_user), ("--tokens", tokens)];
    let mut writer = Command::new(&programs.library);
    writer.args(["sessions", "--database"]).arg(database_in(data_dir)).stderr(Stdio::inherit());
    for (name, number) in numbers {
        writer.args([name, &number.to_string()]);
    }
    let output = writer.output()?;
    let text = String::from_utf8(output.stdout).ok().filter(|_| output.status.success());
    Ok(text.ok_or_else(|| io::Error::other(format!("{writer:?} has failed")))?)
}
