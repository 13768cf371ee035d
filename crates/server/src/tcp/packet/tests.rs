use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn parse(text: &str) -> Packet {
    Packet::parse(text).unwrap().unwrap()
}

fn command_of(pattern: &Value) -> Option<String> {
    parse(&json!({"pattern": pattern, "data": {}}).to_string()).command
}

/// What `NestJS` 12 finds handlers by (`utils/transform-pattern.utils.js`), written anew in its words.
fn route(pattern: &Value, depth: usize) -> String {
    let escape = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    let members: Vec<(String, &Value)> = match pattern {
        Value::String(text) => return text.clone(),
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), value)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(at, item)| (at.to_string(), item)).collect(),
        other => return other.to_string(),
    };
    if depth > 5 {
        return "[MAX_DEPTH_REACHED]".to_owned();
    }
    if members.len() > 20 {
        return "[TOO_MANY_KEYS]".to_owned();
    }
    // A map of serde_json's is sorted already.
    let parts = members.into_iter().map(|(name, value)| match value {
        Value::String(text) => format!("\"{}\":\"{}\"", escape(&name), escape(text)),
        other => format!("\"{}\":{}", escape(&name), route(other, depth + 1)),
    });
    format!("{{{}}}", parts.collect::<Vec<_>>().join(","))
}

#[test]
fn a_command_is_found_as_send_and_as_emit_write_it() {
    let sent = json!({"cmd": "auth.health"});
    assert_eq!(command_of(&sent).as_deref(), Some("auth.health"));
    assert_eq!(command_of(&json!(sent.to_string())).as_deref(), Some("auth.health"));
    assert_eq!(command_of(&json!(json!(sent.to_string()).to_string())).as_deref(), Some("auth.health"));
    assert_eq!(command_of(&json!(" {\"cmd\" : \"auth.health\"} ")).as_deref(), Some("auth.health"));
}

#[test]
fn no_other_pattern_is_a_command() {
    let sent = json!({"cmd": "auth.health"}).to_string();
    for pattern in [
        json!("auth.health"),
        json!(json!(json!(sent).to_string()).to_string()),
        json!({"cmd": "auth.health", "version": 1}),
        json!({"cmd": 5}),
        json!({"cmd": null}),
        json!({"cmd": {"cmd": "auth.health"}}),
        json!({"CMD": "auth.health"}),
        json!({}),
        json!([["cmd", "auth.health"]]),
        json!(null),
        json!(7),
        json!(true),
    ] {
        assert_eq!(command_of(&pattern), None, "{pattern}");
    }
    let lone_surrogate = r#"{"pattern":{"cmd":"\ud800"},"data":{},"id":1}"#;
    assert_eq!(parse(lone_surrogate).command, None);
}

