//! Lists and tasks, and whose they are.

use serde_json::json;
use tempfile::TempDir;

use super::service::{ServiceProcess, text};
use super::{Member, NOT_FOUND, messages, service};

const UNKNOWN: &str = "0123456789abcdef01234567";

#[test]
fn stories() {
    let folder = TempDir::new().unwrap();
    let service = service(&folder);
    lists_and_tasks_come_and_go(&service);
    another_users_list_does_not_exist(&service);
    what_is_wrong_is_named(&service);
}

pub(super) fn lists_and_tasks_come_and_go(service: &ServiceProcess) {
    let bob = Member::sign_up(service, "bob");
    assert_eq!(bob.get("/lists").said(), (200, "[]"));
    let new = json!({ "title": "Groceries", "description": "For Sunday" });
    let created = bob.ask("POST", "/lists", Some(&new));
    let (id, owner) = (text(&created.json(), "_id"), text(&created.json(), "owner"));
    assert!(id.len() == 24 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    assert_eq!(owner, text(&bob.get("/users/current").json(), "id"));
    let list = |title: &str, description: &str| {
        format!(r#"{{"_id":"{id}","title":"{title}","description":{description},"owner":"{owner}"}}"#)
    };
    assert_eq!(created.said(), (201, list("Groceries", r#""For Sunday""#).as_str()));
    let second = bob.list("Books");
    let all = bob.get("/lists").json();
    assert_eq!([text(&all[0], "_id"), text(&all[1], "_id")], [id.clone(), second.clone()]);
    assert_eq!(all[1]["description"], json!(null));

    let path = format!("/lists/{id}");
    let changed = bob.ask("PUT", &path, Some(&json!({ "title": "Food" })));
    assert_eq!(changed.said(), (200, list("Food", r#""For Sunday""#).as_str()));
    let changed = bob.ask("PUT", &path, Some(&json!({ "title": "Food", "description": "" })));
    assert_eq!(changed.said(), (200, list("Food", r#""""#).as_str()));

    let bread = bob.ask("POST", &path, Some(&json!({ "title": "Bread" })));
    let tid = text(&bread.json(), "_id");
    let task = |title: &str, completed: bool| {
        format!(r#"{{"_id":"{tid}","title":"{title}","completed":{completed},"listId":"{id}"}}"#)
    };
    assert_eq!(bread.said(), (201, task("Bread", false).as_str()));
    let milk = bob.ask("POST", &path, Some(&json!({ "title": "Milk", "completed": true }))).json();
    assert_eq!(milk["completed"], json!(true));
    let task_path = format!("{path}/{tid}");
    let done = bob.ask("PUT", &task_path, Some(&json!({ "completed": true })));
    assert_eq!(done.said(), (200, task("Bread", true).as_str()));
    let renamed = bob.ask("PUT", &task_path, Some(&json!({ "title": "Rye bread" })));
    assert_eq!(renamed.said(), (200, task("Rye bread", true).as_str()));

    let whole = bob.get(&path);
    let head = list("Food", r#""""#);
    let head = head.trim_end_matches('}');
    let milk = milk.as_object().unwrap();
    let milk = format!(r#"{{"_id":{},"title":"Milk","completed":true,"listId":"{id}"}}"#, milk["_id"]);
    let expected = format!(r#"{head},"tasks":[{},{milk}]}}"#, task("Rye bread", true));
    assert_eq!(whole.said(), (200, expected.as_str()));

    assert_eq!(bob.ask("DELETE", &task_path, None).said(), (200, task("Rye bread", true).as_str()));
    assert_eq!(bob.ask("DELETE", &task_path, None).said(), NOT_FOUND);
    assert_eq!(bob.ask("PUT", &task_path, Some(&json!({}))).said(), NOT_FOUND);
    assert_eq!(bob.ask("DELETE", &path, None).said(), (200, list("Food", r#""""#).as_str()));
    assert_eq!(bob.get(&path).said(), NOT_FOUND);
    assert_eq!(bob.get("/lists").json().as_array().unwrap().len(), 1);
    // A task of a list that is gone is gone, too.
    let other = format!("/lists/{second}/{tid}");
    assert_eq!(bob.ask("DELETE", &other, None).said(), NOT_FOUND);
}

pub(super) fn another_users_list_does_not_exist(service: &ServiceProcess) {
    let (cid, dan) = (Member::sign_up(service, "cid"), Member::sign_up(service, "dan"));
    let (foreign, own) = (cid.list("Secret"), dan.list("Own"));
    let task = cid.ask("POST", &format!("/lists/{foreign}"), Some(&json!({ "title": "Mine" }))).json();
    let task = text(&task, "_id");
    let title = json!({ "title": "Stolen" });
    for list in [foreign.as_str(), UNKNOWN] {
        let path = format!("/lists/{list}");
        for (method, body) in [("GET", None), ("POST", Some(&title)), ("PUT", Some(&title)), ("DELETE", None)]
        {
            assert_eq!(dan.ask(method, &path, body).said(), NOT_FOUND, "{method} {path}");
        }
    }
    // Nor is it reached by way of a list of one's own.
    for list in [&foreign, &own] {
        let path = format!("/lists/{list}/{task}");
        assert_eq!(dan.ask("PUT", &path, Some(&title)).said(), NOT_FOUND);
        assert_eq!(dan.ask("DELETE", &path, None).said(), NOT_FOUND);
    }
    assert_eq!(dan.get("/lists").json().as_array().unwrap().len(), 1);
    let kept = cid.get(&format!("/lists/{foreign}")).json();
    assert_eq!(
        (text(&kept, "title"), text(&kept["tasks"][0], "title")),
        ("Secret".to_owned(), "Mine".to_owned())
    );
}

fn what_is_wrong_is_named(service: &ServiceProcess) {
    let eve = Member::sign_up(service, "eve");
    let list = format!("/lists/{}", eve.list("Own"));
    let title = json!({ "title": "T" });
    for (method, path, faults) in [
        ("GET", "/lists/7", vec!["id must be a mongodb id"]),
        ("DELETE", "/lists/0123456789abcdef0123456g", vec!["id must be a mongodb id"]),
        ("PUT", "/lists/7", vec!["id must be a mongodb id"]),
        ("PUT", "/lists/7/8", vec!["id must be a mongodb id", "tid must be a mongodb id"]),
        ("DELETE", &format!("{list}/8"), vec!["tid must be a mongodb id"]),
    ] {
        assert_eq!(messages(&eve.ask(method, path, Some(&title))), faults, "{method} {path}");
    }
    let task = format!("{list}/{UNKNOWN}");
    for (method, path, body, fault) in [
        ("POST", "/lists", json!({}), "title should not be empty"),
        ("POST", "/lists", json!({ "title": "" }), "title should not be empty"),
        ("POST", "/lists", json!({ "title": 7 }), "title must be a string"),
        ("POST", "/lists", json!({ "title": "a\0" }), "title must not contain NUL characters"),
        ("POST", "/lists", json!({ "title": "T", "description": 7 }), "description must be a string"),
        ("PUT", &list, json!({ "title": "" }), "title should not be empty"),
        ("POST", &list, json!({ "title": "T", "completed": "yes" }), "completed must be a boolean value"),
        ("PUT", &task, json!({ "completed": 1 }), "completed must be a boolean value"),
    ] {
        assert_eq!(messages(&eve.ask(method, path, Some(&body))), [fault], "{method} {path} {body}");
    }
    assert_eq!(eve.ask("PUT", &task, Some(&title)).said(), NOT_FOUND);
}
