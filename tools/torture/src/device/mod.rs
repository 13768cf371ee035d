//! One client on the device-session surface under load: it signs up, asks for a code, signs in with it and refreshes,
//! until the server is killed; and what it holds the server to after that.
//!
//! What was not acknowledged may have happened or not. What was acknowledged holds: a new user can sign in, a code that
//! was promised comes and works or the next one does, a session lives, and a client with its proof has a valid token.
//! Besides the sessions that the client knows there are at most as many as answers were lost.

mod checks;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use portcullis_bench::device::{self, Outbox, ProofSent};
use portcullis_bench::strategy::PASSWORD;
use rand::RngExt as _;
use rand::rngs::StdRng;
use tokio::time::sleep;

use crate::breach::{Breach, BreachKind};
use crate::client::random_of;
use crate::device_user::SignedInDevice;
use crate::ledger::Counts;
use crate::server_connection::{DeviceReply, ServerConnection, Stop};

/// Clients of the strategy surface have the numbers before these.
const FIRST_NUMBER: u64 = 1 << 32;
/// Sign-ins of one account: half of the codes that one is sent in a quarter of an hour.
const LOGINS: usize = 5;
/// The longest that a user takes to read a mail, in milliseconds.
const READS_FOR: u64 = 60;
/// How often the outbox is looked into.
const PAUSE: Duration = Duration::from_millis(5);
/// How often a client goes on with its account. Otherwise it begins with a sign-up, and most requests in flight at a
/// kill are hashes; this way second steps and refreshes are hit too.
const GOES_ON: f64 = 0.6;
/// Refreshes between two sign-ins, at most.
const REFRESHES: u32 = 12;

/// A sign-in whose code was promised by mail.
#[derive(Clone, Debug)]
struct Promised {
    login: String,
    proof: ProofSent,
    native: bool,
}

/// A request without an answer: it took effect or did not.
#[derive(Debug)]
enum UnansweredDeviceRequest {
    SignUp,
    Login,
    Verify(Promised, String),
    Refresh(SignedInDevice),
}

impl UnansweredDeviceRequest {
    const fn kind(&self) -> &'static str {
        match self {
            Self::SignUp => "device sign-up",
            Self::Login => "device login",
            Self::Verify(..) => "device verify",
            Self::Refresh(_) => "device refresh",
        }
    }
}

/// One client.
#[derive(Debug)]
pub(crate) struct DeviceClient {
    pub(crate) number: u64,
    pub(crate) round: u64,
    random: StdRng,
    outbox: Outbox,
    /// The longest that the server works before it is killed, in milliseconds.
    killed_within: u64,
    email: String,
    accounts: u64,
    /// Whether it works with the account of the last round.
    goes_on: bool,
    /// Whether the sign-up was acknowledged.
    exists: bool,
    logins: usize,
    promised: Option<Promised>,
    /// A login whose code has come, for the next round to begin with.
    ready: Option<(Promised, String)>,
    sessions: Vec<SignedInDevice>,
    doubt: Option<UnansweredDeviceRequest>,
    /// Sessions that may have begun without an answer.
    unheard_of: usize,
    history: Vec<String>,
    pub(crate) acknowledged: Counts,
    pub(crate) lost: Counts,
    pub(crate) checked: Counts,
}

impl DeviceClient {
    /// The client of this number, which has done nothing yet.
    pub(crate) fn new(number: u64, outbox: Outbox, killed_within: u64) -> Self {
        Self {
            number,
            round: 0,
            random: random_of(0, 0, FIRST_NUMBER + number),
            outbox,
            killed_within,
            email: String::new(),
            accounts: 0,
            goes_on: false,
            exists: false,
            logins: 0,
            promised: None,
            ready: None,
            sessions: Vec::new(),
            doubt: None,
            unheard_of: 0,
            history: Vec::new(),
            acknowledged: Counts::default(),
            lost: Counts::default(),
            checked: Counts::default(),
        }
    }

    /// Turns to the next round, with choices that depend on nothing but the seed, the round and the client.
    pub(crate) fn begin_round(&mut self, seed: u64, round: u64) {
        self.round = round;
        self.random = random_of(seed, round, FIRST_NUMBER + self.number);
        self.history.clear();
        self.goes_on = self.logins < LOGINS && !self.sessions.is_empty() && self.random.random_bool(GOES_ON);
        if !self.goes_on {
            self.begin_account();
        }
    }

    /// The address of its account.
    pub(crate) fn email(&self) -> &str {
        &self.email
    }

    /// What happened in this round.
    pub(crate) fn history(&self) -> impl Iterator<Item = &str> {
        self.history.iter().map(String::as_str)
    }

    /// Works until the server is killed.
    ///
    /// # Errors
    /// What the server did that it must not do.
    pub(crate) async fn work(&mut self, address: SocketAddr, killed: &AtomicBool) -> Result<(), Breach> {
        let outcome = self.work_on(address, killed).await;
        Stop::let_down(outcome, !killed.load(Ordering::SeqCst))?;
        if let Some(doubt) = &self.doubt {
            *self.lost.entry(doubt.kind()).or_default() += 1;
        }
        self.history.push("the server was killed".to_owned());
        Ok(())
    }

