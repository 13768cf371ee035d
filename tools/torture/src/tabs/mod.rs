//! The tabs of one browser, which share a refresh token and a device cookie and refresh when they like; then a thief.
//!
//! A tenth of the answers never arrive. Some tabs ask what lies in the storage that they share, others use what they
//! remember, which may be used long ago. In any order of all this each token has one successor, no client is signed
//! out, and there is one session. A thief who has the token and not the cookie gets nothing and ends it.

mod shared_chain;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use portcullis_bench::device::{self, Outbox};
use portcullis_bench::server::{Server, beside_this_program};
use rand::RngExt as _;
use rand::rngs::StdRng;
use serde_json::Value;
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio::time::sleep;

use self::shared_chain::SharedChain;
use crate::TorturePlan;
use crate::alarms::REUSED;
use crate::breach::{Breach, BreachKind};
use crate::client::random_of;
use crate::device_user::{SignedInDevice, sign_up_and_in};
use crate::ledger::Counts;
use crate::report::BrokenPromise;
use crate::run::TortureError;
use crate::server_connection::{ServerConnection, Stop};
use crate::stores_under_test::{StoresInUse, StoresUnderTest};

/// How often each tab refreshes.
const TURNS: u32 = 3;
/// The longest that a tab waits before it does, in milliseconds.
const WAITS: u64 = 60;
/// Answers that do not arrive.
const DROPPED: f64 = 0.1;
/// Tabs that look into the storage before they refresh.
const LOOKS: f64 = 0.5;

/// All rounds.
#[derive(Debug)]
pub(crate) struct Tabs {
    on: StoresUnderTest,
    server: Server,
    /// Ended after the server.
    _stores: StoresInUse,
    directory: TempDir,
    outbox: Outbox,
    seed: u64,
    /// How many there are.
    size: u64,
    /// What was counted.
    pub(crate) counts: Counts,
}

impl Tabs {
    /// Starts a server on a pair of stores.
    ///
    /// # Errors
    /// [`TortureError`]
    pub(crate) async fn begin(
        plan: &TorturePlan,
        seed: u64,
        on: StoresUnderTest,
    ) -> Result<Self, TortureError> {
        let program = plan.server.clone().map_or_else(beside_this_program, Ok)?;
        let directory = tempfile::tempdir()?;
        let data = directory.path().join("data");
        let stores = StoresInUse::start(on, directory.path()).await?;
        let server = stores.serve(&program, &data).await?;
        let counts = Counts::default();
        Ok(Self {
            on,
            server,
            _stores: stores,
            directory,
            outbox: Outbox::of(&data),
            seed,
            size: plan.tabs,
            counts,
        })
    }

    /// One browser and its thief.
    ///
    /// # Errors
    /// [`TortureError`]
    pub(crate) async fn round(&mut self, round: u64) -> Result<(), TortureError> {
        let outcome = self.round_of(round).await;
        Stop::let_down(outcome, true).map_err(|breach| {
            let Breach { kind, what } = breach;
            let breach = kind.breach(format!("tabs, round {round}: {what}"));
            TortureError::Failed(vec![BrokenPromise::of_server(&self.server, breach).on(self.on)])
        })
    }

    /// Keeps the data directory, so that the cause can be found.
    pub(crate) fn keep_directory(self) -> PathBuf {
        self.directory.keep()
    }

    async fn round_of(&mut self, round: u64) -> Result<(), Stop> {
        let address = self.server.address();
        let email = format!("tabs-{round}@torture.example");
        let signed_in = sign_up_and_in(address, &self.outbox, &email).await?;
        let chain = Arc::new(Mutex::new(SharedChain::begins(signed_in.refresh.clone())));
        self.all_refresh(round, &signed_in, &chain).await?;
        let mut wire = ServerConnection::open(address).await?;
        let stolen = self.is_whole(&mut wire, &signed_in, &chain).await?;
        self.thief_ends_it(&mut wire, &signed_in, &stolen).await?;
        self.count("tabs: rounds", 1);
        Ok(())
    }

    async fn all_refresh(
        &self,
        round: u64,
        signed_in: &SignedInDevice,
        chain: &Arc<Mutex<SharedChain>>,
    ) -> Result<(), Stop> {
        let mut tabs = JoinSet::new();
        for number in 0..self.size {
            let tab = Tab {
                address: self.server.address(),
                random: random_of(self.seed, round, number),
                held: signed_in.refresh.clone(),
                signed_in: signed_in.clone(),
                chain: Arc::clone(chain),
            };
            tabs.spawn(tab.live());
        }
        while let Some(ended) = tabs.join_next().await {
            ended.map_err(|fault| Stop::broken(format!("a tab's task ended early: {fault}")))??;
        }
        Ok(())
    }

