//! Properties of reading packets.

use portcullis_server::tcp::packet::{Answer, Packet};
use serde_json::value::RawValue;

/// A text that is accepted as a packet is JSON, and its answers are JSON with the packet's id.
pub(super) fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(packet) = Packet::parse(text) else { return };
    assert!(is_json(text));
    let Some(packet) = packet else { return };
    assert!(is_json(packet.data.get()));
    if let Some(id) = &packet.id {
        for answer in
            [Answer::Response(packet.data.clone()), Answer::Fault(packet.data.clone()), Answer::NoHandler]
        {
            let written = answer.write(id);
            assert!(is_json(&written), "{written}");
            assert!(written.contains(&format!("\"id\":{}", id.get())));
        }
    }
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<&RawValue>(text).is_ok()
}
