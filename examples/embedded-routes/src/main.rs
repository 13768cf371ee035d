//! The server's own routes in a service, beside a route of its own: `cargo run -p embedded-routes -- 127.0.0.1:3000`.

use std::io::{Write, stdout};
use std::{env, error::Error, future::pending, net::SocketAddr, path::Path, sync::Arc};

use axum::{Router, routing::get, serve};
use portcullis::{
    CurrentUser, DeliveryError, Engine, Guard, MailContent, Notifier, OutgoingMail, RouteSettings,
    SqliteStore, StrategyName, SystemClock, async_trait, device_routes, strategy_routes,
};
use tokio::net::TcpListener;

/// Prints codes, where a real service sends mail.
struct Printer;

#[async_trait]
impl Notifier for Printer {
    async fn deliver(&self, mail: &OutgoingMail) -> Result<(), DeliveryError> {
        let MailContent::Code { code, .. } = &mail.message else { return Ok(()) };
        let line = writeln!(stdout(), "code for {}: {}", mail.to, code.reveal());
        line.map_err(|fault| DeliveryError::Later(fault.to_string()))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let store = SqliteStore::open(Path::new("embedded.db"), Arc::new(SystemClock)).await?;
    let engine = Engine::builder(store.stores()).open().await?;
    // In production: `.public_url("https://auth.example.com")?`
    let settings = RouteSettings::new(engine.clone()).for_development();
    let own = Router::new()
        .route(
            "/notes",
            get(|CurrentUser(user): CurrentUser| async move { format!("Notes of {}", user.email) }),
        )
        .route_layer(Guard::new(engine.clone(), StrategyName::Device));
    let app: Router =
        own.merge(strategy_routes(&settings, StrategyName::SessionJwt)).merge(device_routes(&settings));
    tokio::spawn({
        let engine = engine.clone();
        async move { engine.keep_house().await }
    });
    tokio::spawn(async move { engine.deliver_mail(Arc::new(Printer), pending()).await });
    let listener = TcpListener::bind(env::args().nth(1).as_deref().unwrap_or("127.0.0.1:3000")).await?;
    writeln!(stdout(), "listening on http://{}", listener.local_addr()?)?;
    // Clients are limited one by one, so the routes must be told who connects.
    Ok(serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?)
}
