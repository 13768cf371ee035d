//! Text that is safe to show on a terminal.

use std::fmt::{self, Display, Write as _};

use portcullis_core::invisible::is_invisible;

/// Text whose control characters, line breaks and direction marks are escaped.
#[derive(Clone, Copy)]
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| {
            if is_invisible(c) { Display::fmt(&c.escape_unicode(), f) } else { f.write_char(c) }
        })
    }
}
