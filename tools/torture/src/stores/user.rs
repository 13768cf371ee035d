//! A user at work on three nodes: signs in on one, is seen on all, refreshes, and signs out on another.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use portcullis_bench::http::HttpConnection;
use portcullis_bench::strategy::{Credentials, StrategyUnderTest};
use rand::RngExt as _;
use rand::rngs::StdRng;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::NODES;
use super::history::{Seen, SessionHistory, Sight};
use crate::client::random_of;

/// Of which users sign in and out.
const SESSIONS: StrategyUnderTest = StrategyUnderTest::SessionJwt;
/// Of which a user keeps one session, and refreshes it.
const REFRESHING: StrategyUnderTest = StrategyUnderTest::Denylist;
/// Longer than any answer takes.
const ANSWER_DEADLINE: Duration = Duration::from_mins(1);
/// Checks of a session before it ends.
const CHECKS: usize = 12;
/// How long a node is asked for a session that has ended, unless it refuses it before.
const AFTER_THE_END: Duration = Duration::from_millis(1500);
/// How long it takes at most until a user is at work: stores are well by then, but the machine may be busy.
const AT_WORK_WITHIN: Duration = Duration::from_mins(3);
/// The longest pause between two requests, in milliseconds.
const PAUSE: u64 = 15;

/// What users and those who watch them have in common.
#[derive(Debug)]
pub(super) struct Shift {
    /// One for each user who has a session to refresh, and has signed out of another.
    at_work: Semaphore,
    is_over: AtomicBool,
}

impl Shift {
    pub(super) fn begin() -> Arc<Self> {
        Arc::new(Self { at_work: Semaphore::new(0), is_over: AtomicBool::new(false) })
    }

    /// Waits until so many users are at work.
    pub(super) async fn has(&self, users: u32) -> bool {
        timeout(AT_WORK_WITHIN, self.at_work.acquire_many(users)).await.is_ok()
    }

    pub(super) fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }
}

/// A user, who goes on until the round is over.
pub(super) struct WatchfulUser {
    nodes: [SocketAddr; NODES],
    connections: [Option<HttpConnection>; NODES],
    email: String,
    random: StdRng,
    shift: Arc<Shift>,
    /// The session that is refreshed, and what was seen of it.
    kept: Option<(Credentials, SessionHistory)>,
    /// The sessions that were signed out of, or that a node has refused.
    former: Vec<(Credentials, SessionHistory)>,
    histories: Vec<SessionHistory>,
}

/// An answer, as far as it is needed.
struct NodeAnswer {
    sent: Instant,
    status: u16,
    credentials: Option<Credentials>,
    text: String,
}

impl WatchfulUser {
    pub(super) fn new(
        nodes: [SocketAddr; NODES],
        (seed, round, number): (u64, u64, u64),
        shift: Arc<Shift>,
    ) -> Self {
        let email = format!("stores-{round}-{number}@torture.example");
        let random = random_of(seed, round, number);
        Self {
            nodes,
            connections: [const { None }; NODES],
            email,
            random,
            shift,
            kept: None,
            former: Vec::new(),
            histories: Vec::new(),
        }
    }

    /// Works until the round is over, and returns what it saw of each session.
    pub(super) async fn works(mut self) -> Vec<SessionHistory> {
        if self.until_answered(REFRESHING, &REFRESHING.register(&self.email.clone())).await.is_none() {
            return self.histories;
        }
        self.signs_in_and_out().await;
        self.shift.at_work.add_permits(1);
        while !self.shift.is_over() {
            self.signs_in_and_out().await;
        }
        self.histories.extend(self.kept.take().map(|(_, history)| history));
        self.shows_again().await;
        self.histories
    }

    /// Shows once more what it has signed out of: a store may have come back with it.
    async fn shows_again(&mut self) {
        for (held, mut history) in std::mem::take(&mut self.former) {
            if history.count(|seen| *seen == Seen::Ended) > 0 {
                self.checks(&held, &mut history).await;
            }
            self.histories.push(history);
        }
    }

    async fn signs_in_and_out(&mut self) {
        let login = SESSIONS.login(&self.email, false);
        let Some(answer) = self.until_answered(SESSIONS, &login).await else { return };
        let Some(held) = answer.credentials else { return };
        let mut history = SessionHistory::begun(Instant::now());
        for _ in 0..CHECKS {
            self.checks(&held, &mut history).await;
            self.pauses().await;
        }
        self.refreshes().await;
        self.signs_out(&held, &mut history).await;
        self.watches_it_end(&held, &mut history).await;
        self.former.push((held, history));
    }

    async fn checks(&mut self, held: &Credentials, history: &mut SessionHistory) {
        let node = self.random.random_range(0..NODES);
        self.checks_on(node, SESSIONS, held, history).await;
    }

    async fn checks_on(
        &mut self,
        node: usize,
        strategy: StrategyUnderTest,
        held: &Credentials,
        history: &mut SessionHistory,
    ) {
        let answer = self.asks(node, strategy, &strategy.profile(&held.access)).await;
        let seen = match answer.status {
            200 => Seen::Accepted,
            401 | 403 => Seen::Refused(answer.text),
            _ => Seen::Away,
        };
        history.sights.push(Sight { sent: answer.sent, answered: Instant::now(), node, seen });
    }

