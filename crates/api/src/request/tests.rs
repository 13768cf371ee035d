use proptest::prelude::*;
use serde_json::json;

use portcullis_core::password::PasswordPolicy;

use super::*;

mod any_input;
mod own;

const DEVELOPMENT: PasswordPolicy = PasswordPolicy::DEVELOPMENT;

fn body(value: &Value) -> Body {
    Body::parse(value.to_string().as_bytes()).unwrap()
}

fn faults<T>(read: Result<T, RequestFaults>) -> Vec<String> {
    read.err().map(RequestFaults::into_messages).unwrap_or_default()
}

fn sign_up(value: &Value, names: NameForm) -> Vec<String> {
    faults(RegisterBody::read_as(names, &body(value), &DEVELOPMENT))
}

fn password_sign_in(value: &Value) -> Vec<String> {
    faults(LoginBody::read(&body(value)))
}

/// `template` with one member replaced; without a value the member is missing.
fn with(template: &Value, name: &str, value: Option<Value>) -> Value {
    let mut members = template.as_object().unwrap().clone();
    members.remove(name);
    members.extend(value.map(|value| (name.to_owned(), value)));
    Value::Object(members)
}

/// Each value of `name`, and the one message about it.
fn say(template: &Value, name: &str, table: &[(Option<Value>, &str)], read: impl Fn(&Value) -> Vec<String>) {
    assert_eq!(read(template), [""; 0]);
    for (value, message) in table {
        assert_eq!(read(&with(template, name, value.clone())), [*message], "{name} {value:?}");
    }
}

fn ann() -> Value {
    json!({"email": "ann@example.com", "password": "vexed quilt", "name": "Ann Droid"})
}

#[test]
fn an_email_has_one_message_whatever_is_wrong_with_it() {
    let message = "email must be an email";
    let long = format!("{}@example.com", "a".repeat(65));
    let table = [
        None,
        Some(json!(null)),
        Some(json!("")),
        Some(json!(7)),
        Some(json!(["ann@example.com"])),
        Some(json!({"$ne": null})),
        Some(json!("ann")),
        Some(json!("ann@")),
        Some(json!("ann@example")),
        Some(json!("an n@example.com")),
        Some(json!("ann@example.com\r\nBcc: all@example.com")),
        Some(json!("an\u{0}n@example.com")),
        Some(json!(long)),
    ]
    .map(|value| (value, message));
    say(&ann(), "email", &table, |value| sign_up(value, NameForm::Full));
    say(&ann(), "email", &table, password_sign_in);
}

#[test]
fn a_password_is_due_and_a_string() {
    let table = [
        (None, "password should not be empty"),
        (Some(json!(null)), "password should not be empty"),
        (Some(json!("")), "password should not be empty"),
        (Some(json!(12_345_678)), "password must be a string"),
        (Some(json!(true)), "password must be a string"),
        (Some(json!(["vexed quilt"])), "password must be a string"),
        (Some(json!({})), "password must be a string"),
    ];
    say(&ann(), "password", &table, |value| sign_up(value, NameForm::Full));
    say(&ann(), "password", &table, password_sign_in);
}

// ASVS-map: PW7
#[test]
fn a_password_of_1025_bytes_is_refused_by_its_length_before_anything_else_is_done_with_it() {
    let message = "password must be shorter than or equal to 1024 bytes";
    let table = [
        (Some(json!("x".repeat(1025))), message),
        (Some(json!("é".repeat(513))), message),
        (Some(json!("x".repeat(1_000_000))), message),
    ];
    say(&ann(), "password", &table, |value| sign_up(value, NameForm::Full));
    say(&ann(), "password", &table, password_sign_in);
    assert_eq!(password_sign_in(&with(&ann(), "password", Some(json!("x".repeat(1024))))), [""; 0]);
}

