//! The crates that are linked into the program, as cargo resolves them for it alone.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::environment::neutral;
use super::{Release, SERVER};
use crate::failure::VerbFailure;
use crate::workspace::{self, cargo};

/// A crate in the program.
#[derive(Clone, Deserialize)]
pub(super) struct LinkedCrate {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) version: String,
    /// An expression of SPDX.
    pub(super) license: Option<String>,
    #[serde(default)]
    pub(super) authors: Vec<String>,
    pub(super) description: Option<String>,
    pub(super) repository: Option<String>,
    /// Where it was fetched from; nowhere, if it is one of this workspace.
    pub(super) source: Option<String>,
    manifest_path: PathBuf,
    /// What it needs of the others, by id.
    #[serde(skip)]
    pub(super) needs: BTreeSet<String>,
    /// SHA-256 of what was fetched, from the lock file.
    #[serde(skip)]
    pub(super) checksum: Option<String>,
}

impl LinkedCrate {
    /// The folder of its sources.
    pub(super) fn folder(&self) -> &Path {
        self.manifest_path.parent().unwrap_or(&self.manifest_path)
    }

    pub(super) fn is_ours(&self) -> bool {
        self.source.is_none()
    }
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<LinkedCrate>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<ResolvedNode>,
}

#[derive(Deserialize)]
struct ResolvedNode {
    id: String,
    deps: Vec<ResolvedDependency>,
}

/// An edge, to the crate with this id.
#[derive(Deserialize)]
struct ResolvedDependency {
    pkg: String,
    dep_kinds: Vec<DependencyKind>,
}

#[derive(Deserialize)]
struct DependencyKind {
    /// `None` is what is linked; the others are for build scripts and tests.
    kind: Option<String>,
}

impl ResolvedNode {
    fn linked(self, ids: &BTreeSet<String>) -> (String, BTreeSet<String>) {
        let linked =
            self.deps.into_iter().filter(|edge| edge.dep_kinds.iter().any(|kind| kind.kind.is_none()));
        (self.id, linked.map(|edge| edge.pkg).filter(|id| ids.contains(id)).collect())
    }
}

/// Them all, by name and version.
pub(super) fn linked(release: &Release<'_>) -> Result<Vec<LinkedCrate>, VerbFailure> {
    let (root, triple) = (&release.workspace.root, release.target.triple.as_str());
    let lock = std::fs::read_to_string(root.join("Cargo.lock"));
    let checksums = checksums(&lock.map_err(VerbFailure::doing("cannot read Cargo.lock"))?);
    Ok(chosen(metadata(root, triple)?, &named(&tree(root, triple)?), &checksums))
}

/// What is linked, and not what runs while it is compiled: macros and build scripts.
fn tree(root: &Path, triple: &str) -> Result<String, VerbFailure> {
    let mut tree = neutral(cargo());
    tree.args([
        "tree",
        "--locked",
        "--package",
        SERVER,
        "--target",
        triple,
        "--edges",
        "normal,no-proc-macro",
    ]);
    workspace::output(tree.args(["--prefix", "none", "--format", "{p}"]).current_dir(root))
}

fn metadata(root: &Path, triple: &str) -> Result<Metadata, VerbFailure> {
    let mut metadata = neutral(cargo());
    metadata.args(["metadata", "--locked", "--format-version", "1", "--filter-platform", triple]);
    let metadata = workspace::output(metadata.current_dir(root))?;
    serde_json::from_str(&metadata)
        .map_err(VerbFailure::doing("cannot read what `cargo metadata` says of dependencies"))
}

type NameAndVersion = (String, String);

/// What `cargo tree` prints: `serde v1.0.0`, and more words behind that for some.
fn named(tree: &str) -> BTreeSet<NameAndVersion> {
    let lines = tree.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        Some((words.next()?.to_owned(), words.next()?.strip_prefix('v')?.to_owned()))
    });
    lines.collect()
}

