//! Round trips of a microservice client: one connection, N requests in flight, the next one after each answer.
//!
//! Frames are written and read as the transport has them, a length and a text. Only texts in ASCII are understood, of
//! which the length is that of the bytes.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::error::BenchError;
use portcullis_bench::tally::Tally;

/// One kind of request, over and over.
#[derive(Debug)]
pub(crate) struct TcpClient {
    stream: TcpStream,
    request: TcpRequest,
    received: Vec<u8>,
}

#[derive(Debug)]
struct TcpRequest {
    command: &'static str,
    data: serde_json::Value,
    /// What the answer that is wanted has in it.
    wanted: &'static str,
}

impl TcpClient {
    /// Connects, to ask where the holder of this token is signed in.
    ///
    /// # Errors
    /// [`BenchError::Io`]
    pub(crate) async fn connect(address: SocketAddr, access: &str) -> Result<Self, BenchError> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let request = TcpRequest {
            command: "auth.sessions",
            data: json!({"accessToken": access}),
            wanted: r#""code":"SESSIONS_RETRIEVED""#,
        };
        Ok(Self { stream, request, received: Vec::new() })
    }

    /// Keeps so many requests in flight for so long, and waits for the last of them.
    ///
    /// # Errors
    /// [`BenchError`], at the first answer that is not the one that is wanted.
    pub(crate) async fn drive(&mut self, in_flight: usize, span: Duration) -> Result<Tally, BenchError> {
        let (mut tally, begun) = (Tally::new(), Instant::now());
        let (mut sent, mut waiting, mut outgoing) = (0_u64, HashMap::new(), Vec::new());
        loop {
            let has_time = sent == 0 || begun.elapsed() < span;
            while has_time && waiting.len() < in_flight {
                outgoing.extend(self.request.frame(sent));
                waiting.insert(sent, Instant::now());
                sent += 1;
            }
            if waiting.is_empty() {
                break;
            }
            self.stream.write_all(&outgoing).await?;
            outgoing.clear();
            if self.stream.read_buf(&mut self.received).await? == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
            for text in frames(&mut self.received)? {
                let id = self.request.answered(&text)?;
                let asked = waiting.remove(&id).ok_or_else(|| self.request.unexpected(&text))?;
                tally.done(asked.elapsed());
            }
        }
        tally.elapsed = begun.elapsed();
        Ok(tally)
    }
}

impl TcpRequest {
    fn frame(&self, id: u64) -> Vec<u8> {
        let Self { command, data, .. } = self;
        let text = json!({"pattern": {"cmd": command}, "data": data, "id": id.to_string()}).to_string();
        format!("{}#{text}", text.len()).into_bytes()
    }

    /// The id of the request that this answers.
    fn answered(&self, text: &str) -> Result<u64, BenchError> {
        let id = text.rsplit_once(r#""id":""#).and_then(|(_, rest)| rest.strip_suffix(r#""}"#));
        let id = id.and_then(|id| id.parse().ok()).filter(|_| text.contains(self.wanted));
        id.ok_or_else(|| self.unexpected(text))
    }

    fn unexpected(&self, text: &str) -> BenchError {
        BenchError::Unexpected { asked: self.command.to_owned(), answer: text.to_owned() }
    }
}

/// Takes the whole frames out of what was received.
fn frames(received: &mut Vec<u8>) -> Result<Vec<String>, BenchError> {
    let broken = || BenchError::Io(io::Error::other("what was received is no frame"));
    let (mut texts, mut taken) = (Vec::new(), 0);
    while let Some(rest) = received.get(taken..)
        && let Some(hash) = rest.iter().position(|byte| *byte == b'#')
    {
        let length = rest.get(..hash).and_then(|digits| std::str::from_utf8(digits).ok());
        let length: usize = length.and_then(|digits| digits.parse().ok()).ok_or_else(broken)?;
        let Some(text) = rest.get(hash + 1..hash + 1 + length) else { break };
        texts.push(String::from_utf8(text.to_vec()).map_err(|_| broken())?);
        taken += hash + 1 + length;
    }
    received.drain(..taken);
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn frames_are_taken_whole_however_they_are_cut() {
        let mut received = b"2#{}3#a#".to_vec();
        assert_eq!(frames(&mut received).unwrap(), ["{}"]);
        received.extend_from_slice(b"b1");
        assert_eq!(frames(&mut received).unwrap(), ["a#b"]);
        assert_eq!(received, b"1");
        assert!(frames(&mut b"x#".to_vec()).is_err());
    }

    /// Answers nothing before it has so many requests, then those from the last to the first, then each as it comes.
    async fn answers_once_it_has(many: usize, wanted: &'static str) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (mut received, mut waiting, mut begun) = (Vec::new(), Vec::new(), false);
            while stream.read_buf(&mut received).await.unwrap() > 0 {
                waiting.extend(frames(&mut received).unwrap());
                begun |= waiting.len() == many;
                if !begun {
                    continue;
                }
                for text in waiting.drain(..).rev() {
                    let asked: serde_json::Value = serde_json::from_str(&text).unwrap();
                    let answer =
                        format!(r#"{{"response":{{{wanted}}},"isDisposed":true,"id":{}}}"#, asked["id"]);
                    let frame = format!("{}#{answer}", answer.len());
                    if stream.write_all(frame.as_bytes()).await.is_err() {
                        return;
                    }
                }
            }
        });
        address
    }

    #[tokio::test]
    async fn so_many_are_in_flight_and_each_answer_finds_its_request() {
        // Fewer in flight, and this would wait for ever.
        let address = answers_once_it_has(4, r#""code":"SESSIONS_RETRIEVED""#).await;
        let mut client = TcpClient::connect(address, "token").await.unwrap();
        let tally = client.drive(4, Duration::from_millis(20)).await.unwrap();
        assert!(tally.count() >= 4, "{}", tally.count());
    }

    #[tokio::test]
    async fn a_refusal_ends_the_run() {
        let address = answers_once_it_has(1, r#""code":"UNAUTHORIZED""#).await;
        let mut client = TcpClient::connect(address, "token").await.unwrap();
        let refused = client.drive(1, Duration::from_millis(20)).await.unwrap_err();
        assert!(refused.to_string().starts_with("auth.sessions was answered with"), "{refused}");
    }
}
