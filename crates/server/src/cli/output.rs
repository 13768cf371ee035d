//! Output of commands: tables, JSON, times and numbers.

use std::fmt::Write as _;
use std::io::Write;

use portcullis_core::clock::Timestamp;
use serde::Serialize;
use tabled::builder::Builder;
use tabled::settings::{Padding, Style};

use super::escaped::Escaped;
use super::failure::Failure;
use portcullis_core::invisible::is_invisible;

/// Where a command writes.
pub(super) type Output<'a> = dyn Write + Send + 'a;

/// A table for people: a head in capitals, one row per record, two spaces between columns.
pub(super) struct Table(Builder);

/// A column: its head, and the cell of a record.
pub(super) type Column<R> = (&'static str, fn(&R) -> String);

impl Table {
    pub(super) fn new<const N: usize>(columns: [&str; N]) -> Self {
        let mut table = Builder::new();
        table.push_record(columns);
        Self(table)
    }

    /// A table of records.
    pub(super) fn of<R>(records: &[R], columns: &[Column<R>]) -> Self {
        let mut table = Builder::new();
        table.push_record(columns.iter().map(|(head, _)| *head));
        for record in records {
            table.push_record(columns.iter().map(|(_, cell)| Escaped(&cell(record)).to_string()));
        }
        Self(table)
    }

    pub(super) fn push<const N: usize>(&mut self, cells: &[String; N]) {
        self.0.push_record(cells.iter().map(|cell| Escaped(cell).to_string()));
    }

    pub(super) fn write(self, out: &mut dyn Write) -> Result<(), Failure> {
        let mut table = self.0.build();
        table.with(Style::empty()).with(Padding::new(0, 2, 0, 0));
        for line in table.to_string().lines() {
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }
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
