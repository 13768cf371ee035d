//! Refresh token rotation and reuse detection (RFC 9700, section 4.14), as one pure decision.
//!
//! | presented (signature right) | outcome |
//! |---|---|
//! | the current generation, with the device proof if it was ever presented | [`RotationOutcome::Won`]: the next generation |
//! | the previous one, with the proof, however late, for its successor was not redeemed | [`RotationOutcome::Replayed`]: the same successor again |
//! | the same, after the grace window, for the third generation in a row | [`RotationOutcome::Shared`]: two clients hold token and proof; refused, the session stays |
//! | an older one, with the proof | [`RotationOutcome::Stale`]: refused, the session stays |
//! | one above the current, with the proof if it was ever presented | [`RotationOutcome::RolledBack`]: the store has lost writes; the session goes on from it |
//! | anything else | [`RotationOutcome::Reused`]: a thief may hold a copy, the session ends |
//!
//! An expired token is [`RotationOutcome::Expired`], except that a repeat may come up to [`REPEAT_AFTER_EXPIRY`] late.
//! What [`Session::rotate`] decides is written only if the record is still the one that it was decided on, so that of
//! two requests with the same token only one wins.

use std::time::Duration;

use super::{DeviceProof, EndReason, Ending, Session, SessionState};
use crate::clock::Timestamp;
use crate::key::Kid;
use crate::secret::SecretHash;

/// How long after its expiry a used token still gets its successor again: the answer to a refresh may have been lost
/// just before.
pub const REPEAT_AFTER_EXPIRY: Duration = Duration::from_hours(1);

/// How many generations in a row may be repeated after the grace window. An honest client loses one answer, seldom two;
/// of two clients with the same token and proof, the slower repeats every generation.
const LATE_REPEATS_IN_A_ROW: u64 = 2;

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
    /// The generations that were repeated after the grace window. `None` if none was yet.
    pub late_repeats: Option<LateRepeats>,
}

/// The last generations in a row that were repeated after the grace window.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LateRepeats {
    /// The newest of them.
    pub newest: u64,
    /// How many they are.
    pub in_a_row: u64,
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
    /// When the presented token was issued.
    pub issued: Timestamp,
    /// When the presented token expires.
    pub expires: Timestamp,
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
    /// The grace window: how long a repeat of the previous generation is nothing special.
    pub grace: Duration,
}

/// The result of a [`RotationRequest`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RotationOutcome {
    /// The token is used, and its successor is current.
    Won(Session),
    /// The same device repeats the refresh whose answer it may not have got. The token did not change, but from now on
    /// the proof is required, and a late repeat is counted.
    Replayed(Session),
    /// The same token and proof are in the hands of two clients. The refresh is refused, and the session stays.
    Shared(Session),
    /// The same device presented a token whose successor was used as well. The session did not change.
    Stale(Session),
    /// The token is newer than the session's state. The session goes on from it.
    RolledBack(Session),
    /// A used token, or a token without its device proof. The session has ended.
    Reused(Session),
    /// The token has expired. The session did not change.
    Expired,
    /// There is no such session, or it had ended before.
    Gone,
}

impl RotationOutcome {
    /// The session as it is from now on; `None` if there is none, or the token was no token of it.
    #[must_use]
    pub const fn session(&self) -> Option<&Session> {
        match self {
            Self::Won(session)
            | Self::Replayed(session)
            | Self::Shared(session)
            | Self::Stale(session)
            | Self::RolledBack(session)
            | Self::Reused(session) => Some(session),
            Self::Expired | Self::Gone => None,
        }
    }

    /// The session as a store must hold it before the request is answered; `None` if it is as it was `before`.
    #[must_use]
    pub fn to_write(&self, before: &Session) -> Option<&Session> {
        self.session().filter(|session| session.version != before.version)
    }

    /// Whether the token is used by this request.
    #[must_use]
    pub const fn is_win(&self) -> bool {
        matches!(self, Self::Won(_))
    }

    /// The session whose successor the client gets; `None` if it gets none.
    #[must_use]
    pub const fn entitled(&self) -> Option<&Session> {
        match self {
            Self::Won(session) | Self::Replayed(session) | Self::RolledBack(session) => Some(session),
            _ => None,
        }
    }
}

