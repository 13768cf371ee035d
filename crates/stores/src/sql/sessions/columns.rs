//! Writes a session as a row, and reads it back.

use portcullis_core::id::SessionKey;
use portcullis_core::session::{
    Device, DeviceProof, Ending, LateRepeats, PreviousGeneration, RotationState, Session, SessionState,
};
use portcullis_core::store::Stored;

use super::super::Columns;
use super::super::row::RecordRow;
use super::{Statement, bytes, count, millis};

/// The key of the row, then what a transition may change: 19 parameters.
pub(super) fn bind_state(statement: Statement, session: &Session) -> Statement {
    let rotation = session.rotation.as_ref();
    let previous = rotation.and_then(|rotation| rotation.previous);
    let late_repeats = rotation.and_then(|rotation| rotation.late_repeats);
    let ending = session.state.ending();
    statement
        .bind(session.key.tenant.as_str())
        .bind(session.key.id.to_string())
        .bind(session.last_seen.as_millis())
        .bind(session.idle_expires.as_millis())
        .bind(rotation.map(|rotation| count(rotation.generation)))
        .bind(millis(rotation.map(|rotation| rotation.issued)))
        .bind(millis(rotation.map(|rotation| rotation.expires)))
        .bind(rotation.map(|rotation| rotation.kid.as_str()))
        .bind(bytes(rotation.map(|rotation| &rotation.current)))
        .bind(millis(previous.map(|previous| previous.issued)))
        .bind(millis(previous.map(|previous| previous.expires)))
        .bind(bytes(previous.as_ref().map(|previous| &previous.hash)))
        .bind(bytes(session.proof.as_ref().map(|proof| &proof.hash)))
        .bind(session.proof.map(|proof| proof.shown))
        .bind(millis(ending.map(|ending| ending.at)))
        .bind(ending.map(|ending| ending.reason.as_str()))
        .bind(late_repeats.map(|repeats| count(repeats.newest)))
        .bind(late_repeats.map(|repeats| count(repeats.in_a_row)))
        .bind(count(session.version))
}

/// What a sign-in sets for good: 13 parameters.
pub(super) fn bind_sign_in(statement: Statement, session: &Session) -> Statement {
    statement
        .bind(session.user.to_string())
        .bind(session.strategy.as_str())
        .bind(session.device.name.as_str())
        .bind(session.device.address.as_str())
        .bind(session.device.user_agent.as_str())
        .bind(session.created.as_millis())
        .bind(session.absolute_expires.as_millis())
        .bind(count(session.epochs.user))
        .bind(count(session.epochs.tenant))
        .bind(count(session.epochs.everyone))
        .bind(bytes(session.cookie.as_ref()))
        .bind(session.gave_code)
        .bind(count(session.password_epoch))
}

pub(in super::super) fn session(row: &impl Columns) -> Stored<Session> {
    let row = RecordRow::of("session", "id", row);
    Ok(Session {
        key: SessionKey { tenant: row.word("tenant")?, id: row.id("id")? },
        user: row.id("user_id")?,
        strategy: row.word("strategy")?,
        device: device(row)?,
        created: row.time("created")?,
        last_seen: row.time("last_seen")?,
        idle_expires: row.time("idle_expires")?,
        absolute_expires: row.time("absolute_expires")?,
        epochs: row.epochs()?,
        password_epoch: row.count("password_epoch")?,
        gave_code: row.flag("gave_code")?,
        cookie: row.optional_hash("cookie_hash")?,
        rotation: rotation(row)?,
        proof: proof(row)?,
        state: state(row)?,
        version: row.count("version")?,
    })
}

fn device(row: RecordRow<'_>) -> Stored<Device> {
    Ok(Device {
        name: row.text("device_name")?,
        address: row.text("address")?,
        user_agent: row.text("user_agent")?,
    })
}

/// A session rotates if it has a hash; then all columns of the rotation must be there.
fn rotation(row: RecordRow<'_>) -> Stored<Option<RotationState>> {
    let Some(current) = row.optional_hash("rotation_hash")? else { return Ok(None) };
    Ok(Some(RotationState {
        generation: row.count("rotation_generation")?,
        issued: row.time("rotation_issued")?,
        expires: row.time("rotation_expires")?,
        kid: row.word("rotation_kid")?,
        current,
        previous: previous(row)?,
        late_repeats: late_repeats(row)?,
    }))
}

fn previous(row: RecordRow<'_>) -> Stored<Option<PreviousGeneration>> {
    let Some(hash) = row.optional_hash("previous_hash")? else { return Ok(None) };
    let (issued, expires) = (row.time("previous_issued")?, row.time("previous_expires")?);
    Ok(Some(PreviousGeneration { hash, issued, expires }))
}

fn late_repeats(row: RecordRow<'_>) -> Stored<Option<LateRepeats>> {
    let Some(newest) = row.optional_count("late_generation")? else { return Ok(None) };
    Ok(Some(LateRepeats { newest, in_a_row: row.count("late_in_a_row")? }))
}

fn proof(row: RecordRow<'_>) -> Stored<Option<DeviceProof>> {
    let Some(hash) = row.optional_hash("proof_hash")? else { return Ok(None) };
    Ok(Some(DeviceProof { hash, shown: row.flag("proof_shown")? }))
}

fn state(row: RecordRow<'_>) -> Stored<SessionState> {
    let Some(at) = row.optional_time("ended_at")? else { return Ok(SessionState::Live) };
    Ok(SessionState::Ended(Ending { at, reason: row.word("ended_reason")? }))
}
