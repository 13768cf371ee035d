use super::*;

const ROWS: &str = "# Doors\n\nD1\tM\tDoors lock.\t\nD2\tS\tDoors shut.\tonly the front door\nD3\tB\tDoors sing.\tnot asked for\n";

fn file(path: &str, text: &str) -> TextFile {
    TextFile { path: path.to_owned(), text: text.to_owned() }
}

fn claim(ids: &str, below: &str) -> TextFile {
    file("a/src/door.rs", &format!("mod tests {{\n    {CLAIM} {ids}\n{below}"))
}

#[test]
fn a_test_stands_at_every_requirement_that_it_names() {
    let files = [claim("D1, D2", "    #[tokio::test]\n    async fn a_door_locks() {")];
    let map = Map::between(ROWS, &files);
    assert!(map.findings.is_empty(), "{:?}", map.findings);
    let tables = map.tables();
    assert!(tables.contains("| D1 | M | Doors lock. | [`a_door_locks`](../a/src/door.rs) |"), "{tables}");
    assert!(tables.contains("a/src/door.rs)<br>not yet: only the front door |"), "{tables}");
    assert!(tables.contains("| D3 | B | Doors sing. | **open**: not asked for |"), "{tables}");
    assert!(tables.starts_with("3 requirements: 2 with tests, 1 without.\n\n### Doors\n"), "{tables}");
}

#[test]
fn each_test_that_a_macro_makes_is_named() {
    let text = "macro_rules! doors {\n    ($($name:ident: $door:ident;)+) => {\n        $(\n            CLAIM D1\n            \
        #[test]\n            fn $name() {\n            }\n        )+\n    };\n}\n\ndoors! {\n    // two of them\n    \
        the_front_door_locks: Front;\n    the_back_door_locks: Back;\n}\n";
    let text = text.replace("CLAIM", CLAIM);
    let map = Map::between(ROWS, &[file("a/src/door.rs", &text)]);
    let named: Vec<&str> = map.tests["D1"].iter().map(|test| test.name.as_str()).collect();
    assert_eq!(named, ["the_back_door_locks", "the_front_door_locks"]);
    let uncalled = text.replace("doors! {", "windows! {");
    assert_eq!(Map::between(ROWS, &[file("a/src/door.rs", &uncalled)]).findings.len(), 1);
}

#[test]
fn a_claim_without_a_test_and_an_unknown_id_are_findings() {
    for (wrong, ids, below) in [
        ("no requirement", "D1 D9", "#[test]\nfn a_door_locks() {"),
        ("no test follows", "D1", "#[must_use]\nfn no_test() {"),
        ("no test follows", "D1", "let x = 1;"),
    ] {
        let findings = Map::between(ROWS, &[claim(ids, below)]).findings;
        assert!(findings.iter().any(|finding| finding.to_string().contains(wrong)), "{wrong}: {findings:?}");
    }
}

#[test]
fn a_requirement_without_a_test_is_shown_as_open() {
    let tables = Map::between(ROWS, &[]).tables();
    assert!(tables.contains("| D1 | M | Doors lock. | **open**: no test claims it |"), "{tables}");
}

#[test]
fn every_row_of_the_requirements_is_whole_and_has_an_id_of_its_own() {
    let rows: Vec<&str> = REQUIREMENTS.lines().filter(|line| line.contains('\t')).collect();
    assert!(rows.iter().all(|row| row.split('\t').count() == 4), "a row is id, level, sentence, remark");
    let ids: std::collections::BTreeSet<&str> =
        rows.iter().filter_map(|row| row.split('\t').next()).collect();
    assert_eq!(ids.len(), rows.len(), "an id stands there twice");
}

#[test]
fn a_page_that_says_something_else_is_stale_and_can_be_made_current() {
    let page = format!("# Security\n\n{BEGIN}old\n{END}\nmore\n");
    let made = with_tables(&page, "new").unwrap();
    assert_eq!(made, format!("# Security\n\n{BEGIN}\nnew\n{END}\nmore\n"));
    assert_eq!(with_tables(&made, "new"), Some(made));
    assert_eq!(with_tables("# Security", "new"), None);
    assert!(findings(&[file(PAGE, &page)]).iter().any(|finding| finding.to_string().contains("run `cargo")));
}
