//! The least that an axum service can do: one handler, one small JSON answer, no layers. What the server's routes are
//! compared to. It runs as a process of its own, as the server does.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::{io, io::BufRead as _};

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::runtime::Builder;

/// The command that serves the handler.
pub const BARE_SERVER: &str = "bare-server";

/// How the handler is served.
#[derive(Debug, clap::Args)]
pub struct BareServerArguments {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// Length of the answer's body.
    #[arg(long, default_value_t = 150)]
    pub body_bytes: usize,
}

/// Characters of the answer that are not text: `{"message":""}`.
const AROUND: usize = 14;

#[derive(Serialize)]
struct BareMessage<'t> {
    message: &'t str,
}

async fn answer(State(text): State<Arc<str>>) -> Response {
    Json(BareMessage { message: &text }).into_response()
}

fn router(body_bytes: usize) -> Router {
    let text: Arc<str> = "x".repeat(body_bytes.saturating_sub(AROUND)).into();
    Router::new().route("/", get(answer)).with_state(text)
}

/// Serves until it is killed, with as many threads as the server has. The first line it prints is its address.
///
/// # Errors
/// What the system says.
#[expect(clippy::print_stdout, reason = "the bench reads the line")]
pub fn run(arguments: &BareServerArguments) -> io::Result<()> {
    Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let listener = TcpListener::bind(arguments.listen).await?;
        println!("{}", listener.local_addr()?);
        axum::serve(listener, router(arguments.body_bytes)).await
    })
}

/// A program that serves that handler in another process; dropping this kills it.
#[derive(Debug)]
pub struct BareServer {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl BareServer {
    /// Starts it and waits for its address.
    ///
    /// # Errors
    /// What the system says, or that it said no address.
    pub fn start(program: &Path, body_bytes: usize, variable: Option<(&str, &OsStr)>) -> io::Result<Self> {
        let mut child = Command::new(program)
            .args([BARE_SERVER, "--body-bytes", &body_bytes.to_string()])
            .envs(variable)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            io::BufReader::new(stdout).read_line(&mut line)?;
        }
        match line.trim().parse() {
            Ok(address) => Ok(Self { child, address }),
            Err(_) => Err(io::Error::other("the bare handler did not say where it listens")),
        }
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for BareServer {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{self, HttpConnection};

    #[tokio::test]
    async fn the_answer_is_as_long_as_was_asked_for() {
        for body_bytes in [AROUND, 15, 150] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            tokio::spawn(axum::serve(listener, router(body_bytes)).into_future());
            let mut connection = HttpConnection::open(address).await.unwrap();
            let answer = connection.exchange(&http::get("/", &[])).await.unwrap();
            assert_eq!((answer.status(), answer.body().len()), (200, body_bytes));
            assert!(answer.json().get("message").is_some());
        }
    }
}
