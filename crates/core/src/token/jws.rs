//! The compact form of a JSON Web Signature (RFC 7515, section 7.1): strict parsing, verification and signing.
//!
//! A token names its key by `kid` and cannot bring or locate one: `jwk`, `jku`, `x5u` and `x5c` are ignored, and the
//! algorithm is that of the key. `b64` (RFC 7797) needs `crit`, and `crit` is refused.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::Value;

use super::claims::Claims;
use super::{SignFault, TokenFault};
use crate::id::{SessionId, TenantId};
use crate::key::{Kid, SigningKey, VerifyingKey};
use crate::strict_json::{self, JsonObject};

/// The maximum length of a token in bytes.
pub const MAX_LENGTH: usize = 8 * 1024;
/// Longer than most.
const USUAL_LENGTH: usize = 1024;

/// A parsed token. Its header was read, but **nothing of it is verified**.
pub(super) struct Jws<'a> {
    signed: &'a str,
    signature: &'a str,
    payload: Vec<u8>,
    algorithm: String,
    kid: Kid,
}

impl<'a> Jws<'a> {
    /// Parses a token of the type `typ`.
    ///
    /// `typ` is a media type, so its case does not matter and `application/` in front of it may be left out (RFC 7515,
    /// section 4.1.9).
    pub(super) fn read(text: &'a str, typ: &str) -> Result<Self, TokenFault> {
        Self::read_as(text, JwsForm { typ, longest: MAX_LENGTH })
    }

    fn read_as(text: &'a str, form: JwsForm<'_>) -> Result<Self, TokenFault> {
        let [header, payload, signature] = parts(text, form.longest)?;
        let payload_bytes = decode(payload)?;
        decode(signature)?;
        let members = strict_json::object(&decode(header)?).ok_or(TokenFault::Malformed("header"))?;
        check_header(&members, form.typ)?;
        Ok(Self {
            signed: text.get(..header.len() + 1 + payload.len()).unwrap_or_default(),
            signature,
            payload: payload_bytes,
            algorithm: header_text(&members, "alg").ok_or(TokenFault::Malformed("alg"))?.to_owned(),
            kid: kid(&members)?,
        })
    }

    /// The `kid` in the header.
    pub(super) const fn kid(&self) -> &Kid {
        &self.kid
    }

    /// Verifies the signature and returns the claims. `key` is the one with the token's `kid`, `None` if there is none.
    pub(super) fn verify(&self, key: Option<&impl VerifyingKey>) -> Result<JsonObject, TokenFault> {
        self.verify_signature(key)?;
        self.unverified()
    }

    /// The claims, **not verified**.
    pub(super) fn unverified(&self) -> Result<JsonObject, TokenFault> {
        strict_json::object(&self.payload).ok_or(TokenFault::Malformed("payload"))
    }

    /// The same for a caller who has parsed the payload before.
    pub(super) fn verify_signature(&self, key: Option<&impl VerifyingKey>) -> Result<(), TokenFault> {
        let Some(key) = key else {
            return Err(TokenFault::UnknownKey { kid: self.kid.clone() });
        };
        if self.algorithm != key.algorithm().as_str() {
            return Err(TokenFault::WrongAlgorithm);
        }
        let is_right = key.verify(self.signed.as_bytes(), self.signature);
        if is_right { Ok(()) } else { Err(TokenFault::BadSignature) }
    }
}

/// A kind of signed text that is no token, and may be longer than one.
#[derive(Clone, Copy)]
pub(crate) struct JwsForm<'a> {
    /// The `typ` of its header.
    pub(crate) typ: &'a str,
    /// The maximum length in bytes.
    pub(crate) longest: usize,
}

impl JwsForm<'_> {
    /// Verifies a text of this form under one key, and returns its claims.
    pub(crate) fn verify(self, text: &str, key: &SigningKey) -> Result<JsonObject, TokenFault> {
        let jws = Jws::read_as(text, self)?;
        let named = Some(key).filter(|key| key.kid() == jws.kid());
        jws.verify(named)
    }

    /// Signs claims as a text of this form.
    pub(crate) fn sign<C: Serialize>(self, key: &SigningKey, claims: &C) -> Result<String, SignFault> {
        let header = JoseHeader { typ: self.typ, alg: key.algorithm().as_str(), kid: key.kid().as_str() };
        let mut token = String::with_capacity(USUAL_LENGTH);
        encode(&header, &mut token)?;
        token.push('.');
        encode(claims, &mut token)?;
        let signature = key.sign(token.as_bytes())?;
        token.push('.');
        token.push_str(&signature);
        if token.len() > self.longest { Err(SignFault::TooLong) } else { Ok(token) }
    }
}