// ASVS-map: PW1
#[test]
fn a_password_is_held_against_the_policy_where_it_is_set_and_nowhere_else() {
    let short = with(&ann(), "password", Some(json!("1234567")));
    assert_eq!(sign_up(&short, NameForm::Full), ["password must be longer than or equal to 8 characters"]);
    assert_eq!(password_sign_in(&short), [""; 0]);
    let read = |text: &str| {
        let body = body(&with(&ann(), "password", Some(json!(text))));
        faults(RegisterBody::read_as(NameForm::Full, &body, &PasswordPolicy::SINGLE_FACTOR))
    };
    assert_eq!(read("vexed quilt fo"), ["password must be longer than or equal to 15 characters"]);
    assert_eq!(read("vexed quilt fog"), [""; 0]);
    assert_eq!(read("passwordpassword"), ["password must not be a commonly used one"]);
}

// ASVS-map: PW2
#[test]
fn a_password_may_contain_a_nul_byte_and_spaces_at_its_ends() {
    for text in ["vexed\u{0}quilt", " vexed quilt ", "密码密码密码密码", "\u{7f}\u{1b}[2Jquilt"] {
        let value = with(&ann(), "password", Some(json!(text)));
        assert_eq!(sign_up(&value, NameForm::Full), [""; 0], "{text:?}");
    }
}

