//! Refresh token rotation and reuse detection (RFC 9700, section 4.14), as one pure decision.
//!
//! | presented (signature right, not expired) | outcome |
//! |---|---|
//! | the current generation, with the device proof if it was ever presented | [`RotationOutcome::Won`]: the next generation |
//! | the previous one, with the proof, within the grace window | [`RotationOutcome::Replayed`]: the same successor again |
//! | the previous one later, or any older one, with the proof | [`RotationOutcome::Stale`]: refused, the session stays |
//! | anything else | [`RotationOutcome::Reused`]: a thief may hold a copy, the session ends |
//!
//! A store applies [`Session::rotate`] in one atomic step, so that of two requests with the same token only one wins.

use std::time::Duration;

use super::{DeviceProof, EndReason, Ending, Session, SessionState};
use crate::clock::Timestamp;
use crate::key::Kid;
use crate::secret::SecretHash;

/// The state of a session's refresh token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RotationState {
    /// How often the token has been rotated.
    pub generation: u64,
    /// When the current generation was issued.
    pub issued: Timestamp,
    /// When the current generation expires.
    pub expires: Timestamp,
    /// The id of the key that signs the current generation.
    pub kid: Kid,
    /// Hash of the current generation's chain secret.
    pub current: SecretHash,
    /// The generation that was redeemed for the current one. `None` before the first refresh.
    pub previous: Option<PreviousGeneration>,
}

/// A used generation of a refresh token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PreviousGeneration {
    /// Hash of its chain secret.
    pub hash: SecretHash,
    /// When it was issued.
    pub issued: Timestamp,
    /// When it would have expired.
    pub expires: Timestamp,
}

/// A request to rotate, with a refresh token whose signature was verified.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RotationRequest {
    /// The generation of the presented token.
    pub generation: u64,
    /// Hash of the presented token's chain secret.
    pub presented: SecretHash,
    /// Hash of the successor's chain secret.
    pub successor: SecretHash,
    /// The id of the key that would sign the successor.
    pub kid: Kid,
    /// Hash of the device proof in the request. `None` if the request has none.
    pub proof: Option<SecretHash>,
    /// Whether a session without a device proof adopts this one.
    pub pins: bool,
    /// The time of the request.
    pub now: Timestamp,
    /// The lifetime of the successor.
    pub lifetime: Duration,
    /// The grace window: how long the previous generation, with the proof, gets the same successor.
    pub grace: Duration,
}

/// The result of a [`RotationRequest`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RotationOutcome {
    /// The token is used, and its successor is current.
    Won(Session),
    /// The same device used the token a moment ago. The session did not change, except that the proof is required from
    /// now on.
    Replayed(Session),
    /// The same device presented a token that was used too long ago. The session did not change.
    Stale(Session),
    /// A used token, or a token without its device proof. The session has ended.
    Reused(Session),
    /// There is no such session, or it had ended before.
    Gone,
}

impl RotationOutcome {
    /// The session as the store writes it in the same step; `None` if nothing is written.
    #[must_use]
    pub const fn written(&self) -> Option<&Session> {
        match self {
            Self::Won(next) | Self::Replayed(next) | Self::Reused(next) => Some(next),
            Self::Stale(_) | Self::Gone => None,
        }
    }
}

/// How the proof in a request compares with that of the session.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ProofMatch {
    /// The proof matches.
    Matches,
    /// It does not match, but the session has no proof or its proof was never presented.
    NotRequired,
    /// A proof is required, and it is missing or wrong.
    Missing,
}

impl Session {
    /// Decides about a request, and returns the changed session.
    #[must_use]
    pub fn rotate(self, request: &RotationRequest) -> RotationOutcome {
        let session = self.with_state_at(request.now);
        let (SessionState::Live, Some(rotation)) = (session.state, session.rotation.clone()) else {
            return RotationOutcome::Gone;
        };
        let proof_match = session.match_proof(request.proof);
        let adopted = request.proof.filter(|_| request.pins && session.proof.is_none());
        let is_current = request.generation == rotation.generation && request.presented == rotation.current;
        match (is_current, proof_match) {
            (true, ProofMatch::Matches | ProofMatch::NotRequired) => {
                let proof = adopted.map(|hash| DeviceProof { hash, shown: true }).or(session.proof);
                RotationOutcome::Won(
                    Self { proof, ..session }.with_match(proof_match).with_successor(&rotation, request),
                )
            }
            (false, ProofMatch::Matches) if rotation.was_just_used(request) => {
                RotationOutcome::Replayed(session.with_match(proof_match))
            }
            (false, ProofMatch::Matches) if request.generation < rotation.generation => {
                RotationOutcome::Stale(session)
            }
            _ => {
                let ending = Ending { at: request.now, reason: EndReason::RefreshReuse };
                RotationOutcome::Reused(session.end(ending))
            }
        }
    }

    fn match_proof(&self, presented: Option<SecretHash>) -> ProofMatch {
        match (self.proof, presented) {
            (Some(held), Some(presented)) if held.hash == presented => ProofMatch::Matches,
            (Some(DeviceProof { shown: true, .. }), _) => ProofMatch::Missing,
            _ => ProofMatch::NotRequired,
        }
    }

    fn with_match(self, proof_match: ProofMatch) -> Self {
        let proof = self
            .proof
            .map(|proof| DeviceProof { shown: proof.shown || proof_match == ProofMatch::Matches, ..proof });
        Self { proof, ..self }
    }

    fn with_successor(self, used: &RotationState, request: &RotationRequest) -> Self {
        let expires = request.now.plus(request.lifetime).min(self.absolute_expires);
        let previous = PreviousGeneration { hash: used.current, issued: used.issued, expires: used.expires };
        let rotation = RotationState {
            generation: used.generation.saturating_add(1),
            issued: request.now,
            expires,
            kid: request.kid.clone(),
            current: request.successor,
            previous: Some(previous),
        };
        let session = Self { rotation: Some(rotation), ..self };
        session.touch(request.now, Some(expires))
    }
}

impl RotationState {
    /// Whether the request repeats the token that was redeemed for the current one, within the grace window.
    fn was_just_used(&self, request: &RotationRequest) -> bool {
        let repeats = self.generation.checked_sub(1) == Some(request.generation)
            && self.previous.is_some_and(|previous| previous.hash == request.presented);
        repeats && request.now.since(self.issued) <= request.grace
    }
}
