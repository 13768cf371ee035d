//! One sign-in as a browser makes it, of which copies are written.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portcullis_bench::device::{self, Outbox, ProofSent};
use portcullis_bench::http::HttpConnection;
use portcullis_bench::strategy::{PASSWORD, StrategyUnderTest};
use ring::hmac;
use serde_json::Value;
use uuid::Uuid;

use super::session_ids::WrittenSession;
use crate::error::BenchError;
use crate::script::unexpected;

/// What browsers send.
const USER_AGENT: &str = "user-agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
    Chrome/141.0.0.0 Safari/537.36\r\n";

/// A user who is signed in, and the token that says so.
#[derive(Debug)]
pub(super) struct TemplateSession {
    header: String,
    claims: Value,
    pub(super) user: Uuid,
    pub(super) session: Uuid,
}

impl TemplateSession {
    /// Signs a new user up and in under a strategy that has a password alone.
    ///
    /// # Errors
    /// [`BenchError`]
    pub(super) async fn of_strategy(
        connection: &mut HttpConnection,
        strategy: StrategyUnderTest,
    ) -> Result<Self, BenchError> {
        let email = "template@bench.example";
        told(connection, strategy.register(email)).await?;
        let signed_in = told(connection, strategy.login(email, false)).await?;
        Self::of(&signed_in)
    }

    /// Signs a new user up and in with a code, as an app does that keeps a device secret.
    ///
    /// # Errors
    /// [`BenchError`]
    pub(super) async fn of_device(
        connection: &mut HttpConnection,
        outbox: &Outbox,
    ) -> Result<Self, BenchError> {
        let email = "template-device@bench.example";
        told(connection, device::sign_up(email)).await?;
        let login = told(connection, device::device_sign_in(email, PASSWORD)).await?;
        let code = outbox.code(email, 1).await.ok_or(BenchError::NoLetter)?;
        let login = login.pointer("/data/loginId").and_then(Value::as_str).unwrap_or_default();
        let verify = device::verify(login, &code, true, &ProofSent::None);
        Self::of(&told(connection, verify).await?)
    }

    fn of(answer: &Value) -> Result<Self, BenchError> {
        let unreadable = || BenchError::Written(format!("no access token is in {answer}"));
        let token = access_token(answer).ok_or_else(unreadable)?;
        let (header, rest) = token.split_once('.').ok_or_else(unreadable)?;
        let (claims, _) = rest.split_once('.').ok_or_else(unreadable)?;
        let claims = URL_SAFE_NO_PAD.decode(claims).map_err(|_| unreadable())?;
        let claims: Value = serde_json::from_slice(&claims).map_err(|_| unreadable())?;
        let id = |name| claims.get(name).and_then(Value::as_str).and_then(|id| Uuid::try_parse(id).ok());
        let (Some(user), Some(session)) = (id("sub"), id("sid")) else { return Err(unreadable()) };
        Ok(Self { header: header.to_owned(), claims, user, session })
    }

    /// The access token of a copy, signed with the secret that the server shares with the bench.
    pub(super) fn token(&self, secret: &str, of: &WrittenSession) -> String {
        let mut claims = self.claims.clone();
        if let Some(members) = claims.as_object_mut() {
            members.insert("sub".to_owned(), of.user.to_string().into());
            members.insert("sid".to_owned(), of.session.to_string().into());
        }
        let signed = format!("{}.{}", self.header, URL_SAFE_NO_PAD.encode(claims.to_string()));
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(hmac::sign(&key, signed.as_bytes())))
    }
}

fn access_token(answer: &Value) -> Option<&str> {
    let places = ["/tokens/access_token", "/tokens/accessToken", "/access_token", "/data/accessToken"];
    places.into_iter().find_map(|place| answer.pointer(place)?.as_str())
}

/// What a browser is told that sends this request and succeeds.
async fn told(connection: &mut HttpConnection, request: Vec<u8>) -> Result<Value, BenchError> {
    let head = request.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let (line, rest) = request.split_at(head);
    let request = [line, USER_AGENT.as_bytes(), rest].concat();
    let answer = connection.exchange(&request).await?;
    if answer.status() == 201 { Ok(answer.json()) } else { Err(unexpected(&request, &answer)) }
}
