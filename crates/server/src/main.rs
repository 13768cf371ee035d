//! The binary `portcullis`.

use std::io;
use std::process::ExitCode;

fn main() -> io::Result<ExitCode> {
    portcullis_server::cli::start()
}
