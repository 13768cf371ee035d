//! The file, read again while the gateway runs.

use crate::fixture::{Client, RawUpstream, TestGateway, echo, read_head};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

#[tokio::test]
async fn a_new_file_counts_from_the_next_request_on_and_a_wrong_one_not_at_all() {
    let upstream = echo().await.address;
    let route = |keys: &str| format!("[[routes]]\npath = \"/\"\nupstream = \"http://{upstream}\"\n{keys}\n");
    let gateway = TestGateway::start(&route("")).await;
    let status = async || Client::get(gateway.address, "/", "").await.status;
    assert_eq!(status().await, 401);
    gateway.reload(&route("public = true"));
    assert_eq!(status().await, 200);
    for wrong in
        ["", "[[routes]]", "routes = 1", &route("roles = [\"boss\"]"), &route("ca_file = \"/nothing.pem\"")]
    {
        gateway.reload(wrong);
        assert_eq!(status().await, 200, "{wrong}");
    }
}

#[tokio::test]
async fn what_is_open_goes_on_and_connections_to_upstreams_stay() {
    let upstream = RawUpstream::start(|mut stream: TcpStream| async move {
        while !read_head(&mut stream).await.is_empty() {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
        }
    })
    .await;
    let file = |keys: &str| {
        format!(
            "[[routes]]\npath = \"/\"\nupstream = \"http://{}\"\npublic = true\n{keys}\n",
            upstream.address
        )
    };
    let gateway = TestGateway::start(&file("")).await;
    let mut client = gateway.connection().await;
    for keys in ["", "forward_token = true", "methods = [\"GET\"]"] {
        gateway.reload(&file(keys));
        client.write(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
        assert_eq!(client.answer().await.unwrap().text(), "ok");
    }
    assert_eq!(upstream.connections(), 1);
}
