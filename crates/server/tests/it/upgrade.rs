//! Databases that released versions left behind, under today's server: who was signed in still is.
//!
//! `tests/released` has a folder for each released version, and says how it was made. The clock shows the time at which
//! it was made, and stands still: what its users hold never expires.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use portcullis_core::clock::{Clock, Ticks, Timestamp};
use portcullis_core::machine::SystemClock;
use portcullis_core::strategy::StrategyName;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::fixture::{Credentials, DataDirectory, HTTPS, HttpRequest, MASTER_KEY, TestServer, TestUser};

/// How long after the last write of the old server the new one starts.
const PAUSE: i64 = 30_000;

/// A machine whose wall clock stands still.
struct StoppedClock(Timestamp);

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        self.0
    }

    fn ticks(&self) -> Ticks {
        SystemClock.ticks()
    }
}

/// What a released version left behind: its databases, and what its users hold.
struct Released {
    folder: PathBuf,
    held: Value,
}

impl Released {
    fn versions() -> Vec<Self> {
        let released = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/released");
        let entries = fs::read_dir(released).unwrap().map(|entry| entry.unwrap().path());
        let folders: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
        assert!(!folders.is_empty());
        let read = |folder: PathBuf| {
            let held = fs::read(folder.join("held.json")).unwrap();
            Self { held: serde_json::from_slice(&held).unwrap(), folder }
        };
        folders.into_iter().map(read).collect()
    }

    /// Starts today's server on a copy.
    async fn upgraded(&self, home: &DataDirectory) -> TestServer {
        self.restore("portcullis", &home.path().join("portcullis.db"));
        self.restore("globex", &home.path().join("globex.db"));
        self.serve(home, &HTTPS).await
    }

    /// Makes the database at `path` as the old server left it.
    fn restore(&self, name: &str, path: &Path) {
        let sql = fs::read_to_string(self.folder.join(format!("{name}.sql"))).unwrap();
        Connection::open(path).unwrap().execute_batch(&sql).unwrap();
    }

    async fn serve(&self, home: &DataDirectory, settings: &[(&str, &str)]) -> TestServer {
        let database = format!("sqlite:{}/portcullis.db", home.path().display());
        let settings = [&[("DATABASE", database.as_str()), ("SESSIONS", "")], settings].concat();
        let now = self.held["made"].as_i64().unwrap() + PAUSE;
        home.server_at(&settings, Arc::new(StoppedClock(Timestamp::from_millis(now)))).await
    }

    /// What users of the six strategies hold, by its place in the record.
    fn credentials(&self, place: &str) -> Vec<OldCredentials> {
        let all = self.held.pointer(place).and_then(Value::as_array).unwrap();
        all.iter().map(OldCredentials::of).collect()
    }

    fn text(&self, place: &str) -> &str {
        self.held.pointer(place).and_then(Value::as_str).unwrap_or_else(|| panic!("nothing at {place}"))
    }
}

/// What a client holds since before the upgrade.
struct OldCredentials {
    newest: Credentials,
    /// The same before its last refresh. `None` if there was none.
    used: Option<Credentials>,
}

impl OldCredentials {
    fn of(held: &Value) -> Self {
        let text = |name: &str| held[name].as_str().map(str::to_owned);
        let newest = Credentials {
            strategy: text("strategy").unwrap().parse().unwrap(),
            credential: text("credential").unwrap(),
            refresh: text("refresh"),
            proof: text("proof"),
        };
        let used = text("used").map(|used| Credentials { refresh: Some(used), ..newest.clone() });
        Self { newest, used }
    }
}

/// Tells the story of each released version, each on a copy of its own.
async fn after_each_upgrade(story: impl AsyncFn(&TestServer, &Released)) {
    for released in Released::versions() {
        println!("from {}", released.folder.display());
        let home = DataDirectory::new();
        let server = released.upgraded(&home).await;
        story(&server, &released).await;
        server.stop().await;
    }
}

fn of(tenant: &str, request: HttpRequest) -> HttpRequest {
    request.header("x-tenant-id", tenant)
}

/// A GET of a device session that stands at `place` in the record.
fn own(server: &TestServer, released: &Released, place: &str, path: &str) -> HttpRequest {
    server.get(path).bearer(released.text(&format!("{place}/access")))
}

