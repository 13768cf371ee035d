//! What every crate must have: a page of documentation, a name that says something, and the workspace's lints.

use crate::workspace::{Package, Workspace};

use super::source::RustFile;
use crate::finding::TidyFinding;
use crate::text_files::TextFile;

/// Names for crates that collect what belongs elsewhere.
const DRAWERS: [&str; 8] = ["common", "util", "utils", "error", "errors", "helper", "helpers", "misc"];

pub(super) fn check(workspace: &Workspace, files: &[TextFile], sources: &[RustFile]) -> Vec<TidyFinding> {
    let packages = workspace.packages.iter();
    packages.flat_map(|package| check_package(package, workspace, files, sources)).collect()
}

fn check_package(
    package: &Package,
    workspace: &Workspace,
    files: &[TextFile],
    sources: &[RustFile],
) -> Vec<TidyFinding> {
    let manifest = workspace.relative(&package.manifest_path);
    let text = files.iter().find(|file| file.path == manifest).map_or("", |file| &file.text);
    let roots = package.targets.iter().filter(|target| target.kind.iter().any(|kind| is_crate(kind)));
    let roots = roots.filter_map(|target| {
        let path = workspace.relative(&target.src_path);
        sources.iter().find(|source| source.path == path)
    });
    let undocumented = roots.filter(|root| !is_documented(root)).map(|root| {
        TidyFinding::new(
            &root.path,
            1,
            "no module documentation: say in `//!` what this is and what it does not do",
        )
    });
    let mut findings: Vec<TidyFinding> = undocumented.collect();
    if is_drawer(&package.name) {
        let what =
            format!("`{}` is a drawer, not a crate: move each thing to where it belongs", package.name);
        findings.push(TidyFinding::new(&manifest, 1, what));
    }
    if !takes_lints(text) {
        findings.push(TidyFinding::new(
            &manifest,
            1,
            "the workspace's lints are off: add `[lints] workspace = true`",
        ));
    }
    findings
}

/// Libraries of every kind and binaries; not examples, tests and build scripts.
fn is_crate(kind: &str) -> bool {
    kind == "bin" || kind.ends_with("lib") || kind == "proc-macro"
}

fn is_documented(root: &RustFile) -> bool {
    root.syntax.attrs.iter().any(|attribute| attribute.path().is_ident("doc"))
}

fn is_drawer(name: &str) -> bool {
    name.rsplit(['-', '_']).next().is_some_and(|last| DRAWERS.contains(&last))
}

fn takes_lints(manifest: &str) -> bool {
    let mut lines = manifest.lines().map(|line| line.split_whitespace().collect::<String>());
    let mut section = lines.by_ref().skip_while(|line| line != "[lints]").skip(1);
    section.by_ref().take_while(|line| !line.starts_with('[')).any(|line| line == "workspace=true")
        || manifest.lines().any(|line| line.split_whitespace().collect::<String>() == "lints.workspace=true")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(name: &str, manifest: &str, lib: &str) -> Vec<String> {
        let json = serde_json::json!({
            "workspace_root": "/r", "target_directory": "/r/t",
            "packages": [{
                "name": name, "version": "1.0.0", "manifest_path": "/r/crates/x/Cargo.toml", "features": {}, "dependencies": [],
                "targets": [{"kind": ["lib"], "src_path": "/r/crates/x/src/lib.rs"}],
            }],
        });
        let files = [TextFile { path: "crates/x/Cargo.toml".into(), text: manifest.into() }];
        let sources = [RustFile::parse("crates/x/src/lib.rs", lib).unwrap()];
        let workspace = serde_json::from_value(json).unwrap();
        check(&workspace, &files, &sources).iter().map(ToString::to_string).collect()
    }

    const LINTS: &str = "[lints]\nworkspace = true\n";

    #[test]
    fn a_crate_that_has_everything_is_left_alone() {
        assert_eq!(findings("portcullis-x", LINTS, "//! What it is."), Vec::<String>::new());
        assert_eq!(
            findings("errors-of-all-kinds", "[package]\nlints.workspace = true", "//! X."),
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_crate_without_a_page_is_found() {
        let found = findings("portcullis-x", LINTS, "/// An item's.\npub mod a {}");
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("crates/x/src/lib.rs:1: no module documentation"), "{found:?}");
    }

    #[test]
    fn drawers_are_found() {
        for name in ["common", "portcullis-utils", "portcullis_error"] {
            assert_eq!(findings(name, LINTS, "//! X.").len(), 1, "{name}");
        }
    }

    #[test]
    fn a_crate_that_forgot_the_lints_is_found() {
        for manifest in ["", "[lints]\n", "[lints]\n[dependencies]\nworkspace = true"] {
            assert_eq!(findings("portcullis-x", manifest, "//! X.").len(), 1, "{manifest}");
        }
    }
}
