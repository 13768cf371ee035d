//! What the rotation promises for each presented token.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portcullis_core::clock::Timestamp;
use portcullis_core::engine::{RefreshError, Refreshed};
use portcullis_core::event::EventKind;
use portcullis_core::id::TenantId;
use portcullis_core::session::SessionState;
use portcullis_core::store::conformance::fixture::present;
use portcullis_core::strategy::Carrier;

use super::simulation::{GRACE, STRATEGY, Simulation};

impl Simulation {
    /// The outcome in the table of the rotation, by the place of the token in the chain. `None` if the token has
    /// expired or is not valid yet.
    pub(super) async fn promised(&self, token: &str, proves: bool) -> Option<&'static str> {
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

    /// Compares an answer with the promise and records a new token of the chain.
    pub(super) async fn judge(
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

    pub(super) async fn extend(&mut self, token: &str, refreshed: &Refreshed) {
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
}

/// The `iat` and `exp` of a token.
pub(super) fn times(token: &str) -> (Timestamp, Timestamp) {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&payload).unwrap();
    let time = |name: &str| Timestamp::from_seconds(claims[name].as_i64().unwrap());
    (time("iat"), time("exp"))
}
