//! Requests that a service declares for itself.

use portcullis_core::email::Email;
use portcullis_core::id::UserId;
use portcullis_core::mobile::Mobile;
use portcullis_core::password::Password;
use portcullis_core::secret::PlainSecret;
use portcullis_core::user::{PersonName, Role};
use portcullis_core::username::{LoginName, Username};

use super::*;
use crate::request::{NewPassword, NonEmptyText};

crate::body! {
    /// A member of each type.
    struct EveryMember {
        email: Email,
        login: LoginName,
        mobile: Mobile,
        title: NonEmptyText,
        password: Password,
        chosen: NewPassword<8>,
        name: PersonName = "displayName",
        token: PlainSecret = "refreshToken",
        role: Role,
        owner: UserId,
        text: String,
        username: Username,
        done: bool,
        share: f64,
        count: i64,
        note: Option<NonEmptyText>,
    }

    /// One that may be absent.
    struct Page {
        limit: Option<i64>,
    }
}

fn good() -> Value {
    json!({
        "email": "ann@example.com", "login": "root", "mobile": "+49 170 1234567", "title": "T", "password": "p", "chosen": "eight ch",
        "displayName": "Ann", "refreshToken": "t", "role": "manager",
        "owner": "019c06aa-b377-7c04-9e2f-6a1d83b5c770", "text": "", "username": "root", "done": true,
        "share": 0.5, "count": 7, "note": "n", "more": {},
    })
}

#[test]
fn each_member_is_read_as_its_type() {
    let Ok(read) = EveryMember::read_body(&body(&good())) else { panic!("a good body is refused") };
    let EveryMember { email, login, mobile, title, password, name, token, role, owner, .. } = &read;
    assert_eq!(
        (email.as_typed(), login.canonical(), mobile.as_str()),
        ("ann@example.com", "root", "+491701234567")
    );
    assert_eq!((title.0.as_str(), password.characters(), name.full()), ("T", 1, "Ann"));
    assert_eq!((token.reveal(), *role, read.chosen.0.characters()), ("t", Role::Manager, 8));
    assert_eq!(owner.to_string(), "019c06aa-b377-7c04-9e2f-6a1d83b5c770");
    assert_eq!((read.text.as_str(), read.username.canonical(), read.done), ("", "root", true));
    assert_eq!((read.share, read.count, read.note), (0.5, 7, Some(NonEmptyText("n".to_owned()))));
}

#[test]
fn what_is_missing_has_one_message_each_in_the_order_of_the_declaration() {
    let expected = [
        "email must be an email",
        "login should not be empty",
        "mobile must be a valid phone number",
        "title should not be empty",
        "password should not be empty",
        "chosen should not be empty",
        "displayName must be a string",
        "refreshToken must be a string",
        "role must be one of the following values: user, manager, admin",
        "owner must be a UUID",
        "text must be a string",
        "username should not be empty",
        "done must be a boolean value",
        "share must be a number conforming to the specified constraints",
        "count must be an integer number",
    ];
    assert_eq!(faults(EveryMember::read_body(&Body::default())), expected);
}

#[test]
fn a_wrong_type_has_a_message_and_nothing_is_guessed() {
    for (name, value, message) in [
        ("title", json!(7), "title must be a string"),
        ("title", json!(""), "title should not be empty"),
        ("text", json!(["a"]), "text must be a string"),
        ("done", json!("true"), "done must be a boolean value"),
        ("done", json!(0), "done must be a boolean value"),
        ("count", json!(1.5), "count must be an integer number"),
        ("count", json!("1"), "count must be an integer number"),
        ("owner", json!("019c06aab3777c049e2f6a1d83b5c770"), "owner must be a UUID"),
        ("title", json!("a\0b"), "title must not contain NUL characters"),
        ("text", json!("\0"), "text must not contain NUL characters"),
        ("chosen", json!("seven c"), "chosen must be longer than or equal to 8 characters"),
        ("chosen", json!(""), "chosen should not be empty"),
        ("note", json!(""), "note should not be empty"),
        ("note", json!(false), "note must be a string"),
    ] {
        assert_eq!(faults(EveryMember::read_body(&body(&with(&good(), name, Some(value))))), [message]);
    }
}

#[test]
fn an_optional_member_may_be_absent_or_null() {
    for (text, limit) in [("{}", None), (r#"{"limit": null}"#, None), (r#"{"limit": 3}"#, Some(3))] {
        let read = Page::read_body(&Body::parse(text.as_bytes()).unwrap());
        assert_eq!(read.map(|page| page.limit), Ok(limit), "{text}");
    }
}
