//! The binary `portcullis`.

use std::io;
use std::process::ExitCode;

use portcullis_server::cli::{look_for_terminal, parse_command_line, run};

fn main() -> io::Result<ExitCode> {
    let line = match parse_command_line(std::env::args_os(), &mut io::stdout(), &mut io::stderr()) {
        Ok(line) => line,
        Err(code) => return Ok(code),
    };
    look_for_terminal();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    Ok(runtime.block_on(run(line, &mut io::stdout(), &mut io::stderr())))
}
