//! Access tokens (`at+jwt`, RFC 9068, with claims of Portcullis).
//!
//! Several texts can be the same token: from an ES256 signature (r, s) a client can compute (r, n − s), which verifies
//! as well, and signing twice gives two signatures. So no list may allow or deny a token by its bytes. It must name the
//! session ([`AccessClaims::sid`]) or the token ([`AccessClaims::jti`]), which the signature covers.
//!
//! The caller checks that the session is live and that the route accepts the token's strategy.

use std::sync::Arc;
use std::time::Duration;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::claims::Claims;
use super::jws::{self, Jws};
use super::{ExpectedClaims, LEEWAY, SignFault, TokenFault};
use crate::clock::Timestamp;
use crate::id::{SessionId, TenantId, TokenId, UserId};
use crate::key::{Algorithm, Keyring, Kid, PublicKeySet, VerifyingKey as _};
use crate::session::Epochs;
use crate::strict_json::JsonObject;
use crate::user::{Role, UserProfile};

const TYPE: &str = "at+jwt";

/// The claims of an access token. A token carries whole seconds: fractions are dropped.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccessClaims {
    /// The issuer: the public URL.
    pub iss: Arc<str>,
    /// The audience: the services that accept the token. `None` if the token does not say.
    pub aud: Option<Arc<str>>,
    /// The user's id.
    pub sub: UserId,
    /// The tenant's id.
    pub tid: TenantId,
    /// The session's id.
    pub sid: SessionId,
    /// The token's own id.
    pub jti: TokenId,
    /// The strategy under which the token was issued, which decides how it is checked.
    pub strategy: String,
    /// The user's address and name: the claims `email`, `name`, `given_name` and `family_name`.
    pub profile: Arc<UserProfile>,
    /// When the token was issued.
    pub iat: Timestamp,
    /// When the token expires: from this second on it is invalid.
    pub exp: Timestamp,
    /// From when on the token is valid. `None` if from its issue on.
    pub nbf: Option<Timestamp>,
    /// The user name, otherwise the address, in tokens of device sessions alone. They carry `tenantId` as well, which
    /// equals `tid`: existing services read these names.
    pub username: Option<String>,
    /// The user's role. `None` in tokens that were issued before tokens had it.
    pub role: Option<Role>,
    /// How and by which client the user signed in. `None` where the token does not say all of it.
    pub details: Option<SignInDetails>,
}

/// How and by which client a user signed in, for services that verify tokens themselves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignInDetails {
    /// `client_id` (RFC 9068): the client to which the token was issued.
    pub client_id: Arc<str>,
    /// `amr` (RFC 8176): `otp` is among the methods if the user gave a code after the password.
    pub gave_code: bool,
    /// `auth_time`: when the user signed in. A token carries whole seconds.
    pub signed_in: Timestamp,
    /// `epochs`: the epochs of the session, left out while all are 0.
    pub epochs: Epochs,
    /// `email_verified`: whether a code or a link that was sent to the address was used.
    pub email_verified: bool,
}

impl SignInDetails {
    /// `amr`.
    const fn methods(&self) -> &'static [&'static str] {
        if self.gave_code { &["pwd", "otp"] } else { &["pwd"] }
    }

    /// `epochs`.
    fn counters(&self) -> Option<[u64; 3]> {
        let Epochs { user, tenant, everyone } = self.epochs;
        (self.epochs != Epochs::default()).then_some([user, tenant, everyone])
    }
}

impl AccessClaims {
    /// Checks the token's times with a leeway of at most [`LEEWAY`]. [`verify_access`] includes this check; a caller
    /// that caches verified claims repeats it.
    ///
    /// # Errors
    ///
    /// [`TokenFault::Expired`], or [`TokenFault::NotYetValid`] by `nbf`. An `iat` in the future is no reason to refuse:
    /// clocks are set back.
    pub fn check_time(&self, now: Timestamp, leeway: Duration) -> Result<(), TokenFault> {
        let leeway = leeway.min(LEEWAY);
        if now >= self.exp.plus(leeway) {
            return Err(TokenFault::Expired);
        }
        let begins_later = self.nbf.is_some_and(|nbf| nbf > now.plus(leeway));
        if begins_later { Err(TokenFault::NotYetValid) } else { Ok(()) }
    }
}

