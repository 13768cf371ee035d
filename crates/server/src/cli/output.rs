//! Output of commands: tables, JSON, times and numbers.

use std::fmt::Write as _;
use std::io::Write;

use portcullis_core::clock::Timestamp;
use serde::Serialize;
use tabled::builder::Builder;
use tabled::settings::{Padding, Style};

use super::escaped::Escaped;
use super::failure::Failure;
use super::terminal::{Terminal, terminal};
use portcullis_core::invisible::is_invisible;

/// Where a command writes.
pub(super) type Output<'a> = dyn Write + Send + 'a;

/// A table for people: a head in capitals, one row per record, two spaces between columns. Where a terminal is too
/// narrow for it, each record has a line for each column.
pub(super) struct Table {
    /// The head, and the records.
    rows: Vec<Vec<String>>,
}

/// A column: its head, and the cell of a record.
pub(super) type Column<R> = (&'static str, fn(&R) -> String);

/// Words that a terminal shows in a colour, with its number (ECMA-48, 8.3.117).
const COLOURED: [(&str, u8); 1] = [(" BROKEN ", 31)];

impl Table {
    pub(super) fn new<const N: usize>(columns: [&str; N]) -> Self {
        Self { rows: vec![columns.map(str::to_owned).into()] }
    }

    /// A table of records.
    pub(super) fn of<'r, R: 'r>(records: impl IntoIterator<Item = &'r R>, columns: &[Column<R>]) -> Self {
        let head = columns.iter().map(|(head, _)| (*head).to_owned()).collect();
        let row = |record| columns.iter().map(|(_, cell)| Escaped(&cell(record)).to_string()).collect();
        Self { rows: std::iter::once(head).chain(records.into_iter().map(row)).collect() }
    }

    pub(super) fn push<const N: usize>(&mut self, cells: &[String; N]) {
        self.rows.push(cells.iter().map(|cell| Escaped(cell).to_string()).collect());
    }

    pub(super) fn write(&self, out: &mut dyn Write) -> Result<(), Failure> {
        self.write_for(terminal(), out)
    }

    fn write_for(&self, terminal: Option<Terminal>, out: &mut dyn Write) -> Result<(), Failure> {
        let mut table = Builder::from_iter(&self.rows).build();
        table.with(Style::empty()).with(Padding::new(0, 2, 0, 0));
        let text = table.to_string();
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        let widest = lines.iter().map(|line| line.chars().count()).max().unwrap_or_default();
        if terminal.is_some_and(|terminal| widest > terminal.columns) {
            return self.write_folded(out);
        }
        let colours = terminal.is_some_and(|terminal| terminal.colours);
        for (at, line) in lines.into_iter().enumerate() {
            match colours {
                true if at == 0 => writeln!(out, "{}", in_style(line, 1))?,
                true => writeln!(out, "{}", coloured(line))?,
                false => writeln!(out, "{line}")?,
            }
        }
        Ok(())
    }

    fn write_folded(&self, out: &mut dyn Write) -> Result<(), Failure> {
        let Some((head, records)) = self.rows.split_first() else { return Ok(()) };
        let width = head.iter().map(String::len).max().unwrap_or_default();
        for (at, record) in records.iter().enumerate() {
            if at > 0 {
                writeln!(out)?;
            }
            for (name, cell) in head.iter().zip(record).filter(|(_, cell)| !cell.is_empty()) {
                writeln!(out, "{name:width$}  {cell}")?;
            }
        }
        Ok(())
    }
}

fn coloured(line: &str) -> String {
    COLOURED
        .iter()
        .fold(line.to_owned(), |line, (word, colour)| line.replacen(word, &in_style(word, *colour), 1))
}

fn in_style(text: &str, style: u8) -> String {
    format!("\u{1b}[{style}m{text}\u{1b}[0m")
}

/// Writes JSON, in which every character that is unseen is escaped.
pub(super) fn write_json(value: &impl Serialize, out: &mut dyn Write) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(Failure::other)?;
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        // Between its strings JSON has line breaks and nothing else that is unseen, and none within them.
        if c == '\n' || !is_invisible(c) {
            escaped.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        }
    }
    Ok(writeln!(out, "{escaped}")?)
}

