//! Two processes of the binary on each pair of stores: what is done on one holds on the other.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as URL_SAFE_NO_PAD;
use portcullis_server::mail::{ParsedMessage, mail_files};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fixture::{HttpAnswer, PAIRS, ServerProcess, SharedStores, TestUser, cookie_pair, eventually};

struct TwoNodes {
    one: ServerProcess,
    other: ServerProcess,
    stores: SharedStores,
    /// Those of both processes.
    settings: Vec<(&'static str, String)>,
}

impl TwoNodes {
    fn start(stores: SharedStores) -> Self {
        let mut settings = stores.settings.clone();
        settings.push(("STRATEGIES_ENABLED", "session-jwt,session,denylist,device".to_owned()));
        let [one, other] = [(); 2].map(|()| ServerProcess::start(&borrowed(&settings)));
        Self { one, other, stores, settings }
    }

    /// The code in a mail to the user, whichever process has sent it.
    async fn code(&self) -> String {
        eventually("a mail with a code", || async {
            let folders = [&self.one, &self.other].map(|node| node.home.path().join("outbox"));
            let files = folders.iter().flat_map(|folder| mail_files(folder).unwrap());
            let mails = files.filter_map(|file| ParsedMessage::parse(&std::fs::read(file).ok()?).ok());
            mails.flat_map(|mail| mail.text.lines().map(str::to_owned).collect::<Vec<_>>()).find(is_code)
        })
        .await
    }
}

fn borrowed<'s>(settings: &'s [(&'static str, String)]) -> Vec<(&'static str, &'s str)> {
    settings.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

#[expect(clippy::ptr_arg, reason = "as an iterator hands it out")]
fn is_code(line: &String) -> bool {
    line.len() == 6 && line.bytes().all(|byte| byte.is_ascii_digit())
}

async fn logs_in(node: &ServerProcess, strategy: &str, user: &TestUser) -> HttpAnswer {
    node.post(&format!("/auth/{strategy}/login"), &user.credentials()).await
}

async fn profile(node: &ServerProcess, strategy: &str, token: &str) -> u16 {
    node.ask("GET", &format!("/auth/{strategy}/profile")).bearer(token).await.status
}

/// Waits until a node refuses a token that it may have in its view.
async fn refuses(node: &ServerProcess, path: &str, token: &str) {
    eventually("the token is refused", || async {
        let answer = node.ask("GET", path).bearer(token).await;
        assert!(matches!(answer.status, 200 | 401), "{answer:?}");
        (answer.status == 401).then_some(())
    })
    .await;
}

async fn refreshes(node: &ServerProcess, token: &str) -> HttpAnswer {
    node.post("/auth/denylist/refresh", &json!({"refresh_token": token})).await
}

async fn a_sign_out_on_one_node_holds_on_the_other(TwoNodes { one, other, .. }: &TwoNodes) {
    let answer = logs_in(one, "session-jwt", &TestUser::ANN).await.status(201);
    let token = answer.at("/access_token");
    for node in [one, other] {
        assert_eq!(profile(node, "session-jwt", &token).await, 200);
    }
    one.ask("POST", "/auth/session-jwt/logout").bearer(&token).await.status(201);
    refuses(other, "/auth/session-jwt/profile", &token).await;
    assert_eq!(profile(one, "session-jwt", &token).await, 401);
}

async fn a_refresh_token_is_used_once_on_whichever_node(TwoNodes { one, other, .. }: &TwoNodes) {
    let first = logs_in(other, "denylist", &TestUser::ANN).await.status(201);
    let second = refreshes(one, &first.at("/tokens/refreshToken")).await.status(201);
    assert_eq!(profile(other, "denylist", &second.at("/accessToken")).await, 200);
    refreshes(other, &first.at("/tokens/refreshToken")).await.status(401);
    refuses(one, "/auth/denylist/profile", &second.at("/accessToken")).await;
    refreshes(one, &second.at("/refreshToken")).await.status(401);
}

async fn a_device_session_begins_on_one_node_and_ends_on_the_other(nodes: &TwoNodes) {
    let TwoNodes { one, other, .. } = nodes;
    let body = json!({"usernameOrEmailOrMobile": TestUser::ANN.email, "password": TestUser::ANN.password});
    let sent = one.post("/auth/login", &body).await.status(201);
    let verify = json!({"loginId": sent.at("/data/loginId"), "otp": nodes.code().await});
    let token = other.post("/auth/login/verify", &verify).await.status(201).at("/data/accessToken");
    one.ask("GET", "/auth/sessions").bearer(&token).await.status(200);
    other.ask("POST", "/auth/logout/all").bearer(&token).json(&json!({})).await.status(201);
    refuses(one, "/auth/sessions", &token).await;
}

/// What a proxy is told of a request with this credential: status, role, and the epoch of its user.
async fn told(node: &ServerProcess, (header, credential): &(&str, String)) -> (u16, String, String) {
    let answer = node.ask("GET", "/auth/verify").header(header, credential).await;
    let header = |name| answer.header(name).unwrap_or_default().to_owned();
    (answer.status, header("x-user-role"), header("x-portcullis-epochs"))
}

async fn a_proxy_that_asks_either_node_learns_what_has_changed_on_the_other(nodes: &TwoNodes) {
    let TwoNodes { one, other, settings, .. } = nodes;
    let cookie = logs_in(one, "session", &TestUser::ANN).await.status(201);
    let cookie = ("cookie", cookie_pair(cookie.header("set-cookie").unwrap()).to_owned());
    let token = logs_in(one, "session-jwt", &TestUser::ANN).await.status(201).at("/access_token");
    let bearer = ("authorization", format!("Bearer {token}"));
    for (node, credential) in [(one, &cookie), (other, &cookie), (one, &bearer), (other, &bearer)] {
        let (status, role, _) = told(node, credential).await;
        assert_eq!((status, role.as_str()), (200, "user"));
    }
    one.command(&borrowed(settings), &["user", "role", TestUser::ANN.email, "manager"]);
    for (node, credential) in [(one, &cookie), (other, &cookie), (other, &bearer)] {
        eventually("the role counts", || async {
            (told(node, credential).await.1 == "manager").then_some(())
        })
        .await;
    }
    one.ask("POST", "/auth/session/logout").header(cookie.0, &cookie.1).await.status(201);
    other.ask("POST", "/auth/session-jwt/logout").bearer(&token).await.status(201);
    assert_eq!(told(one, &cookie).await.0, 401, "at once");
    assert_eq!(told(other, &bearer).await.0, 401, "at once");
    for (node, credential) in [(other, &cookie), (one, &bearer)] {
        eventually("it is refused", || async { (told(node, credential).await.0 == 401).then_some(()) }).await;
    }
    one.command(&borrowed(settings), &["user", "role", TestUser::ANN.email, "user"]);
}

async fn a_tenant_that_is_made_beside_the_nodes_is_there_on_both(nodes: &TwoNodes) {
    let TwoNodes { one, other, settings, .. } = nodes;
    one.command(&borrowed(settings), &["tenant", "create", "acme"]);
    let bob = TestUser::BOB;
    let registered: Value = json!({"email": bob.email, "password": bob.password, "name": bob.name});
    let ask = one.post("/auth/session-jwt/register", &registered);
    ask.header("x-tenant-id", "acme").await.status(201);
    let ask = other.post("/auth/session-jwt/login", &bob.credentials());
    let token = ask.header("x-tenant-id", "acme").await.status(201).at("/access_token");
    let ask = one.ask("GET", "/auth/session-jwt/profile").bearer(&token);
    ask.header("x-tenant-id", "acme").await.status(200);
    logs_in(other, "session-jwt", &bob).await.status(401);
}

fn a_node_with_other_sessions_does_not_start(TwoNodes { one, stores, settings, .. }: &TwoNodes) {
    let (elsewhere, cure) = match stores.without_sessions() {
        Some(database_alone) => (database_alone, "in Redis: name the Redis that they use"),
        None => (stores.with_other_sessions(), "leave `sessions` out"),
    };
    let said = ServerProcess::refused(&borrowed(&elsewhere.settings));
    let told = said.lines().last().unwrap_or_default();
    assert!(told.contains(cure) && told.contains("portcullis migrate --switch-sessions"), "{said}");
    assert!(one.command(&borrowed(settings), &["user", "list"]).contains(TestUser::ANN.email));
}

/// The epoch of everyone in a token.
fn epoch_of_everyone(token: &str) -> u64 {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    claims["epochs"][2].as_u64().unwrap_or_default()
}

async fn a_redis_that_is_emptied_signs_everyone_out_once(nodes: &TwoNodes) {
    let TwoNodes { one, other, stores, .. } = nodes;
    let before = logs_in(one, "session-jwt", &TestUser::ANN).await.status(201).at("/access_token");
    assert_eq!((epoch_of_everyone(&before), profile(other, "session-jwt", &before).await), (0, 200));
    if !stores.remove_from_redis("*") {
        return;
    }
    for node in [one, other] {
        refuses(node, "/auth/session-jwt/profile", &before).await;
    }
    let after = eventually("the epoch of everyone is counted up", || async {
        let token = logs_in(other, "session-jwt", &TestUser::ANN).await.status(201).at("/access_token");
        (epoch_of_everyone(&token) > 0).then_some(token)
    })
    .await;
    for node in [one, other] {
        assert_eq!(profile(node, "session-jwt", &after).await, 200);
    }
    assert_eq!(epoch_of_everyone(&after), 1);
}

// ASVS-map: RT1, RT5
#[tokio::test]
async fn two_processes_on_each_pair_of_stores_are_one_server() {
    for pair in PAIRS {
        let folder = TempDir::new().unwrap();
        let nodes = TwoNodes::start(pair.make(folder.path()));
        let ann = TestUser::ANN;
        let registered = json!({"email": ann.email, "password": ann.password, "name": ann.name});
        nodes.one.post("/auth/denylist/register", &registered).await.status(201);
        a_sign_out_on_one_node_holds_on_the_other(&nodes).await;
        a_refresh_token_is_used_once_on_whichever_node(&nodes).await;
        a_device_session_begins_on_one_node_and_ends_on_the_other(&nodes).await;
        a_proxy_that_asks_either_node_learns_what_has_changed_on_the_other(&nodes).await;
        a_tenant_that_is_made_beside_the_nodes_is_there_on_both(&nodes).await;
        a_node_with_other_sessions_does_not_start(&nodes);
        a_redis_that_is_emptied_signs_everyone_out_once(&nodes).await;
        for node in [nodes.one, nodes.other] {
            let log = node.stop();
            assert!(!log.contains("ERROR"), "{}: {log}", pair.name);
        }
    }
}
