//! A client that writes HTTP/1.1 by hand and keeps what came back as it came.

use std::fmt::Write as _;
use std::future::{Future, IntoFuture};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// When a wait is given up; no machine is this slow.
pub(crate) const DEADLINE: Duration = Duration::from_mins(3);

/// A request being put together; awaiting it sends it.
#[derive(Clone, Debug)]
#[must_use]
pub(crate) struct Ask {
    address: SocketAddr,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

impl Ask {
    pub(crate) fn new(address: SocketAddr, method: &str, path: &str) -> Self {
        let (method, path) = (method.to_owned(), path.to_owned());
        Self { address, method, path, headers: Vec::new(), body: None }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.text(body.to_string())
    }

    /// JSON, or what is sent as such.
    pub(crate) fn text(self, body: impl Into<Vec<u8>>) -> Self {
        self.header("content-type", "application/json").body(body)
    }

    pub(crate) fn body(self, body: impl Into<Vec<u8>>) -> Self {
        Self { body: Some(body.into()), ..self }
    }

    /// The request as it goes over the wire.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let Self { address, method, path, headers, body } = self;
        let mut text = format!("{method} {path} HTTP/1.1\r\n");
        let states = |name: &str| headers.iter().any(|(stated, _)| stated.eq_ignore_ascii_case(name));
        if !states("host") {
            let _ = write!(text, "host: {address}\r\n");
        }
        for (name, value) in headers {
            let _ = write!(text, "{name}: {value}\r\n");
        }
        if let Some(body) = body.as_ref().filter(|_| !states("content-length")) {
            let _ = write!(text, "content-length: {}\r\n", body.len());
        }
        let mut bytes = (text + "\r\n").into_bytes();
        bytes.extend(body.iter().flatten());
        bytes
    }

    async fn send(self) -> Answer {
        let mut line = Line::to(self.address).await;
        line.write(&self.bytes()).await;
        line.answer_to(&self.method).await.unwrap_or_else(|fault| panic!("no answer to {self:?}: {fault}"))
    }
}

impl IntoFuture for Ask {
    type Output = Answer;
    type IntoFuture = Pin<Box<dyn Future<Output = Answer> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

/// A connection.
pub(crate) struct Line(BufReader<TcpStream>);

impl Line {
    pub(crate) async fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self(BufReader::new(stream))
    }

    /// Writes as much as the other side takes: one that has answered already may take no more.
    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        let _ = self.0.write_all(bytes).await;
        let _ = self.0.flush().await;
    }

    pub(crate) async fn answer(&mut self) -> io::Result<Answer> {
        self.answer_to("GET").await
    }

    async fn answer_to(&mut self, method: &str) -> io::Result<Answer> {
        timeout(DEADLINE, self.read(method)).await.map_err(|_| io::ErrorKind::TimedOut)?
    }

    /// Everything until the other side hangs up.
    pub(crate) async fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        let _ = timeout(DEADLINE, self.0.read_to_end(&mut bytes)).await.expect("nobody hung up");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    async fn read(&mut self, method: &str) -> io::Result<Answer> {
        let status = self.head_line().await?;
        let mut headers = Vec::new();
        loop {
            let line = self.head_line().await?;
            let Some((name, value)) = line.split_once(':') else { break };
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
        let mut answer = Answer { status: status_of(&status)?, headers, body: String::new() };
        if method != "HEAD" {
            answer.body = self.body(&answer).await?;
        }
        Ok(answer)
    }

    async fn head_line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.0.read_line(&mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }

    async fn body(&mut self, answer: &Answer) -> io::Result<String> {
        if answer.status == 100 {
            return Ok(String::new());
        }
        let length = answer.header("content-length").and_then(|length| length.parse().ok());
        let mut body = vec![0; length.unwrap_or_else(|| panic!("no length: {answer:?}"))];
        self.0.read_exact(&mut body).await?;
        if answer.header("content-type").is_some_and(|media| media.starts_with("image/")) {
            return Ok(String::from_utf8_lossy(&body).into_owned());
        }
        String::from_utf8(body).map_err(io::Error::other)
    }
}

fn status_of(line: &str) -> io::Result<u16> {
    let status = line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3));
    status.and_then(|status| status.parse().ok()).ok_or_else(|| io::Error::other(line.to_owned()))
}

/// An answer, as it came.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn all<'a>(&'a self, name: &str) -> Vec<&'a str> {
        let of_this_name = |(stated, value): &'a (String, String)| {
            stated.eq_ignore_ascii_case(name).then_some(value.as_str())
        };
        self.headers.iter().filter_map(of_this_name).collect()
    }

    /// The one header of this name, if there is one.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let all = self.all(name);
        assert!(all.len() < 2, "{name} stands there twice: {self:?}");
        all.first().copied()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|fault| panic!("{fault}: {self:?}"))
    }

    /// The body, if it is JSON.
    pub(crate) fn json_or_null(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// The text at a place in the body, as JSON Pointer has it (RFC 6901).
    pub(crate) fn at(&self, place: &str) -> String {
        let found = self.json().pointer(place).and_then(Value::as_str).map(str::to_owned);
        found.unwrap_or_else(|| panic!("nothing at {place}: {self:?}"))
    }

    /// The answer, which has this status.
    #[track_caller]
    pub(crate) fn status(self, expected: u16) -> Self {
        assert_eq!(self.status, expected, "{self:?}");
        self
    }

    /// Checks status and body, the body to the letter.
    #[track_caller]
    pub(crate) fn says(&self, status: u16, body: &str) {
        assert_eq!((self.status, self.body.as_str()), (status, body), "{self:?}");
    }

    /// The same answer without the moment at which it was given.
    pub(crate) fn undated(mut self) -> Self {
        self.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("date"));
        self
    }
}
