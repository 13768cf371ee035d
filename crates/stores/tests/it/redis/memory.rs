//! Measures what a session takes in Redis: the numbers that the documentation states.

use portcullis_core::session::Session;
use portcullis_core::store::Stores;
use portcullis_core::store::conformance::records::{bare_session, new_user_key, session, tenant};
use portcullis_core::strategy::StrategyName;

use super::server::RedisServer;
use super::{Database, open};

const COUNT: u64 = 20_000;
const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 \
                       Safari/537.36";

fn used(server: &RedisServer) -> u64 {
    let info = server.by_hand(&["INFO", "memory"]);
    let field = info.lines().find_map(|line| line.strip_prefix("used_memory:")).unwrap();
    field.trim().parse().unwrap()
}

async fn bytes_of(server: &RedisServer, stores: &Stores, make: impl Fn() -> Session) -> u64 {
    server.by_hand(&["FLUSHALL"]);
    let before = used(server);
    for _ in 0..COUNT {
        let mut seen = make();
        BROWSER.clone_into(&mut seen.device.user_agent);
        BROWSER.clone_into(&mut seen.device.name);
        stores.sessions.insert(&seen).await.unwrap();
    }
    (used(server) - before) / COUNT
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it prints numbers: cargo test -p portcullis-stores --test it bytes_of -- --ignored --nocapture"]
async fn bytes_of_a_session_in_redis() {
    let (database, server) = (Database::new().fresh_kept(), RedisServer::start(&[]).await);
    let stores = open(&database.url, &server.url("pc:")).await;
    let jo = || new_user_key(&tenant("default"));
    let jwt = || Session { strategy: StrategyName::SessionJwt, cookie: None, ..bare_session(&jo()) };
    let cookie = || Session { strategy: StrategyName::Session, ..bare_session(&jo()) };
    let device = || Session { strategy: StrategyName::Device, cookie: None, ..session(&jo()) };
    let of_cookie = || Session { cookie: session(&jo()).cookie, ..cookie() };
    println!(
        "{} bytes for a session over JWT, {} with a cookie, {} for a device session",
        bytes_of(&server, &stores, jwt).await,
        bytes_of(&server, &stores, of_cookie).await,
        bytes_of(&server, &stores, device).await
    );
}
