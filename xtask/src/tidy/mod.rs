//! `tidy`: the house rules that neither the compiler nor clippy checks.
//!
//! Each rule is a module with a function that returns [`TidyFinding`]s, and tests of its own on small inputs. It
//! repairs nothing and knows no exceptions but those that the rule itself names.

mod calls;
mod crates;
mod doc_paths;
mod floors;
mod import_cycles;
mod prose;
mod sizes;
mod source;
mod strategies;
mod type_names;
mod words;

use crate::failure::VerbFailure;
use crate::finding::TidyFinding;
use crate::say;
use crate::security_map;
use crate::text_files::{self, TextFile};
use crate::workspace::Workspace;
use source::RustFile;

/// What the checks found in the whole workspace.
struct Report {
    findings: Vec<TidyFinding>,
    lengths: sizes::Lengths,
}

/// The verb.
pub(crate) fn run(arguments: &[String]) -> Result<(), VerbFailure> {
    if !arguments.is_empty() {
        return Err(VerbFailure::Usage("tidy takes no arguments".to_owned()));
    }
    let Report { findings, lengths } = check(&Workspace::load()?)?;
    for finding in &findings {
        say::line(&finding.to_string());
    }
    say::line(&lengths.to_string());
    if findings.is_empty() {
        Ok(())
    } else {
        Err(VerbFailure::Broken(format!("tidy: {} to repair", findings.len())))
    }
}

fn check(workspace: &Workspace) -> Result<Report, VerbFailure> {
    let files = text_files::read(&workspace.root)?;
    let (sources, mut findings) = parse(&files);
    let lengths = sizes::Lengths::of(&sources);
    findings.extend(floors::check(workspace, &files)?);
    findings.extend(crates::check(workspace, &files, &sources));
    findings.extend(of_texts(&files));
    findings.extend(of_sources(&sources));
    findings.extend(lengths.check());
    findings.sort();
    Ok(Report { findings, lengths })
}

/// Of the rules that read text.
fn of_texts(files: &[TextFile]) -> Vec<TidyFinding> {
    let mut findings = security_map::findings(files);
    findings.extend(doc_paths::check(files));
    findings.extend(files.iter().flat_map(words::check));
    findings.extend(files.iter().flat_map(prose::long_lines));
    findings
}

/// Of the rules that read Rust.
fn of_sources(sources: &[RustFile]) -> Vec<TidyFinding> {
    let mut findings = import_cycles::check(sources);
    findings.extend(type_names::check(sources));
    findings.extend(prose::nameless(sources));
    findings.extend(sizes::check_files(sources));
    findings.extend(sources.iter().flat_map(of_file));
    findings
}

/// Of the rules that read one Rust file at a time.
fn of_file(source: &RustFile) -> impl Iterator<Item = TidyFinding> {
    sizes::check(source).into_iter().chain(calls::check(source)).chain(strategies::check(source))
}

/// Every Rust file, and a finding for each that is none.
fn parse(files: &[TextFile]) -> (Vec<RustFile>, Vec<TidyFinding>) {
    let mut sources = Vec::new();
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        match RustFile::parse(&file.path, &file.text) {
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
        let lines: Vec<String> = report.findings.iter().map(TidyFinding::to_string).collect();
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
