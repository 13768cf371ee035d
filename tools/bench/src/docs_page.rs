//! The page with the published figures: what stands between its markers is replaced, the rest is written by hand.

use std::fs;
use std::path::Path;

use crate::error::BenchError;

const BEGIN: &str = "<!-- figures: begin (written by `cargo xtask bench --write`) -->";
const END: &str = "<!-- figures: end -->";

/// Writes the figures into the page.
///
/// # Errors
/// [`BenchError`], where the page is not there or has lost its markers.
pub(crate) fn write(page: &Path, figures: &str) -> Result<(), BenchError> {
    let text = fs::read_to_string(page)?;
    let fault = || BenchError::Page(format!("{} has lost its markers {BEGIN} and {END}", page.display()));
    fs::write(page, replaced(&text, figures).ok_or_else(fault)?)?;
    Ok(())
}

fn replaced(text: &str, figures: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n\n{}\n\n{END}{after}", figures.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_between_the_markers_changes_and_a_second_time_nothing_does() {
        let page = format!("# Title\n\n{BEGIN}\nold\n{END}\n\nBy hand.\n");
        let once = replaced(&page, "new\n").unwrap();
        assert_eq!(once, format!("# Title\n\n{BEGIN}\n\nnew\n\n{END}\n\nBy hand.\n"));
        assert_eq!(replaced(&once, "new\n").unwrap(), once);
        assert_eq!(replaced("no markers", "new"), None);
    }

    #[test]
    fn the_published_page_has_its_markers() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/performance.md");
        assert!(replaced(&fs::read_to_string(page).unwrap(), "new").is_some());
    }
}
