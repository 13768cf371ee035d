//! The terminal that a person reads, if standard output is one: how wide it is, and whether it shows colours.

use std::io::{IsTerminal as _, stdout};
use std::sync::OnceLock;

use rustix::termios::tcgetwinsize;

/// A terminal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terminal {
    /// How many characters fit into a line.
    pub(super) columns: usize,
    /// Whether it shows colours, and its user wants them.
    pub(super) colours: bool,
}

static TERMINAL: OnceLock<Option<Terminal>> = OnceLock::new();

/// Looks whether standard output is a terminal. A process that does not look writes for none.
pub(super) fn look_for_terminal() {
    let _ = TERMINAL.set(found());
}

/// The terminal that was found.
pub(super) fn terminal() -> Option<Terminal> {
    TERMINAL.get().copied().flatten()
}

fn found() -> Option<Terminal> {
    let out = stdout();
    let size = out.is_terminal().then(|| tcgetwinsize(&out).ok())?;
    let columns = size.map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0);
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    // https://no-color.org
    let colours = !is_set("NO_COLOR") && std::env::var_os("TERM").is_some_and(|term| term != "dumb");
    Some(Terminal { columns: columns.unwrap_or(usize::MAX), colours })
}