/// A block of the lock file has name, version, source and checksum, in this order.
fn checksums(lock: &str) -> HashMap<NameAndVersion, String> {
    let blocks = lock.split("[[package]]").filter_map(|block| {
        let value = |key: &str| {
            let line = block.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "));
            line.map(|value| value.trim_matches('"').to_owned())
        };
        Some(((value("name")?, value("version")?), value("checksum")?))
    });
    blocks.collect()
}

fn chosen(
    metadata: Metadata,
    named: &BTreeSet<NameAndVersion>,
    checksums: &HashMap<NameAndVersion, String>,
) -> Vec<LinkedCrate> {
    let Metadata { packages, resolve } = metadata;
    let key = |found: &LinkedCrate| (found.name.clone(), found.version.clone());
    let mut crates: Vec<LinkedCrate> =
        packages.into_iter().filter(|found| named.contains(&key(found))).collect();
    crates.sort_by_key(key);
    let ids: BTreeSet<String> = crates.iter().map(|found| found.id.clone()).collect();
    let mut needs: HashMap<String, BTreeSet<String>> =
        resolve.nodes.into_iter().map(|node| node.linked(&ids)).collect();
    for found in &mut crates {
        found.needs = needs.remove(&found.id).unwrap_or_default();
        found.checksum = checksums.get(&key(found)).cloned();
    }
    crates
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_in_the_tree_is_named_with_its_version_wherever_it_is_from() {
        let tree = "portcullis-server v0.2.0 (/r/crates/server)\nserde v1.0.0\n\nserde v1.0.0 (*)\n";
        let names: Vec<_> =
            named(tree).into_iter().map(|(name, version)| format!("{name} {version}")).collect();
        assert_eq!(names, ["portcullis-server 0.2.0", "serde 1.0.0"]);
    }

    #[test]
    fn a_checksum_belongs_to_one_version() {
        let block = |version: &str, sum: &str| {
            format!(
                "[[package]]\nname = \"a\"\nversion = \"{version}\"\nsource = \"s\"\nchecksum = \"{sum}\"\n"
            )
        };
        let lock = format!(
            "{}\n{}\n[[package]]\nname = \"ours\"\nversion = \"1\"\n",
            block("1", "x"),
            block("2", "y")
        );
        let checksums = checksums(&lock);
        let of = |version: &str| checksums.get(&("a".to_owned(), version.to_owned())).map(String::as_str);
        assert_eq!((of("1"), of("2"), checksums.len()), (Some("x"), Some("y"), 2));
    }

    #[test]
    fn only_what_is_linked_is_listed_and_needs_only_that() {
        let json = r#"{"packages": [
            {"id": "b 1", "name": "b", "version": "1", "source": "r", "manifest_path": "/c/b/Cargo.toml"},
            {"id": "a 1", "name": "a", "version": "1", "source": null, "manifest_path": "/r/a/Cargo.toml"},
            {"id": "m 1", "name": "m", "version": "1", "source": "r", "manifest_path": "/c/m/Cargo.toml"}],
            "resolve": {"nodes": [
                {"id": "a 1", "deps": [
                    {"pkg": "a 1", "dep_kinds": [{"kind": "dev"}]},
                    {"pkg": "b 1", "dep_kinds": [{"kind": "build"}, {"kind": null}]},
                    {"pkg": "m 1", "dep_kinds": [{"kind": null}]}]},
                {"id": "b 1", "deps": [{"pkg": "a 1", "dep_kinds": [{"kind": "dev"}, {"kind": "build"}]}]}]}}"#;
        let crates =
            chosen(serde_json::from_str(json).unwrap(), &named("a v1 (/r/a)\nb v1\n"), &HashMap::new());
        let names: Vec<&str> = crates.iter().map(|found| found.name.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(crates[0].needs, BTreeSet::from(["b 1".to_owned()]));
        assert_eq!(crates[1].needs, BTreeSet::new());
        assert!(crates[0].is_ours() && !crates[1].is_ours() && crates[1].folder() == Path::new("/c/b"));
    }
}
