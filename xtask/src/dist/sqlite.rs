//! SQLite, the library of C that is linked into the program: it comes inside a crate, so cargo does not know of it.

use std::fs;

use super::dependencies::LinkedCrate;
use super::licences::LicenceText;
use crate::failure::VerbFailure;

/// The crate that brings its sources.
const CARRIER: &str = "libsqlite3-sys";

pub(super) struct BundledSqlite {
    pub(super) version: String,
    /// What stands in the place of a licence.
    pub(super) notice: String,
    /// The id of the crate that brings it.
    pub(super) carrier: String,
}

impl BundledSqlite {
    pub(super) fn of(crates: &[LinkedCrate]) -> Result<Self, VerbFailure> {
        let carrier = crates.iter().find(|found| found.name == CARRIER);
        let carrier =
            carrier.ok_or_else(|| VerbFailure::Broken(format!("`{CARRIER}` is not in the program")))?;
        let path = carrier.folder().join("sqlite3/sqlite3.h");
        let header = fs::read_to_string(&path);
        let header = header.map_err(VerbFailure::doing(format!("cannot read {}", path.display())))?;
        let broken = || VerbFailure::Broken(format!("{} names no version", path.display()));
        Ok(Self {
            version: version(&header).ok_or_else(broken)?,
            notice: notice(&header),
            carrier: carrier.id.clone(),
        })
    }

    pub(super) fn licence(&self) -> LicenceText {
        LicenceText { work: format!("SQLite {} (public domain)", self.version), text: self.notice.clone() }
    }
}

fn version(header: &str) -> Option<String> {
    let line = header.lines().find_map(|line| line.strip_prefix("#define SQLITE_VERSION "))?;
    Some(line.trim().trim_matches('"').to_owned())
}

/// The comment at the top, up to the line of asterisks.
fn notice(header: &str) -> String {
    let lines = header.lines().skip(1).map_while(|line| line.strip_prefix("**"));
    let lines: Vec<&str> = lines.take_while(|line| !line.starts_with('*')).map(str::trim_end).collect();
    lines.join("\n").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_says_which_version_it_is_and_gives_its_blessing() {
        let header = "/*\n** 2001-09-15\n**\n**    May you do good.\n**\n*****\n** code\n*/\n\
                      #define SQLITE_VERSION        \"3.51.3\"\n#define SQLITE_VERSION_NUMBER 3051003\n";
        assert_eq!(version(header).unwrap(), "3.51.3");
        assert_eq!(notice(header), "2001-09-15\n\n    May you do good.");
    }
}
