//! A server in this process, on a port and in a directory of its own.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use portcullis_core::engine::Engine;
use portcullis_core::event::DiscardEvents;
use portcullis_core::id::TenantId;
use portcullis_core::store::Stores;
use portcullis_core::strategy::StrategyName;
use portcullis_core::tenant::TenantSettings;
use portcullis_server::config::{Config, Flags};
use portcullis_server::http::{listener, router};
use portcullis_server::open::{OpenedEngine, open};
use portcullis_server::serve::{app, patience};
use portcullis_server::tcp::{self, Limits};
use portcullis_stores::OpenedStores;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::client::{Ask, Line};
use super::post::LetterBox;

/// A key that wraps keys; it guards nothing.
pub(crate) const MASTER_KEY: &str = "030a11181f262d343b424950575e656c737a81888f969da4abb2b9c0c7ced5dc";

/// What makes a configuration one of production.
pub(crate) const HTTPS: [(&str, &str); 3] =
    [("PUBLIC_URL", "https://auth.example.com"), ("MAIL_TRANSPORT", "outbox"), ("MASTER_KEY", MASTER_KEY)];

/// A running server.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) engine: Arc<Engine>,
    pub(crate) database: PathBuf,
    /// Where microservices connect.
    pub(crate) tcp: SocketAddr,
    /// Where all mail arrives.
    pub(crate) letters: Arc<LetterBox>,
    stores: OpenedStores,
    stop: watch::Sender<bool>,
    served: JoinSet<()>,
    post: JoinHandle<()>,
}

/// Where a server keeps its files, for longer than it runs.
pub(crate) struct Home(TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Starts a server here.
    pub(crate) async fn server(&self) -> Server {
        self.server_with(&[]).await
    }

    /// Starts a server here that is told this by variables of its own, named without their prefix.
    pub(crate) async fn server_with(&self, settings: &[(&str, &str)]) -> Server {
        Server::open(config(self.path(), settings)).await
    }
}

/// The configuration of these settings. Every strategy is on offer, and hashes may queue up: how many may is a story of
/// its own.
pub(crate) fn config(directory: &Path, settings: &[(&str, &str)]) -> Config {
    let mut env = BTreeMap::from([
        ("PORTCULLIS_DATA_DIR".to_owned(), directory.display().to_string()),
        ("PORTCULLIS_LISTEN".to_owned(), "127.0.0.1:0".to_owned()),
        ("PORTCULLIS_HASHING_QUEUE".to_owned(), "1000".to_owned()),
        ("PORTCULLIS_STRATEGIES_ENABLED".to_owned(), StrategyName::ALL.map(StrategyName::as_str).join(",")),
    ]);
    for (name, value) in settings {
        env.insert(format!("PORTCULLIS_{name}"), (*value).to_owned());
    }
    let no_file = |_: &Path| Err(io::ErrorKind::NotFound.into());
    Config::read(&Flags::default(), &env, &no_file).unwrap()
}

impl Server {
    /// A server for one story.
    pub(crate) async fn start() -> Lone {
        Self::with(&[]).await
    }

    /// A server for one story that is told this.
    pub(crate) async fn with(settings: &[(&str, &str)]) -> Lone {
        let home = Home::new();
        Lone { server: home.server_with(settings).await, _home: home }
    }

    async fn open(config: Config) -> Self {
        let database = config.database.file().unwrap().to_owned();
        let OpenedEngine { engine, stores } = open(&config, Arc::new(DiscardEvents)).await.unwrap();
        let (stop, stopped) = watch::channel(false);
        let until = || {
            let mut stopped = stopped.clone();
            async move {
                let _ = stopped.wait_for(|stopped| *stopped).await;
            }
        };
        let (http, address) = bound().await;
        let (microservices, tcp) = bound().await;
        let app = app(&config, engine.clone(), None);
        let surface = Arc::new(tcp::Surface {
            operations: app.operations.clone(),
            rates: app.rates.clone(),
            trusts_gateway: config.tcp.trust_gateway,
        });
        let mut served = JoinSet::new();
        served.spawn(tcp::serve(microservices.into(), surface, Limits::of(&config), until()));
        served.spawn(listener::serve(http, router(app), patience(&config), until()));
        let letters = Arc::new(LetterBox::default());
        let post = tokio::spawn({
            let (engine, letters) = (engine.clone(), letters.clone());
            async move { engine.deliver_mail(letters, std::future::pending()).await }
        });
        Self { address, engine, database, tcp, letters, stores, stop, served, post }
    }

    pub(crate) fn ask(&self, method: &str, path: &str) -> Ask {
        Ask::new(self.address, method, path)
    }

    pub(crate) fn get(&self, path: &str) -> Ask {
        self.ask("GET", path)
    }

    pub(crate) fn post(&self, path: &str) -> Ask {
        self.ask("POST", path)
    }

    pub(crate) async fn line(&self) -> Line {
        Line::to(self.address).await
    }

    pub(crate) fn stores(&self) -> Stores {
        self.stores.stores()
    }

    /// Tells the server to stop; what is awaited is its end.
    pub(crate) fn stop(self) -> impl Future<Output = ()> {
        let _ = self.stop.send(true);
        self.post.abort();
        async move {
            self.served.join_all().await;
            drop(self.engine);
            self.stores.close().await;
        }
    }

    /// Another tenant, with keys of its own.
    pub(crate) async fn found(&self, name: &str) {
        self.found_with(name, TenantSettings::default()).await;
    }

    /// Another tenant, which has decided this.
    pub(crate) async fn found_with(&self, name: &str, settings: TenantSettings) {
        self.engine.create_tenant(name.parse().unwrap(), settings, None).await.unwrap();
    }

    /// Tenant `default` decides this.
    pub(crate) async fn decide(&self, settings: TenantSettings) {
        let default = TenantId::default_tenant();
        self.engine.change_tenant(&default, move |_| settings.clone()).await.unwrap();
    }

    /// Does what an operator would type into the database's own shell.
    pub(crate) async fn by_hand(&self, sql: &str) {
        let mut shell = SqliteConnectOptions::new().filename(&self.database).connect().await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut shell).await.unwrap();
        shell.close().await.unwrap();
    }
}

async fn bound() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// A server that takes its directory with it.
pub(crate) struct Lone {
    server: Server,
    _home: Home,
}

impl std::ops::Deref for Lone {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}
