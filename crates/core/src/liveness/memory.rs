//! Measures what the view keeps in memory: the numbers that the documentation states of its capacity.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use super::{CachedSession, CachedUser, SingleFlightCache, Ticks, ViewLimits};
use crate::bounded_cache::bounded_cache;
use crate::id::{SessionKey, UserKey};
use crate::session::Epochs;
use crate::store::CookieKey;
use crate::store::conformance::records::{new_user_key, secret, session, tenant, user};

const COUNT: u64 = 50_000;
const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 \
                       Safari/537.36";

fn resident() -> u64 {
    let pages = fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

#[tokio::test]
#[ignore = "it prints numbers: cargo test -p portcullis-core --lib bytes_of -- --ignored --nocapture"]
async fn bytes_of_a_session_and_of_a_user() {
    let tenant = tenant("default");
    let (now, join) = (Ticks::new(Duration::from_secs(1)), ViewLimits::default().max_staleness);
    let (sessions, users) = (SingleFlightCache::new(COUNT), SingleFlightCache::new(COUNT));
    let cookies = bounded_cache(COUNT);
    let empty = resident();
    for _ in 0..COUNT {
        let mut seen = session(&new_user_key(&tenant));
        BROWSER.clone_into(&mut seen.device.user_agent);
        let key: SessionKey = seen.key.clone();
        let cookie = CookieKey { tenant: tenant.clone(), bucket: key.id.bucket(), hash: secret() };
        cookies.insert(cookie, key.clone());
        let read = async { Ok(Some(Arc::new(CachedSession::new(seen)))) };
        sessions.read(&key, now, join, true, read).await.unwrap();
    }
    let with_sessions = resident();
    for number in 0..COUNT {
        let user = user(&tenant, &format!("some.person{number}@example.com"));
        let key: UserKey = user.key.clone();
        let read = async { Ok(Some(Arc::new(CachedUser::new(user, Epochs::default())))) };
        users.read(&key, now, join, true, read).await.unwrap();
    }
    let (session, user) = (with_sessions - empty, resident() - with_sessions);
    println!("{} bytes for a session with its cookie, {} for a user", session / COUNT, user / COUNT);
}
