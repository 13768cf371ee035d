//! A user of device sessions: signs up, signs in with the code from the mail, and keeps the tokens.

use std::net::SocketAddr;

use portcullis_bench::device::{self, Outbox, ProofSent};
use portcullis_bench::strategy::PASSWORD;

use crate::server_connection::{DeviceReply, ServerConnection, Stop};

/// What one sign-in gave.
#[derive(Clone, Debug)]
pub(crate) struct SignedInDevice {
    pub(crate) email: String,
    pub(crate) proof: ProofSent,
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) session: String,
}

impl SignedInDevice {
    /// What the second step gave to a client that proves itself so.
    pub(crate) fn by(email: &str, proof: ProofSent, said: &DeviceReply) -> Self {
        let secret = Some(said.datum("deviceSecret")).filter(|secret| !secret.is_empty());
        let proof = secret.map_or(proof, ProofSent::Secret);
        Self {
            email: email.to_owned(),
            proof,
            access: said.datum("accessToken"),
            refresh: said.datum("refreshToken"),
            session: said.datum("sessionId"),
        }
    }
}

/// A browser signs up and signs in.
///
/// # Errors
/// [`Stop`]
pub(crate) async fn sign_up_and_in(
    address: SocketAddr,
    outbox: &Outbox,
    email: &str,
) -> Result<SignedInDevice, Stop> {
    let mut wire = ServerConnection::open(address).await?;
    let joined = wire.say(&device::sign_up(email)).await?;
    joined.must_be(201, "SIGNUP_SUCCESS", "a new address must be taken in")?;
    let login = wire.say(&device::device_sign_in(email, PASSWORD)).await?;
    let login = login.must_be(201, "OTP_SENT", "the right password must be")?;
    let proof = login.cookie.clone().unwrap_or(ProofSent::None);
    let code = code_sent_to(email, outbox).await?;
    let said = wire.say(&device::verify(&login.datum("loginId"), &code, false, &proof)).await?;
    let said = said.must_be(201, "LOGIN_SUCCESS", "the right code must be")?;
    Ok(SignedInDevice::by(email, proof, &said))
}

async fn code_sent_to(email: &str, outbox: &Outbox) -> Result<String, Stop> {
    outbox.code(email, 1).await.ok_or_else(|| Stop::broken(format!("no code came to {email}")))
}
