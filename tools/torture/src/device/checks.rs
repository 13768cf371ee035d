//! What a client of the device-session surface holds the server to after it was killed and started again.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use portcullis_bench::device;
use serde_json::Value;
use tokio::time::sleep;

use super::{DeviceClient, PAUSE, Promised, UnansweredDeviceRequest};
use crate::breach::{Breach, BreachKind};
use crate::device_user::SignedInDevice;
use crate::server_connection::{ServerConnection, Stop};

/// When a mail that a living server has promised is given up.
const DEADLINE: Duration = Duration::from_mins(3);
/// When one that a killed server has promised counts as late. Its worker may have died while it sent the mail, and then
/// no other worker takes it for minutes.
const LATE_AFTER: Duration = Duration::from_secs(2);

const IN_TIME: &str = "device: code of an acknowledged login comes and works";
const LATE: &str = "device: code of an acknowledged login is late, a new login works";

impl DeviceClient {
    /// Checks everything.
    ///
    /// # Errors
    /// The first promise that was not kept.
    pub(crate) async fn verify(&mut self, address: SocketAddr) -> Result<(), Breach> {
        let outcome = Stop::let_down(self.verify_on(address).await, true);
        outcome.map_err(|Breach { kind, what }| kind.breach(format!("{}: {what}", self.email)))
    }

    async fn verify_on(&mut self, address: SocketAddr) -> Result<(), Stop> {
        let mut wire = ServerConnection::open(address).await?;
        let mut stray = matches!(self.doubt, Some(UnansweredDeviceRequest::Login));
        match self.doubt.take() {
            None | Some(UnansweredDeviceRequest::Login) => {}
            Some(UnansweredDeviceRequest::SignUp) => self.account_is_whole_or_absent(&mut wire).await?,
            Some(UnansweredDeviceRequest::Verify(promised, code)) => {
                self.code_works_once(&mut wire, &promised, &code).await?;
            }
            Some(UnansweredDeviceRequest::Refresh(session)) => {
                self.is_not_stranded(&mut wire, session).await?;
            }
        }
        if let Some(promised) = self.promised.take() {
            stray |= !self.code_comes_and_works(&mut wire, &promised, LATE_AFTER).await?;
            self.check(if stray { LATE } else { IN_TIME });
        }
        for session in std::mem::take(&mut self.sessions) {
            self.session_goes_on(&mut wire, session).await?;
        }
        self.signs_in_anew(&mut wire).await?;
        self.nothing_is_left_half(&mut wire).await?;
        // The mail of a lost login may come at any time, and would be taken for this one's.
        if self.exists && !stray { self.gets_ready(&mut wire).await } else { Ok(()) }
    }

    /// Asks for a code, for the next round to begin with.
    async fn gets_ready(&mut self, wire: &mut ServerConnection) -> Result<(), Stop> {
        self.asks_for_a_code(wire).await?;
        let code = self.outbox.code(&self.email, self.logins).await;
        let code = code.ok_or_else(|| Stop::Broken(no_code("a code was promised, but none has come")))?;
        self.ready = self.promised.take().map(|promised| (promised, code));
        Ok(())
    }

    /// Either the address is still free, or its owner can sign in, which is asked for later.
    async fn account_is_whole_or_absent(&mut self, wire: &mut ServerConnection) -> Result<(), Stop> {
        let said = self.says(wire, &device::sign_up(&self.email)).await?;
        if said.status != 201 {
            said.must_be(409, "USER_EXISTS", "a lost sign-up either happened or did not")?;
        }
        self.exists = true;
        self.check("device: account of a lost sign-up is whole or absent");
        Ok(())
    }

    /// A code whose answer was lost was taken or was not: then it works.
    async fn code_works_once(
        &mut self,
        wire: &mut ServerConnection,
        promised: &Promised,
        code: &str,
    ) -> Result<(), Stop> {
        let said = self.verifies(wire, promised, code).await?;
        if said.status == 201 {
            self.sessions.push(SignedInDevice::by(&self.email, promised.proof.clone(), &said));
        } else {
            said.must_be(401, "INVALID_OTP", "a code whose answer was lost works, or was spent")?;
            self.unheard_of += 1;
        }
        self.check("device: code of a lost answer works or was spent");
        Ok(())
    }

