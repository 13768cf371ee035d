//! The bare handler behind a guard that follows the feed of a server: what a check costs a service without a database.

use std::fs;
use std::path::PathBuf;

use axum::Router;
use portcullis_axum::Guard;
use portcullis_bench::bare_server::{self, BareServerArguments};
use portcullis_verifier::Verifier;

use crate::LibraryBenchError;

/// What is served.
#[derive(Debug, clap::Args)]
pub(crate) struct VerifyingArguments {
    /// The URL of the server whose feed is followed.
    #[arg(long)]
    server: String,
    /// The file with a key of its feed.
    #[arg(long)]
    feed_key_file: PathBuf,
    /// What is answered.
    #[command(flatten)]
    bare: BareServerArguments,
}

/// Serves until it is killed, from when the verifier knows what has been revoked.
///
/// # Errors
/// What the verifier says, or the system.
pub(crate) async fn serve(arguments: &VerifyingArguments) -> Result<(), LibraryBenchError> {
    let key = fs::read_to_string(&arguments.feed_key_file)?;
    let verifier = Verifier::builder(&arguments.server).feed_key(&key).build()?;
    verifier.ready().await;
    let app = arguments.bare.routes.iter().map(bare_server::router).fold(Router::new(), Router::merge);
    Ok(bare_server::serve(app.route_layer(Guard::of(verifier))).await?)
}
