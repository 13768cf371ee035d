//! The least that an axum service can do: one handler, one small JSON answer, no layers. What the server's routes are
//! compared with. It runs as a process of its own, as the server does, is sent the same requests, and answers as many
//! bytes.

use std::io;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::runtime::Builder;

/// The command that serves the handler.
pub const BARE_SERVER: &str = "bare-server";

/// Bytes of the answer's head but for the digits of its length.
const HEAD: usize = 106;
/// Characters of the body that are not text: `{"message":""}`.
const AROUND: usize = 14;

/// Which requests are answered, and how.
#[derive(Clone, PartialEq, Eq, Debug, clap::Args)]
pub struct BareServerArguments {
    /// A path, and how many bytes the whole answer to it has.
    #[arg(long = "route", value_name = "PATH=BYTES")]
    pub routes: Vec<BareRoute>,
}

/// A path, and how many bytes the whole answer to it has.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BareRoute {
    /// The path.
    pub path: String,
    /// Head and body of the answer.
    pub bytes: usize,
}

impl FromStr for BareRoute {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (path, bytes) = text.split_once('=').ok_or("a route is PATH=BYTES")?;
        let bytes = bytes.parse().map_err(|error| format!("{bytes}: {error}"))?;
        Ok(Self { path: path.to_owned(), bytes })
    }
}

impl BareServerArguments {
    /// The arguments as they are written on a command line.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let written = |route: &BareRoute| ["--route".to_owned(), format!("{}={}", route.path, route.bytes)];
        self.routes.iter().flat_map(written).collect()
    }
}

#[derive(Serialize)]
struct BareMessage<'t> {
    message: &'t str,
}

async fn answer(State(text): State<Arc<str>>) -> Response {
    Json(BareMessage { message: &text }).into_response()
}

/// The handler at one path.
pub fn router(route: &BareRoute) -> Router {
    let text: Arc<str> = "x".repeat(body_of(route.bytes).saturating_sub(AROUND)).into();
    Router::new().route(&route.path, get(answer)).with_state(text)
}

/// The length of the body of an answer that is this long.
fn body_of(bytes: usize) -> usize {
    let rest = bytes.saturating_sub(HEAD);
    let digits = (1..9).find(|digits| rest.saturating_sub(*digits).to_string().len() <= *digits);
    rest.saturating_sub(digits.unwrap_or_default())
}

/// Serves all routes until it is killed, with as many threads as the server has.
///
/// # Errors
/// What the system says.
pub fn run(arguments: &BareServerArguments) -> io::Result<()> {
    let all = arguments.routes.iter().map(router).fold(Router::new(), Router::merge);
    Builder::new_multi_thread().enable_all().build()?.block_on(serve(all))
}

/// Serves on a free port until it is killed. The first line it prints is its address.
///
/// # Errors
/// What the system says.
#[expect(clippy::print_stdout, reason = "the bench reads the line")]
pub async fn serve(router: Router) -> io::Result<()> {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    println!("{}", listener.local_addr()?);
    axum::serve(listener, router).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{self, HttpConnection};

    #[tokio::test]
    async fn the_whole_answer_is_as_long_as_was_asked_for() {
        for bytes in [130, 200, 210, 340, 1400] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let route = BareRoute { path: "/a/b".to_owned(), bytes };
            tokio::spawn(axum::serve(listener, router(&route)).into_future());
            let mut connection = HttpConnection::open(address).await.unwrap();
            let answer = connection.exchange(&http::get("/a/b", &[])).await.unwrap();
            assert_eq!((answer.status(), answer.length()), (200, bytes));
            assert!(answer.json().get("message").is_some());
        }
    }

    #[test]
    fn routes_are_read_as_they_are_written() {
        let routes = vec![BareRoute { path: "/a".to_owned(), bytes: 7 }];
        let words = BareServerArguments { routes: routes.clone() }.words();
        assert_eq!(words, ["--route", "/a=7"]);
        assert_eq!(words[1].parse(), Ok(routes[0].clone()));
        assert!("/a".parse::<BareRoute>().is_err() && "/a=b".parse::<BareRoute>().is_err());
    }
}
