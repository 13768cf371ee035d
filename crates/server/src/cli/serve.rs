//! `portcullis serve`

use clap::Args;

use super::failure::Failure;
use super::output::Output;
use crate::config::Config;
use crate::serve::{ServeError, serve};
use crate::socket_activation::PassedSockets;

/// Run the server: HTTP, and TCP for NestJS microservices
#[derive(Args, Debug)]
pub(super) struct ServeCommand {
    /// Refuse to start without a public URL, as a service that users reach should: development mode is for one machine
    #[arg(long)]
    production: bool,
}

pub(super) async fn run(
    command: &ServeCommand,
    config: &Config,
    passed: PassedSockets,
    out: &mut Output<'_>,
) -> Result<(), Failure> {
    if command.production && config.is_development() {
        return Err(Failure::usage(
            "public_url is not set, and --production refuses development mode: set public_url, such as \
             \"https://auth.example.com\"",
        ));
    }
    serve(config, passed, out).await.map_err(|fault| match fault {
        // Another try finds the same.
        ServeError::Unwanted(_) => Failure::usage(fault),
        ServeError::Open(fault) => fault.into(),
        fault => Failure::other(fault),
    })
}
