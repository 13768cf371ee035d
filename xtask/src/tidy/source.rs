//! One Rust file, as the rules look at it: its syntax, its tokens with their lines, and which lines are tests.
//!
//! Tokens and not text, so that a comment or a string can say what it likes; tokens and not only syntax, because the
//! inside of a macro call has none.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};

use crate::finding::TidyFinding;

/// A parsed file.
pub(super) struct RustFile {
    pub(super) path: String,
    pub(super) text: String,
    pub(super) syntax: syn::File,
    tokens: Vec<Token>,
    code_lines: BTreeSet<usize>,
    tests: Vec<RangeInclusive<usize>>,
}

struct Token {
    line: usize,
    text: String,
}

impl RustFile {
    pub(super) fn parse(path: &str, text: &str) -> Result<Self, TidyFinding> {
        let refuse = |line, error: &dyn std::fmt::Display| {
            TidyFinding::new(path, line, format!("cannot be read as Rust ({error}): repair it"))
        };
        let stream: TokenStream =
            text.parse().map_err(|error: proc_macro2::LexError| refuse(first_line(error.span()), &error))?;
        let syntax = syn::parse2(stream.clone()).map_err(|error| refuse(first_line(error.span()), &error))?;
        let mut scan = Scan::default();
        scan.level(stream);
        let Scan { tokens, code_lines, tests } = scan;
        Ok(Self { path: path.to_owned(), text: text.to_owned(), syntax, tokens, code_lines, tests })
    }

    /// Whether the whole file is tests: `tests.rs`, or below a folder `tests`.
    pub(super) fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs") || self.path.starts_with("tests/") || self.path.contains("/tests/")
    }

    /// Whether a line belongs to a test, or to what is compiled for tests only.
    pub(super) fn is_test_line(&self, line: usize) -> bool {
        self.is_test() || self.tests.iter().any(|range| range.contains(&line))
    }

    /// How many lines of a range hold code: no blanks, no comments, no documentation.
    pub(super) fn code_lines(&self, range: RangeInclusive<usize>) -> usize {
        self.code_lines.range(range).count()
    }

    /// The lines where these tokens follow each other, a path being written as `A::b`.
    pub(super) fn lines_of(&self, path: &str) -> Vec<usize> {
        let wanted: Vec<&str> = path.split("::").flat_map(|name| [":", ":", name]).skip(2).collect();
        let found = self
            .tokens
            .windows(wanted.len())
            .filter(|window| window.iter().map(|token| token.text.as_str()).eq(wanted.iter().copied()));
        found.filter_map(|window| window.first().map(|token| token.line)).collect()
    }
}

pub(super) fn first_line(span: Span) -> usize {
    span.start().line
}

/// One walk through the tokens of a file.
#[derive(Default)]
struct Scan {
    tokens: Vec<Token>,
    code_lines: BTreeSet<usize>,
    tests: Vec<RangeInclusive<usize>>,
}

impl Scan {
    /// All tokens between two brackets, or of the whole file.
    fn level(&mut self, stream: TokenStream) {
        let trees: Vec<TokenTree> = stream.into_iter().collect();
        let mut rest = trees.as_slice();
        while let Some((tree, tail)) = rest.split_first() {
            if let Some((group, item)) = attribute(rest) {
                self.attribute(first_line(tree.span()), group, item);
                rest = item;
            } else {
                self.tree(tree);
                rest = tail;
            }
        }
    }

    fn attribute(&mut self, line: usize, group: &Group, item: &[TokenTree]) {
        if leads_with(group, &["doc"]) {
            return;
        }
        if marks_test(group) {
            self.tests.extend(end_of_item(item).map(|end| line..=end));
        }
        self.code_lines.insert(line);
        self.group(group);
    }

    fn tree(&mut self, tree: &TokenTree) {
        match tree {
            TokenTree::Group(group) => self.group(group),
            leaf => self.leaf(leaf.span(), leaf.to_string()),
        }
    }

    fn group(&mut self, group: &Group) {
        let (open, close) = match group.delimiter() {
            Delimiter::Parenthesis => ("(", ")"),
            Delimiter::Brace => ("{", "}"),
            Delimiter::Bracket => ("[", "]"),
            Delimiter::None => ("", ""),
        };
        self.leaf(group.span_open(), open.to_owned());
        self.level(group.stream());
        self.leaf(group.span_close(), close.to_owned());
    }

    fn leaf(&mut self, span: Span, text: String) {
        self.code_lines.extend(span.start().line..=span.end().line);
        self.tokens.push(Token { line: span.start().line, text });
    }
}

/// If an attribute stands here: its brackets, and what follows them.
fn attribute(trees: &[TokenTree]) -> Option<(&Group, &[TokenTree])> {
    let is = |tree: &TokenTree, sign| matches!(tree, TokenTree::Punct(punct) if punct.as_char() == sign);
    let (group, rest) = match trees {
        [hash, TokenTree::Group(group), rest @ ..] if is(hash, '#') => (group, rest),
        [hash, bang, TokenTree::Group(group), rest @ ..] if is(hash, '#') && is(bang, '!') => (group, rest),
        _ => return None,
    };
    (group.delimiter() == Delimiter::Bracket).then_some((group, rest))
}

fn leads_with(group: &Group, names: &[&str]) -> bool {
    let first = group.stream().into_iter().next();
    matches!(first, Some(TokenTree::Ident(ident)) if names.iter().any(|name| ident == name))
}

/// `#[test]`, `#[tokio::test]`, `#[cfg(test)]`, `#[cfg(all(test, …))]`; not `any`, which is compiled without tests too.
fn marks_test(group: &Group) -> bool {
    let text: String = group.stream().to_string().split_whitespace().collect();
    let path = text.split('(').next().unwrap_or_default();
    let condition = text.strip_prefix("cfg(").unwrap_or_default();
    let all = condition.strip_prefix("all(").unwrap_or_default();
    path == "test"
        || path.ends_with("::test")
        || condition == "test)"
        || all.split([',', ')']).any(|part| part == "test")
}

/// The last line of the item that begins here: where its braces close, or its semicolon.
fn end_of_item(item: &[TokenTree]) -> Option<usize> {
    let end = item.iter().find(|tree| match tree {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        TokenTree::Punct(punct) => punct.as_char() == ';',
        _ => false,
    });
    end.map(|tree| tree.span().end().line)
}

#[cfg(test)]
mod tests;
