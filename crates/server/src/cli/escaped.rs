//! Text that is safe to show on a terminal.

use std::fmt::{self, Display, Write as _};

use portcullis_core::invisible::is_invisible;

/// Text in which everything that moves the cursor, breaks the line or turns the direction of writing is spelled out.
#[derive(Clone, Copy)]
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| {
            if is_invisible(c) { Display::fmt(&c.escape_unicode(), f) } else { f.write_char(c) }
        })
    }
}
