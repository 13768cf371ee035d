//! Why a run was given up. A figure that was measured while something went wrong is worth nothing, so everything that
//! is not an answer of the expected kind ends the run.

use std::io;

use portcullis_bench::http::HttpError;
use portcullis_bench::server::StartError;
use portcullis_bench::store_servers::StoreServerError;
use thiserror::Error;

/// What ended the run.
#[derive(Debug, Error)]
pub(crate) enum BenchError {
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("{asked} was answered with {answer}")]
    Unexpected { asked: String, answer: String },
    #[error("argon2: {0}")]
    Hash(argon2::Error),
    #[error("nothing is called {0:?}; there are: {1}")]
    UnknownCase(String, String),
    #[error("a mail with a code did not come")]
    NoLetter,
    #[error("the server did not answer; its last words:\n{0}")]
    NoAnswer(String),
    #[error("a client has nothing to ask for")]
    NoRequest,
    #[error("there is no service to compare with: `cargo xtask bench --peers` builds it")]
    NoPeer,
    #[error(
        "nginx is missing, with which the gateway is compared; run `sudo apt-get install --yes \
         --no-install-recommends nginx-light`"
    )]
    NoNginx,
    #[error("{0} does not listen; its last words:\n{1}")]
    NotListening(&'static str, String),
    #[error("a WebSocket through the gateway was cut")]
    CutWebSocket,
    #[error("{needed} files are open at once, but `ulimit -Hn` says {limit}; open fewer with `--websockets`")]
    FewFiles { needed: u64, limit: u64 },
    #[error("no feed key was made: {0}")]
    NoFeedKey(String),
    #[error(transparent)]
    VerifierSetup(#[from] portcullis_verifier::BuildError),
    #[error("a verifier does not accept what the server does: {0}")]
    Verifier(String),
    #[error(
        "PostgreSQL got no control group; leave out --postgres-cpu-weight, or be root on a machine of your own: {0}"
    )]
    ControlGroup(io::Error),
    #[error(transparent)]
    StoreServer(#[from] StoreServerError),
    #[error("{0}")]
    Page(String),
    #[error("what is written straight into a store does not fit: {0}")]
    Written(String),
    #[error("a store's own program: {0}")]
    OwnProgram(String),
    #[error("PostgreSQL: {0}")]
    Postgres(#[from] sqlx::Error),
    #[error("Redis: {0}")]
    Redis(#[from] redis::RedisError),
    #[error("SQLite: {0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error("a task of the load generator ended early: {0}")]
    Task(#[from] tokio::task::JoinError),
}