/// Signs claims with the tenant's current access key.
///
/// # Errors
///
/// [`SignFault::NoKey`] if there is none, [`SignFault::TooLong`] if the token would exceed the maximum length.
pub fn sign_access(keys: &Keyring, now: Timestamp, claims: &AccessClaims) -> Result<String, SignFault> {
    let key = keys.access_signer(now).ok_or(SignFault::NoKey)?;
    jws::sign_compact(TYPE, key, &AccessPayload(claims))
}

/// Verifies an access token. The leeway on its times is at most [`LEEWAY`]: the token is valid until just before `exp`
/// + leeway (RFC 7519, section 4.1.4).
///
/// # Errors
///
/// [`TokenFault`]. Form and type are checked first, then key and signature, and the claims last.
pub fn verify_access(
    keys: &Keyring,
    token: &str,
    now: Timestamp,
    leeway: Duration,
    expected: &ExpectedClaims<'_>,
) -> Result<AccessClaims, TokenFault> {
    let jws = Jws::read(token, TYPE)?;
    let key = keys.access_key(jws.kid(), now);
    let members = jws.verify(key)?;
    let is_shared = key.is_some_and(|key| key.algorithm() == Algorithm::Hs256);
    let check = if is_shared { ExpectedClaims::check_of_shared_secret } else { ExpectedClaims::check };
    check(expected, Claims::new(&members))?;
    timely(read(&members, expected.tenant)?, now, leeway)
}

/// What an access token says whose signature a published key has verified, in a process that has no other keys.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PublishedAccess {
    /// The claims.
    pub claims: AccessClaims,
    /// The key that signed the token.
    pub kid: Kid,
}

/// Verifies an access token as [`verify_access`] does, with the keys of a JWK Set.
///
/// # Errors
///
/// [`TokenFault`], as above.
pub fn verify_published(
    keys: &PublicKeySet,
    token: &str,
    now: Timestamp,
    leeway: Duration,
    expected: &ExpectedClaims<'_>,
) -> Result<PublishedAccess, TokenFault> {
    let jws = Jws::read(token, TYPE)?;
    let members = jws.verify(keys.find(jws.kid()))?;
    expected.check(Claims::new(&members))?;
    let claims = timely(read(&members, expected.tenant)?, now, leeway)?;
    Ok(PublishedAccess { claims, kid: jws.kid().clone() })
}

/// Reads a token that the server has accepted for this process. **Nothing is verified here.**
///
/// # Errors
///
/// [`TokenFault`] if it is no access token of this tenant.
pub fn read_accepted(token: &str, tenant: &TenantId) -> Result<PublishedAccess, TokenFault> {
    let jws = Jws::read(token, TYPE)?;
    let members = jws.unverified()?;
    Claims::new(&members).exactly("tid", tenant.as_str(), TokenFault::WrongTenant)?;
    Ok(PublishedAccess { claims: read(&members, tenant)?, kid: jws.kid().clone() })
}

fn timely(claims: AccessClaims, now: Timestamp, leeway: Duration) -> Result<AccessClaims, TokenFault> {
    claims.check_time(now, leeway)?;
    Ok(claims)
}

fn read(members: &JsonObject, tenant: &TenantId) -> Result<AccessClaims, TokenFault> {
    let claims = Claims::new(members);
    let owned = |text: Option<&str>| text.map(str::to_owned);
    Ok(AccessClaims {
        iss: claims.text("iss")?.into(),
        aud: claims.optional_text("aud")?.map(Arc::from),
        sub: claims.parsed("sub")?,
        tid: tenant.clone(),
        sid: claims.parsed("sid")?,
        jti: claims.parsed("jti")?,
        strategy: claims.text("strategy")?.to_owned(),
        profile: Arc::new(UserProfile {
            email: claims.text("email")?.to_owned(),
            name: owned(claims.optional_text("name")?),
            given_name: owned(claims.optional_text("given_name")?),
            family_name: owned(claims.optional_text("family_name")?),
        }),
        iat: claims.time("iat")?,
        exp: claims.time("exp")?,
        nbf: claims.optional_time("nbf")?,
        username: read_username(claims, tenant)?,
        role: read_role(claims)?,
        details: read_details(claims).ok(),
    })
}

