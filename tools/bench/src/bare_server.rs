//! The least that an axum service can do: one handler, one small JSON answer, no layers. What the server's routes are
//! compared to. It runs as a process of its own, as the server does.

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

/// Serves until it is killed; the first line it prints is its address.
///
/// # Errors
/// What the system says.
pub(crate) async fn serve(listen: SocketAddr, body_bytes: usize) -> io::Result<()> {
    let listener = TcpListener::bind(listen).await?;
    println!("{}", listener.local_addr()?);
    axum::serve(listener, router(body_bytes)).await
}

/// The same program, serving that handler in another process; dropping this kills it.
#[derive(Debug)]
pub(crate) struct BareServer {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl BareServer {
    /// Starts it and waits for its address.
    ///
    /// # Errors
    /// What the system says, or that it said no address.
    pub(crate) fn start(program: &Path, body_bytes: usize) -> io::Result<Self> {
        let mut child = Command::new(program)
            .args(["bare-server", "--listen", "127.0.0.1:0", "--body-bytes", &body_bytes.to_string()])
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

    pub(crate) fn pid(&self) -> u32 {
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
    use portcullis_bench::http::{self, HttpConnection};

    use super::*;

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
