//! What the document says of requests, against what their readers do.

use serde_json::Map;

use super::*;
use crate::openapi::requests::of_strategy;
use crate::request::{Body, RequestDoc};

/// Every request, once.
fn requests() -> Vec<RequestDoc> {
    let of_device = DEVICE_OPERATIONS.iter().filter_map(|row| row.request);
    let of_strategies = STRATEGY_OPERATIONS.iter().flat_map(|row| {
        StrategyName::ROUTED.into_iter().filter_map(|strategy| of_strategy(row.kind, strategy))
    });
    let mut requests: Vec<RequestDoc> = of_device.chain(of_strategies).collect();
    requests.sort_by_key(|request| request.name);
    requests.dedup_by_key(|request| request.name);
    requests
}

/// Whether a body whose one member is this text has a fault of that member.
fn refuses(request: &RequestDoc, name: &str, text: &str) -> bool {
    let members = Map::from_iter([(name.to_owned(), Value::from(text))]);
    let faults = (request.faults)(&Body::from(Value::Object(members)));
    let told = format!("{faults:?}");
    told.contains(&format!("\"{name} "))
}

#[test]
fn a_text_has_the_shortest_and_the_longest_length_that_the_document_states() {
    let mut texts = 0;
    for request in requests() {
        for member in (request.members)() {
            let schema = serde_json::to_value(&member.schema).unwrap();
            let has_words = schema.get("format").is_some_and(|format| format != "password");
            if schema["type"] != "string" || has_words {
                continue;
            }
            let place = format!("{} {}: {schema}", request.name, member.name);
            let stated = schema["minLength"].as_u64().unwrap_or_default();
            assert_eq!(refuses(&request, member.name, ""), stated > 0, "{place}");
            if let Some(longest) = schema["maxLength"].as_u64() {
                let text = |length: u64| "x".repeat(usize::try_from(length).unwrap());
                assert!(refuses(&request, member.name, &text(longest + 1)), "{place}");
            }
            texts += 1;
        }
    }
    assert!(texts > 20, "{texts}");
}
