use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

/// A server that answers each request on one connection with the next list of pieces, sent apart.
async fn scripted(answers: Vec<Vec<&'static [u8]>>) -> HttpConnection {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let mut request = [0; 1024];
        for pieces in answers {
            assert_ne!(stream.read(&mut request).await.unwrap(), 0);
            for piece in pieces {
                stream.write_all(piece).await.unwrap();
                tokio::task::yield_now().await;
            }
        }
    });
    HttpConnection::open(address).await.unwrap()
}

#[tokio::test]
async fn answers_on_one_connection_follow_each_other_however_they_are_cut() {
    let whole: &[u8] = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\nRetry-After: 3\r\n\r\n{}";
    let cut: Vec<&[u8]> = vec![b"HTTP/1.1 20", b"0 OK\r\ncontent-le", b"ngth: 7\r\n\r", b"\n{\"a\"", b":1}"];
    let mut connection = scripted(vec![vec![whole], cut]).await;

    let first = connection.exchange(&get("/", &[])).await.unwrap();
    assert_eq!((first.status(), first.body()), (201, b"{}".as_slice()));
    assert_eq!(first.header("retry-after"), Some("3"));
    assert_eq!(first.header("set-cookie"), None);

    let second = connection.exchange(&get("/", &[])).await.unwrap();
    assert_eq!((second.status(), second.json()), (200, json!({"a": 1})));
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_lost_and_not_malformed() {
    let mut connection = scripted(vec![vec![b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nfour"]]).await;
    assert!(matches!(connection.exchange(&get("/", &[])).await, Err(HttpError::Lost(_))));
}

#[tokio::test]
async fn an_answer_without_a_length_or_with_too_many_bytes_is_malformed() {
    for bad in [
        b"HTTP/1.1 200 OK\r\n\r\n".as_slice(),
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n12",
        b"ICY 200\r\n",
    ] {
        let mut connection = scripted(vec![vec![bad]]).await;
        assert!(matches!(connection.exchange(&get("/", &[])).await, Err(HttpError::Malformed(_))));
    }
}

#[test]
fn a_post_announces_its_body_and_one_without_a_body_has_no_content_type() {
    let with = String::from_utf8(post("/a", &[("cookie", "c=1")], Some(&json!({"é": 1})))).unwrap();
    assert_eq!(
        with,
        "POST /a HTTP/1.1\r\nhost: 127.0.0.1\r\ncookie: c=1\r\ncontent-type: application/json\r\n\
         content-length: 8\r\n\r\n{\"é\":1}"
    );
    let without = String::from_utf8(post("/a", &[], None)).unwrap();
    assert_eq!(without, "POST /a HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 0\r\n\r\n");
}
