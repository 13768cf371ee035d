use std::fmt::Debug;

use portcullis_core::id::UserId;
use portcullis_core::store::Page;
use portcullis_core::user::Role;
use proptest::prelude::*;
use serde_json::{Value, json};

use portcullis_core::password::PasswordPolicy;

use super::*;
use crate::request::{Body, RequestFaults};

mod forms;

const DEVELOPMENT: PasswordPolicy = PasswordPolicy::DEVELOPMENT;
const ID: &str = "019c06aa-b377-7a3e-8c51-5b7d1f0e9a42";

fn faults<T>(read: Result<T, RequestFaults>) -> Vec<String> {
    read.err().map(RequestFaults::into_messages).unwrap_or_default()
}

/// Each value of `name` in `template`, and the one message about it; without a value the member is missing.
fn say<T>(
    template: &Value,
    name: &str,
    read: impl Fn(&Body) -> Result<T, RequestFaults>,
    table: impl IntoIterator<Item = (Option<Value>, String)>,
) {
    assert_eq!(faults(read(&Body::from(template.clone()))), [""; 0], "{template}");
    for (value, message) in table {
        let mut members = template.as_object().unwrap().clone();
        members.remove(name);
        members.extend(value.clone().map(|value| (name.to_owned(), value)));
        assert_eq!(faults(read(&Body::from(Value::Object(members)))), [message], "{name} {value:?}");
    }
}

/// What a text that must be there is told when it is not.
fn due(name: &str) -> [(Option<Value>, String); 5] {
    let (empty, text) = (format!("{name} should not be empty"), format!("{name} must be a string"));
    [
        (None, empty.clone()),
        (Some(json!(null)), empty.clone()),
        (Some(json!("")), empty),
        (Some(json!(7)), text.clone()),
        (Some(json!({"$ne": null})), text),
    ]
}

fn always(values: impl IntoIterator<Item = Option<Value>>, message: &str) -> Vec<(Option<Value>, String)> {
    values.into_iter().map(|value| (value, message.to_owned())).collect()
}

fn not_uuids() -> Vec<Option<Value>> {
    let texts = ["", "7", "019c06aab3777a3e8c515b7d1f0e9a42", "{019c06aa-b377-7a3e-8c51-5b7d1f0e9a42}"];
    let others = [None, Some(json!(null)), Some(json!(7)), Some(json!([ID])), Some(json!(format!("{ID}\n")))];
    others.into_iter().chain(texts.map(|text| Some(json!(text)))).collect()
}

fn ann() -> Value {
    json!({
        "username": "ann", "email": "ann@example.com", "mobile": "+49 170 1234567", "password": "vexed quilt",
        "name": "Ann Droid"
    })
}

fn sign_up(body: &Body) -> Result<SignUpBody, RequestFaults> {
    SignUpBody::read(body, &DEVELOPMENT)
}

#[test]
fn a_sign_up_needs_an_address_and_a_password_and_takes_three_names() {
    let whole = sign_up(&Body::from(ann())).unwrap();
    assert_eq!(whole.username.unwrap().canonical(), "ann");
    assert_eq!(whole.mobile.unwrap().as_str(), "+491701234567");
    assert_eq!(whole.name.unwrap().full(), "Ann Droid");
    let least = json!({"email": "ann@example.com", "password": "vexed quilt", "mobile": null});
    let least = sign_up(&Body::from(least)).unwrap();
    assert!(least.username.is_none() && least.mobile.is_none() && least.name.is_none());
    assert_eq!(
        faults(sign_up(&Body::from(json!({"username": 7, "mobile": 7, "name": 7})))),
        [
            "username must be a string",
            "email must be an email",
            "mobile must be a valid phone number",
            "password should not be empty",
            "name must be a string",
        ]
    );
}

#[test]
fn a_user_name_has_one_message_whatever_is_wrong_with_it() {
    let unfit = "username must not contain @, white space or control characters";
    let table = [
        (json!(7), "username must be a string"),
        (json!(""), "username should not be empty"),
        (json!("x".repeat(65)), "username must be shorter than or equal to 64 characters"),
        (json!("ann@example.com"), unfit),
        (json!("an n"), unfit),
        (json!("ann\u{0}"), unfit),
        (json!("+49 170 1234567"), unfit),
        (json!("123456"), "username must not read as a phone number"),
    ];
    say(&ann(), "username", sign_up, table.map(|(value, message)| (Some(value), message.to_owned())));
}

#[test]
fn a_mobile_has_one_message_whatever_is_wrong_with_it() {
    let values = [json!(491_701_234_567_u64), json!(""), json!("12345"), json!("call me"), json!(["123456"])];
    say(&ann(), "mobile", sign_up, always(values.map(Some), "mobile must be a valid phone number"));
}

