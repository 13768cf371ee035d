//! A server for the tests of this tool: it keeps its word, but for the one fault that it is told to have. It hashes
//! nothing, signs nothing, and survives its own death because its state does.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, mpsc};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

/// What a faulty server does wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum FakeFault {
    /// Nothing.
    None,
    /// Its death takes the users who registered last.
    ForgetsUsers,
    /// Its death takes the sessions.
    ForgetsSessions,
    /// Its death brings ended sessions back.
    ForgetsSignOuts,
    /// Its death sets every chain one generation back.
    ForgetsRotations,
    /// A retry with the proof is refused.
    StrandsClients,
    /// A retry with the proof rotates again.
    RotatesOnRetry,
    /// A spent token is refused, and the session goes on.
    ToleratesThieves,
    /// A spent token gives a new pair.
    AcceptsSpentTokens,
    /// A sign-out of `denylist` leaves the access token alone.
    ForgetsToDeny,
}

#[derive(Clone, Debug)]
struct FakeSession {
    strategy: String,
    email: String,
    live: bool,
    denied: bool,
    generation: u64,
    secret: Option<String>,
}

#[derive(Debug)]
struct FakeState {
    fault: FakeFault,
    users: Vec<String>,
    sessions: HashMap<u64, FakeSession>,
    issued: u64,
    asked: watch::Sender<u64>,
}

/// The server and its state.
#[derive(Debug)]
pub(crate) struct FakeServer {
    world: Arc<Mutex<FakeState>>,
    life: Option<Runtime>,
    pub(crate) address: SocketAddr,
}

impl FakeServer {
    pub(crate) fn start(fault: FakeFault) -> Self {
        let asked = watch::Sender::new(0);
        let world = FakeState { fault, users: Vec::new(), sessions: HashMap::new(), issued: 0, asked };
        let world = Arc::new(Mutex::new(world));
        let (life, address) = live(&world);
        Self { world, life: Some(life), address }
    }

    /// Waits until the server has been asked so many times more.
    pub(crate) async fn is_asked(&self, times: u64) {
        let mut asked = self.world.lock().unwrap().asked.subscribe();
        let until = *asked.borrow() + times;
        asked.wait_for(|asked| *asked >= until).await.unwrap();
    }

    /// Dies in the middle of everything, with every connection.
    pub(crate) fn kill(&mut self) {
        self.life.take().unwrap().shutdown_background();
    }

    pub(crate) fn restart(&mut self) {
        self.world.lock().unwrap().suffer_death();
        let (life, address) = live(&self.world);
        (self.life, self.address) = (Some(life), address);
    }
}

impl Drop for FakeServer {
    fn drop(&mut self) {
        if let Some(life) = self.life.take() {
            life.shutdown_background();
        }
    }
}

fn live(world: &Arc<Mutex<FakeState>>) -> (Runtime, SocketAddr) {
    let life = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let router =
        Router::new().route("/auth/{strategy}/{operation}", any(answer)).with_state(Arc::clone(world));
    let (sender, receiver) = mpsc::channel();
    life.spawn(async move {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        sender.send(listener.local_addr().unwrap()).unwrap();
        axum::serve(listener, router).await
    });
    (life, receiver.recv().unwrap())
}

