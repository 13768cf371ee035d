//! Clients that are at work while the server is restarted under them. None of them tries anything twice.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use crate::http::{Connection, Request};

/// Those that keep their connection, and those that open one for each request.
const KEEPING: usize = 3;
const OPENING: usize = 2;

/// All of them.
pub(crate) struct Clients {
    threads: Vec<JoinHandle<()>>,
    over: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
}

impl Clients {
    /// Sends this request again and again, which must be answered with 200 each time.
    pub(crate) fn at_work(server: SocketAddr, request: &Request) -> Self {
        let (over, answered) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let kinds = [true; KEEPING].into_iter().chain([false; OPENING]);
        let start = |keeps| {
            let (client, over, answered) =
                (Client::of(server, request, keeps), over.clone(), answered.clone());
            thread::spawn(move || client.work(&over, &answered))
        };
        Self { threads: kinds.map(start).collect(), over: over.clone(), answered: answered.clone() }
    }

    /// Waits until each may have had an answer since.
    pub(crate) fn work_on(&self) {
        let before = self.answered.load(Ordering::Relaxed);
        while self.answered.load(Ordering::Relaxed) < before + 50 {
            assert!(self.threads.iter().all(|thread| !thread.is_finished()), "a client has given up");
            thread::yield_now();
        }
    }

    /// Lets them end, and says how many requests were answered.
    pub(crate) fn finish(self) -> u64 {
        self.work_on();
        self.over.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().expect("a client lost a request");
        }
        self.answered.load(Ordering::Relaxed)
    }
}

struct Client {
    server: SocketAddr,
    request: Request,
    keeps: bool,
    connection: Option<Connection>,
}

impl Client {
    fn of(server: SocketAddr, request: &Request, keeps: bool) -> Self {
        Self { server, request: request.clone(), keeps, connection: None }
    }

    fn work(mut self, over: &AtomicBool, answered: &AtomicU64) {
        while !over.load(Ordering::Relaxed) {
            let status = self.ask().unwrap_or_else(|fault| panic!("a request was lost: {fault}"));
            assert_eq!(status, 200);
            answered.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn ask(&mut self) -> io::Result<u16> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::open(self.server)?,
        };
        let answer = connection.ask(&self.request)?;
        self.connection = Some(connection).filter(|_| self.keeps && !answer.closes);
        Ok(answer.status)
    }
}
