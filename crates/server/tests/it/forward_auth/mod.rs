//! Forward-auth: what a proxy is told that asks about a request before it passes it on, by the server and by gateways.

mod answerers;
mod answers;
mod cookies;
mod policies;
mod recorded_requests;
mod sign_in_pages;
mod sign_outs;

use portcullis_core::email::Email;
use portcullis_core::id::{TenantId, UserKey};
use portcullis_core::user::Role;

use answerers::AskedServer;

use crate::fixture::{Credentials, DeviceClient, HttpAnswer, HttpRequest, STRATEGIES, TestServer, TestUser};

/// The policies of the servers here, and the hosts of the query.
const SETTINGS: [(&str, &str); 2] = [
    (
        "FORWARD_AUTH_POLICIES",
        "any\n\
         staff.roles=manager,admin\n\
         app.login=https://login.example.com/in?theme=dark\n\
         app.hosts=app.example.com,app.example.com:8443",
    ),
    ("FORWARD_AUTH_HOSTS", "query.example.com"),
];

/// A proxy on this machine is trusted.
const TRUSTED: [(&str, &str); 1] = [("PROXIES_TRUSTED", "127.0.0.1")];

const UNAUTHORIZED: &str = r#"{"message":"Unauthorized","statusCode":401}"#;

/// Every way to ask for nothing but a signed-in user.
const PATHS: [&str; 4] =
    ["/auth/verify", "/auth/verify/@any", "/auth/verify/@any/", "/auth/verify/@any/a/b?role=admin&x=1"];

/// A credential of each strategy.
async fn credentials(server: &TestServer, user: &TestUser) -> Vec<Credentials> {
    let mut held = Vec::new();
    for strategy in STRATEGIES {
        held.push(user.signs_in(server, strategy).await);
    }
    let device = user.signs_in_on(&DeviceClient::curl(server)).await;
    let strategy = portcullis_core::strategy::StrategyName::Device;
    held.push(Credentials { strategy, credential: device.access, refresh: None, proof: None });
    held
}

async fn user_key(server: &TestServer, user: &TestUser) -> UserKey {
    let email = Email::parse(user.email).unwrap();
    server.engine.user_by_email(&TenantId::default_tenant(), &email).await.unwrap().key
}

async fn promote(server: &TestServer, user: &TestUser, role: Role) {
    server.engine.set_role(&user_key(server, user).await, role).await.unwrap();
}

/// A request with the credential, as a proxy passes it on.
fn asks(server: &AskedServer, path: &str, held: &Credentials) -> HttpRequest {
    held.shown(server.get(path))
}

/// The identity headers of an answer: user, tenant, role and session.
fn identity(answer: &HttpAnswer) -> [&str; 4] {
    ["x-user-id", "x-tenant-id", "x-user-role", "x-session-id"]
        .map(|name| answer.header(name).unwrap_or_else(|| panic!("no {name}: {answer:?}")))
}

/// Checks that an answer says nothing of a user, and sets no cookie.
#[track_caller]
fn assert_tells_nothing(answer: &HttpAnswer) {
    for (name, _) in &answer.headers {
        let name = name.to_ascii_lowercase();
        let is_told =
            ["x-user-", "x-tenant-", "x-session-", "x-portcullis-", "set-cookie", "access-control-"];
        assert!(!is_told.iter().any(|told| name.starts_with(told)), "{name}: {answer:?}");
    }
}
