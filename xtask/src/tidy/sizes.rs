//! How long functions and files are. A function counts its lines of code, without blanks, comments, documentation and
//! tests; a file counts all its lines. The inside of a macro definition is not looked at.

use std::fmt;

use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};

use super::source::{RustFile, first_line};
use crate::finding::TidyFinding;

/// A function may have this many lines.
const FUNCTION: usize = 60;
/// Nine functions in ten may have this many.
const MOST_FUNCTIONS: usize = 16;
/// A file may have this many lines.
const FILE: usize = 400;
/// Nine files in ten may have this many.
const MOST_FILES: usize = 242;

pub(super) fn check(source: &RustFile) -> Vec<TidyFinding> {
    let functions = functions(source);
    functions.iter().filter(|function| function.length > FUNCTION).map(Function::too_long).collect()
}

pub(super) fn check_files(sources: &[RustFile]) -> Vec<TidyFinding> {
    let mut lengths: Vec<(usize, &str)> =
        sources.iter().map(|source| (source.text.lines().count(), source.path.as_str())).collect();
    lengths.sort_unstable();
    let too_long = lengths.iter().filter(|(length, _)| *length > FILE);
    too_long.map(|(length, path)| file_too_long(*length, path)).chain(too_many_long_files(&lengths)).collect()
}

/// Shown at the longest.
fn too_many_long_files(lengths: &[(usize, &str)]) -> Option<TidyFinding> {
    let longer = lengths.iter().filter(|(length, _)| *length > MOST_FILES).count();
    let (_, path) = lengths.last()?;
    (longer * 10 > lengths.len()).then(|| {
        let what = format!(
            "{longer} of {} files have more than {MOST_FILES} lines, one in ten may: split the longest, this one first",
            lengths.len()
        );
        TidyFinding::new(path, 1, what)
    })
}

fn file_too_long(length: usize, path: &str) -> TidyFinding {
    TidyFinding::new(path, 1, format!("{length} lines, {FILE} are allowed: split it"))
}

/// A function that is no test, and its length from `fn` to the closing brace.
#[derive(Clone)]
struct Function {
    path: String,
    name: String,
    line: usize,
    length: usize,
}

impl Function {
    fn too_long(&self) -> TidyFinding {
        let what =
            format!("`{}` has {} lines of code, {FUNCTION} are allowed: split it", self.name, self.length);
        TidyFinding::new(&self.path, self.line, what)
    }
}

/// The lengths of all functions, shortest first.
pub(super) struct Lengths(Vec<Function>);

impl Lengths {
    pub(super) fn of(sources: &[RustFile]) -> Self {
        let mut all: Vec<Function> = sources.iter().flat_map(functions).collect();
        all.sort_by_key(|function| function.length);
        Self(all)
    }

    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// Too many long ones: shown at the longest.
    pub(super) fn check(&self) -> Option<TidyFinding> {
        let longest = self.0.last()?;
        let longer = self.0.iter().filter(|function| function.length > MOST_FUNCTIONS).count();
        (longer * 10 > self.count()).then(|| {
            let what = format!(
                "{longer} of {} functions have more than {MOST_FUNCTIONS} lines of code, one in ten may: split the \
                 longest, this one first",
                self.count()
            );
            TidyFinding::new(&longest.path, longest.line, what)
        })
    }

    /// The nearest-rank percentile; zero where there is no function.
    fn percentile(&self, percent: usize) -> usize {
        let rank = (self.0.len() * percent).div_ceil(100);
        self.0.get(rank.saturating_sub(1)).map_or(0, |function| function.length)
    }
}

impl fmt::Display for Lengths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (median, ninetieth) = (self.percentile(50), self.percentile(90));
        write!(f, "{} functions, lines of code: median {median}, 90th percentile {ninetieth}", self.count())
    }
}

fn functions(source: &RustFile) -> Vec<Function> {
    let mut found = Functions { source, found: Vec::new() };
    found.visit_file(&source.syntax);
    found.found
}

struct Functions<'a> {
    source: &'a RustFile,
    found: Vec<Function>,
}

impl Functions<'_> {
    fn add(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let line = first_line(signature.fn_token.span);
        if self.source.is_test_line(line) {
            return;
        }
        let length = self.source.code_lines(line..=block.span().end().line);
        let name = signature.ident.to_string();
        self.found.push(Function { path: self.source.path.clone(), name, line, length });
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.add(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.add(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(block) = &function.default {
            self.add(&function.sig, block);
        }
        visit::visit_trait_item_fn(self, function);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> RustFile {
        RustFile::parse(path, text).unwrap()
    }

    /// A function of so many lines of code, with remarks and blanks that do not count.
    fn function(lines: usize) -> String {
        format!("fn f() {{\n// remark\n\n{}}}\n", "g();\n".repeat(lines - 2))
    }

    fn findings(path: &str, text: &str) -> usize {
        check(&source(path, text)).len()
    }

    #[test]
    fn a_function_may_have_sixty_lines_and_no_more() {
        assert_eq!(findings("a.rs", &function(60)), 0);
        assert_eq!(findings("a.rs", &function(61)), 1);
        assert_eq!(findings("a.rs", &format!("impl A {{\n{}}}", function(61))), 1);
        assert_eq!(findings("a.rs", &format!("trait A {{\n{}}}", function(61))), 1);
        assert_eq!(findings("a.rs", &format!("#[test]\n{}", function(61))), 0);
        assert_eq!(findings("a/tests/it.rs", &function(61)), 0);
    }

    #[test]
    fn a_file_may_have_four_hundred_lines_and_one_in_ten_more_than_most() {
        let findings = |longest: usize, long: usize| {
            let lengths = std::iter::once(longest).chain((1..10).map(|n| if n < long { 243 } else { 100 }));
            let sources: Vec<RustFile> =
                lengths.map(|length| source("a.rs", &"// x\n".repeat(length))).collect();
            check_files(&sources).len()
        };
        assert_eq!((findings(400, 1), findings(401, 1)), (0, 1));
        assert_eq!((findings(300, 1), findings(300, 2)), (0, 1));
    }

    #[test]
    fn the_ninth_of_ten_functions_decides() {
        let lengths = |long: usize| {
            let text: String = (0..10).map(|index| function(if index < long { 17 } else { 8 })).collect();
            Lengths::of(&[source("a.rs", &text)])
        };
        assert_eq!(lengths(1).to_string(), "10 functions, lines of code: median 8, 90th percentile 8");
        assert_eq!(lengths(1).check(), None);
        assert!(lengths(2).check().unwrap().what.contains("2 of 10 functions"));
        assert_eq!(Lengths::of(&[]).check(), None);
    }
}
