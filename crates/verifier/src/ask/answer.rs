//! What the server answers about a credential, in its headers.

use std::str::FromStr;
use std::time::Duration;

use bytes::Bytes;
use http::header::WWW_AUTHENTICATE;
use http::{Response, StatusCode};
use portcullis_core::clock::Ticks;
use portcullis_core::session::Epochs;
use portcullis_core::strategy::StrategyName;
use portcullis_core::token::access::read_accepted;

use super::OwnedCredential;
use crate::server::retry_after;
use crate::{VerifiedUser, VerifyError};

/// A user that the server has vouched for.
pub(crate) struct AskedUser {
    pub(crate) user: VerifiedUser,
    /// When the question was sent.
    pub(crate) sent: Ticks,
    /// What the answer rests on: the sending less the age that the server states.
    pub(crate) stamp: Ticks,
}

/// Reads an answer to a question that was sent at `sent`.
pub(super) fn read(
    response: &Response<Bytes>,
    credential: &OwnedCredential,
    sent: Ticks,
) -> Result<AskedUser, VerifyError> {
    match response.status() {
        StatusCode::OK => accepted(response, credential, sent).ok_or(VerifyError::UNAVAILABLE),
        StatusCode::UNAUTHORIZED if is_challenge(response) => Err(VerifyError::Refused),
        _ => {
            let told = retry_after(response).map(|retry_after| VerifyError::Unavailable { retry_after });
            Err(told.unwrap_or(VerifyError::UNAVAILABLE))
        }
    }
}

/// Whether a 401 is the server's own, which asks for a bearer token. A proxy on the way that wants a password of its
/// own, or bars the way (403), says nothing of the credential: that is an outage.
fn is_challenge(response: &Response<Bytes>) -> bool {
    let challenges =
        response.headers().get_all(WWW_AUTHENTICATE).iter().filter_map(|line| line.to_str().ok());
    let schemes = challenges.filter_map(|line| line.split([' ', ',']).next());
    schemes.into_iter().any(|scheme| scheme.eq_ignore_ascii_case("bearer"))
}

/// `None` where a header is missing or wrong, or is of another user than the token: the answer is not the server's.
fn accepted(response: &Response<Bytes>, credential: &OwnedCredential, sent: Ticks) -> Option<AskedUser> {
    let age = Duration::from_millis(parsed(response, "x-portcullis-age-ms")?);
    let told = VerifiedUser {
        tenant: parsed(response, "x-tenant-id")?,
        id: parsed(response, "x-user-id")?,
        session: optional(response, "x-portcullis-session").ok()?,
        token: None,
        sid: None,
        role: optional(response, "x-user-role").ok()?,
        strategy: StrategyName::Session,
        signed_in: None,
        expires: None,
        kid: None,
        epochs: epochs(text(response, "x-portcullis-epochs")?)?,
        profile: None,
        gave_code: None,
        age,
    };
    let user = match credential {
        OwnedCredential::Cookie(_) => told,
        OwnedCredential::Bearer(token) => with_claims(&told, token)?,
    };
    Some(AskedUser { user, sent, stamp: sent.minus(age) })
}

/// Adds what the token says of a user that the server has vouched for.
fn with_claims(told: &VerifiedUser, token: &str) -> Option<VerifiedUser> {
    let access = read_accepted(token, &told.tenant).ok()?;
    let claimed = VerifiedUser::of_token(&access).filter(|claimed| claimed.id == told.id)?;
    Some(VerifiedUser {
        role: told.role,
        session: told.session,
        epochs: told.epochs,
        age: told.age,
        ..claimed
    })
}

fn text<'r>(response: &'r Response<Bytes>, name: &str) -> Option<&'r str> {
    let mut values = response.headers().get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

fn parsed<T: FromStr>(response: &Response<Bytes>, name: &str) -> Option<T> {
    text(response, name)?.parse().ok()
}

/// What a header names; an empty value says that there is none. `Err` where the header is missing or wrong.
fn optional<T: FromStr>(response: &Response<Bytes>, name: &str) -> Result<Option<T>, WrongHeader> {
    match text(response, name).ok_or(WrongHeader)? {
        "" => Ok(None),
        value => value.parse().map(Some).map_err(|_| WrongHeader),
    }
}

/// A header is missing or wrong.
struct WrongHeader;

/// `user,tenant,everyone`.
fn epochs(text: &str) -> Option<Epochs> {
    let mut numbers = text.split(',').map(|number| number.parse().ok());
    let epochs = Epochs { user: numbers.next()??, tenant: numbers.next()??, everyone: numbers.next()?? };
    numbers.next().is_none().then_some(epochs)
}
