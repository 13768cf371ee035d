//! Cookies that stand beside that of a session: of other applications, and of the same name.

use portcullis_core::strategy::StrategyName;

use crate::fixture::{Credentials, HTTPS, HttpAnswer, HttpRequest, TestServer, TestUser};

const SESSION: StrategyName = StrategyName::Session;
const UNAUTHORIZED: &str = r#"{"message":"Unauthorized","statusCode":401}"#;

// ASVS-map: CK4
#[tokio::test]
async fn of_several_cookies_of_the_name_the_one_good_one_counts_and_two_good_ones_count_nothing() {
    let server = TestServer::with(&HTTPS).await;
    let (ann, bob) = (TestUser::ANN.registered(&server).await, TestUser::BOB.registered(&server).await);
    let ann = ann.signs_in(&server, SESSION).await.credential;
    let bob = bob.signs_in(&server, SESSION).await.credential;
    let profile = |cookies: &[&str]| {
        let ask = server.get("/auth/session/profile");
        cookies.iter().fold(ask, |ask, cookie| ask.header("cookie", cookie))
    };
    let pair = |one: &str, other: &str| format!("{one}; {other}");
    let garbage = "__Host-connect.sid=garbage";
    let ended = TestUser::ANN.signs_in(&server, SESSION).await;
    ended.logs_out(&server).await.status(201);
    let ended = ended.credential;
    for cookies in [
        vec![pair(&ann, garbage)],
        vec![pair(garbage, &ann)],
        vec![ended.clone(), ann.clone()],
        vec![ann.clone(), ended.clone()],
        vec![pair(&ann, "__Host-connect.sid=")],
        vec![pair("__Host-connect.sid=ü", &ann)],
        // The same session twice is one session.
        vec![pair(&ann, &ann)],
        vec![format!("{garbage}; {ended}; {garbage}; {ended}; {ann}; {garbage}; {ended}; {garbage}")],
    ] {
        let cookies: Vec<&str> = cookies.iter().map(String::as_str).collect();
        let answer = profile(&cookies).await.status(200);
        assert_eq!(answer.at("/user/email"), TestUser::ANN.email, "{cookies:?}");
        assert!(answer.all("set-cookie").is_empty());
    }
    let nine = [garbage; 8].join("; ");
    for cookies in [
        vec![pair(&ann, &bob)],
        vec![pair(&bob, &ann)],
        vec![ann.clone(), bob.clone()],
        vec![bob.clone(), garbage.to_owned(), ann.clone()],
        vec![pair(&nine, &ann)],
        vec![pair(&ann, &nine)],
    ] {
        let cookies: Vec<&str> = cookies.iter().map(String::as_str).collect();
        let answer = profile(&cookies).await;
        let cleared = "__Host-connect.sid=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure; SameSite=Lax";
        assert_eq!(answer.header("set-cookie"), Some(cleared), "the next sign-in must work");
        answer.says(401, UNAUTHORIZED);
    }
    let neither = profile(&[&pair(garbage, &ended)]).await;
    assert!(neither.all("set-cookie").is_empty());
    neither.says(401, UNAUTHORIZED);
    // Names that look alike are other cookies: the real one decides, and without it there is no session.
    let case = bob.replace("__Host-", "__HOST-");
    let nameless = format!("={bob}");
    for other in [&case, &nameless] {
        profile(&[other]).await.says(401, UNAUTHORIZED);
        for cookies in [pair(&ann, other), pair(other, &ann)] {
            let answer = profile(&[&cookies]).await.status(200);
            assert_eq!(answer.at("/user/email"), TestUser::ANN.email);
        }
    }
}

// ASVS-map: CK4
#[tokio::test]
async fn cookies_of_others_may_hold_any_bytes() {
    let server = TestServer::start().await;
    let held = TestUser::ANN.registered(&server).await.signs_in(&server, SESSION).await;
    for other in [&b"city=Z\xfcrich"[..], b"\xff\xfe", "name=„Ann“".as_bytes(), b"=\x80=", b"a=\"\xc3;"] {
        let lines =
            [b"cookie: ", other, b"; ", held.credential.as_bytes(), b"; ", other, b"\r\n\r\n"].concat();
        let mut line = server.connection().await;
        line.write(&[b"GET /auth/session/profile HTTP/1.1\r\nhost: a\r\n", &lines[..]].concat()).await;
        line.answer().await.unwrap().status(200);
    }
}

// ASVS-map: CK4
#[tokio::test]
async fn two_good_cookies_are_taken_away_everywhere_and_a_logout_ends_both_sessions() {
    let server = TestServer::with(&[("COOKIE_DOMAIN", "example.com")]).await;
    let ann = TestUser::ANN.registered(&server).await;
    let sign_in = async || ann.signs_in(&server, SESSION).await;
    let shown = |ask: HttpRequest, held: [&Credentials; 2]| {
        let both = format!("{}; {}", held[0].credential, held[1].credential);
        ask.header("host", "auth.eu.example.com").header("cookie", &both)
    };
    let domains = |answer: &HttpAnswer| {
        let sets = answer.all("set-cookie");
        assert!(sets.iter().all(|set| set.starts_with("connect.sid=; ") && set.contains("1970")), "{sets:?}");
        let domain =
            |set: &&str| set.split("; ").find_map(|part| part.strip_prefix("Domain=")).map(str::to_owned);
        sets.iter().map(domain).collect::<Vec<_>>()
    };
    let all = [None, Some("example.com"), Some("eu.example.com"), Some("auth.eu.example.com")];
    let all = all.map(|domain| domain.map(str::to_owned));
    let (one, two) = (sign_in().await, sign_in().await);
    let refused = shown(server.get("/auth/session/profile"), [&one, &two]).await.status(401);
    assert_eq!(domains(&refused), all);
    one.profile(&server).await.status(200);

    let out = shown(server.post("/auth/session/logout"), [&one, &two]).await.status(201);
    assert_eq!(domains(&out), all);
    for held in [&one, &two] {
        held.profile(&server).await.says(401, UNAUTHORIZED);
    }

    // A sign-in ends what it came over, so that its own cookie is the one good one.
    let (one, two) = (sign_in().await, sign_in().await);
    let answer = shown(ann.logs_in(&server, SESSION), [&one, &two]).await.status(201);
    let new = Credentials::from(SESSION, &answer);
    for held in [&one, &two] {
        held.profile(&server).await.says(401, UNAUTHORIZED);
        shown(server.get("/auth/session/profile"), [held, &new]).await.status(200);
    }
}
