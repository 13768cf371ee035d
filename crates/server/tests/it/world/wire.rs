//! A microservice: packets over TCP, as `NestJS` writes and reads them.

use std::net::SocketAddr;

use bytes::BytesMut;
use portcullis_server::tcp::frame::{self, Frames};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::DEADLINE;

const LARGEST: usize = 1 << 20;

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Packet {
    response: Option<Box<RawValue>>,
    err: Option<Value>,
    is_disposed: bool,
    id: String,
}

/// Asks one thing over a connection of its own: the response as it was written, or `err`.
pub(crate) async fn ask(address: SocketAddr, command: &str, data: &Value) -> Result<String, Value> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let packet = json!({"pattern": {"cmd": command}, "data": data, "id": "1"});
    let mut out = BytesMut::new();
    frame::write(&packet.to_string(), &mut out);
    stream.write_all(&out).await.unwrap();
    let text = timeout(DEADLINE, answer(&mut stream)).await.expect("nobody answered");
    let packet: Packet = serde_json::from_str(&text).unwrap_or_else(|fault| panic!("{fault}: {text}"));
    assert!(packet.is_disposed && packet.id == "1", "{text}");
    match (packet.response, packet.err) {
        (Some(response), None) => Ok(response.get().to_owned()),
        (None, Some(err)) => Err(err),
        _ => panic!("both or neither: {text}"),
    }
}

async fn answer(stream: &mut TcpStream) -> String {
    let (mut frames, mut received) = (Frames::up_to(LARGEST), BytesMut::new());
    loop {
        if let Some(text) = frames.next(&mut received).unwrap() {
            return text;
        }
        assert_ne!(stream.read_buf(&mut received).await.unwrap(), 0, "hung up without an answer");
    }
}
