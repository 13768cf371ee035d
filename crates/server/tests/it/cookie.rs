//! Strategy `session`: the cookie of a browser.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use portcullis_core::session::Session;
use portcullis_core::strategy::StrategyName;
use ring::hmac;
use serde_json::json;

use crate::fixture::{
    Credentials, DataDirectory, HTTPS, HttpAnswer, MASTER_KEY, TestServer, TestUser, cookie_pair, eventually,
};

const SECRET: &str = "6Zk2m1YFQ0v9cWq4rXt7uBn3sEa8dHj5";
const SESSION: StrategyName = StrategyName::Session;
const UNAUTHORIZED: &str = r#"{"message":"Unauthorized","statusCode":401}"#;

fn set_cookie(answer: &HttpAnswer) -> &str {
    answer.header("set-cookie").unwrap_or_else(|| panic!("no cookie: {answer:?}"))
}

fn unescaped(value: &str) -> String {
    value.replace("%3A", ":").replace("%2B", "+").replace("%2F", "/").replace("%3D", "=")
}

/// A value as npm's `cookie-signature` signs it.
fn signed(value: &str, secret: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    format!("{value}.{}", BASE64_STANDARD_NO_PAD.encode(hmac::sign(&key, value.as_bytes())))
}

/// A value as `encodeURIComponent` escapes it.
fn escaped(value: &str) -> String {
    value.replace(':', "%3A").replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
}

/// The id in a cookie.
fn id_of(held: &Credentials) -> String {
    let (_, value) = held.credential.split_once('=').unwrap();
    let value = unescaped(value);
    value.strip_prefix("s:").unwrap().rsplit_once('.').unwrap().0.to_owned()
}

fn moment(set: &str) -> date::Moment {
    let expires = set.split("; ").find_map(|part| part.strip_prefix("Expires=")).unwrap();
    date::Moment::parse(expires)
}

/// The expiry date of a cookie as a number that grows with time.
mod date {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

    #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
    pub(super) struct Moment(u16, usize, u8, [u8; 3]);

    impl Moment {
        /// `Wed, 28 Jan 2026 22:12:56 GMT`
        pub(super) fn parse(text: &str) -> Self {
            assert!(text.len() == 29 && text.ends_with(" GMT"), "{text}");
            let month = MONTHS.iter().position(|month| *month == &text[8..11]).unwrap();
            let number = |from: usize| text[from..from + 2].parse().unwrap();
            Self(text[12..16].parse().unwrap(), month, number(5), [number(17), number(20), number(23)])
        }
    }
}

