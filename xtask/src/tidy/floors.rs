//! Which crate may depend on which.
//!
//! A crate depends on lower floors only; crates on the same floor do not see each other. Tests and build scripts are
//! held to it too. What core must not even bring along is looked up in the tree of all that is compiled for it.

use crate::failure::VerbFailure;
use crate::workspace::{Package, Workspace, cargo, output};

use crate::finding::TidyFinding;
use crate::text_files::TextFile;

/// The floor of each crate. A new crate gets a row here.
const FLOORS: [(&str, u8); 11] = [
    ("portcullis-core", 0),
    ("portcullis-stores", 1),
    ("portcullis-api", 1),
    ("portcullis-verifier", 1),
    ("portcullis-config", 1),
    ("portcullis-axum", 2),
    ("portcullis-transport", 2),
    ("portcullis-gateway", 3),
    ("portcullis-http", 3),
    ("portcullis-server", 4),
    ("portcullis", 5),
];

const CORE: &str = "portcullis-core";

/// Frameworks, drivers and formats: core knows none of them.
const NOT_IN_CORE: [&str; 11] =
    ["axum", "clap", "figment", "http", "hyper", "mongodb", "redis", "rusqlite", "sqlx", "toml", "tower"];

/// Where a crate stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FloorPlace {
    Floor(u8),
    /// `examples/*`: on the roof, nothing on top of it, not even another example.
    Roof,
    /// `tools/*`, `fuzz` and `xtask`: may use everything, used by nothing in the building.
    Outside,
}

impl FloorPlace {
    fn may_use(self, other: Self) -> bool {
        match (self, other) {
            (Self::Outside, _) | (Self::Roof, Self::Floor(_)) => true,
            (Self::Floor(mine), Self::Floor(its)) => its < mine,
            (_, Self::Roof | Self::Outside) => false,
        }
    }
}

pub(super) fn check(workspace: &Workspace, files: &[TextFile]) -> Result<Vec<TidyFinding>, VerbFailure> {
    let members: Vec<FloorMember<'_>> =
        workspace.packages.iter().map(|package| FloorMember::of(package, workspace, files)).collect();
    let mut findings: Vec<TidyFinding> = members.iter().flat_map(|member| member.check(&members)).collect();
    let core = members.iter().find(|member| member.package.name == CORE);
    // Cargo draws no tree of a circle, and an edge that goes up can make one: that edge first.
    if let Some(core) = core.filter(|_| findings.is_empty()) {
        findings.extend(forbidden_in_core(&core.manifest, &tree_of_core(workspace)?));
    }
    Ok(findings)
}

/// Everything that is compiled for core and its users, with all features: a crate a line.
fn tree_of_core(workspace: &Workspace) -> Result<String, VerbFailure> {
    let mut tree = cargo();
    tree.args(["tree", "--package", CORE, "--all-features", "--edges", "normal,build", "--prefix", "none"]);
    output(tree.current_dir(&workspace.root))
}

struct FloorMember<'a> {
    package: &'a Package,
    manifest: String,
    text: &'a str,
}

impl<'a> FloorMember<'a> {
    fn of(package: &'a Package, workspace: &Workspace, files: &'a [TextFile]) -> Self {
        let manifest = workspace.relative(&package.manifest_path);
        let text = files.iter().find(|file| file.path == manifest).map_or("", |file| &file.text);
        Self { package, manifest, text }
    }

    fn place(&self) -> Option<FloorPlace> {
        let folder = self.manifest.split('/').next().unwrap_or_default();
        match folder {
            "examples" => Some(FloorPlace::Roof),
            "tools" | "fuzz" | "xtask" => Some(FloorPlace::Outside),
            _ => FLOORS
                .iter()
                .find(|(name, _)| *name == self.package.name)
                .map(|(_, floor)| FloorPlace::Floor(*floor)),
        }
    }

    fn check(&self, members: &[Self]) -> Vec<TidyFinding> {
        let name = &self.package.name;
        let Some(place) = self.place() else {
            let what = format!("`{name}` is on no floor: add it to FLOORS in xtask/src/tidy/floors.rs");
            return vec![TidyFinding::new(&self.manifest, self.line_of(name), what)];
        };
        // A crate may name itself among its dev-dependencies, to switch on its own features for its tests.
        let edges = self.package.dependencies.iter().filter(|dependency| dependency.name != *name);
        let wrong = edges.filter_map(|dependency| {
            let other = members.iter().find(|member| member.package.name == dependency.name)?;
            let refused = !place.may_use(other.place()?);
            refused.then(|| (dependency.kind.as_deref().unwrap_or("normal"), &dependency.name))
        });
        wrong.map(|(kind, other)| self.refuse(kind, other)).collect()
    }

