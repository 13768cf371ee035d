//! Those who take part in every measurement: the server with its users, and the bare handler. What only some cases need
//! is started when the first of them comes.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use portcullis_bench::allocation_counter::ALLOCATION_COUNTER;
use portcullis_bench::bare_server::{BARE_SERVER, BareRoute, BareServerArguments};
use portcullis_bench::device::Outbox;
use portcullis_bench::http::HttpConnection;
use portcullis_bench::server::{ReservedAddress, Server};
use portcullis_bench::serving_process::ServingProcess;
use portcullis_bench::strategy::StrategyUnderTest;
use tokio::sync::{Mutex, OnceCell};

use crate::BenchPlan;
use crate::case_service::{CaseService, database_in};
use crate::cases::{Case, IN_TURN, MANY, RefreshCase, StoreCase};
use crate::crowd::Crowd;
use crate::error::BenchError;
use crate::gateway_process::FollowedServer;
use crate::peer::PeerService;
use crate::programs::{BenchPrograms, CounterSockets, new_feed_key};
use crate::proxies::{BenchProxies, open_route};
use crate::store_process::StoreProcess;
use crate::users::BenchUsers;

/// Users that a run needs: each connection of a refresh case has a chain of its own.
const USERS: usize = MANY;
/// Signs access tokens with HS256.
pub(crate) const SHARED_SECRET: &str = "a secret of the bench that is longer than 32 bytes";

/// A server with users.
#[derive(Debug)]
pub(crate) struct BenchInstallation {
    pub(crate) server: Server,
    pub(crate) people: BenchUsers,
    database: PathBuf,
}

/// Everything that is measured.
#[derive(Debug)]
pub(crate) struct BenchFixture {
    pub(crate) main: BenchInstallation,
    pub(crate) bare: ServingProcess,
    routes: BareServerArguments,
    /// Where microservices connect.
    pub(crate) tcp: ReservedAddress,
    pub(crate) outbox: Outbox,
    /// How long one measurement takes.
    pub(crate) span: Duration,
    programs: BenchPrograms,
    pub(crate) folder: PathBuf,
    feed_key_file: OnceCell<PathBuf>,
    guarded: OnceCell<ServingProcess>,
    verifying: OnceCell<ServingProcess>,
    proxies: OnceCell<BenchProxies>,
    shared_secret: OnceCell<BenchInstallation>,
    crowd: OnceCell<Crowd>,
    stores: [OnceCell<Mutex<StoreProcess>>; 2],
    peer: OnceCell<PeerService>,
}

impl BenchFixture {
    /// Starts the server, with variables of its own, makes its users, and starts the bare handler with answers as long
    /// as the profiles; with sockets, those that count allocations.
    ///
    /// # Errors
    /// [`BenchError`]
    pub(crate) async fn set(
        plan: &BenchPlan,
        folder: &Path,
        counting: Option<&CounterSockets>,
        variables: &[(&str, &OsStr)],
    ) -> Result<Self, BenchError> {
        let programs =
            if counting.is_some() { BenchPrograms::counted(plan) } else { BenchPrograms::measured(plan) }?;
        let tcp = ReservedAddress::new()?;
        let listen = tcp.get().to_string();
        let socket = counting.map(|sockets| (ALLOCATION_COUNTER, sockets.server.as_os_str()));
        let listen = ("PORTCULLIS_TCP_LISTEN", OsStr::new(&listen));
        let variables: Vec<_> = variables.iter().copied().chain([listen]).chain(socket).collect();
        let data_dir = folder.join("data");
        let main = BenchInstallation::start(&programs.server, &data_dir, &variables).await?;
        let routes = main.routes_of_profiles().await?;
        let mut bare = Command::new(&programs.bare);
        bare.arg(BARE_SERVER).args(routes.words()).args(open_route(&routes).words());
        bare.envs(counting.map(|sockets| (ALLOCATION_COUNTER, sockets.bare.as_os_str())));
        Ok(Self {
            main,
            bare: ServingProcess::start(&mut bare)?,
            routes,
            tcp,
            outbox: Outbox::of(&data_dir),
            span: Duration::from_secs(plan.seconds),
            programs,
            folder: folder.to_owned(),
            feed_key_file: OnceCell::new(),
            guarded: OnceCell::new(),
            verifying: OnceCell::new(),
            proxies: OnceCell::new(),
            shared_secret: OnceCell::new(),
            crowd: OnceCell::new(),
            stores: [OnceCell::new(), OnceCell::new()],
            peer: OnceCell::new(),
        })
    }

    /// The address and the processes that a case asks.
    ///
    /// # Errors
    /// [`BenchError`], if one of them does not start.
    pub(crate) async fn serving(&self, case: Case) -> Result<CaseService, BenchError> {
        Ok(match case {
            Case::Bare(_) => CaseService::of(&self.bare),
            Case::Guard(_) => CaseService::of(self.guarded().await?),
            Case::VerifierGuard => CaseService::of(self.verifying().await?),
            Case::Proxy(proxy) => self.proxies().await?.service(proxy),
            Case::Peer => self.peer().await?.service(),
            Case::Refresh(RefreshCase::SharedSecret) => self.shared_secret().await?.service(),
            Case::Refresh(RefreshCase::InTurn) => self.crowd().await?.service(),
            _ => self.main.service(),
        })
    }