/// A token of any kind whose payload was parsed, **not verified**: it proves nothing.
pub struct UnverifiedToken<'a> {
    pub(super) text: &'a str,
    pub(super) members: JsonObject,
}

impl<'a> UnverifiedToken<'a> {
    /// Parses the payload.
    ///
    /// # Errors
    ///
    /// [`TokenFault`] if it is no JSON object.
    pub fn read(text: &'a str) -> Result<Self, TokenFault> {
        let [_, payload, _] = parts(text, MAX_LENGTH)?;
        let members = strict_json::object(&decode(payload)?).ok_or(TokenFault::Malformed("payload"))?;
        Ok(Self { text, members })
    }

    /// The tenant in `tid`. A caller can refuse a token that was sent to another tenant, or choose the keys to verify
    /// it with.
    ///
    /// # Errors
    ///
    /// [`TokenFault`] if the token has no readable `tid`.
    pub fn tenant(&self) -> Result<TenantId, TokenFault> {
        Claims::new(&self.members).parsed("tid")
    }
}

impl fmt::Debug for UnverifiedToken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UnverifiedToken")
    }
}

/// The tenant that a token names in `tid`, unverified.
///
/// # Errors
///
/// [`TokenFault`] if the token has no readable `tid`.
pub fn claimed_tenant(text: &str) -> Result<TenantId, TokenFault> {
    UnverifiedToken::read(text)?.tenant()
}

/// The session that a token names in `sid`, unverified: to count requests by.
#[must_use]
pub fn claimed_session(text: &str) -> Option<SessionId> {
    let [_, payload, _] = parts(text, MAX_LENGTH).ok()?;
    Claims::new(&strict_json::object(&decode(payload).ok()?)?).parsed("sid").ok()
}

fn parts(text: &str, longest: usize) -> Result<[&str; 3], TokenFault> {
    if text.len() > longest {
        return Err(TokenFault::TooLong);
    }
    let mut parts = text.split('.');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(header), Some(payload), Some(signature), None)
            if !header.is_empty() && !payload.is_empty() && !signature.is_empty() =>
        {
            Ok([header, payload, signature])
        }
        _ => Err(TokenFault::Malformed("not three parts")),
    }
}

/// Base64url without padding, white space or trailing bits, so that each value has one spelling (RFC 7515, section 2).
fn decode(part: &str) -> Result<Vec<u8>, TokenFault> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenFault::Malformed("base64url"))
}

fn check_header(members: &JsonObject, typ: &str) -> Result<(), TokenFault> {
    if members.contains_key("crit") {
        return Err(TokenFault::UnknownExtension);
    }
    match header_text(members, "typ") {
        Some(claimed) if is_type(claimed, typ) => Ok(()),
        _ => Err(TokenFault::WrongType),
    }
}

fn is_type(claimed: &str, typ: &str) -> bool {
    const PREFIX: &str = "application/";
    let bare = match claimed.split_at_checked(PREFIX.len()) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case(PREFIX) => rest,
        _ => claimed,
    };
    bare.eq_ignore_ascii_case(typ)
}

fn header_text<'m>(members: &'m JsonObject, name: &str) -> Option<&'m str> {
    members.get(name).and_then(Value::as_str)
}

fn kid(members: &JsonObject) -> Result<Kid, TokenFault> {
    let text = header_text(members, "kid").ok_or(TokenFault::Malformed("kid"))?;
    // No key has such an id, so it is not an unknown key, for which the caller would load the keys again.
    text.parse().map_err(|_| TokenFault::Malformed("kid"))
}

#[derive(Serialize)]
struct JoseHeader<'a> {
    typ: &'a str,
    alg: &'a str,
    kid: &'a str,
}

/// Signs claims as a token of the type `typ`.
pub(super) fn sign_compact<C: Serialize>(
    typ: &str,
    key: &SigningKey,
    claims: &C,
) -> Result<String, SignFault> {
    JwsForm { typ, longest: MAX_LENGTH }.sign(key, claims)
}

fn encode<T: Serialize>(part: &T, token: &mut String) -> Result<(), SignFault> {
    let mut json = Vec::with_capacity(USUAL_LENGTH);
    serde_json::to_writer(&mut json, part).map_err(|_| SignFault::Unwritable)?;
    URL_SAFE_NO_PAD.encode_string(json, token);
    Ok(())
}
