//! Whether a server runs on the configured addresses: asks each for `GET /readyz`, and for the keys that it publishes.
//! They are in the database that was examined, or another installation's server listens there.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Finding, Status, Stopwatch};
use crate::cli::readiness::{LONGEST_ANSWER, PATH, Readiness};
use crate::config::{Config, Listen};
use crate::local_url::reachable;

/// The longest time for an answer: more than the server waits for its store.
const TIMEOUT: Duration = Duration::from_secs(3);

/// The findings; `published` are the names of the keys in the database, `None` if it could not be read.
pub(super) async fn examine(config: &Config, published: Option<&[String]>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for Listen { address, optional } in &config.listen {
        let finding = one(reachable(*address), published).await;
        // An [::1] that was not configured by name is optional.
        if !(*optional && finding.took.is_none()) {
            findings.push(finding);
        }
    }
    findings
}

async fn one(address: SocketAddr, published: Option<&[String]>) -> Finding {
    let name = format!("server at {address}");
    if address.port() == 0 {
        return Finding::note(name, "has port 0: the port that the system chose is not known here");
    }
    let watch = Stopwatch::start();
    let stream = match timeout(TIMEOUT, TcpStream::connect(address)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(fault)) if fault.kind() == io::ErrorKind::ConnectionRefused => {
            return Finding::note(name, "is not running; `portcullis serve` starts it");
        }
        Ok(Err(fault)) => return Finding::note(name, format!("cannot be reached: {fault}")),
        Err(_) => return Finding::broken(name, "does not accept a connection").took(watch.elapsed()),
    };
    let answer = timeout(TIMEOUT, ask(stream, address, PATH)).await;
    let finding = match answer {
        Ok(Ok(answer)) => match judged(name, &answer) {
            Finding { status: Status::Ok, check, .. } => {
                let theirs = timeout(TIMEOUT, keys_of(address)).await.ok().and_then(Result::ok);
                identified(check, &theirs.unwrap_or_default(), published)
            }
            finding => finding,
        },
        Ok(Err(fault)) => Finding::broken(name, format!("broke the connection: {fault}")),
        Err(_) => Finding::broken(name, "accepts connections but does not answer"),
    };
    finding.took(watch.elapsed())
}

/// The keys that a server publishes (RFC 7517).
#[derive(Deserialize)]
struct KeySet {
    keys: Vec<PublishedKey>,
}

#[derive(Deserialize)]
struct PublishedKey {
    kid: String,
}

/// The names of the keys that a server publishes.
async fn keys_of(address: SocketAddr) -> io::Result<Vec<String>> {
    let answer = ask(TcpStream::connect(address).await?, address, "/.well-known/jwks.json").await?;
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    let KeySet { keys } = serde_json::from_str(body)?;
    Ok(keys.into_iter().map(|key| key.kid).collect())
}

/// Whether a ready server is the one that works on this database.
fn identified(name: String, theirs: &[String], published: Option<&[String]>) -> Finding {
    match published {
        Some(ours) if theirs.iter().any(|kid| ours.contains(kid)) => {
            Finding::ok(name, "is running and ready")
        }
        Some(_) if !theirs.is_empty() => Finding::broken(
            name,
            "is the server of another installation: none of the keys that it publishes is in this database",
        ),
        _ => Finding::note(name, "a server is ready there; whether it works on this database cannot be told"),
    }
}

async fn ask(mut stream: TcpStream, address: SocketAddr, path: &str) -> io::Result<String> {
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(LONGEST_ANSWER as u64).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn judged(name: String, answer: &str) -> Finding {
    let status = answer.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    match Readiness::of(status.unwrap_or_default(), body.as_bytes()) {
        Readiness::Ready(_) => Finding::ok(name, "is running and ready"),
        Readiness::Unavailable(cause) => {
            Finding::broken(name, format!("is running but not ready: {cause}; its log says more"))
        }
        Readiness::NotOurs => Finding::broken(name, "is another program that listens there"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(answer: &str) -> Status {
        judged(String::new(), answer).status
    }

    #[test]
    fn only_a_ready_server_of_ours_is_ok() {
        assert_eq!(status("HTTP/1.1 200 OK\r\na: b\r\n\r\n{\"status\":\"ready\"}"), Status::Ok);
        for answer in [
            "",
            "HTTP/1.1 20",
            "HTTP/1.1 200 OK\r\n\r\n<html>",
            "HTTP/1.1 404 Not Found\r\n\r\n",
            "HTTP/1.1 503 Service Unavailable\r\n\r\n{\"status\":\"unavailable\",\"store\":\"database\"}",
            "SSH-2.0-é",
        ] {
            assert_eq!(status(answer), Status::Broken, "{answer}");
        }
    }

    #[tokio::test]
    async fn no_server_is_a_note_and_another_program_is_broken() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stranger = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(b"220 mail.example ESMTP\r\n").await.unwrap();
        });
        assert_eq!(one(address, None).await.status, Status::Broken);
        stranger.await.unwrap();
        assert_eq!(one(address, None).await.status, Status::Note);
    }
}
