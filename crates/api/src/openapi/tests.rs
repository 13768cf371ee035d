use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::operation::{
    Caller, DEVICE_OPERATIONS, FORWARD_AUTH_OPERATIONS, SERVICE_OPERATIONS, STRATEGY_OPERATIONS,
};

mod refusals;
mod requests;

fn written() -> Value {
    serde_json::to_value(document("0.0.0")).unwrap()
}

/// What a row of the table says: path, method, tag, the scheme that the route demands, and the role.
type DocumentedRow = (String, String, &'static str, Option<&'static str>, Option<&'static str>);

fn rows() -> Vec<DocumentedRow> {
    let method = |method: Method| method.as_str().to_ascii_lowercase();
    let mut rows: Vec<DocumentedRow> = SERVICE_OPERATIONS
        .iter()
        .map(|operation| {
            let scheme = (operation.caller == Caller::Server).then_some("feedKey");
            (operation.route.to_owned(), "get".to_owned(), "service", scheme, None)
        })
        .collect();
    for operation in FORWARD_AUTH_OPERATIONS {
        let path = operation.route.replace("{*", "{");
        rows.push((path, "get".to_owned(), "service", Some("bearer"), None));
    }
    for operation in DEVICE_OPERATIONS {
        let tag = if operation.route.starts_with("/admin/") { "admin" } else { "device" };
        let (scheme, role) = match operation.access() {
            Access::Public => (None, None),
            Access::SignedIn => (Some("bearer"), None),
            Access::Role(role) => (Some("bearer"), Some(role.as_str())),
        };
        rows.push((operation.route.to_owned(), method(operation.method), tag, scheme, role));
    }
    for (name, scheme) in [
        ("jwt", "bearer"),
        ("session", "cookie"),
        ("hybrid", "bearer"),
        ("refresh", "bearer"),
        ("denylist", "bearer"),
        ("session-jwt", "bearer"),
    ] {
        for operation in STRATEGY_OPERATIONS {
            if let Some(path) = operation.path(name.parse().unwrap()) {
                let scheme = (operation.access() == Access::SignedIn).then_some(scheme);
                rows.push((path, method(operation.method), name, scheme, None));
            }
        }
    }
    rows
}

/// Every operation of the document: path, method, operation.
fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths
        .flat_map(|(path, item)| {
            item.as_object()
                .unwrap()
                .iter()
                .map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
        })
        .collect()
}

/// Every example of an answer: where it is, its status, its media type, the schema it belongs to, and itself.
fn examples(document: &Value) -> Vec<(String, &str, &str, &Value, &Value)> {
    let mut examples = Vec::new();
    for (path, _, operation) in operations(document) {
        for (status, response) in operation["responses"].as_object().unwrap() {
            for (media, content) in response["content"].as_object().into_iter().flatten() {
                for (name, example) in content["examples"].as_object().into_iter().flatten() {
                    let place = format!("{path} {status} {media} {name}");
                    examples.push((
                        place,
                        status.as_str(),
                        media.as_str(),
                        &content["schema"],
                        &example["value"],
                    ));
                }
            }
        }
    }
    examples
}

fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(reference) => document.pointer(reference.strip_prefix('#').unwrap()).unwrap(),
        None => schema,
    }
}

/// The parts of which a schema is made, itself among them.
fn parts<'a>(document: &'a Value, schema: &'a Value) -> Vec<&'a Value> {
    let schema = resolved(document, schema);
    let others = schema["allOf"].as_array().into_iter().flatten().flat_map(|part| parts(document, part));
    std::iter::once(schema).chain(others).collect()
}

/// Whether a value is of the kind that a schema describes, at first sight.
fn fits(document: &Value, schema: &Value, value: &Value) -> bool {
    let schema = resolved(document, schema);
    let required = schema["required"].as_array().into_iter().flatten();
    schema["type"] == type_of(value)
        && required.map(|name| name.as_str().unwrap()).all(|name| value.get(name).is_some())
}

