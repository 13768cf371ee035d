//! One kept-alive connection that sends prepared bytes and reads one answer at a time.
//!
//! It does the least that a load generator needs: status, headers, and a body of the announced length. It deliberately
//! knows no chunked bodies, no redirects and no pipelining; the server promises a `Content-Length` on every answer, and
//! an answer without one is an error here.

use std::io;
use std::net::SocketAddr;

use serde_json::Value;
use thiserror::Error;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

const MAX_HEADERS: usize = 48;

/// Why there was no answer.
#[derive(Debug, Error)]
pub enum HttpError {
    /// The connection could not be made, or broke before the answer was complete: the request may have taken effect.
    #[error("the connection was lost: {0}")]
    Lost(#[from] io::Error),
    /// The server sent something that is no HTTP/1.1 answer with a length.
    #[error("not an answer: {0}")]
    Malformed(&'static str),
}

/// A kept-alive connection.
#[derive(Debug)]
pub struct HttpConnection {
    stream: TcpStream,
    received: Vec<u8>,
}

impl HttpConnection {
    /// Connects.
    ///
    /// # Errors
    /// [`HttpError::Lost`] if no server listens.
    pub async fn open(address: SocketAddr) -> Result<Self, HttpError> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, received: Vec::with_capacity(4096) })
    }

    /// Sends a whole request and waits for the whole answer.
    ///
    /// # Errors
    /// [`HttpError`]; the connection is of no more use then.
    pub async fn exchange(&mut self, request: &[u8]) -> Result<HttpAnswer<'_>, HttpError> {
        self.received.clear();
        self.stream.write_all(request).await?;
        let outline = loop {
            if let Some(outline) = Outline::of(&self.received)? {
                break outline;
            }
            self.receive().await?;
        };
        while self.received.len() < outline.end {
            self.receive().await?;
        }
        outline.split(&self.received)
    }

    /// Sends a whole request and leaves without the answer.
    ///
    /// # Errors
    /// [`HttpError::Lost`], where not even the request could be sent.
    pub async fn abandon(mut self, request: &[u8]) -> Result<(), HttpError> {
        Ok(self.stream.write_all(request).await?)
    }

    async fn receive(&mut self) -> Result<(), HttpError> {
        use tokio::io::AsyncReadExt as _;
        match self.stream.read_buf(&mut self.received).await? {
            0 => Err(HttpError::Lost(io::ErrorKind::UnexpectedEof.into())),
            _ => Ok(()),
        }
    }
}

/// Where the parts of an answer lie in what was received.
struct Outline {
    status: u16,
    head: usize,
    end: usize,
}

impl Outline {
    /// `None` while the head is incomplete.
    fn of(received: &[u8]) -> Result<Option<Self>, HttpError> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        let parsed = response.parse(received).map_err(|_| HttpError::Malformed("unreadable head"))?;
        let (httparse::Status::Complete(head), Some(status)) = (parsed, response.code) else {
            return Ok(None);
        };
        let length = header(response.headers, "content-length").and_then(|text| text.parse::<usize>().ok());
        let length = length.ok_or(HttpError::Malformed("no content-length"))?;
        Ok(Some(Self { status, head, end: head.saturating_add(length) }))
    }

    fn split(self, received: &[u8]) -> Result<HttpAnswer<'_>, HttpError> {
        match received.split_at_checked(self.head) {
            Some((head, body)) if received.len() == self.end => {
                Ok(HttpAnswer { status: self.status, head, body })
            }
            _ => Err(HttpError::Malformed("more bytes than were announced")),
        }
    }
}

fn header<'b>(headers: &[httparse::Header<'b>], name: &str) -> Option<&'b str> {
    let found = headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
    std::str::from_utf8(found.value).ok()
}

/// A whole answer, still in the connection's buffer.
#[derive(Clone, Copy, Debug)]
pub struct HttpAnswer<'c> {
    status: u16,
    head: &'c [u8],
    body: &'c [u8],
}

impl<'c> HttpAnswer<'c> {
    /// The status code.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// The body.
    #[must_use]
    pub const fn body(&self) -> &'c [u8] {
        self.body
    }

    /// Bytes of head and body.
    #[must_use]
    pub const fn length(&self) -> usize {
        self.head.len() + self.body.len()
    }

    /// The first header of this name. The head is read again for it: the hot path never asks.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'c str> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        response.parse(self.head).ok()?;
        header(response.headers, name)
    }

    /// The body as JSON; null if it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(self.body).unwrap_or(Value::Null)
    }

    /// Status and body, for a message to a person.
    #[must_use]
    pub fn describe(&self) -> String {
        format!("{} {}", self.status, String::from_utf8_lossy(self.body))
    }
}

/// The bytes of a GET.
#[must_use]
pub fn get(path: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut head = begin("GET", path, headers);
    head.push_str("\r\n");
    head.into_bytes()
}

/// The bytes of a POST with a JSON body, or with none.
#[must_use]
pub fn post(path: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Vec<u8> {
    let mut head = begin("POST", path, headers);
    let body = body.map(Value::to_string).unwrap_or_default();
    if !body.is_empty() {
        head.push_str("content-type: application/json\r\n");
    }
    format!("{head}content-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

fn begin(method: &str, path: &str, headers: &[(&str, &str)]) -> String {
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n");
    for (name, value) in headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    head
}

#[cfg(test)]
mod tests;
