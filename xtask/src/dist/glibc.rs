//! The oldest C library that the program runs on.

use std::path::Path;
use std::process::Command;

use crate::failure::VerbFailure;
use crate::workspace;

/// Debian 12's.
const NEWEST: GlibcVersion = GlibcVersion(2, 36);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct GlibcVersion(u32, u32);

/// Refuses a program that asks for a function of a newer library: it would not start on Debian 12. One that is only
/// tried on this machine may ask for what is here.
pub(super) fn check(program: &Path, is_shipped: bool) -> Result<(), VerbFailure> {
    let symbols = workspace::output(Command::new("objdump").arg("--dynamic-syms").arg(program))?;
    let needed = needed(&symbols);
    if !is_shipped || needed.is_none_or(|needed| needed <= NEWEST) {
        return Ok(());
    }
    Err(VerbFailure::Usage(format!(
        "the program needs glibc {}, and a release must run on {}: build it on Debian 12, or in the container of the \
         Dockerfile",
        needed.map_or_else(String::new, |GlibcVersion(major, minor)| format!("{major}.{minor}")),
        format_args!("{}.{}", NEWEST.0, NEWEST.1),
    )))
}

/// The newest version of any function in a table of symbols.
fn needed(symbols: &str) -> Option<GlibcVersion> {
    let versions = symbols.split("GLIBC_").skip(1).filter_map(|rest| {
        let version = rest.split(|c: char| !c.is_ascii_digit() && c != '.').next()?;
        let (major, minor) = version.split_once('.')?;
        let minor = minor.split('.').next()?;
        Some(GlibcVersion(major.parse().ok()?, minor.parse().ok()?))
    });
    versions.max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_function_counts_by_number_and_not_by_letter() {
        let symbols =
            "0 DF *UND* 0 (GLIBC_2.2.5) read\n0 DF *UND* 0 (GLIBC_2.34) x\n0 DF *UND* 0 (GLIBC_2.9) y";
        assert_eq!(needed(symbols), Some(GlibcVersion(2, 34)));
        assert_eq!(needed("no symbols"), None);
        assert!(GlibcVersion(2, 38) > NEWEST && GlibcVersion(2, 4) < NEWEST);
    }
}
