//! `security-map`: which test shows which security requirement, as the tables of `docs/security.md`.
//!
//! A test says what it shows in a line above it, `// ASVS-map: JW3`; several ids are separated by commas or spaces.
//! The requirements are rows of `xtask/src/security/requirements.tsv`: id, level, sentence, and a remark on what is
//! missing. Whether a test shows enough is for readers to judge: this only makes sure that the tables name every test
//! that claims to, and show every requirement that none does.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::failure::VerbFailure;
use crate::finding::TidyFinding;
use crate::say;
use crate::text_files::{self, TextFile};
use crate::workspace::Workspace;

const REQUIREMENTS: &str = include_str!("security/requirements.tsv");
const REQUIREMENTS_PATH: &str = "xtask/src/security/requirements.tsv";
const PAGE: &str = "docs/security.md";
const BEGIN: &str = "<!-- from the tests: cargo xtask security-map -->\n";
const END: &str = "<!-- end -->";
const CLAIM: &str = "// ASVS-map:";

/// The verb: writes the tables, or with `--check` says whether they are as they should be.
pub(crate) fn run(arguments: &[String]) -> Result<(), VerbFailure> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let root = Workspace::load()?.root;
    let files = text_files::read(&root)?;
    match words.as_slice() {
        ["--check"] => report(&findings(&files)),
        [] => write(&root, &files),
        _ => Err(VerbFailure::Usage("security-map takes nothing or --check".to_owned())),
    }
}

fn write(root: &Path, files: &[TextFile]) -> Result<(), VerbFailure> {
    let map = Map::of(files);
    let page = text_of(files, PAGE).and_then(|page| with_tables(page, &map.tables()));
    let page = page.ok_or_else(|| VerbFailure::Broken(format!("{PAGE} has no place for the tables")))?;
    fs::write(root.join(PAGE), page).map_err(VerbFailure::doing(format!("cannot write {PAGE}")))?;
    say::line(&map.summary());
    report(&map.findings)
}

/// What is wrong with the claims, or with the page that lists them.
pub(crate) fn findings(files: &[TextFile]) -> Vec<TidyFinding> {
    let map = Map::of(files);
    let page = text_of(files, PAGE).unwrap_or_default();
    let is_current = with_tables(page, &map.tables()).is_some_and(|made| made == page);
    let stale = (!is_current).then(|| {
        TidyFinding::new(PAGE, 1, "its tables are not what the tests say: run `cargo xtask security-map`")
    });
    map.findings.into_iter().chain(stale).collect()
}

fn report(findings: &[TidyFinding]) -> Result<(), VerbFailure> {
    for finding in findings {
        say::line(&finding.to_string());
    }
    match findings.len() {
        0 => Ok(()),
        many => Err(VerbFailure::Broken(format!("security-map: {many} to repair"))),
    }
}

fn text_of<'a>(files: &'a [TextFile], path: &str) -> Option<&'a str> {
    files.iter().find(|file| file.path == path).map(|file| file.text.as_str())
}

/// The page with these tables between its two marks, if it has them.
fn with_tables(page: &str, tables: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{tables}\n{END}{after}"))
}

/// A row of the requirements.
#[derive(Clone, Copy)]
struct SecurityRequirement<'a> {
    id: &'a str,
    level: &'a str,
    sentence: &'a str,
    remark: &'a str,
}

/// A line of the requirements.
#[derive(Clone, Copy)]
enum MapLine<'a> {
    Area(&'a str),
    SecurityRequirement(SecurityRequirement<'a>),
}

fn lines(text: &str) -> impl Iterator<Item = MapLine<'_>> {
    text.lines().filter(|line| !line.is_empty()).map(|line| {
        if let Some(area) = line.strip_prefix("# ") {
            return MapLine::Area(area);
        }
        let mut cells = line.split('\t');
        let mut cell = || cells.next().unwrap_or_default();
        MapLine::SecurityRequirement(SecurityRequirement {
            id: cell(),
            level: cell(),
            sentence: cell(),
            remark: cell(),
        })
    })
}

/// A test, and where it stands.
#[derive(PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Test {
    path: String,
    name: String,
}

/// The tests by the id that they claim to show.
struct Map<'a> {
    requirements: &'a str,
    tests: BTreeMap<String, Vec<Test>>,
    findings: Vec<TidyFinding>,
}

impl Map<'static> {
    fn of(files: &[TextFile]) -> Self {
        Self::between(REQUIREMENTS, files)
    }
}