#[test]
fn an_id_comes_back_as_it_came() {
    for id in ["null", "7", "1e400", "-0.0", "\"3f\\u0061\"", "{\"a\": [1,  2]}", "12345678901234567890123"] {
        let packet = parse(&format!(r#"{{"pattern":"x","data":1,"id":{id}}}"#));
        let id_there = packet.id.unwrap();
        assert_eq!(id_there.get(), id);
        let written = Answer::NoHandler.write(&id_there);
        assert!(written.starts_with(&format!(r#"{{"id":{id},"status""#)), "{written}");
    }
    assert!(parse(r#"{"pattern":"x","data":1}"#).id.is_none());
}

#[test]
fn members_are_read_as_javascript_reads_them() {
    let twice =
        parse(r#"{"pattern":1,"data":1,"id":1,"metadata":{},"id":2,"p\u0061ttern":{"cmd":"b"},"data":[ 2]}"#);
    assert_eq!(
        (twice.command.as_deref(), twice.data.get(), twice.id.unwrap().get()),
        (Some("b"), "[ 2]", "2")
    );
    assert_eq!(parse(r#"{"pattern":{"cmd":"b"},"id":1}"#).data.get(), "null");
    assert_eq!(parse(r#"{"data":"alone","id":1}"#).command, None);
}

#[test]
fn json_that_is_no_packet_is_nothing_and_what_is_no_json_is_refused() {
    for text in ["null", "5", "\"{}\"", "[{\"cmd\":\"a\"},{},1]", "{}", "{\"id\":1}", " {\"other\":{}} "] {
        assert!(Packet::parse(text).unwrap().is_none(), "{text}");
    }
    let unclosed = "[".repeat(100_000);
    for text in ["", "{", "{\"pattern\":}", "{} {}", "nul", "{\"pattern\":1,\"data\":2,}", &unclosed] {
        assert!(Packet::parse(text).is_err(), "{text:.20}");
    }
}

#[test]
fn depth_is_no_way_to_exhaust_the_stack() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(Packet::parse(&deep).unwrap().is_none());
    let packet = parse(&format!(r#"{{"pattern":{deep},"data":{deep},"id":{deep}}}"#));
    assert_eq!((packet.command, packet.data.get().len()), (None, deep.len()));
    assert_eq!(parse(&format!(r#"{{"pattern":"{deep}","data":1}}"#)).command, None);
}

#[test]
fn answers_have_the_members_that_nest_writes() {
    let id = RawValue::from_string("\"a\"".to_owned()).unwrap();
    let response = RawValue::from_string(r#"{"z":1,"a":{"d":1.50}}"#.to_owned()).unwrap();
    assert_eq!(
        Answer::Response(response).write(&id),
        r#"{"response":{"z":1,"a":{"d":1.50}},"isDisposed":true,"id":"a"}"#
    );
    assert_eq!(
        Answer::Fault(fault("No \"way\"")).write(&id),
        r#"{"err":{"status":"error","message":"No \"way\""},"isDisposed":true,"id":"a"}"#
    );
    let text = "There is no matching message handler defined in the remote service.";
    assert_eq!(Answer::NoHandler.write(&id), format!(r#"{{"id":"a","status":"error","err":"{text}"}}"#));
}

/// Patterns, those that nearly are commands more often than others.
fn patterns() -> impl Strategy<Value = Value> {
    let word = prop_oneof![Just("cmd".to_owned()), "[ab.]", "[a{}:\"\\\\]{0,6}"];
    let leaf = prop_oneof![
        word.clone().prop_map(Value::String),
        any::<bool>().prop_map(Value::Bool),
        any::<i32>().prop_map(|number| json!(number)),
        Just(Value::Null),
    ];
    leaf.prop_recursive(4, 16, 3, move |inner| {
        prop_oneof![
            3 => btree_map(word.clone(), inner.clone(), 0..3).prop_map(|members| json!(members)),
            1 => vec(inner.clone(), 0..3).prop_map(Value::Array),
            1 => inner.prop_map(|value| json!(value.to_string())),
        ]
    })
}

proptest! {
    #[test]
    fn a_pattern_is_a_command_where_nest_would_find_that_commands_handler(pattern in patterns()) {
        let parsed = pattern.as_str().and_then(|text| serde_json::from_str(text).ok());
        let asked = parsed.unwrap_or_else(|| pattern.clone());
        let (command, asked) = (command_of(&pattern), route(&asked, 0));
        if let Some(command) = &command {
            prop_assert_eq!(route(&json!({"cmd": command}), 0), asked);
        } else {
            let words = ["a", "b", "cmd", "."];
            prop_assert!(words.iter().all(|word| route(&json!({"cmd": word}), 0) != asked), "{}", asked);
        }
    }

    #[test]
    fn whatever_comes_is_a_packet_or_is_not(text in "[\\[\\]{}:,\"0-9a-z\\\\ ]{0,60}") {
        let is_json = serde_json::from_str::<IgnoredAny>(&text).is_ok();
        prop_assert_eq!(Packet::parse(&text).is_ok(), is_json);
    }
}