    async fn work_on(&mut self, address: SocketAddr, killed: &AtomicBool) -> Result<(), Stop> {
        let mut wire = ServerConnection::open(address).await?;
        if let Some((promised, code)) = self.ready.take() {
            // Spread over the round, so that some second steps are under way at the kill.
            self.hesitates(self.killed_within * 3 / 4).await;
            self.signs_in(&mut wire, promised, code).await?;
        }
        while self.goes_on {
            self.refreshes(&mut wire).await?;
        }
        loop {
            if self.logins == LOGINS {
                self.begin_account();
            }
            if !self.exists {
                self.signs_up(&mut wire).await?;
            }
            self.asks_for_a_code(&mut wire).await?;
            let Some(code) = self.reads(killed).await else { return Ok(()) };
            self.hesitates(READS_FOR).await;
            if let Some(promised) = self.promised.take() {
                self.signs_in(&mut wire, promised, code).await?;
            }
            for _ in 0..self.random.random_range(0..=REFRESHES) {
                self.refreshes(&mut wire).await?;
            }
        }
    }

    /// Takes some time, up to so many milliseconds.
    async fn hesitates(&mut self, millis: u64) {
        sleep(Duration::from_millis(self.random.random_range(0..=millis))).await;
    }

    fn begin_account(&mut self) {
        self.accounts += 1;
        self.email = format!("d{}-{}-{}@torture.example", self.round, self.number, self.accounts);
        self.exists = false;
        self.logins = 0;
        self.unheard_of = 0;
        self.ready = None;
        self.sessions.clear();
    }

    async fn signs_up(&mut self, wire: &mut ServerConnection) -> Result<(), Stop> {
        self.doubt = Some(UnansweredDeviceRequest::SignUp);
        let said = self.says(wire, &device::sign_up(&self.email)).await?;
        said.must_be(201, "SIGNUP_SUCCESS", "a new address must be taken in")?;
        self.settled();
        self.exists = true;
        Ok(())
    }

    async fn asks_for_a_code(&mut self, wire: &mut ServerConnection) -> Result<(), Stop> {
        self.doubt = Some(UnansweredDeviceRequest::Login);
        self.logins += 1;
        let native = self.random.random_bool(0.5);
        let said = self.says(wire, &device::device_sign_in(&self.email, PASSWORD)).await?;
        let said = said.must_be(201, "OTP_SENT", "the right password must be")?;
        self.settled();
        let proof = if native { ProofSent::None } else { said.cookie.clone().unwrap_or(ProofSent::None) };
        self.promised = Some(Promised { login: said.datum("loginId"), proof, native });
        Ok(())
    }

    /// The code of the last login, or nothing if the server is killed before it has come.
    async fn reads(&self, killed: &AtomicBool) -> Option<String> {
        while !killed.load(Ordering::SeqCst) {
            let mut codes = self.outbox.codes(&self.email);
            if codes.len() >= self.logins {
                return codes.pop();
            }
            sleep(PAUSE).await;
        }
        None
    }

    async fn signs_in(
        &mut self,
        wire: &mut ServerConnection,
        promised: Promised,
        code: String,
    ) -> Result<(), Stop> {
        self.doubt = Some(UnansweredDeviceRequest::Verify(promised.clone(), code.clone()));
        let said = self.verifies(wire, &promised, &code).await?;
        let said = said.must_be(201, "LOGIN_SUCCESS", "the right code must be")?;
        self.settled();
        self.sessions.push(SignedInDevice::by(&self.email, promised.proof, &said));
        Ok(())
    }

    async fn verifies(
        &mut self,
        wire: &mut ServerConnection,
        promised: &Promised,
        code: &str,
    ) -> Result<DeviceReply, Stop> {
        let Promised { login, proof, native } = promised;
        self.says(wire, &device::verify(login, code, *native, proof)).await
    }

    /// The newest session goes on.
    async fn refreshes(&mut self, wire: &mut ServerConnection) -> Result<(), Stop> {
        let Some(mut session) = self.sessions.pop() else { return Ok(()) };
        self.doubt = Some(UnansweredDeviceRequest::Refresh(session.clone()));
        self.redeems(wire, &mut session, "the newest token must be redeemed").await?;
        self.settled();
        self.sessions.push(session);
        Ok(())
    }

    async fn redeems(
        &mut self,
        wire: &mut ServerConnection,
        session: &mut SignedInDevice,
        promise: &str,
    ) -> Result<(), Stop> {
        let said = self.says(wire, &device::refresh(&session.refresh, &session.proof)).await?;
        let said = said.must_be(201, "TOKENS_REFRESHED", promise);
        let said = said.map_err(|stop| stop.of_kind(BreachKind::ProofRefused))?;
        (session.access, session.refresh) = (said.datum("accessToken"), said.datum("refreshToken"));
        Ok(())
    }

    /// Asks, and writes the answer into the history.
    async fn says(&mut self, wire: &mut ServerConnection, request: &[u8]) -> Result<DeviceReply, Stop> {
        let line = String::from_utf8_lossy(request).lines().next().unwrap_or_default().to_owned();
        let said = wire.say(request).await?;
        self.history.push(format!("round {}: {}: {line}: {}", self.round, self.email, said.text));
        Ok(said)
    }

    /// The answer came: the doubt is over.
    fn settled(&mut self) {
        if let Some(doubt) = self.doubt.take() {
            *self.acknowledged.entry(doubt.kind()).or_default() += 1;
        }
    }
}
