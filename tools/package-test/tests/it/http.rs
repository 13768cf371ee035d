//! HTTP/1.1 as a client speaks it that tries nothing twice.

use std::collections::HashMap;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// How long an answer may take: a test that hangs says nothing.
const PATIENCE: Duration = Duration::from_mins(2);

/// What is sent.
#[derive(Clone)]
pub(crate) struct Request {
    head: String,
    body: String,
}

impl Request {
    pub(crate) fn get(path: &str) -> Self {
        Self { head: format!("GET {path} HTTP/1.1\r\n"), body: String::new() }
    }

    pub(crate) fn post(path: &str, body: &Value) -> Self {
        let body = body.to_string();
        let head = format!(
            "POST {path} HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: {}\r\n",
            body.len()
        );
        Self { head, body }
    }

    pub(crate) fn bearing(self, token: &str) -> Self {
        Self { head: format!("{}Authorization: Bearer {token}\r\n", self.head), ..self }
    }

    /// Sends it on a connection of its own.
    pub(crate) fn send(&self, to: SocketAddr) -> Answer {
        self.try_to_send(to).unwrap_or_else(|fault| panic!("{}{fault}", self.head))
    }

    pub(crate) fn try_to_send(&self, to: SocketAddr) -> io::Result<Answer> {
        Connection::open(to)?.ask(self)
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Whether the server closes the connection.
    pub(crate) closes: bool,
    body: String,
}

impl Answer {
    /// The body of an answer that must have this status.
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }
}

/// A connection that is kept.
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    pub(crate) fn open(to: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(to)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    pub(crate) fn ask(&mut self, request: &Request) -> io::Result<Answer> {
        let text = format!("{}Host: auth.example.com\r\n\r\n{}", request.head, request.body);
        self.stream.get_mut().write_all(text.as_bytes())?;
        self.answer()
    }

    fn answer(&mut self) -> io::Result<Answer> {
        let status = self.line()?;
        let status = status.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or(io::ErrorKind::InvalidData)?;
        let headers = self.headers()?;
        let length = headers.get("content-length").map_or(Ok(0), |length| length.parse());
        let mut body = vec![0; length.map_err(|_| io::ErrorKind::InvalidData)?];
        self.stream.read_exact(&mut body)?;
        let closes = headers.get("connection").is_some_and(|value| value == "close");
        Ok(Answer { status, closes, body: String::from_utf8_lossy(&body).into_owned() })
    }

    fn headers(&mut self) -> io::Result<HashMap<String, String>> {
        let mut headers = HashMap::new();
        while let Some((name, value)) = self.line()?.to_ascii_lowercase().split_once(": ") {
            headers.insert(name.to_owned(), value.to_owned());
        }
        Ok(headers)
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }
}