/// A time to the second: `2026-01-28 22:12:56Z`.
pub(super) fn moment(at: Timestamp) -> String {
    let text = at.to_string();
    match text.split_once('.') {
        Some((seconds, _)) => format!("{}Z", seconds.replacen('T', " ", 1)),
        None => text,
    }
}

/// The same, or `-`.
pub(super) fn moment_if(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "-".to_owned(), moment)
}

/// The first `most` characters of a text.
pub(super) fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let head: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", head.trim_end())
}

/// A number with its noun: `no sessions`, `1 session`, `2 sessions`.
pub(super) fn counted(number: u64, thing: &str) -> String {
    match number {
        0 => format!("no {thing}s"),
        1 => format!("1 {thing}"),
        _ => format!("{number} {thing}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "a\r\nb\u{1b}[2J\u{9b}1m\u{202e}c\u{2028}d\u{200b}e\u{e0041}é漢😀";

    fn json(text: &str) -> String {
        let mut out = Vec::new();
        write_json(&text, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    // ASVS-map: LG2
    #[test]
    fn a_hostile_name_moves_no_cursor_and_breaks_no_line() {
        let mut table = Table::new(["ID", "NAME"]);
        table.push(&["1".to_owned(), HOSTILE.to_owned()]);
        let mut out = Vec::new();
        table.write(&mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.lines().count(), 2, "{text:?}");
        assert!(!text.replace('\n', "").contains(is_invisible), "{text:?}");
        assert!(
            text.contains(r"a\u{d}\u{a}b\u{1b}[2J\u{9b}1m\u{202e}c\u{2028}d\u{200b}e\u{e0041}é漢😀"),
            "{text}"
        );
    }

    #[test]
    fn a_table_that_is_too_wide_for_its_terminal_is_folded_and_colours_are_for_terminals() {
        let mut table = Table::new(["CHECK", "STATUS", "DETAIL"]);
        table.push(&["database".to_owned(), "BROKEN".to_owned(), "it is not there".to_owned()]);
        table.push(&["clock".to_owned(), "ok".to_owned(), String::new()]);
        let written = |terminal| {
            let mut out = Vec::new();
            table.write_for(terminal, &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        let narrow = Terminal { columns: 30, colours: false };
        let folded =
            "CHECK   database\nSTATUS  BROKEN\nDETAIL  it is not there\n\nCHECK   clock\nSTATUS  ok\n";
        assert_eq!(written(Some(narrow)), folded);
        let plain = written(None);
        assert_eq!(plain.lines().count(), 3);
        assert_eq!(written(Some(Terminal { columns: 40, colours: false })), plain);
        let shown = written(Some(Terminal { columns: 40, colours: true }));
        assert!(
            shown.starts_with("\u{1b}[1mCHECK") && shown.contains("\u{1b}[31m BROKEN \u{1b}[0m"),
            "{shown:?}"
        );
    }

    // ASVS-map: LG2
    #[test]
    fn json_escapes_what_is_invisible_and_still_says_the_same() {
        let text = json(HOSTILE);
        assert!(!text.trim_end().contains(is_invisible), "{text:?}");
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), HOSTILE);
    }

    #[test]
    fn moments_numbers_and_long_texts_are_short() {
        assert_eq!(moment(Timestamp::from_millis(1_769_638_376_311)), "2026-01-28 22:12:56Z");
        assert_eq!(moment_if(None), "-");
        assert_eq!(counted(0, "session"), "no sessions");
        assert_eq!(counted(1, "session"), "1 session");
        assert_eq!(counted(2, "session"), "2 sessions");
        assert_eq!(shortened("漢字漢字", 4), "漢字漢字");
        assert_eq!(shortened("ab cdef", 4), "ab…");
    }
}