/// Holds a value against a schema: the keywords that the document uses, and no member that is not described.
fn check(document: &Value, schema: &Value, value: &Value, place: &str) {
    let schema = resolved(document, schema);
    if let Some(choices) = schema["oneOf"].as_array() {
        let choice = choices.iter().find(|choice| fits(document, choice, value));
        return check(document, choice.expect(place), value, place);
    }
    let parts = parts(document, schema);
    for part in &parts {
        let types = part["type"].as_array().cloned().unwrap_or_else(|| vec![part["type"].clone()]);
        let has_type = !types.contains(&Value::Null);
        assert!(
            !has_type || types.iter().any(|one| one == type_of(value)),
            "{place}: {value} is none of {types:?}"
        );
        if let Some(words) = part["enum"].as_array() {
            assert!(words.contains(value), "{place}: {value}");
        }
        for required in part["required"].as_array().into_iter().flatten() {
            assert!(value.get(required.as_str().unwrap()).is_some(), "{place}: no {required}");
        }
        for item in value.as_array().into_iter().flatten() {
            check(document, &part["items"], item, place);
        }
    }
    for (name, member) in value.as_object().into_iter().flatten() {
        let property = parts.iter().find_map(|part| part["properties"].get(name));
        check(
            document,
            property.unwrap_or_else(|| panic!("{place}: {name}")),
            member,
            &format!("{place} {name}"),
        );
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[test]
fn the_document_is_the_one_that_was_reviewed() {
    insta::assert_json_snapshot!("document", document("0.0.0"));
}

#[test]
fn it_says_that_it_is_3_1() {
    let document = written();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["version"], "0.0.0");
}

// ASVS-map: TN4
#[test]
fn every_row_of_the_table_is_there_once_with_its_access_and_nothing_else_is() {
    let document = written();
    let mut expected = rows();
    let mut found: Vec<DocumentedRow> = Vec::new();
    for (path, method, operation) in operations(&document) {
        let tag = expected.iter().find(|row| row.0 == path).expect(path).2;
        assert_eq!(operation["tags"], serde_json::json!([tag]), "{path}");
        let demanded = operation["security"].as_array().expect("access is said, even where it is public");
        let known = ["cookie", "feedKey", "bearer"];
        let scheme = demanded
            .first()
            .map(|one| known.into_iter().find(|name| one.get(name).is_some()).expect("a known scheme"));
        let role = demanded.first().and_then(|one| one["bearer"][0].as_str());
        let role = role.map(|role| if role == "admin" { "admin" } else { "unknown" });
        found.push((path.to_owned(), method.to_owned(), tag, scheme, role));
        for requirement in demanded {
            let (name, roles) = requirement.as_object().unwrap().iter().next().unwrap();
            assert!(document["components"]["securitySchemes"].get(name).is_some(), "{path} {name}");
            assert_eq!(roles.as_array().unwrap().len(), usize::from(role.is_some()), "{path}");
        }
    }
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
}

#[test]
fn operations_have_ids_of_their_own_and_strategies_tags() {
    let document = written();
    let operations = operations(&document);
    let ids: BTreeSet<_> =
        operations.iter().map(|(_, _, operation)| operation["operationId"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), operations.len());
    for id in [
        "jwtLogin",
        "sessionJwtLogin",
        "refreshRefresh",
        "denylistPassword",
        "deviceVerifyLogin",
        "adminUsers",
        "tenantJwks",
    ] {
        assert!(ids.contains(id), "{id}");
    }
    let tags: Vec<_> =
        document["tags"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap()).collect();
    assert_eq!(
        tags,
        ["device", "admin", "jwt", "session", "hybrid", "refresh", "denylist", "session-jwt", "service"]
    );
}

#[test]
fn every_reference_leads_somewhere_and_every_schema_is_referred_to() {
    let document = written();
    let text = document.to_string();
    let references: BTreeSet<&str> =
        text.split("\"$ref\":\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(references.len() > 20);
    for reference in &references {
        assert!(document.pointer(reference.strip_prefix('#').unwrap()).is_some(), "{reference}");
    }
    for kind in ["schemas", "headers", "parameters"] {
        for name in document["components"][kind].as_object().unwrap().keys() {
            assert!(references.contains(format!("#/components/{kind}/{name}").as_str()), "{kind} {name}");
        }
    }
}

#[test]
fn every_answer_is_described_by_its_schema_member_by_member() {
    let document = written();
    let examples = examples(&document);
    assert!(examples.len() > 400, "{}", examples.len());
    for (place, _, _, schema, value) in examples {
        check(&document, schema, value, &place);
    }
}

#[test]
fn every_operation_but_a_page_and_those_of_the_service_shows_what_it_answers() {
    let document = written();
    for (path, method, operation) in operations(&document) {
        if (method, path) == ("get", "/auth/password/reset") {
            continue;
        }
        let success = if operation["responses"].get("201").is_some() { "201" } else { "200" };
        let shown =
            &operation["responses"][success]["content"]["application/json"]["examples"]["answer"]["value"];
        assert_eq!(shown.is_object(), operation["tags"] != serde_json::json!(["service"]), "{path}");
    }
}

#[test]
fn only_strategies_with_refresh_tokens_show_a_device_proof() {
    let document = written();
    let with_native: Vec<_> = operations(&document)
        .into_iter()
        .filter(|(_, _, operation)| {
            operation["responses"]["201"]["content"]["application/json"]["examples"].get("native").is_some()
        })
        .map(|(path, ..)| path)
        .collect();
    assert_eq!(with_native, ["/auth/denylist/login", "/auth/login/verify", "/auth/refresh/login"]);
}

/// The names of an operation's examples that have this status.
fn names<'a>(operation: &'a Value, status: &str) -> BTreeSet<&'a str> {
    let content = &operation["responses"][status]["content"]["application/json"];
    content["examples"].as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect()
}