// ASVS-map: PW1
#[test]
fn a_new_password_is_held_against_the_policy_where_it_is_known() {
    let short = "password must be longer than or equal to 8 characters".to_owned();
    say(&ann(), "password", sign_up, [(Some(json!("1234567")), short)]);
    let reset = json!({"token": "TOKEN", "newPassword": "vexed quilt"});
    let long = "newPassword must be shorter than or equal to 1024 bytes".to_owned();
    say(&reset, "newPassword", ResetPasswordBody::read, [(Some(json!("x".repeat(1025))), long)]);
    assert_eq!(
        faults(ResetPasswordBody::read(&Body::of_form(b""))),
        ["token should not be empty", "newPassword should not be empty"]
    );
}

/// Nothing of what a stranger adds is in what is read: it reads the same with and without.
fn ignores<T: Debug>(template: &Value, read: impl Fn(&Body) -> Result<T, RequestFaults>, added: &[&str]) {
    let plain = format!("{:?}", read(&Body::from(template.clone())).unwrap());
    for name in added {
        for value in [json!("admin"), json!(true), json!(ID), json!({"x": 1}), json!(["admin"])] {
            let mut members = template.as_object().unwrap().clone();
            members.insert((*name).to_owned(), value.clone());
            let read = read(&Body::from(Value::Object(members))).unwrap();
            assert_eq!(format!("{read:?}"), plain, "{name} {value}");
        }
    }
}

// ASVS-map: TN5
#[test]
fn nobody_gives_themselves_a_role_a_tenant_an_id_or_a_verified_address() {
    let foreign = [
        "role",
        "roles",
        "tenantId",
        "tenant",
        "tid",
        "id",
        "userId",
        "_id",
        "emailVerified",
        "verified",
        "disabled",
        "lockedUntil",
        "version",
        "createdAt",
        "passwordHash",
        "isAdmin",
        "__proto__",
        "constructor",
    ];
    ignores(&ann(), sign_up, &foreign);
    ignores(
        &json!({"usernameOrEmailOrMobile": "ann", "password": "vexed quilt"}),
        DeviceLoginBody::read,
        &foreign,
    );
    ignores(&json!({"loginId": ID, "otp": "123456"}), VerifyLoginBody::read, &foreign);
    ignores(&json!({"refreshToken": "TOKEN"}), DeviceRefreshBody::read, &foreign);
    let created = json!({"email": "ann@example.com", "role": "manager"});
    let but_role: Vec<_> = foreign.into_iter().filter(|name| *name != "role").chain(["password"]).collect();
    ignores(&created, CreateUserBody::read, &but_role);
}

#[test]
fn a_login_name_is_one_of_three_by_its_form() {
    let login = |name: &str| {
        let body = json!({"usernameOrEmailOrMobile": name, "password": "x"});
        DeviceLoginBody::read(&Body::from(body)).unwrap().name
    };
    assert!(matches!(login("Ann@example.com"), LoginName::Email(_)));
    assert!(matches!(login("+49 170 1234567"), LoginName::Mobile(_)));
    assert!(matches!(login("Ann"), LoginName::Username(_)));
    let template =
        json!({"usernameOrEmailOrMobile": "ann", "password": "x", "native": true, "deviceSecret": "S"});
    let name = "usernameOrEmailOrMobile";
    say(&template, name, DeviceLoginBody::read, due(name));
    let invalid = ["ann@", "an n", "ann\u{0}"].map(|text| Some(json!(text)));
    let message = "usernameOrEmailOrMobile must be a username, an email or a phone number";
    say(&template, name, DeviceLoginBody::read, always(invalid, message));
    say(&template, "password", DeviceLoginBody::read, due("password"));
}

#[test]
fn a_native_client_says_so_and_shows_the_proof_it_has() {
    let login = json!({"usernameOrEmailOrMobile": "ann", "password": "x"});
    let verify = json!({"loginId": ID, "otp": "123456"});
    let flags = [json!("yes"), json!("true"), json!(1)].map(Some);
    say(&login, "native", DeviceLoginBody::read, always(flags.clone(), "native must be a boolean value"));
    say(&verify, "native", VerifyLoginBody::read, always(flags, "native must be a boolean value"));
    let secrets = [Some(json!(7)), Some(json!({}))];
    let message = "deviceSecret must be a string";
    say(&login, "deviceSecret", DeviceLoginBody::read, always(secrets.clone(), message));
    say(&verify, "deviceSecret", VerifyLoginBody::read, always(secrets.clone(), message));
    say(&json!({"refreshToken": "T"}), "deviceSecret", DeviceRefreshBody::read, always(secrets, message));
    let body = json!({"loginId": ID, "otp": "123456", "native": true, "deviceSecret": "PROOF"});
    let read = VerifyLoginBody::read(&Body::from(body)).unwrap();
    assert_eq!((read.native, read.device_secret.unwrap().reveal()), (true, "PROOF"));
}

