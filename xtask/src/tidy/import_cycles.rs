//! No two files of a crate import each other, directly or around a corner: each can be read without the other.
//!
//! A module and the modules inside it count as one thing here, so an import between them is no finding. Only paths that
//! begin with `crate`, `self` or `super` are followed, each to the file of the innermost module that it names.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use syn::visit::{self, Visit};

use super::source::{RustFile, first_line};
use crate::finding::TidyFinding;

/// A crate's folder of sources, and the module path in it.
type Module = (String, Vec<String>);

/// The imports of every file, by file.
type Imports<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

pub(super) fn check(sources: &[RustFile]) -> Vec<TidyFinding> {
    let product: Vec<&RustFile> = sources.iter().filter(|source| !source.is_test()).collect();
    let files: BTreeMap<Module, &str> =
        product.iter().filter_map(|source| Some((module_of(&source.path)?, source.path.as_str()))).collect();
    let imports = product.iter().map(|source| (source.path.as_str(), imports_of(source, &files))).collect();
    let mut reported = BTreeSet::new();
    let mut findings = Vec::new();
    for source in &product {
        let Some(cycle) = cycle_from(&source.path, &imports) else { continue };
        if cycle.iter().all(|path| reported.insert(*path)) {
            findings.push(in_a_circle(&source.path, &cycle));
        }
    }
    findings
}

fn in_a_circle(path: &str, cycle: &[&str]) -> TidyFinding {
    let what = format!("imports itself by way of {}: turn one of the imports round", cycle.join(", "));
    TidyFinding::new(path, 1, what)
}

fn module_of(path: &str) -> Option<Module> {
    let (before, inside) = path.split_once("src/")?;
    let inside = inside.strip_suffix(".rs")?;
    let mut names: Vec<String> = inside.split('/').map(str::to_owned).collect();
    if names.last().is_some_and(|name| ["mod", "lib", "main"].contains(&name.as_str())) {
        names.pop();
    }
    Some((before.to_owned(), names))
}

/// The files of the same crate that this one imports from, but for the modules around it and inside it.
fn imports_of<'a>(source: &RustFile, files: &BTreeMap<Module, &'a str>) -> BTreeSet<&'a str> {
    let Some((folder, own)) = module_of(&source.path) else { return BTreeSet::new() };
    let mut paths = Paths { source, own: own.clone(), found: Vec::new() };
    paths.visit_file(&source.syntax);
    let named = paths.found.into_iter().filter_map(|path| innermost(&folder, path, files));
    let related = |other: &[String]| own.starts_with(other) || other.starts_with(&own);
    named.filter(|(module, _)| !related(module)).map(|(_, file)| file).collect()
}

fn innermost<'a>(
    folder: &str,
    mut path: Vec<String>,
    files: &BTreeMap<Module, &'a str>,
) -> Option<(Vec<String>, &'a str)> {
    loop {
        if let Some(file) = files.get(&(folder.to_owned(), path.clone())) {
            return Some((path, file));
        }
        path.pop()?;
    }
}

/// The shortest way from a file through its imports back to itself.
fn cycle_from<'a>(start: &'a str, imports: &Imports<'a>) -> Option<Vec<&'a str>> {
    let mut ways = VecDeque::from([vec![start]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        for next in way.last().and_then(|last| imports.get(last)).into_iter().flatten() {
            if *next == start {
                return Some(way);
            }
            if seen.insert(*next) {
                ways.push_back(way.iter().copied().chain([*next]).collect());
            }
        }
    }
    None
}

/// The paths that begin in this crate, from its root.
struct Paths<'a> {
    source: &'a RustFile,
    own: Vec<String>,
    found: Vec<Vec<String>>,
}

impl Paths<'_> {
    fn add(&mut self, line: usize, names: &[String]) {
        if !self.source.is_test_line(line) {
            self.found.extend(from_root(&self.own, names));
        }
    }

    fn add_tree(&mut self, line: usize, before: &[String], tree: &syn::UseTree) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.add_tree(line, &with(&path.ident), &path.tree),
            syn::UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.add_tree(line, before, tree));
            }
            syn::UseTree::Name(name) => self.add(line, &with(&name.ident)),
            syn::UseTree::Rename(renamed) => self.add(line, &with(&renamed.ident)),
            syn::UseTree::Glob(_) => self.add(line, before),
        }
    }
}

fn from_root(own: &[String], names: &[String]) -> Option<Vec<String>> {
    let (first, rest) = names.split_first()?;
    let up = names.iter().take_while(|name| *name == "super").count();
    match first.as_str() {
        "crate" => Some(rest.to_vec()),
        "self" => Some([own, rest].concat()),
        "super" => Some([own.get(..own.len().checked_sub(up)?)?, names.get(up..)?].concat()),
        _ => None,
    }
}

impl<'ast> Visit<'ast> for Paths<'_> {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.add_tree(first_line(item.use_token.span), &[], &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        let line = path.segments.first().map_or(0, |segment| first_line(segment.ident.span()));
        self.add(line, &names);
        visit::visit_path(self, path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(files: &[(&str, &str)]) -> Vec<String> {
        let parse =
            |(path, text): &(&str, &str)| RustFile::parse(&format!("crates/x/src/{path}"), text).unwrap();
        let sources: Vec<RustFile> = files.iter().map(parse).collect();
        check(&sources).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn files_that_import_each_other_are_found_once_however_they_do_it() {
        for back in
            ["use crate::a::A;", "use super::a::{A, B};", "fn f(a: crate::a::A) {}", "use super::a::*;"]
        {
            let found =
                findings(&[("a.rs", "use crate::b::deep::B;"), ("b/mod.rs", ""), ("b/deep.rs", back)]);
            let expected = usize::from(!back.contains("super"));
            assert_eq!(found.len(), expected, "{back}: {found:?}");
        }
        let found = findings(&[
            ("a.rs", "use super::b::B;"),
            ("b.rs", "use crate::c::C;"),
            ("c.rs", "use crate::a::A;"),
        ]);
        assert_eq!(found.len(), 1);
        assert!(found[0].contains("crates/x/src/b.rs, crates/x/src/c.rs"), "{found:?}");
    }

    #[test]
    fn a_module_and_its_children_may_import_from_each_other_and_so_may_tests() {
        let parent = ("a/mod.rs", "use self::b::B;");
        assert!(findings(&[parent, ("a/b.rs", "use super::A;")]).is_empty());
        let test = "#[cfg(test)]\nmod tests {\n    use crate::c::C;\n}";
        assert!(findings(&[("c.rs", "use crate::d::D;"), ("d.rs", test)]).is_empty());
    }
}