    /// The bare handler behind guards, on the sessions of the server.
    async fn guarded(&self) -> Result<&ServingProcess, BenchError> {
        let start = async || {
            let mut guarded = Command::new(&self.programs.library);
            guarded.args(["guarded", "--database"]).arg(&self.main.database).args(self.routes.words());
            Ok(ServingProcess::start(&mut guarded)?)
        };
        self.guarded.get_or_try_init(start).await
    }

    /// The bare handler behind a guard that follows the feed of the server.
    async fn verifying(&self) -> Result<&ServingProcess, BenchError> {
        let start = async || {
            let mut verifying = Command::new(&self.programs.library);
            verifying.args(["verifying", "--server", &format!("http://{}", self.main.server.address())]);
            verifying.arg("--feed-key-file").arg(self.feed_key_file().await?);
            Ok(ServingProcess::start(verifying.args(self.routes.words()))?)
        };
        self.verifying.get_or_try_init(start).await
    }

    /// nginx and a gateway before the bare handler.
    async fn proxies(&self) -> Result<&BenchProxies, BenchError> {
        let start =
            async || BenchProxies::start(&self.folder, self.bare.address, self.followed().await?).await;
        self.proxies.get_or_try_init(start).await
    }

    /// The server as gateways follow it.
    pub(crate) async fn followed(&self) -> Result<FollowedServer<'_>, BenchError> {
        let server = &self.main.server;
        let (address, pid, program) = (server.address(), server.pid(), self.programs.server.as_path());
        Ok(FollowedServer { program, address, pid, feed_key_file: self.feed_key_file().await? })
    }

    /// The file with a key of the server's feed.
    pub(crate) async fn feed_key_file(&self) -> Result<&Path, BenchError> {
        let make = async || {
            let file = self.folder.join("feed.key");
            fs::write(&file, new_feed_key(&self.programs.server, &self.folder.join("data"))?)?;
            Ok::<_, BenchError>(file)
        };
        Ok(self.feed_key_file.get_or_try_init(make).await?)
    }

    /// A server that signs access tokens with a shared secret.
    pub(crate) async fn shared_secret(&self) -> Result<&BenchInstallation, BenchError> {
        let variables = [("JWT_SECRET", OsStr::new(SHARED_SECRET))];
        let folder = self.folder.join("shared-secret");
        let start = async || BenchInstallation::start(&self.programs.server, &folder, &variables).await;
        self.shared_secret.get_or_try_init(start).await
    }

    /// A server with many sessions.
    pub(crate) async fn crowd(&self) -> Result<&Crowd, BenchError> {
        let start = async || Crowd::start(&self.programs, &self.folder.join("crowd"), IN_TURN).await;
        self.crowd.get_or_try_init(start).await
    }

    /// The store without a server.
    pub(crate) async fn store(&self, case: StoreCase) -> Result<&Mutex<StoreProcess>, BenchError> {
        let start =
            async || StoreProcess::start(&self.programs.library, MANY, case.sessions()).map(Mutex::new);
        let [small, large] = &self.stores;
        let store = if case.in_turn { large } else { small };
        store.get_or_try_init(start).await
    }

    /// The service of another library.
    pub(crate) async fn peer(&self) -> Result<&PeerService, BenchError> {
        let program = self.programs.peer.as_deref().ok_or(BenchError::NoPeer)?;
        let start = async || PeerService::start(program, &self.folder.join("redis")).await;
        self.peer.get_or_try_init(start).await
    }
}

impl BenchInstallation {
    async fn start(
        program: &Path,
        data_dir: &Path,
        variables: &[(&str, &OsStr)],
    ) -> Result<Self, BenchError> {
        let server = Server::start_with(program, data_dir, variables).await?;
        let people = BenchUsers::register(server.address(), "people", USERS).await?;
        Ok(Self { server, people, database: database_in(data_dir) })
    }

    pub(crate) fn service(&self) -> CaseService {
        CaseService::of_server(&self.server)
    }

    /// How long the answer to each strategy's check is.
    async fn routes_of_profiles(&self) -> Result<BareServerArguments, BenchError> {
        let mut connection = HttpConnection::open(self.server.address()).await?;
        let mut routes = Vec::new();
        for strategy in StrategyUnderTest::ALL {
            for signed_in in self.people.password_sign_in(strategy, 1).await? {
                let answer = connection.exchange(&strategy.profile(&signed_in.access)).await?;
                routes.push(BareRoute { path: strategy.profile_path(), bytes: answer.length() });
            }
        }
        Ok(BareServerArguments { routes })
    }
}