/// The place of a presented token in the session's chain.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The generation that was redeemed for the current one.
    Previous,
    /// The current generation.
    Current,
    /// A generation above the current one.
    Ahead,
    /// An older generation, or another secret of a generation that is known.
    Elsewhere,
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
        let place = rotation.place_of(request);
        let proof_match = session.match_proof(request.proof);
        let is_repeat = place == Place::Previous && proof_match == ProofMatch::Matches;
        let leeway = if is_repeat { REPEAT_AFTER_EXPIRY } else { Duration::ZERO };
        if request.now >= request.expires.plus(leeway) {
            return RotationOutcome::Expired;
        }
        match (place, proof_match) {
            (Place::Previous, ProofMatch::Matches) => session.repeat(&rotation, request),
            (Place::Current, ProofMatch::Matches | ProofMatch::NotRequired) => {
                RotationOutcome::Won(session.adopting(request).with_successor(rotation.as_used(), request))
            }
            (Place::Ahead, ProofMatch::Matches | ProofMatch::NotRequired) => RotationOutcome::RolledBack(
                session.adopting(request).with_successor(request.as_used(), request),
            ),
            (_, ProofMatch::Matches) => RotationOutcome::Stale(session),
            _ => {
                let ending = Ending { at: request.now, reason: EndReason::RefreshReuse };
                RotationOutcome::Reused(session.end(ending))
            }
        }
    }

    /// The previous generation comes again, with the proof. Its successor was not redeemed, so this may be a client
    /// that did not get the answer.
    fn repeat(self, rotation: &RotationState, request: &RotationRequest) -> RotationOutcome {
        let is_late = request.now.since(rotation.issued) > request.grace;
        let counted =
            if is_late { rotation.counting_a_late_repeat(request.generation) } else { rotation.clone() };
        let too_many = |repeats: &LateRepeats| {
            repeats.newest == request.generation && repeats.in_a_row > LATE_REPEATS_IN_A_ROW
        };
        let is_refused = counted.late_repeats.as_ref().is_some_and(too_many);
        let is_news = counted.late_repeats != rotation.late_repeats;
        let session = Self { rotation: Some(counted), ..self };
        match (is_refused, is_news) {
            (true, true) => RotationOutcome::Shared(session.changed()),
            (true, false) => RotationOutcome::Stale(session),
            (false, _) => RotationOutcome::Replayed(session.with_proof_shown(is_news)),
        }
    }

    fn match_proof(&self, presented: Option<SecretHash>) -> ProofMatch {
        match (self.proof, presented) {
            (Some(held), Some(presented)) if held.hash == presented => ProofMatch::Matches,
            (Some(DeviceProof { shown: true, .. }), _) => ProofMatch::Missing,
            _ => ProofMatch::NotRequired,
        }
    }

    /// The session, with the request's proof if it had none and the client is to keep this one.
    fn adopting(self, request: &RotationRequest) -> Self {
        let proof_match = self.match_proof(request.proof);
        let adopted = request.proof.filter(|_| request.pins && self.proof.is_none());
        let proof = adopted.map(|hash| DeviceProof { hash, shown: true }).or(self.proof);
        Self { proof, ..self }.with_match(proof_match)
    }

    /// The session, of which the client has now shown its proof. Changed if it had not before, or is `changed` anyway.
    fn with_proof_shown(self, changed: bool) -> Self {
        let had_shown = self.proof.is_some_and(|proof| proof.shown);
        let session = self.with_match(ProofMatch::Matches);
        if changed || !had_shown { session.changed() } else { session }
    }

    fn with_match(self, proof_match: ProofMatch) -> Self {
        let proof = self
            .proof
            .map(|proof| DeviceProof { shown: proof.shown || proof_match == ProofMatch::Matches, ..proof });
        Self { proof, ..self }
    }

    fn with_successor(self, used: PreviousGeneration, request: &RotationRequest) -> Self {
        let expires = request.now.plus(request.lifetime).min(self.absolute_expires);
        let rotation = RotationState {
            generation: request.generation.saturating_add(1),
            issued: request.now,
            expires,
            kid: request.kid.clone(),
            current: request.successor,
            previous: Some(used),
            late_repeats: self.rotation.as_ref().and_then(|rotation| rotation.late_repeats),
        };
        let session = Self { rotation: Some(rotation), ..self };
        session.used(request.now, Some(expires)).changed()
    }
}

impl RotationState {
    fn place_of(&self, request: &RotationRequest) -> Place {
        let is_previous = self.generation.checked_sub(1) == Some(request.generation)
            && self.previous.is_some_and(|previous| previous.hash == request.presented)
            // Not so after lost writes and a key rotation: then two keys have signed this generation.
            && request.successor == self.current;
        if is_previous {
            Place::Previous
        } else if request.generation > self.generation {
            Place::Ahead
        } else if request.generation == self.generation && request.presented == self.current {
            Place::Current
        } else {
            Place::Elsewhere
        }
    }

    fn as_used(&self) -> PreviousGeneration {
        PreviousGeneration { hash: self.current, issued: self.issued, expires: self.expires }
    }

    fn counting_a_late_repeat(&self, generation: u64) -> Self {
        let in_a_row = match self.late_repeats {
            Some(repeats) if repeats.newest == generation => repeats.in_a_row,
            Some(repeats) if repeats.newest.checked_add(1) == Some(generation) => {
                repeats.in_a_row.saturating_add(1)
            }
            _ => 1,
        };
        Self { late_repeats: Some(LateRepeats { newest: generation, in_a_row }), ..self.clone() }
    }
}

impl RotationRequest {
    fn as_used(&self) -> PreviousGeneration {
        PreviousGeneration { hash: self.presented, issued: self.issued, expires: self.expires }
    }
}
