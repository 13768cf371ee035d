//! `portcullis gateway` and `portcullis gateway check`

mod check;

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use portcullis_gateway::config::{GatewayConfig, GatewaySources};

use super::Failure;
use super::output::Output;
use crate::config::{ConfigFault, Flags, environment};
use crate::gateway::run_gateway;

/// Run a gateway: a reverse proxy whose routes are protected unless they are public
///
/// `--config` names the gateway's own file, not the server's. SIGHUP has it read again.
#[derive(Args, Debug)]
pub(super) struct GatewayCommand {
    #[command(subcommand)]
    action: Option<GatewayAction>,
}

#[derive(Subcommand, Debug)]
enum GatewayAction {
    Check(check::CheckCommand),
}

/// The variable that names the gateway's file.
const FILE_VARIABLE: &str = "PORTCULLIS_GATEWAY_CONFIG";

pub(super) async fn run(command: GatewayCommand, flags: &Flags, out: &mut Output<'_>) -> Result<(), Failure> {
    let file = GatewayFile::of(flags, environment())?;
    match command.action {
        Some(GatewayAction::Check(command)) => check::run(&command, &file.read()?, out),
        None => {
            let config = file.read()?;
            run_gateway(&config, move || file.read(), out).await.map_err(Failure::other)
        }
    }
}

/// The gateway's file, and what goes before it.
struct GatewayFile {
    path: PathBuf,
    listen: Option<String>,
    environment: BTreeMap<String, String>,
}

impl GatewayFile {
    fn of(flags: &Flags, environment: BTreeMap<String, String>) -> Result<Self, Failure> {
        if let Some(name) = flags.names().find(|name| !matches!(*name, "config" | "listen")) {
            return Err(Failure::usage(format_args!("--{name} is not for a gateway, which has no database")));
        }
        let by_variable = environment.get(FILE_VARIABLE).map(String::as_str);
        let path = flags.value("config").or(by_variable).filter(|path| !path.is_empty());
        let path = path.ok_or_else(|| {
            Failure::usage(
                "the gateway needs its file: --config gateway.toml; docs/gateway.md has an example",
            )
        })?;
        Ok(Self { path: PathBuf::from(path), listen: flags.value("listen").map(str::to_owned), environment })
    }

    fn read(&self) -> Result<GatewayConfig, Vec<ConfigFault>> {
        GatewayConfig::read(&GatewaySources {
            file: self.path.clone(),
            environment: &self.environment,
            listen: self.listen.clone(),
            open: &|path| std::fs::read_to_string(path),
        })
    }
}
