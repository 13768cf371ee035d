//! The bare handler behind a guard: what a check costs a service that uses the library.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use portcullis_axum::Guard;
use portcullis_bench::bare_server::{self, BareServerArguments};
use portcullis_core::engine::Engine;
use portcullis_core::machine::SystemClock;
use portcullis_core::strategy::StrategyName;
use portcullis_stores::sqlite::SqliteStore;

use crate::LibraryBenchError;

/// What is served.
#[derive(Debug, clap::Args)]
pub(crate) struct GuardedArguments {
    /// The database whose sessions are let in.
    #[arg(long)]
    database: PathBuf,
    /// Paths like `/auth/{strategy}/profile`: the strategy is that of the guard.
    #[command(flatten)]
    bare: BareServerArguments,
}

/// Serves until it is killed.
///
/// # Errors
/// What the store says, or the system.
pub(crate) async fn serve(arguments: &GuardedArguments) -> Result<(), LibraryBenchError> {
    let store = SqliteStore::open_existing(&arguments.database, Arc::new(SystemClock)).await?;
    let engine = Engine::builder(store.stores()).open().await?;
    let mut app = Router::new();
    for route in &arguments.bare.routes {
        let guard = Guard::new(engine.clone(), strategy_of(&route.path)?);
        app = app.merge(bare_server::router(route).route_layer(guard));
    }
    Ok(bare_server::serve(app).await?)
}

fn strategy_of(path: &str) -> Result<StrategyName, LibraryBenchError> {
    let name = path.split('/').nth(2).unwrap_or_default();
    Ok(name.parse().map_err(|_| format!("{path} names no strategy"))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_the_strategy_of_its_guard() {
        assert_eq!(strategy_of("/auth/session-jwt/profile").unwrap(), StrategyName::SessionJwt);
        assert!(strategy_of("/").is_err());
    }
}
