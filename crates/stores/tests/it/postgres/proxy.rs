#![cfg(test)]
//! What stands between a store and its server in tests: sockets of the same name in another folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Mutex;

/// The socket of the server that a URL names.
pub(super) fn server_socket(url: &str) -> PathBuf {
    let (_, place) = url.split_once('@').unwrap();
    let (host, rest) = place.split_once(':').unwrap();
    let port = rest.split('/').next().unwrap();
    Path::new(&host.replace("%2F", "/")).join(format!(".s.PGSQL.{port}"))
}

/// The same URL with the socket in another folder.
pub(super) fn by_way_of(url: &str, folder: &Path) -> String {
    let host = server_socket(url).parent().unwrap().to_str().unwrap().replace('/', "%2F");
    url.replace(&host, &folder.to_str().unwrap().replace('/', "%2F"))
}

/// A URL in the place of another, and what the first client that comes by it says.
pub(super) fn greeting(url: &str, folder: &Path) -> (String, impl Future<Output = String> + use<>) {
    let listener = UnixListener::bind(folder.join(server_socket(url).file_name().unwrap())).unwrap();
    let greeting = async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut said = vec![0; 1 << 16];
        let length = client.read(&mut said).await.unwrap();
        String::from_utf8_lossy(&said[..length]).into_owned()
    };
    (format!("{}&sslmode=disable", by_way_of(url, folder)), greeting)
}

/// The one connection to the server, and what it answered to the first client's greeting.
#[derive(Default)]
struct SharedConnection {
    server: Option<UnixStream>,
    welcome: Vec<u8>,
}

/// A proxy as one that pools transactions: all clients have one connection in turn. Returns the URL through it.
pub(super) async fn transaction_pooler(url: &str, folder: &Path) -> String {
    let socket = server_socket(url);
    let listener = UnixListener::bind(folder.join(socket.file_name().unwrap())).unwrap();
    let shared = Arc::new(Mutex::new(SharedConnection::default()));
    tokio::spawn(async move {
        loop {
            let (client, _) = listener.accept().await.unwrap();
            tokio::spawn(serve(client, shared.clone(), socket.clone()));
        }
    });
    format!("{}&sslmode=disable", by_way_of(url, folder))
}

async fn serve(mut client: UnixStream, shared: Arc<Mutex<SharedConnection>>, socket: PathBuf) {
    let mut question = vec![0; 1 << 16];
    let mut is_greeted = false;
    while let Ok(length @ 1..) = client.read(&mut question).await {
        let mut shared = shared.lock().await;
        let answer = if is_greeted || shared.server.is_none() {
            if shared.server.is_none() {
                shared.server = Some(UnixStream::connect(&socket).await.unwrap());
            }
            let answer = asked(shared.server.as_mut().unwrap(), &question[..length]).await;
            if !is_greeted {
                shared.welcome.clone_from(&answer);
            }
            answer
        } else {
            shared.welcome.clone()
        };
        is_greeted = true;
        if client.write_all(&answer).await.is_err() {
            return;
        }
    }
}

/// The answer of the server, up to the message that it is ready for the next question.
async fn asked(server: &mut UnixStream, question: &[u8]) -> Vec<u8> {
    server.write_all(question).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"Z\0\0\0\x05I") {
        assert_ne!(server.read_buf(&mut answer).await.unwrap(), 0, "the server has gone");
    }
    answer
}
