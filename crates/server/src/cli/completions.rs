//! `portcullis completions`

use clap::{Args, CommandFactory as _};
use clap_complete::{Shell, generate};

use super::CommandLine;
use super::failure::Failure;
use super::output::Output;

/// Write the completions of a shell, which complete commands and flags
///
/// For bash: `source <(portcullis completions bash)`. For later shells, too, write them into a file of the folder where
/// the shell looks for completions.
#[derive(Args, Debug)]
pub(super) struct CompletionsCommand {
    /// The shell
    shell: Shell,
}

pub(super) fn run(command: &CompletionsCommand, out: &mut Output<'_>) -> Result<(), Failure> {
    let mut script = Vec::new();
    generate(command.shell, &mut CommandLine::command(), "portcullis", &mut script);
    Ok(out.write_all(&script)?)
}
