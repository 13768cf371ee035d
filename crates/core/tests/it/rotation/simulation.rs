//! The world of a story: a device, a thief, a server, and what has been promised to each.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portcullis_core::clock::{Clock, Timestamp};
use portcullis_core::engine::{Engine, Refresh, RefreshError, Refreshed};
use portcullis_core::event::EventKind;
use portcullis_core::id::{SessionKey, TenantId};
use portcullis_core::key::KeyUse;
use portcullis_core::secret::PlainSecret;
use portcullis_core::session::{Session, SessionState};
use portcullis_core::store::conformance::faults::Faults;
use portcullis_core::store::conformance::fixture::{Fixture, present};
use portcullis_core::store::memory::MemoryStore;
use portcullis_core::store::{SessionHandle, Stores};
use portcullis_core::strategy::{Carrier, StrategyName};

use super::steps::{RequestFate, Step, Thief};

const STRATEGY: StrategyName = StrategyName::Denylist;
const GRACE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// What somebody has signed in on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TestDevice {
    /// Whether its tabs hold one token, or each its own copy.
    pub(crate) shares_storage: bool,
    /// Whether it was given a device proof.
    pub(crate) proves: bool,
}

/// What came of a request, as far as the client knows.
type ObservedAnswer = Option<Result<Refreshed, RefreshError>>;

/// An answer on its way.
struct DelayedAnswer {
    tab: usize,
    presented: String,
    answer: Refreshed,
}

pub(crate) struct Simulation {
    device: TestDevice,
    fixture: Fixture,
    /// The stores as they are, past all faults.
    truth: Stores,
    faults: Arc<Faults>,
    node: Engine,
    session: SessionKey,
    secret: Option<PlainSecret>,
    /// What each tab holds; the first alone where they share.
    tabs: [String; 2],
    /// Which tab waits for an answer that will not come.
    unanswered: [bool; 2],
    late: Option<DelayedAnswer>,
    /// Every token that was ever handed out, oldest first: one line, never a tree.
    chain: Vec<String>,
    stolen: Vec<String>,
    /// How far the clock is behind.
    behind: Duration,
    /// How the session ended, once it has.
    ending: Option<SessionState>,
    /// A copy of the whole device was used: nothing is promised to it any more.
    is_shared_with_a_thief: bool,
    /// A device without a proof met a lost answer or a second use, which it is not promised to survive.
    is_unlucky: bool,
}

impl Simulation {
    pub(crate) async fn new(device: TestDevice) -> Self {
        let truth = MemoryStore::stores();
        let (stores, faults) = Faults::within(truth.clone());
        let fixture = Fixture::new(stores);
        let node = fixture.node().await;
        let held = fixture.new_user(&node).await.sign_in_on(&node, STRATEGY, device.proves).await;
        let token = held.refresh_token().to_owned();
        Self {
            device,
            session: held.session(),
            secret: held.signed_in.grant.device_secret.clone(),
            tabs: [token.clone(), token.clone()],
            unanswered: [false; 2],
            late: None,
            chain: vec![token],
            stolen: Vec::new(),
            behind: Duration::ZERO,
            ending: None,
            is_shared_with_a_thief: false,
            is_unlucky: false,
            fixture,
            truth,
            faults,
            node,
        }
    }

    pub(crate) async fn apply(&mut self, next: Step) {
        match next {
            Step::Refresh(tab, fate) => self.refresh(self.tab(tab), fate).await,
            Step::Several(tab, times) => self.several(self.tab(tab), times).await,
            Step::Steal(tab) => self.stolen.push(self.tabs[self.tab(tab)].clone()),
            Step::Use(thief, copy) => self.steal_in(thief, copy).await,
            Step::Pass(span) => {
                self.settle().await;
                self.fixture.clock.pass(span);
            }
            Step::BackAnHour => self.set_back().await,
            Step::Right => self.set_right().await,
            Step::RotateKeys(lead) => {
                let tenant = TenantId::default_tenant();
                self.node.rotate_keys(&tenant, &[KeyUse::Refresh], lead).await.unwrap();
            }
            Step::SignOut => {
                let ended = self.node.end_session(&self.session).await.unwrap();
                assert!(!ended || self.ending.is_none(), "an ended session was ended again");
            }
            Step::Restart => self.node = self.fixture.node().await,
        }
        self.check_ending().await;
    }

    fn tab(&self, number: usize) -> usize {
        if self.device.shares_storage { 0 } else { number }
    }

    fn now(&self) -> Timestamp {
        self.fixture.clock.now()
    }

    /// The record, past all faults and views, and not judged by any time.
    async fn record(&self) -> Session {
        let handle = SessionHandle::Id(self.session.clone());
        let long_ago = Timestamp::from_millis(0);
        self.truth.sessions.find(&handle, long_ago).await.unwrap().unwrap()
    }

    /// A session that has ended stays as it ended.
    async fn check_ending(&mut self) {
        let state = self.record().await.state;
        if let Some(ending) = self.ending {
            assert_eq!(state, ending, "an ended session was changed");
        } else if state != SessionState::Live {
            self.ending = Some(state);
        }
        assert!(
            self.fixture.recorded_events.count(EventKind::RefreshReused) <= 1,
            "an alarm was raised twice"
        );
    }