/// Ours have all of these claims. Older ones have none, and those of a service that shares a secret may have some of
/// another kind: without details such a token counts under the lowest epochs, and as of no fresh sign-in.
fn read_details(claims: Claims<'_>) -> Result<SignInDetails, TokenFault> {
    Ok(SignInDetails {
        client_id: claims.text("client_id")?.into(),
        gave_code: claims.texts("amr")?.contains(&"otp"),
        signed_in: claims.time("auth_time")?,
        epochs: read_epochs(claims)?,
        email_verified: claims.truth("email_verified")?,
    })
}

fn read_epochs(claims: Claims<'_>) -> Result<Epochs, TokenFault> {
    match claims.optional_integers("epochs")?.as_deref() {
        None => Ok(Epochs::default()),
        Some(&[user, tenant, everyone]) => Ok(Epochs { user, tenant, everyone }),
        Some(_) => Err(TokenFault::BadClaim("epochs")),
    }
}

/// Both claims or none: Portcullis issues no token with one of them.
fn read_username(claims: Claims<'_>, tenant: &TenantId) -> Result<Option<String>, TokenFault> {
    match (claims.optional_text("tenantId")?, claims.optional_text("username")?) {
        (None, None) => Ok(None),
        (Some(id), Some(username)) if id == tenant.as_str() => Ok(Some(username.to_owned())),
        _ => Err(TokenFault::BadClaim("tenantId")),
    }
}

fn read_role(claims: Claims<'_>) -> Result<Option<Role>, TokenFault> {
    let role = claims.optional_text("role")?;
    role.map(|role| role.parse().map_err(|_| TokenFault::BadClaim("role"))).transpose()
}

/// The claims as JSON. Their order is part of the contract.
struct AccessPayload<'a>(&'a AccessClaims);

impl Serialize for AccessPayload<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let claims = self.0;
        let (details, profile) = (claims.details.as_ref(), &*claims.profile);
        let mut payload = serializer.serialize_map(None)?;
        payload.serialize_entry("iss", &*claims.iss)?;
        known(&mut payload, "aud", claims.aud.as_deref())?;
        known(&mut payload, "client_id", details.map(|details| &*details.client_id))?;
        payload.serialize_entry("sub", &claims.sub)?;
        payload.serialize_entry("tid", &claims.tid)?;
        payload.serialize_entry("sid", &claims.sid)?;
        payload.serialize_entry("jti", &claims.jti)?;
        payload.serialize_entry("strategy", &claims.strategy)?;
        known(&mut payload, "amr", details.map(SignInDetails::methods))?;
        known(&mut payload, "auth_time", details.map(|details| details.signed_in.as_seconds()))?;
        known(&mut payload, "epochs", details.and_then(SignInDetails::counters))?;
        payload.serialize_entry("email", &profile.email)?;
        known(&mut payload, "email_verified", details.map(|details| details.email_verified))?;
        known(&mut payload, "name", profile.name.as_ref())?;
        known(&mut payload, "given_name", profile.given_name.as_ref())?;
        known(&mut payload, "family_name", profile.family_name.as_ref())?;
        payload.serialize_entry("iat", &claims.iat.as_seconds())?;
        payload.serialize_entry("exp", &claims.exp.as_seconds())?;
        known(&mut payload, "nbf", claims.nbf.map(Timestamp::as_seconds))?;
        known(&mut payload, "tenantId", claims.username.as_ref().map(|_| &claims.tid))?;
        known(&mut payload, "username", claims.username.as_ref())?;
        known(&mut payload, "role", claims.role)?;
        payload.end()
    }
}

fn known<M: SerializeMap>(
    payload: &mut M,
    member: &'static str,
    value: Option<impl Serialize>,
) -> Result<(), M::Error> {
    value.map_or(Ok(()), |value| payload.serialize_entry(member, &value))
}
