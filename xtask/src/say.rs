//! The one place that writes to the terminal.
//!
//! A reader that has gone away (`cargo xtask tidy | head`) is no failure of the verb, so what the pipe answers is
//! not looked at.

use std::io::Write as _;

/// A line of what was asked for.
pub(crate) fn line(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// A line of what went wrong.
pub(crate) fn complaint(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