    // What the design promises to whoever presents a token.

    /// What the table of the rotation says, told by the place of the token in the line; `None` where time forbids it.
    async fn promised(&self, token: &str, proves: bool) -> Option<&'static str> {
        let place = self.chain.iter().position(|known| known == token).unwrap();
        let (issued, expires) = times(token);
        if expires <= self.now() || issued > self.now().plus(Duration::from_mins(1)) {
            return None;
        }
        let record = self.record().await;
        let rotation = record.rotation.clone().unwrap();
        if record.state_at(self.now(), record.epochs) != SessionState::Live {
            return Some("gone");
        }
        let current = usize::try_from(rotation.generation).unwrap();
        let is_just_spent = place + 1 == current && self.now().since(rotation.issued) <= GRACE;
        Some(match (self.device.proves, proves) {
            (false, _) | (true, true) if place == current => "next",
            (true, true) if is_just_spent => "next",
            (true, true) => "stale",
            _ => "reused",
        })
    }

    /// Compares an answer with the promise, and writes down what it teaches about the line of tokens.
    async fn judge(
        &mut self,
        token: &str,
        promised: Option<&'static str>,
        answer: &Result<Refreshed, RefreshError>,
    ) {
        match (promised, answer) {
            (None, Err(RefreshError::Invalid))
            | (Some("gone"), Err(RefreshError::SessionGone(_)))
            | (Some("stale"), Err(RefreshError::Stale)) => (),
            (Some("reused"), Err(RefreshError::Reused)) => {
                assert_eq!(
                    self.fixture.recorded_events.count(EventKind::RefreshReused),
                    1,
                    "one alarm, no more and no less"
                );
            }
            (Some("next"), Ok(refreshed)) => self.extend(token, refreshed).await,
            _ => panic!("{promised:?} was promised: {answer:?}"),
        }
    }

    async fn extend(&mut self, token: &str, refreshed: &Refreshed) {
        assert!(self.ending.is_none(), "a refresh after the end");
        assert_eq!(refreshed.session, self.session);
        let place = self.chain.iter().position(|known| known == token).unwrap();
        match self.chain.get(place + 1) {
            Some(known) => assert_eq!(known, refreshed.refresh.reveal(), "two successors of one token"),
            None => self.chain.push(refreshed.refresh.reveal().to_owned()),
        }
        let tenant = TenantId::default_tenant();
        let (node, access) = (&self.node, refreshed.access.reveal());
        let shown = present(node, Some(&tenant), STRATEGY, Carrier::Bearer, access).await;
        assert!(shown.is_ok(), "a fresh access token is refused: {shown:?}");
    }

    // The honest client.

    async fn ask(&self, token: &str, secret: Option<PlainSecret>) -> Result<Refreshed, RefreshError> {
        let tenant = Some(TenantId::default_tenant());
        let token = token.to_owned();
        self.node
            .refresh(Refresh { tenant, strategy: STRATEGY, token, device_secret: secret, cookie: None })
            .await
    }

    async fn refresh(&mut self, tab: usize, fate: RequestFate) {
        let token = self.tabs[tab].clone();
        let promised = self.promised(&token, true).await;
        let heard = self.carry_out(&token, fate).await;
        match heard {
            Some(answer) if !is_outage(&answer) => {
                self.judge(&token, promised, &answer).await;
                self.hear(tab, token, answer, fate);
            }
            _ => {
                self.is_unlucky |= !self.device.proves;
                self.unanswered[tab] = true;
                let is_over = self.record().await.state != SessionState::Live;
                assert!(
                    !is_over || self.ending.is_some() || promised == Some("reused"),
                    "an outage ended a session"
                );
            }
        }
    }

    /// What the server does, and whether the client hears of it.
    async fn carry_out(&mut self, token: &str, fate: RequestFate) -> ObservedAnswer {
        match fate {
            RequestFate::Answered | RequestFate::AnswerLate | RequestFate::AnswerLost => {
                Some(self.ask(token, self.secret.clone()).await)
            }
            RequestFate::StoreDown => {
                self.faults.go_down();
                let answer = self.ask(token, self.secret.clone()).await;
                self.faults.come_up();
                Some(answer)
            }
            RequestFate::StoreAnswerLost => {
                self.faults.lose_answers(1);
                let answer = self.ask(token, self.secret.clone()).await;
                self.faults.lose_answers(0);
                Some(answer)
            }
            RequestFate::Crash(steps) => {
                self.faults.stop_after(steps);
                let heard = tokio::select! {
                    biased;
                    answer = self.ask(token, self.secret.clone()) => Some(answer),
                    () = self.faults.stuck() => None,
                };
                self.faults.go_on();
                self.node = self.fixture.node().await;
                heard
            }
        }
    }

    fn hear(
        &mut self,
        tab: usize,
        presented: String,
        answer: Result<Refreshed, RefreshError>,
        fate: RequestFate,
    ) {
        let Ok(answer) = answer else {
            self.unanswered[tab] = false;
            return;
        };
        match fate {
            RequestFate::AnswerLost => {
                self.unanswered[tab] = true;
                self.is_unlucky |= !self.device.proves;
            }
            RequestFate::AnswerLate => {
                self.is_unlucky |= !self.device.proves;
                let before = self.late.replace(DelayedAnswer { tab, presented, answer });
                self.arrive(before);
            }
            _ => {
                self.keep(tab, &presented, &answer);
                let before = self.late.take();
                self.arrive(before);
            }
        }
    }

    /// A client keeps an answer if it still holds what it asked with: another one may have come first.
    fn keep(&mut self, tab: usize, presented: &str, answer: &Refreshed) {
        if self.tabs[tab] == presented {
            answer.refresh.reveal().clone_into(&mut self.tabs[tab]);
            self.unanswered[tab] = false;
        }
    }

    fn arrive(&mut self, late: Option<DelayedAnswer>) {
        if let Some(late) = late {
            self.keep(late.tab, &late.presented, &late.answer);
        }
    }

    /// What is late arrives, and whoever has no answer asks again; a client does so within the grace window.
    async fn settle(&mut self) {
        let late = self.late.take();
        self.arrive(late);
        for tab in 0..2 {
            if self.unanswered[tab] {
                self.refresh(tab, RequestFate::Answered).await;
                self.check_ending().await;
            }
        }
    }

    async fn several(&mut self, tab: usize, times: usize) {
        let token = self.tabs[tab].clone();
        let promised = self.promised(&token, true).await;
        let alarms = self.fixture.recorded_events.count(EventKind::RefreshReused);
        let mut answers = Vec::new();
        let mut asking = tokio::task::JoinSet::new();
        for _ in 0..times {
            let (node, token, device_secret) = (self.node.clone(), token.clone(), self.secret.clone());
            asking.spawn(async move {
                let tenant = Some(TenantId::default_tenant());
                node.refresh(Refresh { tenant, strategy: STRATEGY, token, device_secret, cookie: None }).await
            });
        }
        while let Some(answer) = asking.join_next().await {
            answers.push(answer.unwrap());
        }
        if promised == Some("next") && !self.device.proves {
            self.is_unlucky = true;
            assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
            assert_eq!(self.fixture.recorded_events.count(EventKind::RefreshReused), alarms + 1);
            self.chain.extend(answers.into_iter().flatten().map(|won| won.refresh.reveal().to_owned()));
            return;
        }
        let is_reuse = promised == Some("reused");
        for answer in answers {
            match &answer {
                // Of several reuses at once one is told that it was one.
                Err(RefreshError::SessionGone(_)) if is_reuse => (),
                _ => self.judge(&token, promised, &answer).await,
            }
            self.hear(tab, token.clone(), answer, RequestFate::Answered);
        }
    }

    // The thief.

    async fn steal_in(&mut self, thief: Thief, copy: usize) {
        let Some(token) = self.stolen.iter().rev().nth(copy).cloned() else { return };
        let secret = match thief {
            Thief::WithToken => None,
            Thief::WithDevice => self.secret.clone(),
        };
        let promised = self.promised(&token, secret.is_some()).await;
        let answer = self.ask(&token, secret.clone()).await;
        self.judge(&token, promised, &answer).await;
        if let Ok(refreshed) = answer {
            assert!(secret.is_some() || !self.device.proves, "a token without its proof was worth something");
            self.is_shared_with_a_thief = true;
            self.stolen.push(refreshed.refresh.reveal().to_owned());
        }
    }

    // The clock.

    async fn set_back(&mut self) {
        self.settle().await;
        if self.behind == Duration::ZERO {
            self.behind = HOUR;
            self.fixture.clock.set(self.now().minus(HOUR));
        }
    }

    async fn set_right(&mut self) {
        self.settle().await;
        self.fixture.clock.pass(self.behind);
        self.behind = Duration::ZERO;
    }

    /// A device that nobody copied, and whose session nobody ended and no time has, holds a token that works.
    pub(crate) async fn assert_device_keeps_its_session(mut self) {
        self.set_right().await;
        self.check_ending().await;
        let is_over_time = self.tabs.iter().all(|token| times(token).1 <= self.now());
        if self.ending.is_some() || self.is_shared_with_a_thief || self.is_unlucky || is_over_time {
            return;
        }
        let mut works = false;
        for tab in 0..2 {
            works |= self.ask(&self.tabs[self.tab(tab)], self.secret.clone()).await.is_ok();
        }
        assert!(works, "no tab has a token that works");
    }
}

fn is_outage(answer: &Result<Refreshed, RefreshError>) -> bool {
    matches!(
        answer,
        Err(RefreshError::Store(_) | RefreshError::Tenant(portcullis_core::engine::TenantError::Store(_)))
    )
}

/// Issue and expiry that a token names.
fn times(token: &str) -> (Timestamp, Timestamp) {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&payload).unwrap();
    let time = |name: &str| Timestamp::from_seconds(claims[name].as_i64().unwrap());
    (time("iat"), time("exp"))
}
