use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use portcullis_core::id::TenantId;
use portcullis_core::session::Session;
use portcullis_core::store::conformance::records::{NOW, by_id, new_user_key, session};
use portcullis_core::store::{Stores, Updated};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};

use super::proxy::{by_way_of, server_socket};
use super::{TestDatabase, open};

/// Stands between a store and its server, and counts how often the store waits for an answer.
#[derive(Clone, Default)]
struct RoundTrips {
    count: Arc<AtomicUsize>,
    answered: Arc<AtomicBool>,
}

impl RoundTrips {
    /// Listens in `folder` for what goes to the server's socket.
    fn listen(&self, folder: &std::path::Path, server: std::path::PathBuf) {
        let listener = UnixListener::bind(folder.join(server.file_name().unwrap())).unwrap();
        let counter = self.clone();
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let server = UnixStream::connect(&server).await.unwrap();
                let ((from_client, to_client), (from_server, to_server)) =
                    (client.into_split(), server.into_split());
                tokio::spawn(counter.clone().pass(from_client, to_server, true));
                tokio::spawn(counter.clone().pass(from_server, to_client, false));
            }
        });
    }

    async fn pass(
        self,
        mut from: tokio::net::unix::OwnedReadHalf,
        mut to: tokio::net::unix::OwnedWriteHalf,
        is_question: bool,
    ) {
        let mut buffer = vec![0; 1 << 16];
        while let Ok(length @ 1..) = from.read(&mut buffer).await {
            let was_answered = self.answered.swap(!is_question, Ordering::SeqCst);
            if is_question && was_answered {
                self.count.fetch_add(1, Ordering::SeqCst);
            }
            if to.write_all(&buffer[..length]).await.is_err() {
                return;
            }
        }
    }

    /// How many round trips these steps take.
    async fn of(&self, steps: impl Future<Output = ()>) -> usize {
        let before = self.count.load(Ordering::SeqCst);
        steps.await;
        self.count.load(Ordering::SeqCst) - before
    }
}

async fn used(stores: &Stores, known: &mut Session, times: usize) {
    for _ in 0..times {
        *known = known.clone().touch(known.last_seen.plus(Duration::from_secs(1)), None);
        assert_eq!(stores.sessions.update(known, None).await.unwrap(), Updated::Done);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_use_of_a_session_and_a_look_up_are_one_round_trip_each_once_their_statement_is_prepared() {
    let database = TestDatabase::new().await;
    let url = database.fresh().await;
    let server = server_socket(&url);
    let folder = tempfile::TempDir::new().unwrap();
    let round_trips = RoundTrips::default();
    round_trips.listen(folder.path(), server);
    let through = by_way_of(&url, folder.path());
    let stores = open(&through).await;
    let mut known = session(&new_user_key(&TenantId::default_tenant()));
    stores.sessions.insert(&known).await.unwrap();
    used(&stores, &mut known, 1).await;
    stores.sessions.find(&by_id(&known), NOW).await.unwrap();

    assert_eq!(round_trips.of(used(&stores, &mut known, 10)).await, 10);
    let found = async {
        for _ in 0..10 {
            stores.sessions.find(&by_id(&known), NOW).await.unwrap();
        }
    };
    assert_eq!(round_trips.of(found).await, 10);
}