    async fn signs_out(&mut self, held: &Credentials, history: &mut SessionHistory) {
        let node = self.random.random_range(0..NODES);
        let answer = self.asks(node, SESSIONS, &SESSIONS.logout(&held.access)).await;
        let seen = match answer.status {
            201 => Seen::Ended,
            401 | 403 => Seen::Refused(answer.text),
            _ => Seen::MayHaveEnded,
        };
        history.sights.push(Sight { sent: answer.sent, answered: Instant::now(), node, seen });
    }

    /// Asks every node, until each has refused the session.
    async fn watches_it_end(&mut self, held: &Credentials, history: &mut SessionHistory) {
        if history.count(|seen| *seen == Seen::Ended) == 0 {
            return;
        }
        let (ended, mut accepting) = (Instant::now(), [true; NODES]);
        while accepting.contains(&true) && ended.elapsed() < AFTER_THE_END {
            for node in (0..NODES).filter(|node| accepting.get(*node) == Some(&true)).collect::<Vec<_>>() {
                self.checks_on(node, SESSIONS, held, history).await;
                let is_over = matches!(history.sights.last().map(|last| &last.seen), Some(Seen::Refused(_)));
                if let Some(accepting) = accepting.get_mut(node) {
                    *accepting = !is_over;
                }
            }
            self.pauses().await;
        }
    }

    /// Redeems the refresh token of the kept session. One whose answer was lost is redeemed again, on any node.
    ///
    /// Then the access token is shown, which does not live for an hour: a node whose clock is wrong would refuse it, or
    /// would have issued one that others refuse.
    async fn refreshes(&mut self) {
        let Some((held, mut history)) = self.kept.take() else {
            let login = REFRESHING.login(&self.email, true);
            let answer = self.until_answered(REFRESHING, &login).await;
            let held = answer.and_then(|answer| answer.credentials);
            self.kept = held.map(|held| (held, SessionHistory::begun(Instant::now())));
            return;
        };
        let token = held.refresh_token.clone().unwrap_or_default();
        let node = self.random.random_range(0..NODES);
        let request = REFRESHING.refresh(&token, held.device_secret.as_deref());
        let answer = self.asks(node, REFRESHING, &request).await;
        let (seen, next) = match (answer.status, answer.credentials) {
            (201, Some(next)) => {
                let device_secret = held.device_secret;
                (Seen::Accepted, Some(Credentials { device_secret, ..next }))
            }
            (401 | 403, _) => (Seen::Refused(answer.text), None),
            _ => (Seen::Away, Some(held)),
        };
        history.sights.push(Sight { sent: answer.sent, answered: Instant::now(), node, seen });
        match next {
            Some(next) => {
                let node = self.random.random_range(0..NODES);
                self.checks_on(node, REFRESHING, &next, &mut history).await;
                self.kept = Some((next, history));
            }
            None => self.histories.push(history),
        }
    }

    /// Asks nodes until one answers; `None` once the round is over.
    async fn until_answered(&mut self, strategy: StrategyUnderTest, request: &[u8]) -> Option<NodeAnswer> {
        while !self.shift.is_over() {
            let node = self.random.random_range(0..NODES);
            let answer = self.asks(node, strategy, request).await;
            // A sign-up whose answer was lost finds its address taken.
            if matches!(answer.status, 200 | 201 | 409) {
                return Some(answer);
            }
            self.pauses().await;
        }
        None
    }

    /// Sends a request once. No answer is status 0.
    async fn asks(&mut self, node: usize, strategy: StrategyUnderTest, request: &[u8]) -> NodeAnswer {
        let sent = Instant::now();
        let lost = |text: String| NodeAnswer { sent, status: 0, credentials: None, text };
        let (Some(address), Some(place)) = (self.nodes.get(node), self.connections.get_mut(node)) else {
            return lost("there is no such node".to_owned());
        };
        let mut connection = match place.take() {
            Some(connection) => connection,
            None => match HttpConnection::open(*address).await {
                Ok(connection) => connection,
                Err(fault) => return lost(fault.to_string()),
            },
        };
        let (status, credentials, text) = match timeout(ANSWER_DEADLINE, connection.exchange(request)).await {
            Ok(Ok(answer)) => {
                let handed_out = answer.status() == 201;
                let credentials = if handed_out { Credentials::of(strategy, &answer) } else { None };
                (answer.status(), credentials, answer.describe())
            }
            Ok(Err(fault)) => return lost(fault.to_string()),
            Err(_) => return lost("there was no answer for a minute".to_owned()),
        };
        *place = Some(connection);
        NodeAnswer { sent, status, credentials, text }
    }

    async fn pauses(&mut self) {
        sleep(Duration::from_millis(self.random.random_range(0..=PAUSE))).await;
    }
}

/// Whether a user can sign in on this node, and is seen there.
pub(super) async fn serves(node: SocketAddr, email: &str) -> bool {
    let Ok(mut connection) = HttpConnection::open(node).await else { return false };
    // It may be there already.
    if connection.exchange(&SESSIONS.register(email)).await.is_err() {
        return false;
    }
    let held = match connection.exchange(&SESSIONS.login(email, false)).await {
        Ok(answer) if answer.status() == 201 => Credentials::of(SESSIONS, &answer),
        _ => None,
    };
    let Some(held) = held else { return false };
    let seen = connection.exchange(&SESSIONS.profile(&held.access)).await;
    seen.is_ok_and(|answer| answer.status() == 200)
}
