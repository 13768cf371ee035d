//! One client's connection, and what an answer means for a client that may lose it at any moment.

use std::net::SocketAddr;
use std::time::Duration;

use portcullis_bench::device::ProofSent;
use portcullis_bench::http::{HttpAnswer, HttpConnection, HttpError};
use portcullis_bench::strategy::{Credentials, StrategyUnderTest};
use serde_json::Value;
use tokio::time::{sleep, timeout};

use crate::breach::{Breach, BreachKind};

/// Longer than any answer takes, hashing on a busy machine included.
const ANSWER_DEADLINE: Duration = Duration::from_mins(2);
const NO_ANSWER: &str = "there was no answer for two minutes";
/// Between two tries at a server that says it is busy.
const PAUSE: Duration = Duration::from_millis(20);

/// Why a client stops.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Stop {
    /// The connection broke: the request may have taken effect.
    Lost,
    /// The server did what it must not do.
    Broken(Breach),
}

impl Stop {
    fn because(error: &HttpError) -> Self {
        match error {
            HttpError::Lost(_) => Self::Lost,
            HttpError::Malformed(_) => Self::broken(error.to_string()),
        }
    }

    /// The server did what it must not do.
    pub(crate) fn broken(what: impl Into<Breach>) -> Self {
        Self::Broken(what.into())
    }

    /// The same, as a breach of this promise.
    pub(crate) fn of_kind(self, kind: BreachKind) -> Self {
        match self {
            Self::Broken(breach) => Self::Broken(Breach { kind, ..breach }),
            Self::Lost => Self::Lost,
        }
    }

    /// What a client was let down by, if `is_alive` says that its server should have answered.
    ///
    /// # Errors
    /// That.
    pub(crate) fn let_down(outcome: Result<(), Self>, is_alive: bool) -> Result<(), Breach> {
        match outcome {
            Err(Self::Broken(breach)) => Err(breach),
            Err(Self::Lost) if is_alive => Err("the server broke a connection although it was alive".into()),
            Err(Self::Lost) | Ok(()) => Ok(()),
        }
    }
}

/// An answer, owned.
#[derive(Debug)]
pub(crate) struct StrategyReply {
    pub(crate) status: u16,
    /// Of a 201 that hands some out.
    pub(crate) credentials: Option<Credentials>,
    /// Status and body, for the history.
    pub(crate) text: String,
}

impl StrategyReply {
    /// The server broke a promise by answering this.
    pub(crate) fn broken(&self, promise: &str) -> Stop {
        Stop::broken(format!("{promise}, but the answer was {}", self.text))
    }

    /// Nothing, if the status is the one that was promised.
    ///
    /// # Errors
    /// [`Stop::Broken`] with the promise.
    pub(crate) fn must_be(&self, status: u16, promise: &str) -> Result<(), Stop> {
        if self.status == status { Ok(()) } else { Err(self.broken(promise)) }
    }
}

/// An answer of the device-session surface, owned.
#[derive(Clone, Debug)]
pub(crate) struct DeviceReply {
    pub(crate) status: u16,
    /// What it calls itself; empty where it says nothing.
    pub(crate) code: String,
    pub(crate) data: Value,
    pub(crate) cookie: Option<ProofSent>,
    /// Status and body.
    pub(crate) text: String,
}

impl DeviceReply {
    fn by(answer: &HttpAnswer<'_>) -> Self {
        let mut body = answer.json();
        let code = body.pointer("/meta/code").and_then(Value::as_str).unwrap_or_default().to_owned();
        Self {
            status: answer.status(),
            code,
            data: body.get_mut("data").map(Value::take).unwrap_or_default(),
            cookie: ProofSent::cookie_of(answer),
            text: answer.describe(),
        }
    }

    /// A member of the data that is a text; empty where it is none.
    pub(crate) fn datum(&self, name: &str) -> String {
        self.data.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// The answer, if it is what was promised.
    ///
    /// # Errors
    /// [`Stop::Broken`] with the promise.
    pub(crate) fn must_be(self, status: u16, code: &str, promise: &str) -> Result<Self, Stop> {
        if (self.status, self.code.as_str()) == (status, code) {
            return Ok(self);
        }
        Err(Stop::broken(format!("{promise}, but the answer was {}", self.text)))
    }
}

/// A client's connection to one life of the server.
#[derive(Debug)]
pub(crate) struct ServerConnection {
    connection: HttpConnection,
}

impl ServerConnection {
    /// Connects.
    ///
    /// # Errors
    /// [`Stop::Lost`] if the server does not listen any more.
    pub(crate) async fn open(address: SocketAddr) -> Result<Self, Stop> {
        let connection = HttpConnection::open(address).await.map_err(|error| Stop::because(&error))?;
        Ok(Self { connection })
    }

    /// Sends a request of a strategy and waits for the answer.
    ///
    /// # Errors
    /// [`Stop`]
    pub(crate) async fn ask(
        &mut self,
        strategy: StrategyUnderTest,
        request: &[u8],
    ) -> Result<StrategyReply, Stop> {
        let answered = timeout(ANSWER_DEADLINE, self.connection.exchange(request)).await;
        let answer = answered.map_err(|_| Stop::broken(NO_ANSWER))?;
        let answer = answer.map_err(|error| Stop::because(&error))?;
        let credentials = if answer.status() == 201 { Credentials::of(strategy, &answer) } else { None };
        Ok(StrategyReply { status: answer.status(), credentials, text: answer.describe() })
    }

    /// Sends a request of the device-session surface, until the server is not busy.
    ///
    /// # Errors
    /// [`Stop`]
    pub(crate) async fn say(&mut self, request: &[u8]) -> Result<DeviceReply, Stop> {
        loop {
            let answered = timeout(ANSWER_DEADLINE, self.connection.exchange(request)).await;
            let answer = answered.map_err(|_| Stop::broken(NO_ANSWER))?;
            let said = DeviceReply::by(&answer.map_err(|error| Stop::because(&error))?);
            if said.status != 503 {
                return Ok(said);
            }
            pause().await;
        }
    }

    /// Sends a request and leaves without the answer.
    ///
    /// # Errors
    /// [`Stop::Lost`]
    pub(crate) async fn abandon(self, request: &[u8]) -> Result<(), Stop> {
        self.connection.abandon(request).await.map_err(|error| Stop::because(&error))
    }

    /// The same, until the server is not busy.
    ///
    /// # Errors
    /// [`Stop`]
    pub(crate) async fn ask_patiently(
        &mut self,
        strategy: StrategyUnderTest,
        request: &[u8],
    ) -> Result<StrategyReply, Stop> {
        loop {
            let reply = self.ask(strategy, request).await?;
            if reply.status != 503 {
                return Ok(reply);
            }
            pause().await;
        }
    }
}

/// Leaves a busy server alone for a moment.
pub(crate) async fn pause() {
    sleep(PAUSE).await;
}