impl<'a> Map<'a> {
    fn between(requirements: &'a str, files: &[TextFile]) -> Self {
        let mut map = Self { requirements, tests: BTreeMap::new(), findings: Vec::new() };
        for file in files.iter().filter(|file| file.is_rust()) {
            map.read(file);
        }
        for tests in map.tests.values_mut() {
            tests.sort();
            tests.dedup();
        }
        map
    }

    fn rows(&self) -> impl Iterator<Item = SecurityRequirement<'a>> + use<'a> {
        lines(self.requirements).filter_map(|line| match line {
            MapLine::Area(_) => None,
            MapLine::SecurityRequirement(row) => Some(row),
        })
    }

    fn read(&mut self, file: &TextFile) {
        let code: Vec<&str> = file.text.lines().map(str::trim).collect();
        for (index, line) in code.iter().enumerate() {
            let Some(claim) = line.strip_prefix(CLAIM) else { continue };
            let (above, below) = code.split_at(index);
            let names = match test_in(&file.path, below.get(1..).unwrap_or_default()) {
                Some("") => made_by_macro(above, below),
                found => found.into_iter().collect(),
            };
            if names.is_empty() {
                let what = "no test follows this line: put it right above the test it is about";
                self.findings.push(TidyFinding::new(&file.path, index + 1, what));
                continue;
            }
            for id in claim.split([',', ' ']).filter(|id| !id.is_empty()) {
                if self.rows().any(|row| row.id == id) {
                    let test = |name: &&str| Test { path: file.path.clone(), name: (*name).to_owned() };
                    self.tests.entry(id.to_owned()).or_default().extend(names.iter().map(test));
                } else {
                    let what = format!("`{id}` is no requirement: {REQUIREMENTS_PATH} lists them");
                    self.findings.push(TidyFinding::new(&file.path, index + 1, what));
                }
            }
        }
    }

    fn summary(&self) -> String {
        let all = self.rows().count();
        let shown = self.rows().filter(|row| self.tests.contains_key(row.id)).count();
        format!("{all} requirements: {shown} with tests, {} without", all - shown)
    }

    fn tables(&self) -> String {
        let mut text = self.summary() + ".\n";
        for line in lines(self.requirements) {
            // Writing into a string cannot fail.
            let _ = match line {
                MapLine::Area(area) => {
                    write!(text, "\n### {area}\n\n| id | | requirement | shown by |\n|---|---|---|---|\n")
                }
                MapLine::SecurityRequirement(row) => {
                    let shown = self.shown(row);
                    writeln!(text, "| {} | {} | {} | {shown} |", row.id, row.level, row.sentence)
                }
            };
        }
        text
    }

    fn shown(&self, row: SecurityRequirement<'_>) -> String {
        let tests = self.tests.get(row.id).map(Vec::as_slice).unwrap_or_default();
        let link = |test: &Test| format!("[`{}`](../{})", test.name, test.path);
        let links: Vec<String> = tests.iter().map(link).collect();
        match (links.is_empty(), row.remark.is_empty()) {
            (true, true) => "**open**: no test claims it".to_owned(),
            (true, false) => format!("**open**: {}", row.remark),
            (false, true) => links.join("<br>"),
            (false, false) => format!("{}<br>not yet: {}", links.join("<br>"), row.remark),
        }
    }
}

/// The names of the tests that a macro makes, whose definition began above: the words before the colons in its calls
/// below, a line each.
fn made_by_macro<'a>(above: &[&str], below: &[&'a str]) -> Vec<&'a str> {
    let definition = above.iter().rev().find_map(|line| line.strip_prefix("macro_rules! "));
    let name = definition.and_then(|rest| rest.split([' ', '{']).next()).unwrap_or_default();
    let call = format!("{name}! {{");
    let lines = below.iter().skip_while(|line| **line != call).skip(1).take_while(|line| **line != "}");
    let words = lines.filter(|line| !line.starts_with("//")).filter_map(|line| line.split_once(':'));
    words.map(|(word, _)| word.trim()).collect()
}

/// The name of the test that begins here, below attributes and comments; empty if a macro names it. The suite of a
/// store consists of functions without an attribute: a backend's test calls them.
fn test_in<'a>(path: &str, lines: &[&'a str]) -> Option<&'a str> {
    let is_prelude = |line: &&&str| line.starts_with("//") || line.starts_with("#[") || line.is_empty();
    let prelude: Vec<&&str> = lines.iter().take_while(is_prelude).collect();
    let is_test = path.contains("/conformance/")
        || prelude.iter().any(|line| line.contains("test]") || line.contains("test("));
    let (_, rest) = lines.get(prelude.len())?.split_once("fn ")?;
    let name = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()?;
    is_test.then_some(name)
}

#[cfg(test)]
mod tests;
