//! What somebody typed, taken apart or turned away.

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind;

use super::CommandLine;
use super::failure::Failure;

/// The command line that `arguments` spell, the name of the program first.
///
/// # Errors
/// There is nothing to run: help was asked for and has been written to `out`, or something is wrong and `err` says what,
/// in one line.
pub fn parse_command_line(
    arguments: impl IntoIterator<Item = OsString>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<CommandLine, ExitCode> {
    CommandLine::try_parse_from(arguments).map_err(|refused| match refused.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // Whoever asked and does not listen has had enough.
            let _ = write!(out, "{}", refused.render());
            ExitCode::SUCCESS
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = write!(err, "{}", refused.render());
            ExitCode::from(2)
        }
        _ => Failure::usage(one_line(&refused.render().to_string())).report(err),
    })
}

/// The cause without the usage that is printed below it; tips stay.
fn one_line(rendered: &str) -> String {
    let cause = rendered.split("\n\nUsage:").next().unwrap_or(rendered);
    let cause = cause.split("\n\nFor more information").next().unwrap_or(cause);
    let cause = cause.strip_prefix("error: ").unwrap_or(cause).replace("\n\n  tip:", "; tip:");
    let words: Vec<&str> = cause.split_whitespace().collect();
    format!("{}; --help shows what there is", words.join(" "))
}
