//! Guards the routes of a service with the sessions of a Portcullis database, and makes none itself:
//! `cargo run -p guard-only -- portcullis-data/portcullis.db 127.0.0.1:8080`.

use std::{env, error::Error, io::Write, path::Path, sync::Arc};

use axum::routing::{delete, get};
use axum::{Router, serve};
use portcullis::{CurrentUser, Engine, Guard, Role, Roles, SqliteStore, StrategyName, SystemClock};
use tokio::net::TcpListener;

fn app(engine: Engine) -> Router {
    let signed_in = Router::new().route(
        "/reports",
        get(|CurrentUser(user): CurrentUser| async move { format!("Reports of {}", user.email) }),
    );
    let managers = Router::new()
        .route(
            "/reports/{id}",
            delete(|CurrentUser(by): CurrentUser| async move { format!("Deleted by {}", by.email) }),
        )
        .route_layer(Roles::any_of([Role::Manager, Role::Admin]));
    // The guard is added last, so it stands in front: first it finds out who calls, then `Roles` what they may do.
    signed_in.merge(managers).route_layer(Guard::new(engine, StrategyName::SessionJwt))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let usage = "usage: guard-only DATABASE-FILE [ADDRESS:PORT]";
    let database = arguments.next().ok_or(usage)?;
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    // The file must exist: an empty database in its place would hold no session, and refuse every request.
    let store = SqliteStore::open_existing(Path::new(&database), Arc::new(SystemClock)).await?;
    let engine = Engine::builder(store.stores()).open().await?;
    let listener = TcpListener::bind(address).await?;
    writeln!(std::io::stdout(), "listening on http://{}", listener.local_addr()?)?;
    Ok(serve(listener, app(engine)).await?)
}