// ASVS-map: SE1, CK3
#[tokio::test]
async fn the_cookie_is_the_one_that_express_reads() {
    let server = TestServer::with(&[("SESSION_SECRET", SECRET)]).await;
    let ann = TestUser::ANN.registered(&server).await;
    let answer = ann.logs_in(&server, SESSION).await.status(201);
    let set = set_cookie(&answer);
    let parts: Vec<&str> = set.split("; ").collect();
    let [pair, "Path=/", expires, "HttpOnly", "SameSite=Lax"] = parts[..] else { panic!("{set}") };
    assert!(expires.starts_with("Expires="), "{set}");
    let value = pair.strip_prefix("connect.sid=s%3A").unwrap();
    let id = id_of(&Credentials::from(SESSION, &answer));
    assert_eq!(pair, format!("connect.sid={}", escaped(&format!("s:{}", signed(&id, SECRET)))));
    assert!(id.len() >= 43 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
    assert!(value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.%".contains(&byte)), "{value}");
    assert!(set.len() < 4096);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

// ASVS-map: CK1, SE9, CK2
#[tokio::test]
async fn over_https_the_cookie_belongs_to_this_host_and_to_https_alone() {
    let server = TestServer::with(&HTTPS).await;
    let ann = TestUser::ANN.registered(&server).await;
    let answer = ann.logs_in(&server, SESSION).await.status(201);
    let set = set_cookie(&answer);
    let parts: Vec<&str> = set.split("; ").collect();
    let [pair, "Path=/", _, "HttpOnly", "Secure", "SameSite=Lax"] = parts[..] else { panic!("{set}") };
    assert!(pair.starts_with("__Host-connect.sid=s%3A"), "{set}");
    let held = Credentials::from(SESSION, &answer);
    held.profile(&server).await.status(200);
    assert!(!answer.body.contains(&id_of(&held)));
    // In production the cookie's plain name belongs to other applications.
    let plain = held.credential.replace("__Host-", "");
    server.get("/auth/session/profile").header("cookie", &plain).await.says(401, UNAUTHORIZED);
    let cleared = held.logs_out(&server).await.status(201);
    let expected =
        "__Host-connect.sid=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure; SameSite=Lax";
    assert_eq!(set_cookie(&cleared), expected);
}

#[tokio::test]
async fn over_http_on_this_machine_the_cookie_has_its_plain_name_in_production_too() {
    let settings =
        [("PUBLIC_URL", "http://localhost:3000"), ("MAIL_TRANSPORT", "outbox"), ("MASTER_KEY", MASTER_KEY)];
    let server = TestServer::with(&settings).await;
    let ann = TestUser::ANN.registered(&server).await;
    let answer = ann.logs_in(&server, SESSION).await.status(201);
    let set = set_cookie(&answer);
    assert!(set.starts_with("connect.sid=s%3A") && !set.contains("Secure"), "{set}");
}

// ASVS-map: CK2
#[tokio::test]
async fn name_and_attributes_are_configurable() {
    let settings = [
        ("PUBLIC_URL", "https://auth.example.com"),
        ("MAIL_TRANSPORT", "outbox"),
        ("MASTER_KEY", MASTER_KEY),
        ("COOKIE_NAME", "__Secure-sid"),
        ("COOKIE_SAME_SITE", "none"),
        ("COOKIE_DOMAIN", "example.com"),
    ];
    let server = TestServer::with(&settings).await;
    let ann = TestUser::ANN.registered(&server).await;
    let answer = ann.logs_in(&server, SESSION).await.status(201);
    let set = set_cookie(&answer);
    assert!(set.starts_with("__Secure-sid=s%3A"), "{set}");
    for attribute in ["; Domain=example.com", "; Path=/", "; HttpOnly", "; Secure", "; SameSite=None"] {
        assert!(set.contains(attribute), "{attribute}: {set}");
    }
    Credentials::from(SESSION, &answer).profile(&server).await.status(200);
}

// ASVS-map: CK5, SE4
#[tokio::test]
async fn signing_out_takes_the_cookie_away_and_a_kept_copy_is_worth_nothing() {
    let server = TestServer::start().await;
    let held = TestUser::ANN.registered(&server).await.signs_in(&server, SESSION).await;
    let answer = held.logs_out(&server).await.status(201);
    let expected = "connect.sid=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; SameSite=Lax";
    assert_eq!(set_cookie(&answer), expected);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    held.profile(&server).await.says(401, UNAUTHORIZED);
}

// ASVS-map: AU5, SE2
#[tokio::test]
async fn every_login_has_a_new_id_and_ends_the_session_it_came_over() {
    let server = TestServer::start().await;
    let ann = TestUser::ANN.registered(&server).await;
    let first = ann.signs_in(&server, SESSION).await;
    let elsewhere = ann.signs_in(&server, SESSION).await;
    assert_ne!(id_of(&first), id_of(&elsewhere));

    // A wrong password beside a live session ends nothing.
    let wrong = ann.with_password("not this one").logs_in(&server, SESSION);
    wrong.header("cookie", &first.credential).await.status(401);
    first.profile(&server).await.status(200);

    let answer = ann.logs_in(&server, SESSION).header("cookie", &first.credential).await.status(201);
    let second = Credentials::from(SESSION, &answer);
    assert_ne!(id_of(&first), id_of(&second));
    first.profile(&server).await.says(401, UNAUTHORIZED);
    second.profile(&server).await.status(200);
    elsewhere.profile(&server).await.status(200);
}

// ASVS-map: SE2
#[tokio::test]
async fn an_id_that_the_server_did_not_make_is_never_adopted() {
    let server = TestServer::with(&[("SESSION_SECRET", SECRET)]).await;
    let ann = TestUser::ANN.registered(&server).await;
    // Not even one with the right signature, as an Express application with the same secret would make it.
    let planted = "000AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let planted = format!("connect.sid={}", escaped(&format!("s:{}", signed(planted, SECRET))));
    let profile = |cookie: &str| server.get("/auth/session/profile").header("cookie", cookie);
    profile(&planted).await.says(401, UNAUTHORIZED);
    let answer = ann.logs_in(&server, SESSION).header("cookie", &planted).await.status(201);
    let held = Credentials::from(SESSION, &answer);
    assert_ne!(cookie_pair(set_cookie(&answer)), planted);
    profile(&planted).await.says(401, UNAUTHORIZED);

    // Nor one outside the cookie.
    let value = held.credential.strip_prefix("connect.sid=").unwrap();
    for path in [
        format!("/auth/session/profile?connect.sid={value}"),
        format!("/auth/session/profile?sid={value}"),
        format!("/auth/session/profile;connect.sid={value}"),
    ] {
        let answer = server.get(&path).await;
        assert!(matches!(answer.status, 401 | 404), "{answer:?}");
    }
    let body = json!({"connect.sid": value, "sessionId": value});
    server.post("/auth/session/logout").json(&body).await.says(401, UNAUTHORIZED);
    server.get("/auth/session/profile").bearer(value).await.says(401, UNAUTHORIZED);
    server.get("/auth/session/profile").header("x-session-id", value).await.says(401, UNAUTHORIZED);
    profile(&held.credential).await.status(200);
}

// ASVS-map: SE2
#[tokio::test]
async fn a_cookie_that_was_tampered_with_is_refused() {
    let server = TestServer::start().await;
    let held = TestUser::ANN.registered(&server).await.signs_in(&server, SESSION).await;
    let (name, value) = held.credential.split_once('=').unwrap();
    let (id, signature) = value.rsplit_once('.').unwrap();
    let (plain, other) = (id_of(&held), if signature.starts_with('A') { 'B' } else { 'A' });
    let bent = format!("{other}{}", &signature[1..]);
    for forged in [
        format!("{id}.{bent}"),
        format!("{id}."),
        id.to_owned(),
        plain.clone(),
        format!("s%3A{plain}"),
        format!("s%3A{}", escaped(&signed(&plain, "a secret of another server, long"))),
        format!("{id}x.{signature}"),
        format!("{value}%3D"),
        format!("{value}%00"),
        value.replacen("s%3A", "j%3A", 1),
        value.replacen("s%3A", "", 1),
        "%".to_owned(),
        "s%3A%FF.x".to_owned(),
        String::new(),
    ] {
        let answer = server.get("/auth/session/profile").header("cookie", &format!("{name}={forged}")).await;
        assert_eq!((answer.status, answer.body.as_str()), (401, UNAUTHORIZED), "{forged}");
    }
    held.profile(&server).await.status(200);
}

// ASVS-map: SE3
#[tokio::test]
async fn the_cookie_is_sent_again_once_a_tenth_of_its_life_is_gone() {
    let server = TestServer::start().await;
    let ann = TestUser::ANN.registered(&server).await;
    let held = ann.signs_in(&server, SESSION).await;
    let witness = ann.signs_in(&server, StrategyName::SessionJwt).await;
    witness.profile(&server).await.status(200);
    let quiet = held.profile(&server).await.status(200);
    assert!(quiet.all("set-cookie").is_empty(), "{quiet:?}");

    // A tenth of a day is 2.4 hours. As if the session had last been used two hours ago, and then three.
    let as_if_used = async |hours: u64| {
        let ago = Duration::from_hours(hours);
        let sql = format!("idle_expires = idle_expires - {}, created = created - 1", ago.as_millis());
        let used = |session: Session| Session {
            idle_expires: session.idle_expires.minus(ago),
            created: session.created.minus(MILLISECOND),
            ..session
        };
        server.change_sessions(&ann, &sql, used).await;
    };
    as_if_used(2).await;
    // The server has seen that change once it has seen a later one.
    let is_witness = |session: &Session| session.strategy == StrategyName::SessionJwt;
    let over = |session: Session| {
        let end =
            if is_witness(&session) { session.created.plus(MILLISECOND) } else { session.absolute_expires };
        Session { absolute_expires: end, ..session }
    };
    let sql = "absolute_expires = created + 1 WHERE strategy = 'session-jwt'";
    server.change_sessions(&ann, sql, over).await;
    eventually("the witness is signed out", || async {
        (witness.profile(&server).await.status == 401).then_some(())
    })
    .await;
    let quiet = held.profile(&server).await.status(200);
    assert!(quiet.all("set-cookie").is_empty(), "{quiet:?}");
    as_if_used(1).await;
    let renewed = eventually("the cookie is sent again", || async {
        Some(held.profile(&server).await).filter(|answer| !answer.all("set-cookie").is_empty())
    });
    let renewed = renewed.await.status(200);
    assert_eq!(cookie_pair(set_cookie(&renewed)), held.credential, "the id stays, its end moves");
    assert_eq!(renewed.header("cache-control"), Some("no-store"));
    assert!(set_cookie(&renewed).ends_with("; HttpOnly; SameSite=Lax"), "{renewed:?}");
    let quiet = held.profile(&server).await.status(200);
    assert!(quiet.all("set-cookie").is_empty(), "once is enough: {quiet:?}");

    // The absolute timeout of thirty days stays.
    let (unused, left) = (Duration::from_hours(20), Duration::from_hours(11));
    let sql = format!(
        "idle_expires = idle_expires - {}, absolute_expires = idle_expires - {}",
        unused.as_millis(),
        left.as_millis()
    );
    let shortened = |session: Session| Session {
        absolute_expires: session.idle_expires.minus(left),
        idle_expires: session.idle_expires.minus(unused),
        ..session
    };
    server.change_sessions(&ann, &sql, shortened).await;
    let last = eventually("the cookie is sent again", || async {
        Some(held.profile(&server).await).filter(|answer| !answer.all("set-cookie").is_empty())
    });
    let (last, renewed) = (last.await, moment(set_cookie(&renewed)));
    assert!(moment(set_cookie(&last)) < renewed, "not another day, but what is left: {last:?}");
}

const MILLISECOND: Duration = Duration::from_millis(1);

fn ends_idle(session: Session) -> Session {
    Session { idle_expires: session.created, created: session.created.minus(MILLISECOND), ..session }
}

fn ends_absolutely(session: Session) -> Session {
    Session { absolute_expires: session.created, created: session.created.minus(MILLISECOND), ..session }
}

// ASVS-map: SE3, CK6
#[tokio::test]
async fn an_unused_session_ends_and_so_does_one_that_is_too_old() {
    let server = TestServer::start().await;
    let ann = TestUser::ANN.registered(&server).await;
    for (column, ends) in [("idle_expires", ends_idle as fn(_) -> _), ("absolute_expires", ends_absolutely)] {
        let held = ann.signs_in(&server, SESSION).await;
        held.profile(&server).await.status(200);
        server.change_sessions(&ann, &format!("{column} = created, created = created - 1"), ends).await;
        let refused = eventually("the session is over", || async {
            Some(held.profile(&server).await).filter(|answer| answer.status == 401)
        });
        refused.await.says(401, UNAUTHORIZED);
        let again = ann.logs_in(&server, SESSION).header("cookie", &held.credential).await.status(201);
        assert_ne!(Credentials::from(SESSION, &again).credential, held.credential);
    }
}

// ASVS-map: CK5
#[tokio::test]
async fn a_sign_out_takes_the_cookie_away_even_when_it_was_due_to_be_sent_again() {
    let home = DataDirectory::new();
    let before = home.server().await;
    let held = TestUser::ANN.registered(&before).await.signs_in(&before, SESSION).await;
    let unused = Duration::from_hours(5);
    let used = |session: Session| Session { idle_expires: session.idle_expires.minus(unused), ..session };
    before.change_sessions(&TestUser::ANN, "idle_expires = idle_expires - 18000000", used).await;
    before.stop().await;
    // This server has no copy of the session: it reads the record, unused for five hours.
    let server = home.server().await;
    let answer = held.logs_out(&server).await.status(201);
    assert!(set_cookie(&answer).starts_with("connect.sid=; "), "{answer:?}");
    held.profile(&server).await.says(401, UNAUTHORIZED);
}
