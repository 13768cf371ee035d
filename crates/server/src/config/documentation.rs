//! The table of settings as Markdown, for `docs/configuration.md`.

use std::fmt::Write as _;

use super::settings::{GROUPS, Setting};
use super::tenant::{TENANT_SETTINGS, TenantSetting};

const TENANT_HEAD: &str = "| key | meaning |\n|---|---|";

/// The table of a tenant's settings.
#[must_use]
pub fn tenant_documentation() -> String {
    let row = |key: &TenantSetting| {
        format!("| `{}` {} | {}. |", key.name, key.value.replace('|', " or "), key.help)
    };
    let rows: Vec<String> = TENANT_SETTINGS.iter().map(row).collect();
    format!("\n{TENANT_HEAD}\n{}\n", rows.join("\n"))
}

const HEAD: &str = "| key | variable | flag | default | meaning |\n|---|---|---|---|---|";

/// A heading and a table for each group of settings.
#[must_use]
pub fn documentation() -> String {
    GROUPS.iter().fold(String::new(), |mut text, group| {
        let rows: Vec<String> = group.settings.iter().map(row).collect();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "\n### {}\n\n{HEAD}\n{}", group.heading, rows.join("\n"));
        text
    })
}

/// A setting as pages about the environment describe it.
pub(crate) struct DescribedVariable {
    /// Its names: the server's own first.
    pub(crate) names: Vec<String>,
    /// What it means, and its default.
    pub(crate) meaning: String,
}

/// The variables of each group of settings, with its heading.
pub(crate) fn variables() -> impl Iterator<Item = (&'static str, Vec<DescribedVariable>)> {
    GROUPS.iter().map(|group| (group.heading, group.settings.iter().map(variable).collect()))
}

fn variable(setting: &Setting) -> DescribedVariable {
    let names = std::iter::once(setting.variable()).chain(setting.also.map(str::to_owned)).collect();
    let meaning = format!("{}. Default: {}.", setting.doc, setting.default_in_words());
    DescribedVariable { names, meaning }
}

fn row(setting: &Setting) -> String {
    let flag = setting.flag.map(|flag| format!("`--{flag}`")).unwrap_or_default();
    let also = setting.also.map(|variable| format!(", `{variable}`")).unwrap_or_default();
    let default = setting.default_in_words();
    let value = setting.value.replace('|', " or ");
    let (key, variable, doc) = (setting.key, setting.variable(), setting.doc);
    format!("| `{key}` {value} | `{variable}`{also} | {flag} | {default} | {doc}. |")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
    const BEGIN: &str =
        "<!-- from the table of settings: UPDATE_DOCS=1 cargo test -p portcullis-server -->\n";
    const BEGIN_TENANT: &str = "<!-- from the table of a tenant's keys, likewise -->\n";
    const END: &str = "\n<!-- end -->";

    /// The page with the table behind this mark as it should be.
    fn corrected(page: &str, begin: &str, table: &str) -> String {
        let (before, rest) = page.split_once(begin).expect("the mark where the table begins");
        let (_, after) = rest.split_once(END).expect("the mark where the table ends");
        format!("{before}{begin}{table}{END}{after}")
    }

    #[test]
    fn the_page_shows_the_tables_as_they_are() {
        let page = std::fs::read_to_string(PAGE).unwrap();
        let right = corrected(&page, BEGIN, &documentation());
        let right = corrected(&right, BEGIN_TENANT, &tenant_documentation());
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(PAGE, right).unwrap();
        } else {
            assert!(page == right, "docs/configuration.md is old: run again with UPDATE_DOCS=1");
        }
    }
}
