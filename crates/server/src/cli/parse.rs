//! Parsing the command line, with refusals in one line.

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::Parser as _;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::CommandLine;
use super::failure::Failure;

/// Parses the command line; `arguments` begin with the name of the program.
///
/// # Errors
/// The exit code if there is nothing to run: the help went to `out`, or one line about the fault went to `err`.
pub(super) fn parse_command_line(
    arguments: impl IntoIterator<Item = OsString>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<CommandLine, ExitCode> {
    CommandLine::try_parse_from(arguments).map_err(|mut refused| match refused.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // A reader that has closed the output needs no help.
            let _ = write!(out, "{}", refused.render());
            ExitCode::SUCCESS
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = write!(err, "{}", refused.render());
            ExitCode::from(2)
        }
        _ => {
            let meant = meant(&refused);
            if meant.is_some() {
                // What clap takes it for is only spelled like it.
                refused.remove(ContextKind::SuggestedArg);
            }
            let line = one_line(&refused.render().to_string());
            Failure::usage(line + meant.unwrap_or_default()).report(err)
        }
    })
}

/// Flags of other servers for the address.
const OF_THE_ADDRESS: [&str; 7] = ["--port", "-p", "--host", "-h", "--bind", "--address", "--addr"];

/// What an unknown flag is called here.
fn meant(refused: &clap::Error) -> Option<&'static str> {
    let Some(ContextValue::String(flag)) = refused.get(ContextKind::InvalidArg) else {
        return None;
    };
    let is_address = OF_THE_ADDRESS.contains(&flag.as_str());
    is_address.then_some("; address and port are --listen ADDR:PORT, such as --listen localhost:3000")
}

/// The cause, with clap's tip but without its usage text.
fn one_line(rendered: &str) -> String {
    let cause = rendered.split("\n\nUsage:").next().unwrap_or(rendered);
    let cause = cause.split("\n\nFor more information").next().unwrap_or(cause);
    let cause = cause.strip_prefix("error: ").unwrap_or(cause).replace("\n\n  tip:", "; tip:");
    let words: Vec<&str> = cause.split_whitespace().collect();
    format!("{}; --help lists what exists", words.join(" "))
}
