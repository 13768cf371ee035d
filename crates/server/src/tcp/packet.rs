//! Packets: the JSON of a frame, and that of its answer.
//!
//! A packet is an object with `pattern`, `data` and, if an answer is wanted, `id`. Other members are ignored, and so is
//! JSON that is not such an object. Answers have the members that `NestJS` writes and no other: a client of version 12
//! ignores a message with any other member.
//!
//! Data and answers stay JSON texts here: their members keep their order, and an `id` goes back as it came.
//!
//! ```
//! use portcullis_server::tcp::packet::Packet;
//!
//! let packet = Packet::parse(r#"{"pattern":{"cmd":"auth.health"},"data":{},"id":7}"#).unwrap().unwrap();
//! assert_eq!((packet.command.as_deref(), packet.data.get()), (Some("auth.health"), "{}"));
//! assert_eq!(packet.id.unwrap().get(), "7");
//! ```

use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;

/// A request or an event of a client.
#[derive(Clone, Debug)]
pub struct Packet {
    /// `cmd` of the pattern `{"cmd": …}`; `None` for any other pattern.
    pub command: Option<String>,
    /// The payload; `null` if there is none.
    pub data: Box<RawValue>,
    /// The id of a request, any JSON. `None` is an event, which gets no answer.
    pub id: Option<Box<RawValue>>,
}

/// The text of a frame is not JSON.
#[derive(Debug, thiserror::Error)]
#[error("a frame is not JSON: {0}")]
pub struct InvalidPacket(serde_json::Error);

impl Packet {
    /// Parses a packet; `None` for JSON that is not a packet.
    ///
    /// # Errors
    /// [`InvalidPacket`], which ends the connection.
    pub fn parse(text: &str) -> Result<Option<Self>, InvalidPacket> {
        if !text.trim_ascii_start().starts_with('{') {
            return serde_json::from_str(text).map(|IgnoredAny| None).map_err(InvalidPacket);
        }
        // Of several members with one name the last counts, as in JavaScript.
        let mut members: BTreeMap<String, &RawValue> = serde_json::from_str(text).map_err(InvalidPacket)?;
        let (pattern, data) = (members.remove("pattern"), members.remove("data"));
        if pattern.is_none() && data.is_none() {
            return Ok(None);
        }
        Ok(Some(Self {
            command: pattern.and_then(command),
            data: data.unwrap_or(RawValue::NULL).to_owned(),
            id: members.remove("id").map(RawValue::to_owned),
        }))
    }
}

/// The command that a pattern names.
///
/// `NestJS` looks a handler up under a normal form of the pattern. A string that is JSON is parsed once (`emit` sends
/// such a string); if the result is still a string, it is the normal form. The form of an object is its sorted members,
/// so an object with the one member `cmd` is compared by the text of that member.
fn command(pattern: &RawValue) -> Option<String> {
    let pattern = match serde_json::from_str(pattern.get()).ok()? {
        Value::String(text) => serde_json::from_str(&text).ok()?,
        pattern => pattern,
    };
    match pattern {
        Value::String(normal) => plain_command(&normal).map(str::to_owned),
        Value::Object(members) if members.len() == 1 => members.get("cmd")?.as_str().map(str::to_owned),
        _ => None,
    }
}

/// The command of a normal form; `None` if its text needed an escape.
fn plain_command(normal: &str) -> Option<&str> {
    let command = normal.strip_prefix(r#"{"cmd":""#)?.strip_suffix(r#""}"#)?;
    (!command.contains(['"', '\\'])).then_some(command)
}

/// The answer to a request, which is found by its `id`.
#[derive(Debug)]
pub enum Answer {
    /// The handler's answer.
    Response(Box<RawValue>),
    /// A fault: the client's stream fails with it.
    Fault(Box<RawValue>),
    /// No handler knows the pattern.
    NoHandler,
}

const NO_HANDLER: &str = "There is no matching message handler defined in the remote service.";

impl Answer {
    /// The text of the frame that goes back, with its members in the order in which `NestJS` writes them.
    #[must_use]
    pub fn write(&self, id: &RawValue) -> String {
        match self {
            Self::Response(response) => format!(r#"{{"response":{response},"isDisposed":true,"id":{id}}}"#),
            Self::Fault(err) => format!(r#"{{"err":{err},"isDisposed":true,"id":{id}}}"#),
            Self::NoHandler => format!(r#"{{"id":{id},"status":"error","err":"{NO_HANDLER}"}}"#),
        }
    }
}

/// A fault in the shape in which `NestJS` reports one: what a client catches is `{"status":"error","message":…}`.
#[must_use]
pub fn fault(message: &str) -> Box<RawValue> {
    let told = RawValue::from_string(format!(r#"{{"status":"error","message":{}}}"#, Value::from(message)));
    // A string in our own object is JSON.
    told.unwrap_or_else(|_| RawValue::TRUE.to_owned())
}

#[cfg(test)]
mod tests;
