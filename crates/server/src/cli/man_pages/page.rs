//! One manual page: what the command line knows of a command, in the language of man(7).

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use super::sections::{environment, exit_status, files};

/// The section of the manual: programs that users start.
const SECTION: &str = "1";

/// The page of a command.
pub(super) struct ManPage {
    name: String,
    version: String,
    man: Man,
    has_subcommands: bool,
    /// The names of the commands around it; none around the program.
    around: Vec<String>,
    /// The names of the pages to see, too.
    others: Vec<String>,
}

/// The pages of a command and of all that are below it.
pub(super) fn all(command: Command) -> Vec<ManPage> {
    let mut command = command.disable_help_subcommand(true);
    command.build();
    let mut pages = Vec::new();
    add(&command, &[], &mut pages);
    // A page lists the commands right below it by itself.
    let deeper = pages.iter().filter(|page| page.around.len() > 1).map(|page| page.name.clone()).collect();
    if let Some(program) = pages.first_mut() {
        program.others = deeper;
    }
    pages
}

fn add(command: &Command, around: &[String], pages: &mut Vec<ManPage>) {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
    pages.push(ManPage {
        name: name.clone(),
        version: command.get_version().unwrap_or_default().to_owned(),
        man: Man::new(command.clone()),
        has_subcommands: command.has_subcommands(),
        around: around.to_vec(),
        others: around.to_vec(),
    });
    let around = [around, &[name]].concat();
    for below in command.get_subcommands() {
        add(below, &around, pages);
    }
}

impl ManPage {
    pub(super) fn file_name(&self) -> String {
        format!("{}.{SECTION}", self.name)
    }

    /// The page as the program `man` reads it. It has no date, so the same program gives the same page.
    pub(super) fn text(&self) -> String {
        let mut page = self.title().into_bytes();
        let sections = [
            Some(Man::render_name_section as fn(&Man, &mut dyn std::io::Write) -> std::io::Result<()>),
            Some(Man::render_synopsis_section),
            Some(Man::render_description_section),
            Some(Man::render_options_section),
            self.has_subcommands.then_some(Man::render_subcommands_section),
        ];
        for section in sections.into_iter().flatten() {
            // Writing to memory cannot fail.
            let _ = section(&self.man, &mut page);
        }
        let page = String::from_utf8_lossy(&page).into_owned();
        let mut text: String = page.lines().filter(|line| !is_preamble(line)).map(with_literals).collect();
        let mut end = Roff::new();
        exit_status(&mut end);
        if self.around.is_empty() {
            files(&mut end);
            environment(&mut end);
        }
        self.see_also(&mut end);
        text.extend(end.to_roff().lines().map(with_literals));
        format!("{PREAMBLE}{text}")
    }

    /// Of clap's own, an empty date would be left out, and what follows would be taken for it.
    fn title(&self) -> String {
        let name = self.name.to_uppercase().replace('-', r"\-");
        let version = &self.version;
        // No hyphens, which would be taken for a part of a name, and no wide gaps.
        format!(
            ".TH \"{name}\" \"{SECTION}\" \"\" \"Portcullis {version}\" \"Portcullis Manual\"\n.nh\n.ad l\n"
        )
    }

    fn see_also(&self, end: &mut Roff) {
        let others: Vec<String> = self.others.iter().map(|name| format!("{name}({SECTION})")).collect();
        end.control("SH", ["SEE ALSO"]).text([roman(others.join(", "))]);
    }
}

/// Apostrophes are shown as they are in code, not as quotation marks.
const PREAMBLE: &str = ".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n";

/// Each section comes with a preamble of its own.
fn is_preamble(line: &str) -> bool {
    PREAMBLE.lines().any(|known| known == line)
}

/// A line of the page with its line break, in which what stands between backticks is bold instead.
fn with_literals(line: &str) -> String {
    let parts: Vec<&str> = line.split('`').collect();
    if line.starts_with('.') || parts.len().is_multiple_of(2) {
        return format!("{line}\n");
    }
    let styled = |(at, part): (usize, &&str)| match at % 2 {
        0 => (*part).to_owned(),
        _ => format!(r"\fB{part}\fR"),
    };
    let line: String = parts.iter().enumerate().map(styled).collect();
    format!("{line}\n")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::CommandLine;
    use crate::config::variables;

    fn pages() -> Vec<ManPage> {
        all(CommandLine::command())
    }

    /// The headings of a page's sections.
    fn headings(text: &str) -> Vec<&str> {
        text.lines().filter_map(|line| line.strip_prefix(".SH ")).map(|line| line.trim_matches('"')).collect()
    }

    #[test]
    fn each_command_has_a_page_and_every_page_that_one_names_is_there() {
        let pages = pages();
        let files: BTreeSet<String> = pages.iter().map(ManPage::file_name).collect();
        assert_eq!(files.len(), pages.len());
        for file in ["portcullis.1", "portcullis-user-create.1", "portcullis-feed-key-list.1"] {
            assert!(files.contains(file), "{file}");
        }
        for page in &pages {
            let named = page.others.iter().map(|name| format!("{name}.1"));
            assert!(page.others.len() >= page.around.len().max(1), "{}", page.name);
            assert!(named.clone().all(|name| files.contains(&name)), "{:?}", page.others);
        }
    }

    #[test]
    fn a_page_has_the_sections_that_readers_know() {
        let pages = pages();
        let program = pages[0].text();
        assert_eq!(
            headings(&program),
            [
                "NAME",
                "SYNOPSIS",
                "DESCRIPTION",
                "OPTIONS",
                "CONFIGURATION",
                "SUBCOMMANDS",
                "EXIT STATUS",
                "FILES",
                "ENVIRONMENT",
                "SEE ALSO"
            ]
        );
        for (_, variables) in variables() {
            for name in variables.iter().flat_map(|variable| &variable.names) {
                assert!(program.contains(&format!(r"\fB{name}\fR")), "{name}");
            }
        }
        let command = pages.iter().find(|page| page.name == "portcullis-user-create").unwrap().text();
        assert_eq!(headings(&command).last(), Some(&"SEE ALSO"));
        assert!(command.contains(r"portcullis(1), portcullis\-user(1)"), "{command}");
    }

    #[test]
    fn a_page_has_no_date_and_one_preamble_and_is_the_same_each_time() {
        for (page, again) in pages().iter().zip(pages()) {
            let text = page.text();
            assert_eq!(text, again.text());
            assert_eq!(text.matches(".TH ").count(), 1);
            assert_eq!(text.matches(".ds Aq").count(), 2, "{text}");
            assert!(text.contains("\" \"1\" \"\" \"Portcullis "), "{text}");
        }
    }

    #[test]
    fn literals_are_bold_and_a_backtick_alone_stays() {
        assert_eq!(with_literals("a `b c` d"), "a \\fBb c\\fR d\n");
        assert_eq!(with_literals("a ` b"), "a ` b\n");
        assert_eq!(with_literals(".SH `a`"), ".SH `a`\n");
    }
}
