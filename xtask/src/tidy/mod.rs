//! `tidy`: the house rules that neither the compiler nor clippy checks.
//!
//! Each rule is a module with a function from what it looks at to [`Finding`]s, and tests of its own on small made-up
//! inputs. It repairs nothing and knows no exceptions but those that the rule itself names.

mod attributes;
mod calls;
mod crates;
mod floors;
mod sizes;
mod source;
mod strategies;
pub(crate) mod tree;
mod words;

use std::fmt;

use crate::failure::Failure;
use crate::say;
use crate::security_map;
use crate::workspace::Workspace;
use source::Source;
use tree::TextFile;

/// Something that breaks a rule, where, and what to do about it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Finding {
    path: String,
    line: usize,
    what: String,
}

impl Finding {
    pub(crate) fn new(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, what: what.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

/// What a look at the whole workspace brought.
struct Report {
    findings: Vec<Finding>,
    lengths: sizes::Lengths,
}

/// The verb.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    if let Some(unknown) = arguments.first() {
        return Err(Failure::Usage(format!("tidy takes no arguments, and `{unknown}` is one")));
    }
    let report = check(&Workspace::load()?)?;
    for finding in &report.findings {
        say::line(&finding.to_string());
    }
    say::line(&report.lengths.to_string());
    match report.findings.len() {
        0 => Ok(()),
        1 => Err(Failure::Broken("tidy: 1 finding".to_owned())),
        many => Err(Failure::Broken(format!("tidy: {many} findings"))),
    }
}

fn check(workspace: &Workspace) -> Result<Report, Failure> {
    let files = tree::read(&workspace.root)?;
    let (sources, mut findings) = parse(&files);
    let lengths = sizes::Lengths::of(&sources);
    findings.extend(floors::check(workspace, &files)?);
    findings.extend(crates::check(workspace, &files, &sources));
    findings.extend(files.iter().flat_map(words::check));
    findings.extend(security_map::findings(&files));
    for source in &sources {
        findings.extend(sizes::check(source));
        findings.extend(calls::check(source));
        findings.extend(strategies::check(source));
        findings.extend(attributes::check(source));
    }
    findings.extend(lengths.check());
    findings.sort();
    Ok(Report { findings, lengths })
}

/// Every Rust file, and a finding for each that is none.
fn parse(files: &[TextFile]) -> (Vec<Source>, Vec<Finding>) {
    let mut sources = Vec::new();
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        match Source::parse(&file.path, &file.text) {
            Ok(source) => sources.push(source),
            Err(finding) => findings.push(finding),
        }
    }
    (sources, findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_workspace_is_tidy() {
        let report = check(&Workspace::load().unwrap()).unwrap();
        let lines: Vec<String> = report.findings.iter().map(Finding::to_string).collect();
        assert!(lines.is_empty(), "\n{}\n", lines.join("\n"));
        assert!(report.lengths.count() > 10, "tidy found hardly any function: it looks in the wrong place");
    }

    #[test]
    fn a_file_that_is_no_rust_is_a_finding_and_not_a_silence() {
        let files = [TextFile { path: "crates/x/src/lib.rs".into(), text: "fn f( {".into() }];
        let (sources, findings) = parse(&files);
        assert!(sources.is_empty());
        assert_eq!(findings.len(), 1);
    }
}