    async fn is_not_stranded(
        &mut self,
        wire: &mut ServerConnection,
        mut session: SignedInDevice,
    ) -> Result<(), Stop> {
        self.redeems(wire, &mut session, "a lost refresh, sent once more with the proof, must give a pair")
            .await?;
        self.sessions.push(session);
        self.check("device: lost refresh repeated with proof");
        Ok(())
    }

    /// Whether a code that was promised comes and works. A mail that was being sent at the kill is sent again
    /// with another code.
    async fn code_comes_and_works(
        &mut self,
        wire: &mut ServerConnection,
        promised: &Promised,
        deadline: Duration,
    ) -> Result<bool, Stop> {
        let mut tried: Vec<String> = Vec::new();
        let begun = Instant::now();
        while begun.elapsed() < deadline {
            let codes = self.outbox.codes(&self.email);
            let mut new = codes.iter().skip(self.logins.saturating_sub(1));
            let Some(code) = new.find(|code| !tried.contains(code)) else {
                sleep(PAUSE).await;
                continue;
            };
            let said = self.verifies(wire, promised, code).await?;
            if said.status == 201 {
                self.sessions.push(SignedInDevice::by(&self.email, promised.proof.clone(), &said));
                return Ok(true);
            }
            said.must_be(
                401,
                "INVALID_OTP",
                "a code that was promised works, or a newer one takes its place",
            )?;
            tried.push(code.clone());
        }
        Ok(false)
    }

    /// A session that was acknowledged has a token that works, and an access token that does.
    async fn session_goes_on(
        &mut self,
        wire: &mut ServerConnection,
        mut session: SignedInDevice,
    ) -> Result<(), Stop> {
        self.redeems(wire, &mut session, "a session that was not ended must go on").await?;
        let said = self.says(wire, &device::me(&session.access)).await?;
        let said = said.must_be(200, "PROFILE_RETRIEVED", "its access token must work");
        said.map_err(|stop| stop.of_kind(BreachKind::WriteLost))?;
        self.sessions.push(session);
        self.check("device: session goes on");
        Ok(())
    }

    /// A user with an account can sign in, whatever was lost.
    async fn signs_in_anew(&mut self, wire: &mut ServerConnection) -> Result<(), Stop> {
        if !self.exists {
            return Ok(());
        }
        let before = self.outbox.codes(&self.email).len();
        self.asks_for_a_code(wire).await?;
        // The mail of a lost login may come between.
        self.logins = before + 1;
        let Some(promised) = self.promised.take() else { return Ok(()) };
        if !self.code_comes_and_works(wire, &promised, DEADLINE).await? {
            return Err(Stop::Broken(no_code("a code was promised, but none that works has come")));
        }
        self.check("device: account signs in anew");
        Ok(())
    }

    /// The list has every session that is known, and beside them no more than began without an answer.
    async fn nothing_is_left_half(&mut self, wire: &mut ServerConnection) -> Result<(), Stop> {
        let Some(asking) = self.sessions.last().map(|session| session.access.clone()) else { return Ok(()) };
        let said = self.says(wire, &device::sessions(&asking)).await?;
        let said = said.must_be(200, "SESSIONS_RETRIEVED", "a session must see the others")?;
        let ids = said.data.as_array().into_iter().flatten();
        let listed: Vec<&str> = ids.filter_map(|one| one.get("sessionId").and_then(Value::as_str)).collect();
        let knows_all = self.sessions.iter().all(|known| listed.contains(&known.session.as_str()));
        if !knows_all || listed.len() > self.sessions.len() + self.unheard_of {
            let (known, unheard_of) = (self.sessions.len(), self.unheard_of);
            let what =
                format!("{known} sessions are known and at most {unheard_of} more began: {}", said.text);
            let kind = if knows_all { BreachKind::Other } else { BreachKind::WriteLost };
            return Err(Stop::Broken(kind.breach(what)));
        }
        self.check("device: no session is missing and none is left over");
        Ok(())
    }

    fn check(&mut self, kind: &'static str) {
        *self.checked.entry(kind).or_default() += 1;
    }
}

/// A mail that was promised is a write that was acknowledged.
fn no_code(what: &str) -> Breach {
    BreachKind::WriteLost.breach(what)
}
