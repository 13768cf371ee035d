//! Clients that are at work while servers come and go, and lose no request.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::fixture::{HttpAnswer, HttpConnection, HttpRequest, eventually};

/// How many requests are answered from one round to the next, at least.
const BETWEEN: u64 = 50;

/// All of them.
pub(super) struct Clients {
    tasks: JoinSet<()>,
    count: Arc<Count>,
}

#[derive(Default)]
struct Count {
    answered: AtomicU64,
    is_over: AtomicBool,
}

/// A client and its connection, which it keeps until the server says that it will close it.
struct Client {
    address: SocketAddr,
    connection: HttpConnection,
    count: Arc<Count>,
}

impl Client {
    async fn new(address: SocketAddr, count: &Arc<Count>) -> Self {
        Self { address, connection: HttpConnection::to(address).await, count: count.clone() }
    }

    fn goes_on(&self) -> bool {
        !self.count.is_over.load(Ordering::Relaxed)
    }

    /// Asks on the connection that is open, and only once.
    async fn ask(&mut self, request: &HttpRequest, status: u16) -> HttpAnswer {
        self.connection.write(&request.bytes()).await;
        let answer = self.connection.answer().await;
        let answer = answer.unwrap_or_else(|fault| panic!("lost: {request:?}: {fault}")).status(status);
        if answer.header("connection") == Some("close") {
            self.connection = HttpConnection::to(self.address).await;
        }
        self.count.answered.fetch_add(1, Ordering::Relaxed);
        answer
    }

    /// Asks again and again, with a pause in between.
    async fn asks(mut self, request: HttpRequest, pause: Duration) {
        while self.goes_on() {
            self.ask(&request, 200).await;
            sleep(pause).await;
        }
    }

    /// Asks each time on a connection of its own.
    async fn asks_anew(mut self, request: HttpRequest) {
        while self.goes_on() {
            self.connection = HttpConnection::to(self.address).await;
            self.ask(&request, 200).await;
        }
    }

    /// Redeems each refresh token once: a request that was answered twice, or an answer that was lost, ends the
    /// session.
    async fn refreshes(mut self, mut token: String) {
        while self.goes_on() {
            let request = post(self.address, "refresh/refresh").json(&json!({"refresh_token": token}));
            token = self.ask(&request, 201).await.at("/refresh_token");
        }
    }
}

fn post(address: SocketAddr, path: &str) -> HttpRequest {
    HttpRequest::new(address, "POST", &format!("/auth/{path}"))
}

impl Clients {
    /// Signs a user in, and sets them to work.
    pub(super) async fn at_work(address: SocketAddr) -> Self {
        let ann = json!({"email": "ann@example.com", "password": "correct horse", "name": "Ann"});
        post(address, "jwt/register").json(&ann).await.status(201);
        let session = post(address, "session-jwt/login").json(&ann).await.status(201);
        let profile = HttpRequest::new(address, "GET", "/auth/session-jwt/profile");
        let profile = profile.bearer(&session.at("/access_token"));
        let mut clients = Self { tasks: JoinSet::new(), count: Arc::default() };
        for _ in 0..3 {
            clients.tasks.spawn(Client::new(address, &clients.count).await.asks_anew(profile.clone()));
        }
        for millis in [0, 0, 1, 3, 10, 30] {
            let client = Client::new(address, &clients.count).await;
            clients.tasks.spawn(client.asks(profile.clone(), Duration::from_millis(millis)));
        }
        for _ in 0..2 {
            let held = post(address, "refresh/login").json(&ann).await.status(201);
            let client = Client::new(address, &clients.count).await;
            clients.tasks.spawn(client.refreshes(held.at("/refresh_token")));
        }
        clients
    }

    fn answered(&self) -> u64 {
        self.count.answered.load(Ordering::Relaxed)
    }

    /// Waits until some more requests have been answered.
    pub(super) async fn work_on(&mut self) {
        let goal = self.answered() + BETWEEN;
        let (tasks, count) = (&mut self.tasks, &self.count);
        let is_there = || async { (count.answered.load(Ordering::Relaxed) >= goal).then_some(()) };
        tokio::select! {
            Some(ended) = tasks.join_next() => panic!("a client has stopped: {ended:?}"),
            () = eventually("they are answered", is_there) => (),
        }
    }

    /// Ends their work, in which none lost a request. Returns how many were answered.
    pub(super) async fn finish(mut self) -> u64 {
        self.count.is_over.store(true, Ordering::Relaxed);
        while let Some(ended) = self.tasks.join_next().await {
            ended.unwrap();
        }
        self.answered()
    }
}
