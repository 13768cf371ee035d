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
        println!("writing {sessions} sessions");
        let server = Server::start(&programs.server, data_dir).await?;
        let tokens = write_sessions(&programs.library, &database_in(data_dir), sessions, 1, sessions)?;
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

/// Writes sessions into a database; returns so many refresh tokens, one on a line.
///
/// # Errors
/// What the system says, or that the program has failed.
pub(crate) fn write_sessions(
    library: &Path,
    database: &Path,
    sessions: usize,
    per_user: usize,
    tokens: usize,
) -> io::Result<String> {
    let numbers = [("--sessions", sessions), ("--per-user", per_user), ("--tokens", tokens)];
    let mut writer = Command::new(library);
    writer.args(["sessions", "--database"]).arg(database).stderr(Stdio::inherit());
    for (name, number) in numbers {
        writer.args([name, &number.to_string()]);
    }
    let output = writer.output()?;
    let text = String::from_utf8(output.stdout).ok().filter(|_| output.status.success());
    text.ok_or_else(|| io::Error::other(format!("{writer:?} has failed")))
}
