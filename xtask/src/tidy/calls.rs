//! One file alone asks the machine for the time and for random numbers.
//!
//! Clippy forbids it too (`clippy.toml`), by path, in the build it is given. This looks at every file of every
//! feature and platform, and goes by the last two names, so another crate's clock is caught as well.

use super::source::RustFile;
use crate::finding::TidyFinding;

/// Calls that ask the machine.
const CALLS: [&str; 11] = [
    "SystemTime::now",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
    "Utc::now",
    "Local::now",
    "OffsetDateTime::now_utc",
    "SystemRandom::new",
    "thread_rng",
    "Uuid::new_v4",
    "Uuid::now_v7",
];

/// The one file with such calls.
const MACHINE: &str = "crates/core/src/machine.rs";
/// Folders outside the product.
const OUTSIDE: [&str; 2] = ["tools/", "xtask/"];

pub(super) fn check(source: &RustFile) -> Vec<TidyFinding> {
    if source.path == MACHINE || OUTSIDE.iter().any(|folder| source.path.starts_with(folder)) {
        return Vec::new();
    }
    let found =
        CALLS.into_iter().flat_map(|call| source.lines_of(call).into_iter().map(move |line| (call, line)));
    let found = found.filter(|(_, line)| !source.is_test_line(*line));
    found.map(|(call, line)| TidyFinding::new(&source.path, line, refusal(call))).collect()
}

fn refusal(call: &str) -> String {
    format!("`{call}` asks the machine: take a `Clock` or a `Random`; only {MACHINE} makes one")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: [usize; 0] = [];

    fn lines(path: &str, text: &str) -> Vec<usize> {
        check(&RustFile::parse(path, text).unwrap()).iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn every_call_is_found_where_it_must_not_be() {
        for call in CALLS {
            let text = format!("fn f() {{\n  assert!({call}() > 0);\n}}");
            assert_eq!(lines("crates/server/src/http.rs", &text), [2], "{call}");
            assert_eq!(lines("crates/server/src/http.rs", &format!("#[test]\n{text}")), NONE, "{call}");
            for path in [MACHINE, "tools/bench/src/main.rs", "xtask/src/main.rs", "crates/x/tests/it.rs"] {
                assert_eq!(lines(path, &text), NONE, "{path}");
            }
        }
    }

    #[test]
    fn a_longer_path_and_another_crates_clock_are_found_and_a_remark_is_not() {
        assert_eq!(lines("a.rs", "fn f() { tokio::time::Instant::now(); }"), [1]);
        assert_eq!(lines("a.rs", "/// `Instant::now`\nfn f() { clock.now(); } // Instant::now()"), NONE);
    }
}
