//! Rotation of the refresh token, as one pure decision.
//!
//! | presented (signature right, not expired) | outcome |
//! |---|---|
//! | the current generation, with its device proof where one has been shown | [`RotationOutcome::Won`]: the next generation |
//! | the previous one, with the proof, within the grace window | [`RotationOutcome::Replayed`]: the same successor again |
//! | the previous one later, or any older one, with the proof | [`RotationOutcome::Stale`]: refused, the session stays |
//! | anything else | [`RotationOutcome::Reused`]: a copy is in somebody else's hands, the session ends |
//!
//! A store applies [`Session::rotate`] as one atomic step, so that of two that present one token only one wins.

use std::time::Duration;

use super::{DeviceProof, EndReason, Ending, Session, SessionState};
use crate::clock::Timestamp;
use crate::key::Kid;
use crate::secret::SecretHash;

/// Where the refresh token of a session has come to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RotationState {
    /// How often it has been rotated.
    pub generation: u64,
    /// Issue of the current generation.
    pub issued: Timestamp,
    /// End of the current generation.
    pub expires: Timestamp,
    /// The key that signs the current generation.
    pub kid: Kid,
    /// Hash of the current generation's chain secret.
    pub current: SecretHash,
    /// The generation that was spent for the current one.
    pub previous: Option<PreviousGeneration>,
}

/// A spent generation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PreviousGeneration {
    /// Hash of its chain secret.
    pub hash: SecretHash,
    /// Its issue.
    pub issued: Timestamp,
    /// The end it would have had.
    pub expires: Timestamp,
}

/// What an authentic refresh token asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RotationRequest {
    /// The generation it is of.
    pub generation: u64,
    /// Hash of its chain secret.
    pub presented: SecretHash,
    /// Hash of the chain secret that follows.
    pub successor: SecretHash,
    /// The key that would sign the successor.
    pub kid: Kid,
    /// Hash of the device proof that came along.
    pub proof: Option<SecretHash>,
    /// Whether a session that holds no proof yet is to hold this one from now on.
    pub pins: bool,
    /// The time of the request.
    pub now: Timestamp,
    /// Life of the successor.
    pub lifetime: Duration,
    /// How long the previous generation, with the proof, is answered with the same successor.
    pub grace: Duration,
}

/// What became of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RotationOutcome {
    /// The token is spent; the session stands at its successor.
    Won(Session),
    /// It had been spent a moment ago by the same device: the session stands where it stood.
    Replayed(Session),
    /// The same device came with a token that is long spent. Nothing changed.
    Stale(Session),
    /// A spent token, or a token without its proof: the session has been ended by this.
    Reused(Session),
    /// There is no such session, or it had ended before.
    Gone,
}

/// How a presented proof relates to the one the session holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ProofMatch {
    /// It is the one.
    Matches,
    /// None is held, or the one held was never shown, and this is not it.
    NotRequired,
    /// One is required, and this is not it.
    Missing,
}

impl Session {
    /// Decides what `redemption` gets, and the session that follows.
    #[must_use]
    pub fn rotate(self, redemption: &RotationRequest) -> RotationOutcome {
        let session = self.with_state_at(redemption.now);
        let (SessionState::Live, Some(rotation)) = (session.state, session.rotation.clone()) else {
            return RotationOutcome::Gone;
        };
        let shown = session.shown(redemption.proof);
        let first = redemption.proof.filter(|_| redemption.pins && session.proof.is_none());
        let is_current =
            redemption.generation == rotation.generation && redemption.presented == rotation.current;
        match (is_current, shown) {
            (true, ProofMatch::Matches | ProofMatch::NotRequired) => {
                let proof = first.map(|hash| DeviceProof { hash, shown: true }).or(session.proof);
                RotationOutcome::Won(
                    Self { proof, ..session }.pinned_by(shown).succeeded(&rotation, redemption),
                )
            }
            (false, ProofMatch::Matches) if rotation.just_spent(redemption) => {
                RotationOutcome::Replayed(session.pinned_by(shown))
            }
            (false, ProofMatch::Matches) if redemption.generation < rotation.generation => {
                RotationOutcome::Stale(session)
            }
            _ => {
                let ending = Ending { at: redemption.now, reason: EndReason::RefreshReuse };
                RotationOutcome::Reused(session.end(ending))
            }
        }
    }

    fn shown(&self, presented: Option<SecretHash>) -> ProofMatch {
        match (self.proof, presented) {
            (Some(held), Some(presented)) if held.hash == presented => ProofMatch::Matches,
            (Some(DeviceProof { shown: true, .. }), _) => ProofMatch::Missing,
            _ => ProofMatch::NotRequired,
        }
    }

    fn pinned_by(self, shown: ProofMatch) -> Self {
        let proof = self
            .proof
            .map(|proof| DeviceProof { shown: proof.shown || shown == ProofMatch::Matches, ..proof });
        Self { proof, ..self }
    }

    fn succeeded(self, spent: &RotationState, redemption: &RotationRequest) -> Self {
        let expires = redemption.now.plus(redemption.lifetime).min(self.absolute_expires);
        let rotation = RotationState {
            generation: spent.generation.saturating_add(1),
            issued: redemption.now,
            expires,
            kid: redemption.kid.clone(),
            current: redemption.successor,
            previous: Some(PreviousGeneration {
                hash: spent.current,
                issued: spent.issued,
                expires: spent.expires,
            }),
        };
        let session = Self { rotation: Some(rotation), ..self };
        session.touch(redemption.now, Some(expires))
    }
}

impl RotationState {
    /// Whether `redemption` repeats the token that was spent for the current one, within the grace window.
    fn just_spent(&self, redemption: &RotationRequest) -> bool {
        let repeats = self.generation.checked_sub(1) == Some(redemption.generation)
            && self.previous.is_some_and(|previous| previous.hash == redemption.presented);
        repeats && redemption.now.since(self.issued) <= redemption.grace
    }
}