#[test]
fn every_sign_up_shows_what_a_tenant_answers_that_hides_who_has_an_account() {
    let document = written();
    for (path, _, operation) in operations(&document) {
        let is_sign_up = path == "/auth/signup" || path.ends_with("/register");
        assert_eq!(names(operation, "201").contains("hidden"), is_sign_up, "{path}");
        let hidden = &operation["responses"]["201"]["content"]["application/json"]["examples"]["hidden"];
        assert!(hidden["value"].is_null() || hidden["value"]["data"].is_null(), "{path}");
    }
}

#[test]
fn lists_are_cut_by_cursor_and_limit_and_say_where_to_go_on() {
    let document = written();
    for (path, usual, others) in [
        ("/auth/sessions", 500, "ended"),
        ("/admin/users", 50, "search"),
        ("/admin/users/{userId}/sessions", 50, "ended"),
    ] {
        let list = &document["paths"][path]["get"];
        let parameters = list["parameters"].as_array().unwrap();
        let in_query: Vec<_> = parameters.iter().filter(|one| one["in"] == "query").collect();
        let called: Vec<_> = in_query.iter().map(|one| one["name"].as_str().unwrap()).collect();
        assert_eq!(called, ["cursor", "limit", others], "{path}");
        let limit = &in_query[1]["schema"];
        assert_eq!((&limit["default"], &limit["maximum"]), (&usual.into(), &500.into()), "{path}");
        for example in ["answer", "lastPage"] {
            let shown = &list["responses"]["200"]["content"]["application/json"]["examples"][example];
            let next = shown["value"].pointer("/meta/next").expect(path);
            assert_eq!(next.is_string(), example == "answer", "{path}");
        }
    }
}

#[test]
fn whatever_hands_out_a_credential_says_that_it_must_not_be_kept() {
    let document = written();
    let mut credentials = 0;
    for (path, _, operation) in operations(&document) {
        for (status, response) in operation["responses"].as_object().unwrap() {
            let shown = response["content"].to_string().to_ascii_lowercase();
            let shown = shown.contains("eyj") || response["headers"].get("Set-Cookie").is_some();
            let cleared = path.ends_with("/logout");
            if shown && !cleared {
                credentials += 1;
                assert!(response["headers"].get("Cache-Control").is_some(), "{path} {status}");
            }
        }
    }
    // Six sign-ins, two refreshes, and what may send a cookie again; both steps of a device's sign-in, and its refresh.
    assert_eq!(credentials, 13);
}

#[test]
fn whatever_needs_a_tenant_and_is_no_link_of_a_mail_takes_it_from_a_header() {
    let links = ["/auth/unlock", "/auth/password/reset", "/auth/health"];
    let document = written();
    for (path, _, operation) in operations(&document) {
        let reference = &operation["parameters"][0]["$ref"];
        let is_service = operation["tags"][0] == "service";
        let expected = !is_service && !links.contains(&path);
        assert_eq!(reference == "#/components/parameters/Tenant", expected, "{path}");
    }
    assert_eq!(document["components"]["parameters"]["Tenant"]["name"], "x-tenant-id");
}

#[test]
fn every_part_of_a_path_is_described_once() {
    let document = written();
    for (path, _, operation) in operations(&document) {
        let parts = path.split('/').filter_map(|part| part.find('{').and_then(|at| part.get(at..)));
        let parts: Vec<_> = parts.collect();
        let described =
            operation["parameters"].as_array().into_iter().flatten().filter(|one| one["in"] == "path");
        let described: Vec<_> =
            described.map(|one| format!("{{{}}}", one["name"].as_str().unwrap())).collect();
        assert_eq!(described, parts, "{path}");
    }
}

#[test]
fn only_what_a_page_posts_may_be_a_form() {
    let document = written();
    let forms: Vec<_> = operations(&document)
        .into_iter()
        .filter(|(_, _, operation)| {
            operation["requestBody"]["content"].get("application/x-www-form-urlencoded").is_some()
        })
        .map(|(path, method, _)| (method, path))
        .collect();
    assert_eq!(forms, [("post", "/auth/password/reset"), ("post", "/auth/unlock")]);
}
