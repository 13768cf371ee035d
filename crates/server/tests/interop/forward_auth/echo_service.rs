//! A service behind a proxy: it answers with what it was sent.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::{Value, json};

/// A running service; it ends with this process.
pub(super) struct EchoService {
    pub(super) address: SocketAddr,
    answered: Arc<AtomicUsize>,
}

impl EchoService {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let service = Self { address: listener.local_addr().unwrap(), answered: Arc::default() };
        let answered = service.answered.clone();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let answered = answered.clone();
                thread::spawn(move || answer(stream, &answered));
            }
        });
        service
    }

    /// How many requests have reached it.
    pub(super) fn reached(&self) -> usize {
        self.answered.load(Ordering::SeqCst)
    }
}

/// Answers one request. A connection on which none comes is no request: a proxy may open one ahead.
fn answer(mut stream: TcpStream, answered: &AtomicUsize) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let request = request(&mut reader)?;
    answered.fetch_add(1, Ordering::SeqCst);
    let text = request.to_string();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}", text.len());
    write!(stream, "{head}\r\nconnection: close\r\n\r\n{text}").ok()
}

fn request(reader: &mut BufReader<TcpStream>) -> Option<Value> {
    let first = line(reader).filter(|line| !line.is_empty())?;
    let mut headers: Vec<(String, String)> = Vec::new();
    while let Some((name, value)) = line(reader)?.split_once(':') {
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let mut body = vec![0; length.map_or(0, |(_, length)| length.parse().unwrap())];
    reader.read_exact(&mut body).ok()?;
    let mut words = first.split(' ');
    let (method, path) = (words.next(), words.next());
    Some(json!({"method": method, "path": path, "headers": headers, "body": String::from_utf8_lossy(&body)}))
}

fn line(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    Some(line.trim_end().to_owned())
}