async fn answer(
    State(world): State<Arc<Mutex<FakeState>>>,
    Path((strategy, operation)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let access = header("cookie").or_else(|| header("authorization")).unwrap_or_default();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let mut world = world.lock().unwrap();
    world.asked.send_modify(|asked| *asked += 1);
    match operation.as_str() {
        "register" => world.register(&body),
        "login" => world.login(&strategy, &body),
        "profile" => world.profile(&strategy, &access),
        "logout" => world.logout(&strategy, &access),
        "refresh" => world.refresh(&strategy, &body),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

/// The number of the session that a credential like `Bearer a7.1` or `connect.sid=a7` names.
fn number(credential: &str) -> u64 {
    let (_, rest) = credential.rsplit_once('a').unwrap_or_default();
    rest.split('.').next().unwrap_or_default().parse().unwrap_or(0)
}

fn unauthorized() -> Response {
    StatusCode::UNAUTHORIZED.into_response()
}

impl FakeState {
    fn suffer_death(&mut self) {
        match self.fault {
            FakeFault::ForgetsUsers => self.users.truncate(self.users.len() / 2),
            FakeFault::ForgetsSessions => self.sessions.clear(),
            FakeFault::ForgetsSignOuts => self.sessions.values_mut().for_each(|session| session.live = true),
            FakeFault::ForgetsRotations => {
                let back =
                    |session: &mut FakeSession| session.generation = session.generation.saturating_sub(1);
                self.sessions.values_mut().for_each(back);
            }
            _ => {}
        }
    }

    fn register(&mut self, body: &Value) -> Response {
        let email = body["email"].as_str().unwrap().to_owned();
        if self.users.contains(&email) {
            return StatusCode::CONFLICT.into_response();
        }
        self.users.push(email);
        StatusCode::CREATED.into_response()
    }

    fn login(&mut self, strategy: &str, body: &Value) -> Response {
        let email = body["email"].as_str().unwrap().to_owned();
        if !self.users.contains(&email) {
            return unauthorized();
        }
        self.issued += 1;
        let sid = self.issued;
        let secret = body["native"].as_bool().unwrap_or(false).then(|| format!("secret{sid}"));
        let session = FakeSession {
            strategy: strategy.to_owned(),
            email,
            live: true,
            denied: false,
            generation: 0,
            secret: secret.clone(),
        };
        self.sessions.insert(sid, session);
        match strategy {
            "session" => {
                let cookie = format!("connect.sid=a{sid}; Path=/; HttpOnly");
                (StatusCode::CREATED, [("set-cookie", cookie)]).into_response()
            }
            "denylist" => {
                let mut tokens =
                    json!({"accessToken": format!("a{sid}.0"), "refreshToken": format!("ra{sid}.0")});
                if let Some(secret) = secret {
                    tokens["deviceSecret"] = secret.into();
                }
                (StatusCode::CREATED, axum::Json(json!({"tokens": tokens}))).into_response()
            }
            _ => {
                let mut tokens = json!({"access_token": format!("a{sid}.0")});
                if strategy == "refresh" {
                    tokens["refresh_token"] = format!("ra{sid}.0").into();
                }
                if let Some(secret) = secret {
                    tokens["device_secret"] = secret.into();
                }
                (StatusCode::CREATED, axum::Json(tokens)).into_response()
            }
        }
    }

    fn profile(&self, strategy: &str, access: &str) -> Response {
        let believed = self.sessions.get(&number(access)).is_some_and(|session| match strategy {
            "jwt" | "refresh" => session.strategy == strategy,
            "denylist" => session.strategy == strategy && !session.denied,
            _ => session.strategy == strategy && session.live,
        });
        if believed { StatusCode::OK.into_response() } else { unauthorized() }
    }

    fn logout(&mut self, strategy: &str, access: &str) -> Response {
        let sid = number(access);
        let Some(email) = self.sessions.get(&sid).map(|session| session.email.clone()) else {
            return unauthorized();
        };
        for (other, session) in &mut self.sessions {
            let too = strategy == "denylist" && session.strategy == strategy && session.email == email;
            if *other == sid || too {
                session.live = false;
                session.denied = self.fault != FakeFault::ForgetsToDeny;
            }
        }
        StatusCode::CREATED.into_response()
    }

    fn refresh(&mut self, strategy: &str, body: &Value) -> Response {
        let token = body["refresh_token"].as_str().unwrap();
        let shown: u64 = token.split_once('.').unwrap().1.parse().unwrap();
        let sid = number(token);
        let fault = self.fault;
        let Some(session) = self.sessions.get_mut(&sid).filter(|session| session.live) else {
            return unauthorized();
        };
        let proven = session.secret.is_some() && session.secret.as_deref() == body["device_secret"].as_str();
        let current = shown == session.generation && (proven || session.secret.is_none());
        let retry = shown + 1 == session.generation && proven && fault != FakeFault::StrandsClients;
        let spent_but_taken = fault == FakeFault::AcceptsSpentTokens && shown < session.generation;
        if current || spent_but_taken || (retry && fault == FakeFault::RotatesOnRetry) {
            session.generation += 1;
        } else if !retry {
            if !proven && fault != FakeFault::ToleratesThieves {
                (session.live, session.denied) = (false, true);
            }
            return unauthorized();
        }
        let (access, refresh) =
            (format!("a{sid}.{}", session.generation), format!("ra{sid}.{}", session.generation));
        let pair = match strategy {
            "denylist" => json!({"accessToken": access, "refreshToken": refresh}),
            _ => json!({"access_token": access, "refresh_token": refresh}),
        };
        (StatusCode::CREATED, axum::Json(pair)).into_response()
    }
}