#[test]
fn a_code_is_six_digits_in_a_text() {
    let template = json!({"loginId": ID, "otp": "012345"});
    assert_eq!(VerifyLoginBody::read(&Body::from(template.clone())).unwrap().otp.reveal(), "012345");
    for typed in ["012 345", " 012345\n", "0 1 2\u{a0}3 4 5", "٠١٢٣٤٥", "०१२ ३४५", "０１２３４５"]
    {
        let body = Body::from(json!({"loginId": ID, "otp": typed}));
        assert_eq!(VerifyLoginBody::read(&body).unwrap().otp.reveal(), "012345", "{typed}");
    }
    let long = format!("012345{}", " ".repeat(60));
    let texts = ["", "12345", "1234567", "12345a", " 12345", "123-456", "²³⁴⁵⁶⁷", "+12345", "12345\n", &long];
    let others = [None, Some(json!(null)), Some(json!(123_456)), Some(json!(["123456"]))];
    let values: Vec<_> = others.into_iter().chain(texts.map(|text| Some(json!(text)))).collect();
    say(&template, "otp", VerifyLoginBody::read, always(values, "otp must be a 6 digit code"));
}

#[test]
fn an_id_is_a_uuid_as_class_validator_knows_it() {
    let verify = json!({"loginId": ID, "otp": "123456"});
    say(&verify, "loginId", VerifyLoginBody::read, always(not_uuids(), "loginId must be a UUID"));
    let resend = json!({"loginId": ID});
    say(&resend, "loginId", ResendCodeBody::read, always(not_uuids(), "loginId must be a UUID"));
    let end = json!({"sessionId": ID});
    say(&end, "sessionId", EndSessionBody::read, always(not_uuids(), "sessionId must be a UUID"));
    say(&json!({"userId": ID}), "userId", UserPath::read, always(not_uuids(), "userId must be a UUID"));
    let upper = Body::from(json!({"sessionId": ID.to_uppercase()}));
    assert_eq!(EndSessionBody::read(&upper).unwrap().session.to_string(), ID);
}

#[test]
fn a_token_and_an_address_are_due() {
    say(&json!({"token": "T"}), "token", UnlockBody::read, due("token"));
    let text = "refreshToken must be a string".to_owned();
    let mut missing = due("refreshToken");
    // A client that sends none has forgotten its type, not its content.
    for (value, message) in &mut missing {
        if value.as_ref().is_none_or(Value::is_null) {
            message.clone_from(&text);
        }
    }
    say(&json!({"refreshToken": "T"}), "refreshToken", DeviceRefreshBody::read, missing);
    let addresses = [None, Some(json!("ann")), Some(json!(7))];
    let message = "email must be an email";
    say(&json!({"email": "ann@example.com"}), "email", ForgotPasswordBody::read, always(addresses, message));
}

#[test]
fn a_device_has_a_name_of_1_to_100_characters() {
    let template = json!({"sessionId": ID, "deviceName": "ä".repeat(100)});
    say(&template, "deviceName", RenameSessionBody::read, due("deviceName"));
    let table = [
        ("   ", "deviceName should not be empty"),
        (&"x".repeat(101), "deviceName must be shorter than or equal to 100 characters"),
        ("Ann's\u{1b}[2J", "deviceName must not contain control characters"),
        ("Ann's\nphone", "deviceName must not contain control characters"),
    ];
    say(
        &template,
        "deviceName",
        RenameSessionBody::read,
        table.map(|(text, message)| (Some(json!(text)), message.to_owned())),
    );
}

#[test]
fn the_path_says_whom_it_is_about_and_no_body_overrides_it() {
    let body = Body::from(json!({"sessionId": "7", "userId": "7", "role": "admin", "deviceName": "Ann's"}));
    let body = body.with_path([("userId", ID), ("sessionId", ID)]);
    assert_eq!(
        SetRoleBody::read(&body).unwrap(),
        SetRoleBody { user: ID.parse().unwrap(), role: Role::Admin }
    );
    let one = SessionPath { user: ID.parse().unwrap(), session: ID.parse().unwrap() };
    assert_eq!(SessionPath::read(&body).unwrap(), one);
    assert_eq!(RenameSessionBody::read(&body).unwrap().session, one.session);
    let bad = Body::from(json!({"userId": ID})).with_path([("userId", "7"), ("sessionId", "x")]);
    assert_eq!(faults(SessionPath::read(&bad)), ["userId must be a UUID", "sessionId must be a UUID"]);
    assert_eq!(
        faults(RenameSessionBody::read(&bad)),
        ["sessionId must be a UUID", "deviceName should not be empty"]
    );
}

