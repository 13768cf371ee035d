//! What an operator reads who starts an older version on a database of a newer one.

/// This program, as errors and notes of migrations name it.
const PROGRAM: &str = concat!("portcullis ", env!("CARGO_PKG_VERSION"));

/// Checks that an error names the version of the database and of this program, whose newest migration is `newest`.
#[track_caller]
pub(crate) fn assert_names_both_versions(said: &str, newest: i64) {
    for named in [
        format!("it has migration {}, ", newest + 900),
        format!(" ({PROGRAM})\", and this is {PROGRAM}, which knows migrations up to {newest}"),
    ] {
        assert!(said.contains(&named), "{named} is not in {said}");
    }
}
