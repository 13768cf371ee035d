//! `portcullis gateway check`

use clap::Args;
use http::Method;
use portcullis_gateway::config::GatewayConfig;
use portcullis_gateway::explain::{PolicyRow, RouteRow, explain};

use crate::cli::Failure;
use crate::cli::output::{Column, Output, Table};

/// Show the routes and policies of a gateway's file, or every fault, and what becomes of a request
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

const POLICY_COLUMNS: [Column<PolicyRow>; 4] = [
    ("FORWARD-AUTH", |row| row.path.clone()),
    ("ACCESS", |row| row.access.clone()),
    ("LOGIN", |row| row.login.clone()),
    ("HOSTS", |row| row.hosts.clone()),
];

pub(super) fn run(
    command: &CheckCommand,
    config: &GatewayConfig,
    out: &mut Output<'_>,
) -> Result<(), Failure> {
    let Some((method, path)) = command.method.as_ref().zip(command.path.as_ref()) else {
        return tables(config, out);
    };
    let method =
        method.parse::<Method>().map_err(|_| Failure::usage(format_args!("{method:?} is no method")))?;
    let fate = explain(config, &method, path).to_string();
    for line in fate.lines() {
        writeln!(out, "{}", crate::cli::escaped::Escaped(line))?;
    }
    Ok(())
}

/// The routes, what proxies may ask, and what may not be meant so.
fn tables(config: &GatewayConfig, out: &mut Output<'_>) -> Result<(), Failure> {
    let rows: Vec<RouteRow> = config.routes.iter().map(RouteRow::of).collect();
    if !rows.is_empty() {
        Table::of(&rows, &COLUMNS).write(out)?;
    }
    if let Some(forward_auth) = &config.forward_auth {
        if !rows.is_empty() {
            writeln!(out)?;
        }
        Table::of(&PolicyRow::all(forward_auth), &POLICY_COLUMNS).write(out)?;
    }
    if let Some(warning) = config.warning() {
        writeln!(out, "warning: {warning}")?;
    }
    Ok(())
}