    /// The newest token works, its access token too, and there is one session. Gives the newest token.
    async fn is_whole(
        &mut self,
        wire: &mut ServerConnection,
        signed_in: &SignedInDevice,
        chain: &Arc<Mutex<SharedChain>>,
    ) -> Result<String, Stop> {
        let newest = known(chain, |chain| chain.newest());
        let said = wire.say(&device::refresh(&newest, &signed_in.proof)).await?;
        let said = said.must_be(201, "TOKENS_REFRESHED", "the newest token must work");
        let said = said.map_err(|stop| stop.of_kind(BreachKind::ProofRefused))?;
        let next = said.datum("refreshToken");
        let known = known(chain, |chain| {
            chain.learn(&newest, &next)?;
            chain.refused_rightly()?;
            Ok::<_, Breach>((chain.generations() as u64, chain.repeated, chain.refusals() as u64))
        });
        let (generations, repeated, refusals) = known.map_err(Stop::broken)?;
        let listed = wire.say(&device::sessions(&said.datum("accessToken"))).await?;
        let listed = listed.must_be(200, "SESSIONS_RETRIEVED", "its access token must work")?;
        let sessions: Vec<_> = listed.data.as_array().into_iter().flatten().collect();
        if sessions.len() != 1
            || sessions
                .iter()
                .any(|one| one.get("sessionId").and_then(Value::as_str) != Some(&signed_in.session))
        {
            return Err(Stop::broken(format!(
                "there must be one live session, but there are {}",
                listed.text
            )));
        }
        self.count("tabs: generations of a token", generations);
        self.count("tabs: the same successor again", repeated);
        self.count("tabs: long spent, refused, session lives", refusals);
        Ok(next)
    }

    /// Without the cookie: refused at once, the session ends, and its owner is told once.
    async fn thief_ends_it(
        &mut self,
        wire: &mut ServerConnection,
        owner: &SignedInDevice,
        stolen: &str,
    ) -> Result<(), Stop> {
        let theft = device::refresh(stolen, &device::ProofSent::None);
        let said = wire.say(&theft).await?;
        said.must_be(401, "INVALID_REFRESH_HASH", "a token without its cookie must be refused")?;
        let said = wire.say(&theft).await?;
        said.must_be(401, "SESSION_NOT_FOUND", "a theft must end the session")?;
        let said = wire.say(&device::refresh(stolen, &owner.proof)).await?;
        said.must_be(401, "SESSION_NOT_FOUND", "the session must have ended for its owner too")?;
        let said = wire.say(&device::me(&owner.access)).await?;
        said.must_be(401, "UNAUTHORIZED", "an ended session's access token must be refused")?;
        if !self.outbox.gets(&owner.email, REUSED).await || self.outbox.count(&owner.email, REUSED) != 1 {
            return Err(Stop::broken(format!("{} must be told once of the theft", owner.email)));
        }
        self.count("tabs: thief refused, session ended, mail sent", 1);
        Ok(())
    }

    fn count(&mut self, what: &'static str, many: u64) {
        *self.counts.entry(what).or_default() += many;
    }
}

/// What is known of a chain, or what follows from it.
fn known<T>(chain: &Mutex<SharedChain>, of: impl FnOnce(&mut SharedChain) -> T) -> T {
    of(&mut chain.lock().unwrap_or_else(PoisonError::into_inner))
}

/// One tab.
struct Tab {
    address: SocketAddr,
    random: StdRng,
    signed_in: SignedInDevice,
    chain: Arc<Mutex<SharedChain>>,
    /// The token that it remembers.
    held: String,
}

impl Tab {
    async fn live(mut self) -> Result<(), Stop> {
        for _ in 0..TURNS {
            sleep(Duration::from_millis(self.random.random_range(0..=WAITS))).await;
            if self.random.random_bool(LOOKS) {
                self.held = known(&self.chain, |chain| chain.newest());
            }
            self.refreshes().await?;
        }
        Ok(())
    }

    async fn refreshes(&mut self) -> Result<(), Stop> {
        let request = device::refresh(&self.held, &self.signed_in.proof);
        let mut wire = ServerConnection::open(self.address).await?;
        let (arrives, hangs_up) = (!self.random.random_bool(DROPPED), self.random.random_bool(0.5));
        if !arrives && hangs_up {
            return wire.abandon(&request).await;
        }
        let said = wire.say(&request).await?;
        let verdict = match (said.status, said.code.as_str()) {
            (201, _) if !arrives => Ok(()),
            (201, _) => {
                let shown = std::mem::replace(&mut self.held, said.datum("refreshToken"));
                known(&self.chain, |chain| chain.learn(&shown, &self.held))
            }
            (401, "INVALID_REFRESH_TOKEN") => {
                let shown = std::mem::take(&mut self.held);
                known(&self.chain, |chain| {
                    self.held = chain.newest();
                    chain.refuse(&shown)
                })
            }
            _ => Err(BreachKind::ProofRefused.breach(format!(
                "a tab with the cookie must never be signed out, but the answer was {}",
                said.text
            ))),
        };
        verdict.map_err(Stop::broken)
    }
}
