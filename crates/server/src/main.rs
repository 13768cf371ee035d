//! The binary `portcullis`.

use std::io;
use std::process::ExitCode;

use portcullis_server::cli::{run, usher};

fn main() -> io::Result<ExitCode> {
    let line = match usher(std::env::args_os(), &mut io::stdout(), &mut io::stderr()) {
        Ok(line) => line,
        Err(code) => return Ok(code),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    Ok(runtime.block_on(run(line, &mut io::stdout(), &mut io::stderr())))
}
