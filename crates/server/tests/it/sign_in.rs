//! Users sign in, are authenticated, and sign out.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use portcullis_core::email::Email;
use portcullis_core::id::TenantId;
use portcullis_core::strategy::StrategyName;
use serde_json::{Value, json};

use crate::fixture::{Credentials, HttpAnswer, STRATEGIES, TestServer, TestUser, eventually};

const UNAUTHORIZED: &str = r#"{"message":"Unauthorized","statusCode":401}"#;
const INVALID: &str = r#"{"message":"Invalid credentials","error":"Unauthorized","statusCode":401}"#;

/// A user with first and last name, and how answers show her.
struct RegisteredUser {
    ann: TestUser,
    id: String,
    user: String,
}

async fn ann_in_parts(server: &TestServer) -> RegisteredUser {
    let ann = TestUser::ANN;
    let body = json!({"email": ann.email, "password": ann.password, "firstName": "Ann", "lastName": "Droid"});
    let answer = server.post("/auth/denylist/register").json(&body).await.status(201);
    RegisteredUser { ann, id: answer.at("/id"), user: answer.body }
}

pub(crate) fn claims(token: &str) -> Value {
    part(token, 1)
}

fn part(token: &str, number: usize) -> Value {
    let part = token.split('.').nth(number).unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// The body of the answer to a sign-in.
fn login_body(
    strategy: StrategyName,
    held: &Credentials,
    RegisteredUser { id, user, ann, .. }: &RegisteredUser,
) -> String {
    let Credentials { credential, refresh, .. } = held;
    let refresh = refresh.as_deref().unwrap_or_default();
    match strategy {
        StrategyName::Jwt | StrategyName::Hybrid | StrategyName::SessionJwt => {
            format!(r#"{{"access_token":"{credential}","user":{user}}}"#)
        }
        StrategyName::Session => format!(r#"{{"message":"Session login successful","user":{user}}}"#),
        StrategyName::Refresh => {
            format!(r#"{{"access_token":"{credential}","refresh_token":"{refresh}","user":{user}}}"#)
        }
        StrategyName::Denylist => format!(
            r#"{{"user":{{"id":"{id}","email":"{}","firstName":"Ann","lastName":"Droid"}},"tokens":{{"accessToken":"{credential}","refreshToken":"{refresh}"}}}}"#,
            ann.email
        ),
        StrategyName::Device => panic!("it has a surface of its own"),
    }
}

/// The body of a profile.
fn profile_body(
    strategy: StrategyName,
    held: &Credentials,
    RegisteredUser { id, ann, .. }: &RegisteredUser,
) -> String {
    let email = ann.email;
    let claim = |name: &str| claims(&held.credential)[name].as_str().unwrap().to_owned();
    let named = format!(r#""userId":"{id}","email":"{email}","name":"Ann Droid""#);
    match strategy {
        StrategyName::Jwt => {
            format!(r#"{{"message":"JWT authentication successful","user":{{{named}}},"strategy":"jwt"}}"#)
        }
        StrategyName::Session => format!(
            r#"{{"message":"Session authentication successful","user":{{"id":"{id}","email":"{email}"}},"strategy":"session"}}"#
        ),
        StrategyName::Hybrid => format!(
            r#"{{"message":"Hybrid Authentication successful","user":{{{named},"tokenId":"{}"}},"strategy":"hybrid","note":"Token is validated AND checked against Redis whitelist"}}"#,
            claim("jti")
        ),
        StrategyName::Refresh => format!(
            r#"{{"message":"Access token validated","user":{{{named}}},"strategy":"refresh-token","note":"Use short-lived access token for API calls"}}"#
        ),
        StrategyName::Denylist => format!(
            r#"{{"message":"Access token validated","user":{{"userId":"{id}","email":"{email}","firstName":"Ann","lastName":"Droid"}},"strategy":"denylist"}}"#
        ),
        StrategyName::SessionJwt => format!(
            r#"{{"message":"Session over JWT authentication successful","user":{{{named},"sessionId":"{}"}},"strategy":"session-jwt"}}"#,
            claim("sid")
        ),
        StrategyName::Device => panic!("it has a surface of its own"),
    }
}

const fn logout_body(strategy: StrategyName) -> &'static str {
    match strategy {
        StrategyName::Jwt => r#"{"message":"JWT logout successful, remove token from client"}"#,
        StrategyName::Session => r#"{"message":"Session logout successful"}"#,
        StrategyName::Hybrid => r#"{"message":"Logout successful. Token removed from whitelist."}"#,
        _ => r#"{"message":"Logout successful"}"#,
    }
}

/// The refusal of a credential after sign-out. `None` where it goes on until it expires.
fn refused_after_logout(strategy: StrategyName) -> Option<&'static str> {
    match strategy {
        StrategyName::Jwt | StrategyName::Refresh | StrategyName::Device => None,
        StrategyName::Hybrid => {
            Some(r#"{"message":"Token is not whitelisted","error":"Unauthorized","statusCode":401}"#)
        }
        StrategyName::Denylist => {
            Some(r#"{"message":"Token revoked","error":"Unauthorized","statusCode":401}"#)
        }
        StrategyName::Session | StrategyName::SessionJwt => Some(UNAUTHORIZED),
    }
}

// ASVS-map: SE4, CK5
#[tokio::test]
async fn a_user_signs_in_is_authenticated_and_signs_out_byte_for_byte() {
    let server = TestServer::start().await;
    let known = ann_in_parts(&server).await;
    for strategy in STRATEGIES {
        let answer = known.ann.logs_in(&server, strategy).await;
        let held = Credentials::from(strategy, &answer);
        answer.says(201, &login_body(strategy, &held, &known));
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{strategy}");
        assert_eq!(answer.all("set-cookie").len(), usize::from(strategy == StrategyName::Session));
        for _ in 0..2 {
            held.profile(&server).await.says(200, &profile_body(strategy, &held, &known));
        }
        held.logs_out(&server).await.says(201, logout_body(strategy));
        for again in [held.profile(&server), held.logs_out(&server)] {
            let answer = again.await;
            match refused_after_logout(strategy) {
                Some(body) => {
                    answer.says(401, body);
                    let challenge = answer.header("www-authenticate");
                    assert_eq!(challenge, Some(r#"Bearer error="invalid_token""#), "{strategy}");
                }
                None => assert!(answer.status < 300, "{strategy}: a stateless token lives on"),
            }
        }
    }
}

#[tokio::test]
async fn a_user_with_one_name_has_no_last_name() {
    let server = TestServer::start().await;
    let ann = TestUser::ANN.registered(&server).await;
    let answer = ann.logs_in(&server, StrategyName::Denylist).await.status(201);
    assert!(answer.body.contains(r#""firstName":"Ann Droid","lastName":null}"#), "{answer:?}");
    let held = Credentials::from(StrategyName::Denylist, &answer);
    let profile = held.profile(&server).await.status(200);
    assert!(profile.body.contains(r#""firstName":"Ann Droid","lastName":null}"#), "{profile:?}");
}

#[tokio::test]
async fn the_address_is_compared_without_regard_to_case() {
    let server = TestServer::start().await;
    TestUser::ANN.registered(&server).await;
    for strategy in STRATEGIES {
        let shouting = json!({"email": "ANN@Example.COM", "password": TestUser::ANN.password});
        let answer = server.post(&format!("/auth/{strategy}/login")).json(&shouting).await.status(201);
        assert_eq!(answer.at("/user/email"), "ann@example.com", "as it was registered");
    }
}

fn without_date(answer: HttpAnswer) -> HttpAnswer {
    answer.undated()
}

// ASVS-map: AU2
#[tokio::test]
async fn no_refusal_tells_whether_there_is_such_a_user() {
    let server = TestServer::start().await;
    TestUser::ANN.registered(&server).await;
    TestUser::BOB.registered(&server).await;
    let default = TenantId::default_tenant();
    // Ten guesses at one account are compared.
    let other_disabled = TestUser { email: "carol@example.com", ..TestUser::BOB };
    other_disabled.clone().registered(&server).await;
    for disabled in [TestUser::BOB, other_disabled.clone()] {
        let email = Email::parse(disabled.email).unwrap();
        let user = server.engine.user_by_email(&default, &email).await.unwrap();
        server.engine.disable_user(&user.key).await.unwrap();
    }
    let unknown_user = TestUser { email: "unknown@example.com", ..TestUser::ANN };
    for strategy in STRATEGIES {
        let hashed = server.engine.passwords().hashed();
        let wrong = TestUser::ANN.with_password("not this one").logs_in(&server, strategy).await;
        wrong.says(401, INVALID);
        assert_eq!(wrong.header("www-authenticate"), Some("Bearer"));
        let unknown = unknown_user.logs_in(&server, strategy).await;
        let disabled = TestUser::BOB.logs_in(&server, strategy).await;
        let both = other_disabled.clone().with_password("not this one").logs_in(&server, strategy).await;
        let wrong = without_date(wrong);
        assert_eq!(wrong, without_date(unknown), "{strategy}");
        assert_eq!(wrong, without_date(disabled), "{strategy}");
        assert_eq!(wrong, without_date(both), "{strategy}");
        assert_eq!(server.engine.passwords().hashed(), hashed + 4, "each of them cost one hash");
    }
}

// ASVS-map: PW2
#[tokio::test]
async fn every_byte_of_a_password_counts() {
    let server = TestServer::start().await;
    for (number, length) in [64, 72, 73, 128, 1024].into_iter().enumerate() {
        let password = "p".repeat(length - 1);
        let body = |last: &str| json!({"email": format!("a{number}@example.com"), "password": format!("{password}{last}"), "name": "A"});
        server.post("/auth/jwt/register").json(&body("x")).await.status(201);
        server.post("/auth/jwt/login").json(&body("x")).await.status(201);
        server.post("/auth/jwt/login").json(&body("y")).await.status(401);
        server.post("/auth/jwt/login").json(&body("X")).await.status(401);
    }
    let nul = |password: &str| json!({"email": "nul@example.com", "password": password, "name": "A"});
    server.post("/auth/jwt/register").json(&nul("password\u{0}one")).await.status(201);
    server.post("/auth/jwt/login").json(&nul("password\u{0}two")).await.status(401);
    server.post("/auth/jwt/login").json(&nul("password")).await.status(401);
    server.post("/auth/jwt/login").json(&nul("password\u{0}one")).await.status(201);
}

#[tokio::test]
async fn an_access_token_says_who_it_is_of_what_kind_and_for_how_long() {
    let server = TestServer::start().await;
    let RegisteredUser { ann, id, .. } = ann_in_parts(&server).await;
    let minutes = [
        (StrategyName::Jwt, 60),
        (StrategyName::Hybrid, 60),
        (StrategyName::Refresh, 15),
        (StrategyName::Denylist, 15),
        (StrategyName::SessionJwt, 24 * 60),
    ];
    for (strategy, minutes) in minutes {
        let held = ann.signs_in(&server, strategy).await;
        let (header, claims) = (part(&held.credential, 0), claims(&held.credential));
        assert_eq!((&header["typ"], &header["alg"]), (&json!("at+jwt"), &json!("ES256")));
        assert!(header["kid"].is_string(), "{header}");
        for name in ["iss", "aud", "sub", "tid", "sid", "jti", "strategy", "email", "name"] {
            assert!(claims[name].is_string(), "{name}: {claims}");
        }
        assert_eq!(claims["sub"], json!(id));
        assert_eq!(claims["tid"], json!("default"));
        assert_eq!(claims["aud"], json!("default"));
        assert_eq!(claims["strategy"], json!(strategy.as_str()));
        assert_eq!(claims["iss"], json!(server.engine.issuer()));
        let lives = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
        assert_eq!(lives, minutes * 60, "{strategy}");
    }
}

// ASVS-map: SE3
#[tokio::test]
async fn a_token_is_refused_when_its_time_is_over() {
    let server = TestServer::with(&[("JWT_EXPIRES_IN", "1s"), ("LEEWAY", "0s")]).await;
    let ann = TestUser::ANN.registered(&server).await;
    for strategy in STRATEGIES.into_iter().filter(|strategy| *strategy != StrategyName::Session) {
        let held = ann.signs_in(&server, strategy).await;
        let refused = eventually("the token expires", || async {
            Some(held.profile(&server).await).filter(|answer| answer.status == 401)
        });
        refused.await.says(401, UNAUTHORIZED);
    }
}

// ASVS-map: SE4
#[tokio::test]
async fn deleting_the_records_by_hand_signs_everybody_out() {
    let server = TestServer::start().await;
    let ann = TestUser::ANN.registered(&server).await;
    let live = [StrategyName::Session, StrategyName::Hybrid, StrategyName::SessionJwt];
    for strategy in live {
        let held = ann.signs_in(&server, strategy).await;
        held.profile(&server).await.status(200);
        server.delete_sessions().await;
        eventually("the record is missed", || async {
            (held.profile(&server).await.status == 401).then_some(())
        })
        .await;
        // The lockout ends.
        ann.signs_in(&server, strategy).await.profile(&server).await.status(200);
    }
}

// ASVS-map: SE5
#[tokio::test]
async fn a_disabled_user_is_signed_out_and_must_sign_in_again_afterwards() {
    let server = TestServer::start().await;
    let ann = TestUser::ANN.registered(&server).await;
    let mut held = Vec::new();
    for strategy in STRATEGIES {
        held.push(ann.signs_in(&server, strategy).await);
    }
    let default = TenantId::default_tenant();
    let user = server.engine.user_by_email(&default, &Email::parse(ann.email).unwrap()).await.unwrap();
    server.engine.disable_user(&user.key).await.unwrap();
    let check = async || {
        for held in &held {
            let signed_alone = matches!(held.strategy, StrategyName::Jwt | StrategyName::Refresh);
            held.profile(&server).await.status(if signed_alone { 200 } else { 401 });
            if held.refresh.is_some() {
                held.refreshes(&server).await.status(401);
            }
        }
    };
    check().await;
    server.engine.enable_user(&user.key).await.unwrap();
    check().await;
    ann.logs_in(&server, StrategyName::Session).await.status(201);
}

// ASVS-map: TN2
#[tokio::test]
async fn a_credential_of_one_tenant_is_none_of_another_whatever_the_header_says() {
    let server = TestServer::start().await;
    server.create_tenant("acme").await;
    let ann = TestUser::ANN.registered(&server).await;
    for strategy in STRATEGIES {
        let held = ann.signs_in(&server, strategy).await;
        for ask in [held.profile(&server), held.logs_out(&server)] {
            let answer = ask.header("x-tenant-id", "acme").await;
            answer.says(401, UNAUTHORIZED);
            assert_eq!(answer.header("www-authenticate"), Some(r#"Bearer error="invalid_token""#));
        }
        held.profile(&server).header("x-tenant-id", "default").await.status(200);
        held.profile(&server).await.status(200);
        if held.refresh.is_some() {
            held.refreshes(&server).header("x-tenant-id", "acme").await.status(401);
            held.refreshes(&server).await.status(201);
        }
    }
}

#[tokio::test]
async fn a_program_reads_that_the_tenant_is_the_wrong_one() {
    let server = TestServer::start().await;
    server.create_tenant("acme").await;
    let ann = TestUser::ANN.registered(&server).await;
    for strategy in STRATEGIES.into_iter().filter(|strategy| *strategy != StrategyName::Session) {
        let ask = ann.signs_in(&server, strategy).await.profile(&server).header("x-tenant-id", "acme");
        let answer = ask.header("accept", "application/problem+json").await.status(401);
        assert_eq!(answer.at("/code"), "TENANT_MISMATCH", "{strategy}");
    }
}

#[tokio::test]
async fn the_word_bearer_is_written_in_any_case_and_nothing_else_is_forgiven() {
    let server = TestServer::start().await;
    let held = TestUser::ANN.registered(&server).await.signs_in(&server, StrategyName::Jwt).await;
    let token = &held.credential;
    let show = |header: String| server.get("/auth/jwt/profile").header("authorization", &header);
    for scheme in ["Bearer", "bearer", "BEARER"] {
        show(format!("{scheme} {token}")).await.status(200);
    }
    for header in [
        token.clone(),
        format!("Bearer{token}"),
        format!("Bearer {token} {token}"),
        format!("Bearer {token},Bearer {token}"),
        format!("JWT {token}"),
        format!("Basic {token}"),
        format!("Bearer \"{token}\""),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
    ] {
        assert_eq!(show(header.clone()).await.status, 401, "{header}");
    }
    show(format!("Bearer {token}")).bearer(token).await.status(401);
    let in_the_path = format!("/auth/jwt/profile?access_token={token}");
    server.get(&in_the_path).await.status(401);
}