    fn refuse(&self, kind: &str, other: &str) -> TidyFinding {
        let what = format!(
            "`{}` may not depend on `{other}` ({kind}): a crate uses lower floors only; move what both need down",
            self.package.name
        );
        TidyFinding::new(&self.manifest, self.line_of(other), what)
    }

    /// Where a manifest names a crate.
    fn line_of(&self, name: &str) -> usize {
        let names =
            |line: &str| line.split(|c: char| !c.is_alphanumeric() && c != '-').any(|word| word == name);
        self.text.lines().position(names).map_or(1, |index| index + 1)
    }
}

/// `tree` is what `cargo tree --prefix none` prints: a crate a line, its name first.
fn forbidden_in_core(manifest: &str, tree: &str) -> Vec<TidyFinding> {
    let brought = |name: &&str| tree.lines().any(|line| line.split(' ').next() == Some(*name));
    let found = NOT_IN_CORE.into_iter().filter(brought);
    found
        .map(|name| {
            let what = format!(
                "core brings `{name}` along, and knows no framework, driver or format: move what needs it up a floor \
                 (`cargo tree -p {CORE} -i {name}` shows the way)"
            );
            TidyFinding::new(manifest, 1, what)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A workspace of (folder, crate, what it depends on, kind).
    fn findings(crates: &[(&str, &str, &str, Option<&str>)]) -> Vec<String> {
        let packages: Vec<serde_json::Value> = crates
            .iter()
            .map(|(folder, name, needs, kind)| {
                serde_json::json!({
                    "name": name, "version": "1.0.0", "manifest_path": format!("/r/{folder}/Cargo.toml"), "features": {}, "targets": [],
                    "dependencies": needs.split_whitespace()
                        .map(|need| serde_json::json!({"name": need, "kind": kind})).collect::<Vec<_>>(),
                })
            })
            .collect();
        let json =
            serde_json::json!({"workspace_root": "/r", "target_directory": "/r/t", "packages": packages});
        let workspace: Workspace = serde_json::from_value(json).unwrap();
        let members: Vec<FloorMember<'_>> =
            workspace.packages.iter().map(|package| FloorMember::of(package, &workspace, &[])).collect();
        members.iter().flat_map(|member| member.check(&members)).map(|finding| finding.to_string()).collect()
    }

    #[test]
    fn the_way_down_is_free() {
        let found = findings(&[
            ("crates/core", "portcullis-core", "serde portcullis-core", Some("dev")),
            ("crates/api", "portcullis-api", "portcullis-core", None),
            ("crates/server", "portcullis-server", "portcullis-api portcullis-core", None),
            ("examples/todo", "todo", "portcullis", None),
            ("crates/portcullis", "portcullis", "portcullis-core", None),
            ("tools/bench", "portcullis-bench", "portcullis portcullis-torture", None),
            ("tools/torture", "portcullis-torture", "todo", None),
        ]);
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn up_and_sideways_are_findings_in_tests_too() {
        let found = findings(&[
            ("crates/core", "portcullis-core", "portcullis-api", Some("dev")),
            ("crates/api", "portcullis-api", "portcullis-stores", None),
            ("crates/stores", "portcullis-stores", "portcullis", Some("build")),
            ("crates/portcullis", "portcullis", "portcullis-bench todo", None),
            ("examples/todo", "todo", "other", None),
            ("examples/other", "other", "portcullis-bench", None),
            ("tools/bench", "portcullis-bench", "", None),
        ]);
        assert_eq!(found.len(), 7, "{found:#?}");
        assert!(
            found[0].starts_with(
                "crates/core/Cargo.toml:1: `portcullis-core` may not depend on `portcullis-api`"
            )
        );
        assert!(found[2].contains("(build)"));
    }

    #[test]
    fn a_crate_on_no_floor_is_told_where_to_go() {
        let found = findings(&[("crates/new", "portcullis-new", "", None)]);
        assert_eq!(found.len(), 1);
        assert!(found[0].contains("xtask/src/tidy/floors.rs"));
    }

    #[test]
    fn an_edge_is_shown_on_the_line_that_makes_it() {
        let json = r#"{"name":"a","version":"1.0.0","manifest_path":"","features":{},"dependencies":[],"targets":[]}"#;
        let package: Package = serde_json::from_str(json).unwrap();
        let member = FloorMember {
            package: &package,
            manifest: String::new(),
            text: "[dependencies]\nb-c = 1\nb.workspace = true",
        };
        assert_eq!(member.line_of("b"), 3);
    }

    #[test]
    fn core_is_told_what_it_brings_along() {
        let tree = "portcullis-core v0.1.0 (/r)\nhttp v1.0.0\nhttparse v1.0.0\ntower v0.5.0 (*)\n";
        let found = forbidden_in_core("crates/core/Cargo.toml", tree);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].what.contains("`http`") && found[1].what.contains("`tower`"));
    }
}
