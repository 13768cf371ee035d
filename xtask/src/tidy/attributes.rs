//! Whoever switches a lint off says why.

use proc_macro2::{TokenStream, TokenTree};

use super::Finding;
use super::source::Source;

/// The attributes that silence.
const SILENCERS: [&str; 2] = ["allow", "expect"];

pub(super) fn check(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for attribute in &source.attributes {
        let silencers = silencers(attribute.tokens.clone());
        let mute = silencers.into_iter().filter(|(_, lints)| !has_reason(lints.clone()));
        findings.extend(mute.map(|(name, _)| {
            let what = format!("`#[{name}(…)]` without a reason: add `reason = \"…\"`");
            Finding::new(&source.path, attribute.line, what)
        }));
    }
    findings
}

/// What silences, with its arguments: the attribute itself, or what a `cfg_attr` makes of it.
fn silencers(attribute: TokenStream) -> Vec<(String, TokenStream)> {
    let trees: Vec<TokenTree> = attribute.into_iter().collect();
    let [TokenTree::Ident(name), TokenTree::Group(arguments)] = trees.as_slice() else { return Vec::new() };
    if SILENCERS.iter().any(|silencer| name == silencer) {
        return vec![(name.to_string(), arguments.stream())];
    }
    if name != "cfg_attr" {
        return Vec::new();
    }
    split(arguments.stream()).into_iter().skip(1).flat_map(silencers).collect()
}

fn has_reason(lints: TokenStream) -> bool {
    split(lints).into_iter().any(
        |argument| matches!(argument.into_iter().next(), Some(TokenTree::Ident(name)) if name == "reason"),
    )
}

/// The arguments between commas.
fn split(arguments: TokenStream) -> Vec<TokenStream> {
    let trees: Vec<TokenTree> = arguments.into_iter().collect();
    let is_comma = |tree: &TokenTree| matches!(tree, TokenTree::Punct(punct) if punct.as_char() == ',');
    trees.split(is_comma).map(|argument| argument.iter().cloned().collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: [usize; 0] = [];

    fn lines(text: &str) -> Vec<usize> {
        check(&Source::parse("a.rs", text).unwrap()).iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn a_lint_that_is_off_without_a_reason_is_found() {
        for attribute in [
            "#[allow(dead_code)]",
            "#[expect(clippy::panic, clippy::reason)]",
            "#[cfg_attr(unix, derive(Debug), allow(unused))]",
        ] {
            assert_eq!(lines(&format!("\n{attribute}\nfn f() {{}}")), [2], "{attribute}");
            assert_eq!(lines(&format!("macro_rules! m {{ () => {{\n{attribute}\nfn f() {{}} }} }}")), [2]);
        }
        assert_eq!(lines("#![allow(dead_code)]\nfn f() {}"), [1]);
    }

    #[test]
    fn a_reason_is_enough_and_other_attributes_need_none() {
        for attribute in [
            "#[allow(dead_code, reason = \"made for a test\")]",
            "#[expect(\n  clippy::panic,\n  reason = \"there is no way on\",\n)]",
            "#[cfg_attr(unix, allow(unused, reason = \"only elsewhere\"))]",
            "#[derive(Debug)]",
            "#[must_use]",
            "#[serde(expect(x))]",
        ] {
            assert_eq!(lines(&format!("{attribute}\nfn f() {{}}")), NONE, "{attribute}");
        }
    }
}
