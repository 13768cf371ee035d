//! Sign-up.

use portcullis_core::email::Email;
use portcullis_core::id::TenantId;
use portcullis_core::strategy::StrategyName;
use portcullis_core::user::Role;
use serde_json::json;

use crate::fixture::{HTTPS, STRATEGIES, TestServer, TestUser};

const TAKEN: &str = r#"{"message":"Email already registered","error":"Conflict","statusCode":409}"#;

fn faults(faults: &[&str]) -> String {
    let message = serde_json::to_string(faults).unwrap();
    format!(r#"{{"message":{message},"error":"Bad Request","statusCode":400}}"#)
}

// ASVS-map: TN5
#[tokio::test]
async fn a_visitor_registers_under_any_strategy_and_is_shown_five_members_and_no_hash() {
    let server = TestServer::start().await;
    for strategy in STRATEGIES {
        let email = format!("Ann.{strategy}@Example.com");
        let asked = json!({
            "email": email, "password": "correct horse", "name": "Ann Droid",
            "id": "019c06aa-b377-7a3e-8c51-5b7d1f0e9a42", "role": "admin", "tenant": "acme", "disabled": true,
            "emailVerified": true, "createdAt": "2001-01-01T00:00:00.000Z", "passwordHash": "x",
        });
        let answer = server.post(&format!("/auth/{strategy}/register")).json(&asked).await;
        let (id, created) = (answer.at("/id"), answer.at("/createdAt"));
        let user = format!(
            r#"{{"id":"{id}","email":"{email}","name":"Ann Droid","createdAt":"{created}","updatedAt":"{created}"}}"#
        );
        answer.says(201, &user);
        assert_ne!(id, "019c06aa-b377-7a3e-8c51-5b7d1f0e9a42");
        assert_eq!(id.chars().nth(14), Some('7'), "a UUID v7: {id}");
        assert!(created.starts_with("20") && created.len() == 24 && created.ends_with('Z'), "{created}");
        assert!(!created.starts_with("2001"), "{created}");
        assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
        assert!(answer.all("set-cookie").is_empty(), "{answer:?}");
        let (default, email) = (TenantId::default_tenant(), Email::parse(&email).unwrap());
        let user = server.engine.user_by_email(&default, &email).await.unwrap();
        assert_eq!((user.role, user.disabled, user.email_verified), (Role::User, None, false), "{strategy}");
    }
}

#[tokio::test]
async fn denylist_takes_a_name_in_parts_or_whole_and_the_others_only_whole() {
    let server = TestServer::start().await;
    let register = |strategy: StrategyName, name: serde_json::Value, email: &str| {
        let mut body = json!({"email": email, "password": "correct horse"});
        body.as_object_mut().unwrap().extend(name.as_object().unwrap().clone());
        server.post(&format!("/auth/{strategy}/register")).json(&body)
    };
    let parts = json!({"firstName": "Ann", "lastName": "Droid"});
    let both = json!({"firstName": "Ann", "lastName": "Droid", "name": "Another Name"});
    for (email, name) in [("a@example.com", &parts), ("b@example.com", &both)] {
        let answer = register(StrategyName::Denylist, name.clone(), email).await.status(201);
        assert_eq!(answer.at("/name"), "Ann Droid");
    }
    let whole = json!({"name": "Ann"});
    let answer = register(StrategyName::Denylist, whole, "c@example.com").await.status(201);
    assert_eq!(answer.at("/name"), "Ann");

    let first = json!({"firstName": "Ann"});
    let answer = register(StrategyName::Denylist, first, "d@example.com").await.status(201);
    assert_eq!(answer.at("/name"), "Ann");
    let beside = json!({"firstName": "Annie", "name": "Ann Droid"});
    register(StrategyName::Denylist, beside, "e@example.com").await.status(201);
    let login = json!({"email": "e@example.com", "password": "correct horse"});
    let answer = server.post("/auth/denylist/login").json(&login).await.status(201);
    assert!(answer.body.contains(r#""firstName":"Annie","lastName":null"#), "{answer:?}");
    let last = json!({"lastName": "Droid"});
    let answer = register(StrategyName::Denylist, last, "d@example.com").await;
    answer.says(400, &faults(&["firstName must be a string"]));
    for strategy in STRATEGIES.into_iter().filter(|strategy| *strategy != StrategyName::Denylist) {
        let answer = register(strategy, parts.clone(), "f@example.com").await;
        answer.says(400, &faults(&["name must be a string"]));
    }
}

// ASVS-map: AU6
#[tokio::test]
async fn an_address_belongs_to_one_user_whatever_the_strategy_and_the_case() {
    let server = TestServer::start().await;
    TestUser::ANN.registered(&server).await;
    for strategy in STRATEGIES {
        TestUser::ANN.registers(&server, strategy).await.says(409, TAKEN);
        let shouting = json!({"email": "ANN@EXAMPLE.COM", "password": "another password", "name": "A"});
        server.post(&format!("/auth/{strategy}/register")).json(&shouting).await.says(409, TAKEN);
    }
    // The later requests changed nothing.
    TestUser::ANN.logs_in(&server, StrategyName::Jwt).await.status(201);
}

// ASVS-map: TN3
#[tokio::test]
async fn one_address_is_two_users_in_two_tenants() {
    let server = TestServer::start().await;
    server.create_tenant("acme").await;
    TestUser::ANN.registered(&server).await;
    let namesake = TestUser::ANN.with_password("a quite different one");
    for strategy in STRATEGIES {
        let there = namesake.logs_in(&server, strategy).header("x-tenant-id", "acme").await;
        assert_eq!(there.status, 401, "{there:?}");
    }
    namesake.registers(&server, StrategyName::Jwt).header("x-tenant-id", "acme").await.status(201);
    for strategy in STRATEGIES {
        namesake.logs_in(&server, strategy).header("x-tenant-id", "acme").await.status(201);
        namesake.logs_in(&server, strategy).await.status(401);
        TestUser::ANN.logs_in(&server, strategy).header("x-tenant-id", "acme").await.status(401);
        TestUser::ANN.logs_in(&server, strategy).await.status(201);
    }
}

#[tokio::test]
async fn every_fault_of_a_body_has_a_message_of_its_own() {
    let server = TestServer::start().await;
    let none = json!({});
    let wrong = json!({"email": 7, "password": 7, "name": 7});
    let empty = json!({"email": "", "password": "", "name": ""});
    let short = json!({"email": "ann@", "password": "1234567", "name": null});
    let long = json!({"email": "ann@example.com", "password": "x".repeat(1025), "name": "n".repeat(1000)});
    let missing = ["email must be an email", "password should not be empty"];
    for strategy in STRATEGIES.into_iter().filter(|strategy| *strategy != StrategyName::Denylist) {
        let path = format!("/auth/{strategy}/register");
        let asked = |body| server.post(&path).json(body);
        let [email, password] = missing;
        asked(&none).await.says(400, &faults(&[email, password, "name must be a string"]));
        let answer = asked(&wrong).await;
        answer.says(400, &faults(&[email, "password must be a string", "name must be a string"]));
        asked(&empty).await.says(400, &faults(&[email, password, "name should not be empty"]));
        let too_short = "password must be longer than or equal to 8 characters";
        asked(&short).await.says(400, &faults(&[email, too_short, "name must be a string"]));
        let answer = asked(&long).await.status(400);
        assert!(answer.body.contains("password must be shorter than or equal to 1024 bytes"), "{answer:?}");
        assert!(answer.body.contains("name must be shorter than or equal to"), "{answer:?}");
        // An empty body, and JSON that is not an object, lack the same members.
        let expected = faults(&[email, password, "name must be a string"]);
        server.post(&path).await.says(400, &expected);
        for body in ["[]", "null", "\"ann@example.com\"", "7"] {
            server.post(&path).text(body).await.says(400, &expected);
        }
    }
    let expected = faults(&[missing[0], missing[1], "firstName must be a string"]);
    server.post("/auth/denylist/register").json(&none).await.says(400, &expected);
}

#[tokio::test]
async fn a_sign_in_lacks_what_it_lacks() {
    let server = TestServer::start().await;
    for strategy in STRATEGIES {
        let path = format!("/auth/{strategy}/login");
        let expected = faults(&["email must be an email", "password should not be empty"]);
        server.post(&path).await.says(400, &expected);
        let odd = json!({"email": [], "password": {}, "native": "yes"});
        let expected = faults(&[
            "email must be an email",
            "password must be a string",
            "native must be a boolean value",
        ]);
        server.post(&path).json(&odd).await.says(400, &expected);
    }
}

// ASVS-map: PW1
#[tokio::test]
async fn in_production_a_new_password_has_fifteen_characters_and_is_no_common_one() {
    let server = TestServer::with(&HTTPS).await;
    let register = |email: &str, password: &str| {
        let body = json!({"email": email, "password": password, "name": "Ann"});
        server.post("/auth/jwt/register").json(&body)
    };
    let short = faults(&["password must be longer than or equal to 15 characters"]);
    register("ann@example.com", "kv7 tzq9 mwx2p").await.says(400, &short);
    let common = faults(&["password must not be a commonly used one"]);
    register("ann@example.com", "passwordpassword").await.says(400, &common);
    register("ann@example.com", "kv7 tzq9 mwx2pd").await.status(201);
}
