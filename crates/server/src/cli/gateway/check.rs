//! `portcullis gateway check`

use clap::Args;
use http::Method;
use portcullis_gateway::config::GatewayConfig;
use portcullis_gateway::explain::{RouteRow, explain};

use crate::cli::Failure;
use crate::cli::output::{Column, Output, Table};

/// Show the routes of a gateway's file, or every fault, and what becomes of a request
#[derive(Args, Debug)]
pub(super) struct CheckCommand {
    /// A method, such as GET
    #[arg(requires = "path")]
    method: Option<String>,
    /// The path of a request, such as /reports/7?full=1
    path: Option<String>,
}

const COLUMNS: [Column<RouteRow>; 5] = [
    ("PATH", |row| row.path.clone()),
    ("METHODS", |row| row.methods.clone()),
    ("ACCESS", |row| row.access.clone()),
    ("UPSTREAM", |row| row.upstream.clone()),
    ("OPTIONS", |row| row.options.clone()),
];

pub(super) fn run(
    command: &CheckCommand,
    config: &GatewayConfig,
    out: &mut Output<'_>,
) -> Result<(), Failure> {
    let Some((method, path)) = command.method.as_ref().zip(command.path.as_ref()) else {
        let rows: Vec<RouteRow> = config.routes.iter().map(RouteRow::of).collect();
        return Table::of(&rows, &COLUMNS).write(out);
    };
    let method =
        method.parse::<Method>().map_err(|_| Failure::usage(format_args!("{method:?} is no method")))?;
    let fate = explain(&config.routes, &method, path).to_string();
    for line in fate.lines() {
        writeln!(out, "{}", crate::cli::escaped::Escaped(line))?;
    }
    Ok(())
}
