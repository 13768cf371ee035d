//! What `portcullis-bench` measures of the library without the server, each in a process of its own: a guard in a bare
//! axum service, and the store alone; and the sessions that it needs in a database, more than could sign in.
//!
//! The bench itself uses none of the product's crates, because it judges them. It starts this.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the bench reads what this prints")]

mod feed_delay;
mod guarded_service;
mod session_writer;
mod store_alone;
mod verifying_service;

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;

type LibraryBenchError = Box<dyn Error + Send + Sync>;

/// What the bench may ask for.
#[derive(Debug, Parser)]
#[command(name = "portcullis-library-bench")]
enum LibraryBenchCommand {
    /// Serve the bare handler behind a guard, on the sessions of a database.
    Guarded(guarded_service::GuardedArguments),
    /// Write users with sessions into the database of an installation, and print refresh tokens.
    Sessions(session_writer::WriterArguments),
    /// Print how long another process takes to hear of a sign-out, and what that costs it.
    Feed(feed_delay::FeedArguments),
    /// Rotate and find in a store of its own, as often as a line of the standard input says so.
    Store(store_alone::StoreArguments),
    /// Serve the bare handler behind a guard that follows the feed of a server.
    Verifying(verifying_service::VerifyingArguments),
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match LibraryBenchCommand::parse() {
        LibraryBenchCommand::Feed(arguments) => feed_delay::measure(&arguments).await,
        LibraryBenchCommand::Guarded(arguments) => guarded_service::serve(&arguments).await,
        LibraryBenchCommand::Sessions(arguments) => session_writer::write(&arguments).await,
        LibraryBenchCommand::Store(arguments) => store_alone::serve(&arguments).await,
        LibraryBenchCommand::Verifying(arguments) => verifying_service::serve(&arguments).await,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("library-bench: {error}");
            ExitCode::FAILURE
        }
    }
}
