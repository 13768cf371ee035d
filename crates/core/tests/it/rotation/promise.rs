//! What the rotation promises for each presented token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portcullis_core::clock::Timestamp;
use portcullis_core::engine::{RefreshError, Refreshed};
use portcullis_core::event::EventKind;
use portcullis_core::id::TenantId;
use portcullis_core::secret::SecretHash;
use portcullis_core::session::{LateRepeats, REPEAT_AFTER_EXPIRY, RotationState, SessionState};
use portcullis_core::store::conformance::fixture::present;
use portcullis_core::strategy::Carrier;

use super::simulation::{GRACE, STRATEGY, Simulation};

impl Simulation {
    /// The outcome in the table of the rotation, by the place of the token in the chain. `None` if the token has
    /// expired.
    pub(super) async fn promised(&self, token: &str, proves: bool) -> Option<&'static str> {
        let (presented, now) = (Claimed::by(token), self.now());
        if presented.expires.plus(REPEAT_AFTER_EXPIRY) <= now {
            return None;
        }
        let record = self.record().await;
        if record.state_at(now, record.epochs) != SessionState::Live {
            return (presented.expires > now).then_some("gone");
        }
        let rotation = record.rotation.clone().unwrap();
        let is_known = proves || !self.device.proves;
        let is_repeat = rotation.previous.is_some_and(|previous| previous.hash == presented.hash);
        if is_repeat && proves && self.device.proves {
            return Some(promised_repeat(&rotation, presented.generation, now));
        }
        if presented.expires <= now {
            return None;
        }
        let is_current = presented.hash == rotation.current;
        Some(if is_known && (is_current || presented.generation > rotation.generation) {
            "next"
        } else if self.device.proves && proves {
            "stale"
        } else {
            "reused"
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
            | (Some("stale" | "shared"), Err(RefreshError::Stale)) => (),
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
        self.record_token(token, refreshed);
        let tenant = TenantId::default_tenant();
        let (node, access) = (&self.node, refreshed.access.reveal());
        let shown = present(node, Some(&tenant), STRATEGY, Carrier::Bearer, access).await;
        assert!(shown.is_ok(), "a fresh access token is refused: {shown:?}");
    }

    pub(super) fn record_token(&mut self, redeemed: &str, refreshed: &Refreshed) {
        let next = refreshed.refresh.reveal();
        let generation = Claimed::by(redeemed).generation + 1;
        assert_eq!(Claimed::by(next).generation, generation);
        let known = self.chain.entry(generation).or_insert_with(|| next.to_owned());
        assert_eq!(known, next, "two successors of one token");
    }
}

/// The promise to a client that repeats the refresh with its proof, as the refresh of this generation was not followed
/// by another.
fn promised_repeat(rotation: &RotationState, generation: u64, now: Timestamp) -> &'static str {
    let is_late = now.since(rotation.issued) > GRACE;
    match rotation.late_repeats {
        Some(LateRepeats { newest, in_a_row }) if newest == generation => {
            if in_a_row < 3 {
                "next"
            } else {
                "stale"
            }
        }
        Some(LateRepeats { newest, in_a_row: 2.. }) if is_late && newest + 1 == generation => "shared",
        _ => "next",
    }
}

/// What a refresh token says.
pub(super) struct Claimed {
    pub(super) generation: u64,
    pub(super) hash: SecretHash,
    pub(super) expires: Timestamp,
}

impl Claimed {
    pub(super) fn by(token: &str) -> Self {
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
        let payload = decode(token.split('.').nth(1).unwrap());
        let claims: serde_json::Value = serde_json::from_slice(&payload).unwrap();
        Self {
            generation: claims["gen"].as_u64().unwrap(),
            hash: SecretHash::of(&[b"refresh token", &decode(claims["r"].as_str().unwrap())]),
            expires: Timestamp::from_seconds(claims["exp"].as_i64().unwrap()),
        }
    }
}