fn name_faults() -> [(Value, &'static str); 5] {
    [
        (json!(7), "must be a string"),
        (json!(["Ann"]), "must be a string"),
        (json!("   "), "should not be empty"),
        (json!("x".repeat(201)), "must be shorter than or equal to 200 characters"),
        (json!("Ann\u{0}Droid"), "must not contain control characters"),
    ]
}

#[test]
fn a_name_has_one_message_whatever_is_wrong_with_it() {
    for (value, fault) in name_faults() {
        let value = with(&ann(), "name", Some(value));
        assert_eq!(sign_up(&value, NameForm::Full), [format!("name {fault}")]);
        assert_eq!(sign_up(&value, NameForm::Parts), [format!("name {fault}")]);
    }
    for missing in [None, Some(json!(null))] {
        assert_eq!(sign_up(&with(&ann(), "name", missing), NameForm::Full), ["name must be a string"]);
    }
}

#[test]
fn a_name_in_parts_has_a_message_for_each_part() {
    let parts = json!({"email": "ann@example.com", "password": "vexed quilt", "firstName": "Ann", "lastName": "Droid"});
    for part in ["firstName", "lastName"] {
        for (value, fault) in name_faults() {
            let value = with(&parts, part, Some(value));
            assert_eq!(sign_up(&value, NameForm::Parts), [format!("{part} {fault}")]);
        }
    }
    assert_eq!(sign_up(&with(&parts, "firstName", None), NameForm::Parts), ["firstName must be a string"]);
    assert_eq!(sign_up(&with(&parts, "lastName", None), NameForm::Parts), [""; 0]);
    let neither = json!({"email": "ann@example.com", "password": "vexed quilt"});
    assert_eq!(sign_up(&neither, NameForm::Parts), ["firstName must be a string"]);
    assert_eq!(sign_up(&parts, NameForm::Full), ["name must be a string"]);
}

#[test]
fn what_is_given_of_a_name_is_kept() {
    let read = |mut value: Value, members: Value| {
        value.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        RegisterBody::read_as(NameForm::Parts, &body(&value), &DEVELOPMENT)
    };
    let named = |members: Value| read(ann(), members).unwrap().name;
    let parts = named(json!({"firstName": "Jo", "lastName": "Bloggs"}));
    assert_eq!((parts.full(), parts.first(), parts.last()), ("Jo Bloggs", "Jo", Some("Bloggs")));
    for (half, first, last) in [
        (json!({}), "Ann Droid", None),
        (json!({"firstName": "Jo"}), "Jo", None),
        (json!({"lastName": "Bloggs"}), "Ann Droid", Some("Bloggs")),
        (json!({"firstName": null, "lastName": null}), "Ann Droid", None),
    ] {
        let whole = named(half);
        assert_eq!((whole.full(), whole.first(), whole.last()), ("Ann Droid", first, last));
    }
    let alone = read(with(&ann(), "name", None), json!({"firstName": "Jo"})).unwrap().name;
    assert_eq!((alone.full(), alone.first(), alone.last()), ("Jo", "Jo", None));
    // A part of a wrong type is not passed over because there is a name.
    let wrong = faults(read(ann(), json!({"firstName": 7, "lastName": ["Bloggs"]})));
    assert_eq!(wrong, ["firstName must be a string", "lastName must be a string"]);
}

#[test]
fn native_is_a_boolean_or_absent() {
    let wrong = [json!("true"), json!(1), json!([]), json!({})]
        .map(|value| (Some(value), "native must be a boolean value"));
    say(&ann(), "native", &wrong, password_sign_in);
    for (value, native) in
        [(None, false), (Some(json!(null)), false), (Some(json!(false)), false), (Some(json!(true)), true)]
    {
        assert_eq!(LoginBody::read(&body(&with(&ann(), "native", value))).unwrap().native, native);
    }
}

#[test]
fn every_fault_is_told_at_once_in_the_order_of_the_members() {
    let value = json!({"native": "yes"});
    assert_eq!(
        password_sign_in(&value),
        ["email must be an email", "password should not be empty", "native must be a boolean value"]
    );
    assert_eq!(
        sign_up(&value, NameForm::Full),
        ["email must be an email", "password should not be empty", "name must be a string"]
    );
    let read = faults(ChangePasswordBody::read(&body(&value), &DEVELOPMENT));
    assert_eq!(read, ["currentPassword should not be empty", "newPassword should not be empty"]);
}

#[test]
fn a_change_of_password_names_the_member_that_is_wrong() {
    let good = json!({"currentPassword": "old", "newPassword": "vexed quilt"});
    let read = |value: &Value| faults(ChangePasswordBody::read(&body(value), &DEVELOPMENT));
    let current = [
        (None, "currentPassword should not be empty"),
        (Some(json!(1)), "currentPassword must be a string"),
        (Some(json!("x".repeat(1025))), "currentPassword must be shorter than or equal to 1024 bytes"),
    ];
    say(&good, "currentPassword", &current, read);
    let new = [
        (None, "newPassword should not be empty"),
        (Some(json!(1)), "newPassword must be a string"),
        (Some(json!("1234567")), "newPassword must be longer than or equal to 8 characters"),
        (Some(json!("x".repeat(1025))), "newPassword must be shorter than or equal to 1024 bytes"),
    ];
    say(&good, "newPassword", &new, read);
}

#[test]
fn a_refresh_token_has_three_spellings_and_a_device_proof_two_and_the_first_counts() {
    let read = |value: Value| {
        let RefreshBody { token, device_secret } = RefreshBody::read(&body(&value)).unwrap();
        [token, device_secret].map(|secret| secret.map(|secret| secret.reveal().to_owned()))
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(read(json!({})), [None, None]);
    assert_eq!(read(json!({"refresh_token": "a", "device_secret": "d"})), [some("a"), some("d")]);
    assert_eq!(read(json!({"refreshToken": "b", "deviceSecret": "e"})), [some("b"), some("e")]);
    assert_eq!(read(json!({"token": "c"})), [some("c"), None]);
    let all = json!({"token": "c", "refreshToken": "b", "refresh_token": "a", "deviceSecret": "e", "device_secret": "d"});
    assert_eq!(read(all), [some("a"), some("d")]);
    assert_eq!(read(json!({"token": "c", "refreshToken": "b"})), [some("b"), None]);
    assert_eq!(read(json!({"token": "c", "refresh_token": null})), [some("c"), None]);
}

#[test]
fn a_refresh_token_of_the_wrong_type_is_called_by_the_name_it_came_under() {
    let read = |value: Value| faults(RefreshBody::read(&body(&value)));
    for name in ["refresh_token", "refreshToken", "token", "device_secret", "deviceSecret"] {
        for value in [json!(1), json!(["a"]), json!({}), json!(false)] {
            assert_eq!(read(json!({name: value})), [format!("{name} must be a string")]);
        }
    }
    // The first spelling counts, even where another one would do.
    assert_eq!(read(json!({"refresh_token": 1, "token": "c"})), ["refresh_token must be a string"]);
}

#[test]
fn a_body_that_is_no_object_has_no_members() {
    for text in ["[]", "[1, 2]", "\"email\"", "17", "-0.5e3", "true", "null", ""] {
        let body = Body::parse(text.as_bytes()).unwrap();
        assert_eq!(
            faults(LoginBody::read(&body)),
            ["email must be an email", "password should not be empty"],
            "{text:?}"
        );
        assert!(RefreshBody::read(&body).unwrap().token.is_none(), "{text:?}");
    }
}

#[test]
fn what_is_not_json_is_not_read() {
    for text in [
        " ",
        "{",
        "{}{}",
        "{'email': 1}",
        "{\"email\": }",
        "{\"a\": 1,}",
        "// {}",
        "NaN",
        "\u{feff}\u{feff}{}",
        "{\u{feff}}",
        "{\"a\": \"\\ud800\"}",
        "{\"a\": \"\u{1}\"}",
        "email=ann%40example.com",
    ] {
        assert_eq!(Body::parse(text.as_bytes()), Err(NotJson), "{text:?}");
    }
    assert_eq!(Body::parse("\u{feff}{\"a\":1}".as_bytes()), Body::parse(br#"{"a":1}"#));
    assert_eq!(Body::parse("\u{feff}".as_bytes()), Ok(Body::default()));
}

#[test]
fn what_is_not_utf_8_is_not_json() {
    for bytes in [&b"{\"email\": \"\xff\"}"[..], b"\xc3\x28", b"{\"a\": \"\xed\xa0\x80\"}", b"\xff\xfe{\0}\0"]
    {
        assert_eq!(Body::parse(bytes), Err(NotJson), "{bytes:?}");
    }
}

#[test]
fn json_that_is_nested_ten_thousand_deep_is_refused_and_overflows_nothing() {
    let deep =
        |open: &str, inner: &str, close: &str, depth| open.repeat(depth) + inner + &close.repeat(depth);
    for (open, inner, close) in [("[", "", "]"), ("{\"a\":", "1", "}")] {
        assert_eq!(Body::parse(deep(open, inner, close, 10_000).as_bytes()), Err(NotJson));
        assert_eq!(Body::parse(open.repeat(10_000).as_bytes()), Err(NotJson));
        assert!(Body::parse(deep(open, inner, close, 100).as_bytes()).is_ok());
    }
}

#[test]
fn of_a_member_that_comes_twice_the_last_one_counts_as_in_a_browser() {
    let text = br#"{"email": "eve@example.com", "password": "first", "email": "ann@example.com", "password": "last"}"#;
    let body = Body::parse(text).unwrap();
    let read = LoginBody::read(&body).unwrap();
    assert_eq!(read.email.as_typed(), "ann@example.com");
    assert_eq!(read.password.characters(), "last".len());
}

#[test]
fn members_that_nobody_asked_for_are_ignored() {
    let mut value = ann();
    let more = json!({"id": 1, "role": "admin", "tenant": "other", "tenantId": [], "email_verified": true, "__proto__": {}});
    value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let plain = RegisterBody::read_as(NameForm::Full, &body(&ann()), &DEVELOPMENT).unwrap();
    let read = RegisterBody::read_as(NameForm::Full, &body(&value), &DEVELOPMENT).unwrap();
    assert_eq!((read.email, read.name), (plain.email, plain.name));
}

// ASVS-map: LG1
#[test]
fn what_was_read_shows_no_secret() {
    let value = with(&ann(), "native", Some(json!(true)));
    let read = LoginBody::read(&body(&value)).unwrap();
    assert!(!format!("{read:?} {:?}", body(&value)).contains("quilt"));
    let read = RefreshBody::read(&body(&json!({"token": "hunter2", "deviceSecret": "hunter3"}))).unwrap();
    assert!(!format!("{read:?}").contains("hunter"));
    let read = sign_up(&json!({"email": "hunter2", "password": 7, "name": ["hunter2"]}), NameForm::Full);
    assert!(!read.concat().contains("hunter"));
}
