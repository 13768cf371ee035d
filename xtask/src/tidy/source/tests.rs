use super::*;

const FILE: &str = r#"//! A module
//! doc.

/// A doc.
#[must_use]
fn f() -> &'static str { // a remark

/* a
   remark */
"two
lines"
}

#[cfg(test)]
mod tests {
#[test]
fn g() {}
}

fn h() { println!("{:?}", SystemTime::now()); }
"#;

fn source() -> RustFile {
    RustFile::parse("crates/x/src/lib.rs", FILE).unwrap()
}

#[test]
fn blanks_comments_documentation_and_tests_are_no_code() {
    assert_eq!(
        source().code_lines.iter().copied().collect::<Vec<_>>(),
        [5, 6, 10, 11, 12, 14, 15, 16, 17, 18, 20]
    );
    assert_eq!(source().code_lines(6..=12), 4);
}

#[test]
fn tokens_are_found_inside_macro_calls_and_not_in_text() {
    assert_eq!(source().lines_of("SystemTime::now"), [20]);
    assert!(source().lines_of("remark").is_empty());
    assert!(source().lines_of("lines").is_empty());
}

#[test]
fn a_test_reaches_from_its_attribute_to_its_end() {
    let source = source();
    let lines: Vec<usize> = (1..=20).filter(|line| source.is_test_line(*line)).collect();
    assert_eq!(lines, [14, 15, 16, 17, 18]);
}

#[test]
fn what_is_compiled_without_tests_too_is_no_test() {
    let is_test = |attribute: &str| {
        let source = RustFile::parse("a.rs", &format!("{attribute}\nfn f() {{}}")).unwrap();
        source.is_test_line(2)
    };
    assert!(is_test("#[tokio::test]"));
    assert!(is_test("#[tokio::test(flavor = \"multi_thread\")]"));
    assert!(is_test("#[cfg(all(test, unix))]"));
    assert!(!is_test("#[cfg(any(test, feature = \"conformance\"))]"));
    assert!(!is_test("#[cfg(not(test))]"));
    assert!(!is_test("#[cfg(feature = \"test\")]"));
}

#[test]
fn files_of_tests_are_known_by_their_names() {
    let is_test = |path| RustFile::parse(path, "").unwrap().is_test();
    assert!(is_test("crates/core/src/engine/tests.rs"));
    assert!(is_test("crates/server/tests/it/main.rs"));
    assert!(!is_test("crates/core/src/attests.rs"));
}
