//! `portcullis config check`

use std::io::Write;

use clap::Args;
use portcullis_core::strategy::StrategyName;

use crate::cli::failure::Failure;
use crate::cli::output::{Column, Table, write_json};
use crate::config::{Config, Flags, ReportRow};
use crate::log;
use crate::serve::check;

/// Show the effective configuration with secrets masked, or every fault
#[derive(Args, Debug)]
pub(in crate::cli) struct CheckConfig {
    /// Write JSON, for programs
    #[arg(long)]
    json: bool,
}

const COLUMNS: [Column<ReportRow>; 3] =
    [("KEY", |row| row.key.to_owned()), ("VALUE", ReportRow::shown), ("FROM", |row| row.origin.to_string())];

pub(super) fn run(command: &CheckConfig, flags: &Flags, out: &mut dyn Write) -> Result<(), Failure> {
    let config = Config::load(flags)?;
    log::begin_for_command(&config.log);
    check(&config).map_err(Failure::usage)?;
    if command.json {
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
