//! A device, a thief and a server, to which a test applies steps.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use portcullis_core::clock::{Clock, Timestamp};
use portcullis_core::engine::{Engine, RefreshError, Refreshed};
use portcullis_core::event::EventKind;
use portcullis_core::id::{SessionKey, TenantId};
use portcullis_core::key::KeyUse;
use portcullis_core::secret::PlainSecret;
use portcullis_core::session::{REPEAT_AFTER_EXPIRY, Session, SessionState};
use portcullis_core::store::conformance::faults::Faults;
use portcullis_core::store::conformance::fixture::Fixture;
use portcullis_core::store::memory::MemoryStore;
use portcullis_core::store::{SessionHandle, Stores};
use portcullis_core::strategy::StrategyName;

use super::promise::Claimed;
use super::steps::{Step, Thief};

pub(super) const STRATEGY: StrategyName = StrategyName::Denylist;
pub(super) const GRACE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// The device on which the user signed in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TestDevice {
    /// Whether its tabs share one token; otherwise each tab has a copy.
    pub(crate) shares_storage: bool,
    /// Whether it has a device proof.
    pub(crate) proves: bool,
}

/// The answer to a request. `None` if the client gets none.
pub(super) type ObservedAnswer = Option<Result<Refreshed, RefreshError>>;

/// An answer on its way.
pub(super) struct DelayedAnswer {
    pub(super) tab: usize,
    pub(super) presented: String,
    pub(super) answer: Refreshed,
}

#[expect(clippy::struct_excessive_bools, reason = "what has happened, each of which a promise depends on")]
pub(crate) struct Simulation {
    pub(super) device: TestDevice,
    pub(super) fixture: Fixture,
    /// The stores without the injected faults.
    pub(super) truth: Stores,
    pub(super) faults: Arc<Faults>,
    pub(super) node: Engine,
    pub(super) session: SessionKey,
    pub(super) secret: Option<PlainSecret>,
    /// The token of each tab; only the first is used if they share one.
    pub(super) tabs: [String; 2],
    /// Which tabs wait for an answer that was lost.
    pub(super) unanswered: [bool; 2],
    pub(super) late: Option<DelayedAnswer>,
    /// The token of each generation. A token has one successor, unless the store has lost it.
    pub(super) chain: BTreeMap<u64, String>,
    /// The session's record as it was kept before the store loses its writes.
    pub(super) backup: Session,
    /// Whether other keys sign, and whether the store has lost writes. After both, two keys may have signed one
    /// generation, whose tokens then have two successors.
    pub(super) has_rotated_keys: bool,
    pub(super) has_lost_writes: bool,
    pub(super) stolen: Vec<String>,
    /// How far the clock was set back.
    pub(super) behind: Duration,
    /// How the session ended. `None` while it is live.
    pub(super) ending: Option<SessionState>,
    /// Whether a thief used a copy of the device with its proof: then no promise holds any more.
    pub(super) is_shared_with_a_thief: bool,
    /// Whether a device without a proof lost an answer or used a token twice, which may end its session.
    pub(super) is_unlucky: bool,
}

impl Simulation {
    pub(crate) async fn new(device: TestDevice) -> Self {
        let truth = MemoryStore::stores();
        let (stores, faults) = Faults::within(truth.clone());
        let fixture = Fixture::new(stores);
        let node = fixture.node().await;
        let held = fixture.new_user(&node).await.sign_in_on(&node, STRATEGY, device.proves).await;
        let token = held.refresh_token().to_owned();
        let handle = SessionHandle::Id(held.session());
        let backup = truth.sessions.find(&handle, Timestamp::from_millis(0)).await.unwrap().unwrap();
        Self {
            device,
            session: held.session(),
            secret: held.signed_in.grant.device_secret.clone(),
            tabs: [token.clone(), token.clone()],
            unanswered: [false; 2],
            late: None,
            chain: BTreeMap::from([(0, token)]),
            backup,
            has_rotated_keys: false,
            has_lost_writes: false,
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
            Step::Sleep(span) => self.sleep(span),
            Step::Ride(tab, pause) => self.ride(self.tab(tab), pause).await,
            Step::BackUp => self.backup = self.record().await,
            Step::LoseWrites if !self.has_rotated_keys => self.lose_writes().await,
            Step::BackAnHour => self.set_back().await,
            Step::Right => self.set_right().await,
            Step::RotateKeys(lead) if !self.has_lost_writes => {
                self.has_rotated_keys = true;
                let tenant = TenantId::default_tenant();
                self.node.rotate_keys(&tenant, &[KeyUse::Refresh], lead).await.unwrap();
            }
            Step::SignOut => {
                let ended = self.node.end_session(&self.session).await.unwrap();
                assert!(!ended || self.ending.is_none(), "an ended session was ended again");
            }
            Step::LoseWrites | Step::RotateKeys(_) => (),
            Step::Restart => self.node = self.fixture.node().await,
        }
        self.check_ending().await;
    }

    pub(super) fn tab(&self, number: usize) -> usize {
        if self.device.shares_storage { 0 } else { number }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.fixture.clock.now()
    }

    /// The stored record, without faults, caches and timeouts.
    pub(super) async fn record(&self) -> Session {
        let handle = SessionHandle::Id(self.session.clone());
        let long_ago = Timestamp::from_millis(0);
        self.truth.sessions.find(&handle, long_ago).await.unwrap().unwrap()
    }

    /// A session that has ended stays as it ended.
    pub(super) async fn check_ending(&mut self) {
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

    pub(super) async fn steal_in(&mut self, thief: Thief, copy: usize) {
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

    pub(super) async fn set_back(&mut self) {
        self.settle().await;
        if self.behind == Duration::ZERO {
            self.behind = HOUR;
            self.fixture.clock.set(self.now().minus(HOUR));
        }
    }

    pub(super) async fn set_right(&mut self) {
        self.settle().await;
        self.fixture.clock.pass(self.behind);
        self.behind = Duration::ZERO;
    }

    /// A device that was not copied, and whose session was not ended and did not expire, has a token that works.
    pub(crate) async fn assert_device_keeps_its_session(mut self) {
        self.set_right().await;
        self.check_ending().await;
        let record = self.record().await;
        let is_over_time = record.state_at(self.now(), record.epochs) != SessionState::Live
            || (0..2).all(|tab| self.lasts_until(tab) <= self.now());
        let was_refused = self.fixture.recorded_events.count(EventKind::RefreshShared) > 0;
        if self.ending.is_some()
            || self.is_shared_with_a_thief
            || self.is_unlucky
            || is_over_time
            || was_refused
        {
            return;
        }
        let mut works = false;
        for tab in 0..2 {
            works |= self.ask(&self.tabs[self.tab(tab)], self.secret.clone()).await.is_ok();
        }
        assert!(works, "no tab has a token that works");
    }

    /// When the token of a tab is of no use any more: later if the tab waits for an answer.
    fn lasts_until(&self, tab: usize) -> Timestamp {
        let expires = Claimed::by(&self.tabs[self.tab(tab)]).expires;
        if self.unanswered[tab] { expires.plus(REPEAT_AFTER_EXPIRY) } else { expires }
    }
}
