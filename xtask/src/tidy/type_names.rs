//! A name of a type means one thing in the whole workspace.
//!
//! Structs, enums, unions, traits and aliases count, private ones too; associated types do not. Of tests only the files
//! that other tests share count: what one test file makes up for itself is read where it is used.

use std::collections::BTreeMap;

use syn::visit::{self, Visit};

use super::source::{RustFile, first_line};
use crate::finding::TidyFinding;

/// Names that more than one crate has to use, each with the reason.
const ALLOWED: [(&str, &str); 0] = [];

pub(super) fn check(sources: &[RustFile]) -> Vec<TidyFinding> {
    let mut definitions: BTreeMap<String, Vec<(&str, usize)>> = BTreeMap::new();
    for source in sources {
        let mut types = Types { source, found: Vec::new() };
        types.visit_file(&source.syntax);
        for (name, line) in types.found {
            definitions.entry(name).or_default().push((&source.path, line));
        }
    }
    let allowed = |name: &str| ALLOWED.iter().any(|(allowed, _)| *allowed == name);
    let double = definitions.iter().filter(|(name, places)| places.len() > 1 && !allowed(name));
    double.flat_map(|(name, places)| repeated(name, places)).collect()
}

fn repeated(name: &str, places: &[(&str, usize)]) -> Vec<TidyFinding> {
    let finding = |(path, line): &(&str, usize)| {
        let others: Vec<&str> =
            places.iter().map(|(other, _)| *other).filter(|other| other != path).collect();
        let what = format!("`{name}` is also a type in {}: give each a name of its own", others.join(", "));
        TidyFinding::new(path, *line, what)
    };
    places.iter().map(finding).collect()
}

struct Types<'a> {
    source: &'a RustFile,
    found: Vec<(String, usize)>,
}

impl Types<'_> {
    fn add(&mut self, name: &syn::Ident) {
        let line = first_line(name.span());
        if !self.source.is_test_line(line) {
            self.found.push((name.to_string(), line));
        }
    }
}

impl<'ast> Visit<'ast> for Types<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        match item {
            syn::Item::Struct(item) => self.add(&item.ident),
            syn::Item::Enum(item) => self.add(&item.ident),
            syn::Item::Union(item) => self.add(&item.ident),
            syn::Item::Trait(item) => self.add(&item.ident),
            syn::Item::Type(item) => self.add(&item.ident),
            _ => (),
        }
        visit::visit_item(self, item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(texts: [&str; 2]) -> usize {
        let sources = texts.map(|text| RustFile::parse("a.rs", text).unwrap());
        check(&sources).len()
    }

    #[test]
    fn a_name_with_two_meanings_is_found_at_both() {
        for other in ["enum Door {}", "trait Door {}", "type Door = u8;", "fn f() { struct Door; }"] {
            assert_eq!(findings(["struct Door;", other]), 2, "{other}");
        }
    }

    #[test]
    fn associated_types_and_what_a_test_makes_up_are_no_second_meaning() {
        let other = "impl A for B { type Door = u8; }\n#[cfg(test)]\nmod tests { struct Door; }";
        assert_eq!(findings(["struct Door;", other]), 0);
    }
}
