//! Access tokens: who somebody is, for minutes (RFC 9068's `at+jwt`, with our own claims).
//!
//! A token is valid in more than one spelling: of an ES256 signature (r, s) anybody can make (r, n − s), which verifies
//! too, and signing twice gives two signatures. So nothing may ever be allowed or denied by a token's bytes; name the
//! session ([`AccessClaims::sid`]) or the token ([`AccessClaims::jti`]), which the signature covers.
//!
//! Whether the session still lives, and which strategy the route expects, is for the caller to ask.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::claims::Claims;
use super::jws::{self, Jws};
use super::strict_json::JsonObject;
use super::{ExpectedClaims, LEEWAY, SignFault, TokenFault};
use crate::clock::Timestamp;
use crate::id::{SessionId, TenantId, TokenId, UserId};
use crate::key::Keyring;
use crate::user::Role;

const TYPE: &str = "at+jwt";

/// What an access token says. Times have whole seconds in a token: a fraction is dropped.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccessClaims {
    /// Who issued it: the public URL.
    pub iss: Arc<str>,
    /// Whom it is for.
    pub aud: Arc<str>,
    /// The user.
    pub sub: UserId,
    /// The tenant.
    pub tid: TenantId,
    /// The session.
    pub sid: SessionId,
    /// The token.
    pub jti: TokenId,
    /// The strategy under which it was issued, and under which alone it is believed.
    pub strategy: String,
    /// The user's address.
    pub email: String,
    /// The user's name, where there is one.
    pub name: Option<String>,
    /// The first name, where it is kept apart.
    pub given_name: Option<String>,
    /// The last name, where it is kept apart.
    pub family_name: Option<String>,
    /// Issued at.
    pub iat: Timestamp,
    /// Expires at: from this second on it is no good.
    pub exp: Timestamp,
    /// Not before.
    pub nbf: Option<Timestamp>,
    /// The user name or else the address, on the device-session surface. It stands beside `tenantId`, which equals `tid`:
    /// existing services read these names.
    pub username: Option<String>,
    /// What the user may do; tokens of an older kind do not say so.
    pub role: Option<Role>,
}

impl AccessClaims {
    /// Whether now is the time of this token, with a leeway of at most [`LEEWAY`]. [`verify_access`] has asked already;
    /// ask again where verified claims are kept for a while.
    ///
    /// # Errors
    ///
    /// [`TokenFault::Expired`], or [`TokenFault::NotYetValid`] by `nbf` or by an `iat` in the future.
    pub fn check_time(&self, now: Timestamp, leeway: Duration) -> Result<(), TokenFault> {
        let leeway = leeway.min(LEEWAY);
        if now >= self.exp.plus(leeway) {
            return Err(TokenFault::Expired);
        }
        let begins = self.nbf.map_or(self.iat, |nbf| nbf.max(self.iat));
        if begins > now.plus(leeway) { Err(TokenFault::NotYetValid) } else { Ok(()) }
    }
}

/// Signs claims with the tenant's access key of this moment.
///
/// # Errors
///
/// [`SignFault::NoKey`] where no key is active yet, [`SignFault::TooLong`] for claims beyond all measure.
pub fn sign_access(keys: &Keyring, now: Timestamp, claims: &AccessClaims) -> Result<String, SignFault> {
    let key = keys.access_signer(now).ok_or(SignFault::NoKey)?;
    jws::sign_compact(TYPE, key, &AccessPayload::new(claims))
}

/// Believes an access token, or says why not. The leeway on its times is at most [`LEEWAY`]. A token is believed until
/// just before `exp` + leeway (RFC 7519, section 4.1.4).
///
/// # Errors
///
/// A [`TokenFault`]: shape and kind first, then key and signature, and only then what the token says.
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
    expected.check(Claims::new(&members))?;
    let claims = read(&members, expected.tenant)?;
    claims.check_time(now, leeway)?;
    Ok(claims)
}

fn read(members: &JsonObject, tenant: &TenantId) -> Result<AccessClaims, TokenFault> {
    let claims = Claims::new(members);
    let owned = |text: Option<&str>| text.map(str::to_owned);
    Ok(AccessClaims {
        iss: claims.text("iss")?.into(),
        aud: claims.text("aud")?.into(),
        sub: claims.parsed("sub")?,
        tid: tenant.clone(),
        sid: claims.parsed("sid")?,
        jti: claims.parsed("jti")?,
        strategy: claims.text("strategy")?.to_owned(),
        email: claims.text("email")?.to_owned(),
        name: owned(claims.optional_text("name")?),
        given_name: owned(claims.optional_text("given_name")?),
        family_name: owned(claims.optional_text("family_name")?),
        iat: claims.time("iat")?,
        exp: claims.time("exp")?,
        nbf: claims.optional_time("nbf")?,
        username: read_username(claims, tenant)?,
        role: read_role(claims)?,
    })
}

/// Both claims or none: a token with one of them is not one that we made.
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

/// The claims as they are written: this order is part of the contract.
#[derive(Serialize)]
struct AccessPayload<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: UserId,
    tid: &'a str,
    sid: SessionId,
    jti: TokenId,
    strategy: &'a str,
    email: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    given_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    family_name: Option<&'a str>,
    iat: i64,
    exp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    #[serde(rename = "tenantId", skip_serializing_if = "Option::is_none")]
    tenant_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'a str>,
}

impl<'a> AccessPayload<'a> {
    fn new(claims: &'a AccessClaims) -> Self {
        Self {
            iss: &claims.iss,
            aud: &claims.aud,
            sub: claims.sub,
            tid: claims.tid.as_str(),
            sid: claims.sid,
            jti: claims.jti,
            strategy: &claims.strategy,
            email: &claims.email,
            name: claims.name.as_deref(),
            given_name: claims.given_name.as_deref(),
            family_name: claims.family_name.as_deref(),
            iat: claims.iat.as_seconds(),
            exp: claims.exp.as_seconds(),
            nbf: claims.nbf.map(Timestamp::as_seconds),
            tenant_id: claims.username.as_ref().map(|_| claims.tid.as_str()),
            username: claims.username.as_deref(),
            role: claims.role.map(Role::as_str),
        }
    }
}
