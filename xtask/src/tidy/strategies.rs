//! No code decides by the name of a strategy.
//!
//! A strategy is data: its carrier, check and renewal say what happens. Outside core's strategy module a name is
//! looked up, printed and parsed, never matched on, or a seventh strategy would have to be added in a dozen places.

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

use super::source::{RustFile, first_line};
use crate::finding::TidyFinding;

const NAME: &str = "StrategyName";
const HOME: [&str; 2] = ["crates/core/src/strategy.rs", "crates/core/src/strategy/"];

pub(super) fn check(source: &RustFile) -> Vec<TidyFinding> {
    if HOME.iter().any(|home| source.path.starts_with(home)) {
        return Vec::new();
    }
    let mut patterns = StrategyPatterns::default();
    patterns.visit_file(&source.syntax);
    let lines = patterns.lines.into_iter().filter(|line| !source.is_test_line(*line));
    lines.map(|line| TidyFinding::new(&source.path, line, refusal())).collect()
}

fn refusal() -> String {
    format!(
        "a match on `{NAME}`: ask the strategy's data (carrier, check, renewal), or put a column into its table"
    )
}

/// The lines on which a pattern names a strategy.
#[derive(Default)]
struct StrategyPatterns {
    inside: bool,
    lines: Vec<usize>,
}

impl<'ast> Visit<'ast> for StrategyPatterns {
    fn visit_pat(&mut self, pattern: &'ast syn::Pat) {
        let outer = std::mem::replace(&mut self.inside, true);
        visit::visit_pat(self, pattern);
        self.inside = outer;
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let before_last = path.segments.iter().rev().skip(1);
        if self.inside && before_last.into_iter().any(|segment| segment.ident == NAME) {
            self.lines.extend(path.segments.first().map(|segment| first_line(segment.ident.span())));
        }
        visit::visit_path(self, path);
    }

    /// `use StrategyName::*` would let patterns go by their last name alone.
    fn visit_use_path(&mut self, path: &'ast syn::UsePath) {
        if path.ident == NAME {
            self.lines.push(first_line(path.ident.span()));
        }
        visit::visit_use_path(self, path);
    }

    /// `matches!(value, pattern)`: to the parser the inside is only tokens.
    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        if call.path.segments.last().is_some_and(|name| name.ident.to_string().ends_with("matches")) {
            let pattern = call.tokens.clone().into_iter().skip_while(|tree| !is_comma(tree));
            self.lines.extend(line_of_name(pattern.collect()));
        }
    }
}

fn is_comma(tree: &TokenTree) -> bool {
    matches!(tree, TokenTree::Punct(punct) if punct.as_char() == ',')
}

fn line_of_name(tokens: TokenStream) -> Option<usize> {
    tokens.into_iter().find_map(|tree| match tree {
        TokenTree::Ident(ident) if ident == NAME => Some(first_line(ident.span())),
        TokenTree::Group(group) => line_of_name(group.stream()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: [usize; 0] = [];

    fn lines(path: &str, body: &str) -> Vec<usize> {
        let source = RustFile::parse(path, &format!("fn f(s: StrategyName) {{\n{body}\n}}")).unwrap();
        check(&source).iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn a_pattern_that_names_a_strategy_is_found_in_every_form() {
        for body in [
            "match s { StrategyName::Jwt => 1, _ => 2 };",
            "match (s, 1) { (core::StrategyName::Jwt | _, _) if x => 1 };",
            "match s { Some(StrategyName::Jwt) => 1, _ => 2 };",
            "if let StrategyName::Jwt = s {}",
            "let StrategyName::Jwt = s else { return };",
            "matches!(s, Some(StrategyName::Jwt))",
            "use core::StrategyName::*;",
        ] {
            assert_eq!(lines("crates/server/src/http.rs", body), [2], "{body}");
            assert_eq!(lines("crates/core/src/strategy/name.rs", body), NONE, "{body}");
        }
    }

    #[test]
    fn looking_a_strategy_up_is_no_match() {
        for body in [
            "table.find(StrategyName::Jwt);",
            "let s: StrategyName = StrategyName::Jwt;",
            "match s.check() { Check::Stored => StrategyName::Session, _ => StrategyName::Jwt };",
            "use core::{StrategyName, Strategy};",
            "matches!(rows[StrategyName::Jwt], Check::Stored)",
        ] {
            assert_eq!(lines("crates/server/src/http.rs", body), NONE, "{body}");
        }
    }

    #[test]
    fn a_neighbour_of_the_strategy_module_is_not_the_module() {
        assert_eq!(
            lines("crates/core/src/strategy_table.rs", "let StrategyName::Jwt = s else { return };"),
            [2]
        );
    }
}
