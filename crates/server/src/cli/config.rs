//! `portcullis config check`

use std::io::Write;

use clap::Subcommand;
use portcullis_core::strategy::StrategyName;

use super::Failure;
use super::output::{Column, Table, write_json};
use crate::config::{Config, ReportRow};
use crate::serve::check;

#[derive(Subcommand, Debug)]
pub(super) enum ConfigCommand {
    /// Show the effective configuration with secrets masked, or every fault
    Check {
        /// Write JSON, for programs
        #[arg(long)]
        json: bool,
    },
}

const COLUMNS: [Column<ReportRow>; 3] =
    [("KEY", |row| row.key.to_owned()), ("VALUE", ReportRow::shown), ("FROM", |row| row.origin.to_string())];

pub(super) fn run(command: &ConfigCommand, config: &Config, out: &mut dyn Write) -> Result<(), Failure> {
    let ConfigCommand::Check { json } = command;
    check(config).map_err(Failure::usage)?;
    if *json {
        return write_json(config.report(), out);
    }
    Table::of(config.report().rows(), &COLUMNS).write(out)?;
    let offered: Vec<&str> = config.offered().into_iter().map(StrategyName::as_str).collect();
    writeln!(out, "\nStrategies on offer: {}", offered.join(", "))?;
    for warning in config.report().warnings() {
        writeln!(out, "warning: {warning}")?;
    }
    Ok(())
}