#[test]
fn a_role_is_one_of_three_and_where_a_user_is_created_user_by_default() {
    let message = "role must be one of the following values: user, manager, admin";
    let values = [json!(""), json!("root"), json!("Admin"), json!(0), json!(["admin"])].map(Some);
    let set = json!({"userId": ID, "role": "user"});
    say(&set, "role", SetRoleBody::read, always([None].into_iter().chain(values.clone()), message));
    let create = json!({"email": "ann@example.com", "role": "manager"});
    say(&create, "role", CreateUserBody::read, always(values, message));
    assert_eq!(CreateUserBody::read(&Body::from(create)).unwrap().role, Role::Manager);
    let least = Body::from(json!({"email": "ann@example.com"}));
    assert_eq!(CreateUserBody::read(&least).unwrap().role, Role::User);
}

fn query(text: &str) -> Body {
    Body::of_form(text.as_bytes())
}

#[test]
fn a_page_has_1_to_500_items_and_50_where_nobody_says() {
    let limit = |text: &str| ListUsersQuery::read(&query(text)).map(|list| list.page.limit);
    for (text, expected) in [("", 50), ("limit=1", 1), ("limit=500", 500)] {
        assert_eq!(limit(text), Ok(expected));
    }
    for (text, message) in [
        ("limit=0", "limit must not be less than 1"),
        ("limit=-7", "limit must not be less than 1"),
        ("limit=-99999999999", "limit must not be less than 1"),
        ("limit=501", "limit must not be greater than 500"),
        ("limit=99999999999", "limit must not be greater than 500"),
        ("limit=", "limit must be an integer number"),
        ("limit=1.5", "limit must be an integer number"),
        ("limit=many", "limit must be an integer number"),
        ("limit=99999999999999999999", "limit must be an integer number"),
        ("limit=1&limit=2", "limit must be an integer number"),
    ] {
        assert_eq!(faults(limit(text)), [message], "{text}");
    }
}

#[test]
fn a_list_is_cut_by_cursor_search_and_state() {
    let user: UserId = ID.parse().unwrap();
    let list = ListUsersQuery::read(&query(&format!("cursor={ID}&search=%20ann%2Bx%20&limit=7"))).unwrap();
    let page = Page { after: Some(user), limit: 7 };
    assert_eq!(list, ListUsersQuery { page, search: Some("ann+x".to_owned()) });
    assert_eq!(ListUsersQuery::read(&query("search=+")).unwrap().search, None);
    assert_eq!(faults(ListUsersQuery::read(&query("cursor=7"))), ["cursor must be a UUID"]);
    let long = format!("search={}", "x".repeat(255));
    assert_eq!(
        faults(ListUsersQuery::read(&query(&long))),
        ["search must be shorter than or equal to 254 characters"]
    );
    let sessions = |text: &str| UserSessionsQuery::read(&query(text).with_path([("userId", ID)]));
    assert_eq!(
        sessions("").unwrap(),
        UserSessionsQuery { user, page: Page { after: None, limit: 50 }, ended: false }
    );
    assert!(sessions("ended=true").unwrap().ended);
    assert_eq!(
        faults(sessions("ended=1&limit=x&cursor=y")),
        ["cursor must be a UUID", "limit must be an integer number", "ended must be a boolean value"]
    );
}

#[test]
fn ended_sessions_are_asked_for_by_a_word_or_over_tcp_by_a_flag() {
    for (body, ended) in [
        (query(""), false),
        (query("ended=false"), false),
        (query("ended=true"), true),
        (Body::from(json!({"ended": true})), true),
        (Body::from(json!({"ended": false, "tenantId": "acme"})), false),
    ] {
        let page = Page { after: None, limit: 500 };
        assert_eq!(OwnSessionsQuery::read(&body), Ok(OwnSessionsQuery { page, ended }));
    }
    for text in ["ended=", "ended=yes", "ended=TRUE", "ended=true&ended=true"] {
        assert_eq!(faults(OwnSessionsQuery::read(&query(text))), ["ended must be a boolean value"], "{text}");
    }
}

#[test]
fn ones_own_sessions_come_all_at_once_unless_they_are_asked_for_page_by_page() {
    let after = Some(ID.parse().unwrap());
    for (body, page) in [
        (query(&format!("cursor={ID}&limit=1")), Page { after, limit: 1 }),
        (Body::from(json!({"cursor": ID, "limit": 7})), Page { after, limit: 7 }),
        (query("limit=500"), Page { after: None, limit: 500 }),
    ] {
        assert_eq!(OwnSessionsQuery::read(&body), Ok(OwnSessionsQuery { page, ended: false }));
    }
    assert_eq!(
        faults(OwnSessionsQuery::read(&query("cursor=x&limit=501&ended=x"))),
        ["cursor must be a UUID", "limit must not be greater than 500", "ended must be a boolean value"]
    );
}
