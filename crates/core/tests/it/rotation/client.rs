//! The honest client: a device with two tabs.

use portcullis_core::engine::{Refresh, RefreshError, Refreshed, TenantError};
use portcullis_core::event::EventKind;
use portcullis_core::id::TenantId;
use portcullis_core::secret::PlainSecret;
use portcullis_core::session::SessionState;

use super::simulation::{DelayedAnswer, ObservedAnswer, STRATEGY, Simulation};
use super::steps::RequestFate;

impl Simulation {
    pub(super) async fn ask(
        &self,
        token: &str,
        secret: Option<PlainSecret>,
    ) -> Result<Refreshed, RefreshError> {
        let tenant = Some(TenantId::default_tenant());
        let token = token.to_owned();
        self.node
            .refresh(Refresh {
                tenant,
                strategy: STRATEGY,
                token,
                device_secret: secret,
                cookies: Vec::new(),
            })
            .await
    }

    pub(super) async fn refresh(&mut self, tab: usize, fate: RequestFate) {
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

    /// Sends one request. `None` if the client gets no answer.
    pub(super) async fn carry_out(&mut self, token: &str, fate: RequestFate) -> ObservedAnswer {
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
                self.faults.crash();
                self.node = self.fixture.node().await;
                heard
            }
        }
    }

    pub(super) fn hear(
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

    /// A client takes a new token over only if it still holds the one it sent: another answer may have come first.
    pub(super) fn keep(&mut self, tab: usize, presented: &str, answer: &Refreshed) {
        if self.tabs[tab] == presented {
            answer.refresh.reveal().clone_into(&mut self.tabs[tab]);
            self.unanswered[tab] = false;
        }
    }

    pub(super) fn arrive(&mut self, late: Option<DelayedAnswer>) {
        if let Some(late) = late {
            self.keep(late.tab, &late.presented, &late.answer);
        }
    }

    /// Delayed answers arrive, and a tab without an answer retries within the grace window.
    pub(super) async fn settle(&mut self) {
        let late = self.late.take();
        self.arrive(late);
        for tab in 0..2 {
            if self.unanswered[tab] {
                self.refresh(tab, RequestFate::Answered).await;
                self.check_ending().await;
            }
        }
    }

    pub(super) async fn ask_in_parallel(
        &self,
        token: &str,
        times: usize,
    ) -> Vec<Result<Refreshed, RefreshError>> {
        let mut requests = tokio::task::JoinSet::new();
        for _ in 0..times {
            let (node, token, device_secret) = (self.node.clone(), token.to_owned(), self.secret.clone());
            requests.spawn(async move {
                let (tenant, strategy) = (Some(TenantId::default_tenant()), STRATEGY);
                node.refresh(Refresh { tenant, strategy, token, device_secret, cookies: Vec::new() }).await
            });
        }
        requests.join_all().await
    }

    pub(super) async fn several(&mut self, tab: usize, times: usize) {
        let token = self.tabs[tab].clone();
        let promised = self.promised(&token, true).await;
        let alarms = self.fixture.recorded_events.count(EventKind::RefreshReused);
        let answers = self.ask_in_parallel(&token, times).await;
        if promised == Some("next") && !self.device.proves {
            self.is_unlucky = true;
            assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
            assert_eq!(self.fixture.recorded_events.count(EventKind::RefreshReused), alarms + 1);
            for won in answers.iter().flatten() {
                self.record_token(&token, won);
            }
            return;
        }
        let is_reuse = promised == Some("reused");
        for answer in answers {
            match &answer {
                // Only one of several parallel reuses is reported as such.
                Err(RefreshError::SessionGone(_)) if is_reuse => (),
                _ => self.judge(&token, promised, &answer).await,
            }
            self.hear(tab, token.clone(), answer, RequestFate::Answered);
        }
    }
}

fn is_outage(answer: &Result<Refreshed, RefreshError>) -> bool {
    matches!(answer, Err(RefreshError::Store(_) | RefreshError::Tenant(TenantError::Store(_))))
}
