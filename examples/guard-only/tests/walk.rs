//! Starts the example beside an engine that signs users in and out on the same database.

#![cfg(test)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use portcullis::{
    AuthenticationRequest, Email, Engine, LoginName, NewUser, Password, PasswordSignIn, PresentedCredentials,
    Register, Role, SqliteStore, StrategyName, SystemClock, User,
};
use tempfile::TempDir;
use tokio::time::timeout;

const PASSWORD: &str = "a fairly long phrase";

/// The process that signs users in and out.
struct SignInService {
    engine: Engine,
    store: SqliteStore,
}

impl SignInService {
    async fn on(database: &Path) -> Self {
        let store = SqliteStore::open(database, Arc::new(SystemClock)).await.unwrap();
        let engine = Engine::builder(store.stores()).open().await.unwrap();
        Self { engine, store }
    }

    async fn user(&self, email: &str) -> User {
        let new = NewUser::new(Email::parse(email).unwrap(), None);
        let request = Register::new(StrategyName::SessionJwt, new, Password::new(PASSWORD).unwrap());
        self.engine.register(request).await.unwrap().unwrap()
    }

    async fn token(&self, email: &str) -> String {
        let (login, password) = (LoginName::parse(email).unwrap(), Password::new(PASSWORD).unwrap());
        let request = PasswordSignIn::new(StrategyName::SessionJwt, login, password);
        self.engine.password_sign_in(request).await.unwrap().grant.credential.reveal().to_owned()
    }

    async fn sign_out(&self, token: &str) {
        let header = format!("Bearer {token}");
        let envelope = PresentedCredentials { authorization: &[&header], ..PresentedCredentials::default() };
        let request = AuthenticationRequest { tenant: None, strategy: StrategyName::SessionJwt, envelope };
        let identity = self.engine.authenticate(&request).await.unwrap();
        self.engine.sign_out(&identity).await.unwrap();
    }
}

/// The example, as a process.
struct Guarded {
    process: Child,
    url: String,
}

impl Guarded {
    fn on(database: &Path) -> Self {
        let mut process = example().arg(database).arg("127.0.0.1:0").stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").expect("the line that names the address");
        Self { url: url.to_owned(), process }
    }

    async fn status(&self, method: &'static str, path: &str, token: Option<&str>) -> u16 {
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.url));
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.body(()).unwrap();
        let asked = tokio::task::spawn_blocking(move || {
            let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
            agent.run(request).unwrap().status().as_u16()
        });
        asked.await.unwrap()
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

fn example() -> Command {
    Command::new(env!("CARGO_BIN_EXE_guard-only"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_process_signs_in_and_out_holds_in_the_guarded_one() {
    let directory = TempDir::new().unwrap();
    let database = directory.path().join("portcullis.db");
    let service = SignInService::on(&database).await;
    let (_ann, max) = (service.user("ann@example.com").await, service.user("max@example.com").await);
    service.engine.set_role(&max.key, Role::Manager).await.unwrap();
    let guarded = Guarded::on(&database);
    let (ann, max) = (service.token("ann@example.com").await, service.token("max@example.com").await);

    assert_eq!(guarded.status("GET", "/reports", None).await, 401);
    assert_eq!(guarded.status("GET", "/reports", Some(&ann)).await, 200);
    assert_eq!(guarded.status("DELETE", "/reports/7", Some(&ann)).await, 403);
    assert_eq!(guarded.status("DELETE", "/reports/7", Some(&max)).await, 200);

    service.sign_out(&ann).await;
    let refused = async { while guarded.status("GET", "/reports", Some(&ann)).await != 401 {} };
    timeout(Duration::from_mins(3), refused).await.expect("a session that was signed out is accepted");
    assert_eq!(guarded.status("GET", "/reports", Some(&max)).await, 200);
    drop(guarded);
    service.store.close().await;
}

#[test]
fn a_database_that_is_not_there_is_not_made() {
    let directory = TempDir::new().unwrap();
    let missing = directory.path().join("missing.db");
    let Output { status, stderr, .. } = example().arg(&missing).arg("127.0.0.1:0").output().unwrap();
    let said = String::from_utf8(stderr).unwrap();
    assert!(!status.success() && said.contains("missing.db"), "{said}");
    assert!(!missing.exists());
}
