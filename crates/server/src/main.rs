//! The binary `portcullis`.

use std::io;
use std::process::ExitCode;

use clap::Parser;
use portcullis_server::cli::{CommandLine, run};

fn main() -> io::Result<ExitCode> {
    let line = CommandLine::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    Ok(runtime.block_on(run(line, &mut io::stdout(), &mut io::stderr())))
}