// ASVS-map: OP4
#[tokio::test]
async fn tokens_and_cookies_of_a_released_version_are_good_after_the_upgrade() {
    after_each_upgrade(async |server, released| {
        let of_every_age =
            released.credentials("/strategies").into_iter().chain(released.credentials("/before_rotation"));
        for OldCredentials { newest, .. } in of_every_age {
            newest.profile(server).await.status(200);
            if newest.refresh.is_some() {
                let next = newest.renewed(&newest.refreshes(server).await.status(201));
                next.profile(server).await.status(200);
                let after = next.renewed(&next.refreshes(server).await.status(201));
                after.logs_out(server).await.status(201);
                after.refreshes(server).await.status(401);
            }
        }
        TestUser::ANN.signs_in(server, StrategyName::Session).await.profile(server).await.status(200);
    })
    .await;
}

// ASVS-map: OP4
#[tokio::test]
async fn a_used_refresh_token_of_a_released_version_is_known_as_used() {
    after_each_upgrade(async |server, released| {
        for OldCredentials { newest, used } in released.credentials("/strategies") {
            let Some(used) = used else { continue };
            if used.proof.is_some() {
                // It is the same device, whose answer may have been lost in the restart.
                let again = used.renewed(&used.refreshes(server).await.status(201));
                assert_eq!(again.refresh, newest.refresh);
                newest.refreshes(server).await.status(201);
            } else {
                used.refreshes(server).await.status(401);
                newest.refreshes(server).await.status(401);
                newest.profile(server).await.status(401);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn devices_of_a_released_version_stay_signed_in_and_are_listed() {
    after_each_upgrade(async |server, released| {
        let listed = own(server, released, "/browser", "/auth/sessions").await.status(200).json();
        let sessions = listed["data"].as_array().unwrap();
        let current = sessions.iter().find(|session| session["current"] == true).unwrap();
        assert_eq!(current["deviceName"], "the kitchen");
        assert_eq!(current["sessionId"], released.text("/browser/session"));
        assert_eq!(sessions.len(), 7, "{listed}");

        for place in ["browser", "app"] {
            let held = &released.held[place];
            let mut body = json!({"refreshToken": held["refresh"]});
            if held["proof"].is_string() {
                body["deviceSecret"] = held["proof"].clone();
            }
            let ask = server.post("/auth/refresh").json(&body);
            let ask =
                held["cookie"].as_str().into_iter().fold(ask, |ask, cookie| ask.header("cookie", cookie));
            let next = ask.await.status(201).at("/data/accessToken");
            server.get("/auth/me").bearer(&next).await.status(200);
        }
        let me = own(server, released, "/app", "/auth/me").await.status(200).json();
        assert_eq!(
            (&me["data"]["user"]["role"], &me["data"]["user"]["username"]),
            (&json!("admin"), &json!("bobk"))
        );
        let users = own(server, released, "/app", "/admin/users?limit=100").await.status(200).json();
        assert_eq!(users["data"].as_array().unwrap().len(), 5, "{users}");
    })
    .await;
}

#[tokio::test]
async fn what_had_ended_before_the_upgrade_stays_ended() {
    after_each_upgrade(async |server, released| {
        for OldCredentials { newest, .. } in released.credentials("/ended") {
            newest.profile(server).await.status(401);
            if newest.refresh.is_some() {
                newest.refreshes(server).await.status(401);
            }
        }
        let dora = TestUser { email: "dora@example.com", ..TestUser::ANN };
        dora.logs_in(server, StrategyName::Jwt).await.status(401);
        let eve = TestUser { email: "eve@example.com", ..TestUser::ANN };
        eve.logs_in(server, StrategyName::Jwt).await.status(423);
        server.post("/auth/unlock").json(&json!({"token": released.text("/unlock")})).await.status(201);
        eve.signs_in(server, StrategyName::Jwt).await.profile(server).await.status(200);

        let users = own(server, released, "/app", "/admin/users?search=carl").await.status(200);
        let sessions = format!("/admin/users/{}/sessions?ended=true", users.at("/data/0/id"));
        let ended = own(server, released, "/app", &sessions).await.status(200).json();
        let reasons: Vec<_> =
            ended["data"].as_array().unwrap().iter().map(|one| one["reason"].clone()).collect();
        assert_eq!(reasons.len(), 3, "{ended}");
        assert!(reasons.contains(&json!("logout")) && reasons.contains(&json!("admin")), "{ended}");
    })
    .await;
}

#[tokio::test]
async fn passwords_of_a_released_version_are_those_that_they_were() {
    after_each_upgrade(async |server, released| {
        let new = released.text("/new_password");
        let (bob, old) = (
            |name: &str, password: &str| json!({"usernameOrEmailOrMobile": name, "password": password}),
            TestUser::BOB.password,
        );
        for name in ["bobk", "+41 79 555 01 02", TestUser::BOB.email] {
            server.post("/auth/login").json(&bob(name, new)).await.status(201);
        }
        server.post("/auth/login").json(&bob("bobk", old)).await.status(401);
        let change = json!({"currentPassword": new, "newPassword": old});
        let refused = server.post("/auth/password").bearer(released.text("/app/access")).json(&change).await;
        assert_eq!(refused.status(400).at("/meta/code"), "PASSWORD_REUSED");

        let (token, next) = (released.text("/reset"), "a password after the upgrade");
        server
            .post("/auth/password/reset")
            .json(&json!({"token": token, "newPassword": next}))
            .await
            .status(201);
        let carl = TestUser { email: "carl@example.com", password: next, ..TestUser::ANN };
        carl.signs_in(server, StrategyName::Denylist).await.profile(server).await.status(200);
    })
    .await;
}

#[tokio::test]
async fn a_sign_in_that_was_under_way_goes_on_and_mail_that_waited_is_sent() {
    after_each_upgrade(async |server, released| {
        let verify = |login: &str, code: &str| {
            server.post("/auth/login/verify").json(&json!({"loginId": login, "otp": code, "native": true}))
        };
        let cookie = released.text("/code/cookie");
        let code = verify(released.text("/code/login"), released.text("/code/code"));
        code.header("cookie", cookie).await.status(201);

        let code = server.mailbox.code(TestUser::BOB.email).await;
        verify(released.text("/queued_code"), &code).await.status(201);
        let token = server.mailbox.link(TestUser::ANN.email, "reset").await;
        let body = json!({"token": token, "newPassword": "a password after the upgrade"});
        server.post("/auth/password/reset").json(&body).await.status(201);
    })
    .await;
}

#[tokio::test]
async fn tenants_of_a_released_version_keep_users_settings_databases_and_suspensions() {
    after_each_upgrade(async |server, released| {
        let password = json!({"usernameOrEmailOrMobile": TestUser::ANN.email, "password": released.text("/new_password")});
        let signs_in = |tenant: &str| of(tenant, server.post("/auth/login").json(&password));
        for (tenant, code) in [("acme", "LOGIN_SUCCESS"), ("globex", "OTP_SENT")] {
            for OldCredentials { newest, .. } in released.credentials(&format!("/tenants/{tenant}")) {
                of(tenant, newest.profile(server)).await.status(200);
                if newest.refresh.is_some() {
                    of(tenant, newest.refreshes(server)).await.status(201);
                }
            }
            assert_eq!(signs_in(tenant).await.status(201).at("/meta/code"), code);
        }
        let initech = "initech".parse().unwrap();
        for suspended in [true, false] {
            for OldCredentials { newest, .. } in released.credentials("/tenants/initech") {
                // What is verified by its signature alone is refused as well.
                of("initech", newest.profile(server)).await.status(401);
            }
            signs_in("initech").await.status(if suspended { 403 } else { 201 });
            server.engine.resume_tenant(&initech).await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn without_a_public_url_and_with_secrets_of_other_services_users_stay_signed_in_too() {
    for released in Released::versions() {
        let home = DataDirectory::new();
        released.restore("development", &home.path().join("portcullis.db"));
        let [jwt, cookies] =
            ["JWT_SECRET", "SESSION_SECRET"].map(|name| (name, released.text(&format!("/settings/{name}"))));
        // The second start encrypts keys that the old version kept without a master key.
        for settings in [&[jwt, cookies][..], &[jwt, cookies, ("MASTER_KEY", MASTER_KEY)]] {
            let server = released.serve(&home, settings).await;
            for OldCredentials { newest, .. } in released.credentials("/shared_secrets") {
                newest.profile(&server).await.status(200);
            }
            server.stop().await;
        }
        let server = released.serve(&home, &[jwt, cookies, ("MASTER_KEY", MASTER_KEY)]).await;
        for OldCredentials { newest, .. } in released.credentials("/shared_secrets") {
            if newest.refresh.is_some() {
                newest
                    .renewed(&newest.refreshes(&server).await.status(201))
                    .profile(&server)
                    .await
                    .status(200);
            }
        }
        server.stop().await;
    }
}
