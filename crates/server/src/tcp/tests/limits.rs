//! Peers that take more than they may, or send what cannot be read.

use super::*;

#[tokio::test]
async fn what_cannot_be_read_closes_its_connection_and_no_other() {
    let server = Server::start(LIMITS).await;
    let mut neighbour = server.client().await;
    assert_eq!(neighbour.ask("echo", json!(1)).await["response"], 1);
    for bytes in [
        "x#{}".as_bytes(),
        b"#",
        b"-2#{}",
        b"3#{]}",
        b"65537#",
        b"99999999999999999999",
        "1#😀".as_bytes(),
        b"2#\xff\xff",
        b"GET / HTTP/1.1\r\n\r\n",
        &[0x16, 0x03, 0x01, 0x02, 0x00],
    ] {
        let mut client = server.client().await;
        client.send_bytes(bytes).await;
        assert_eq!(client.answer().await, None, "{bytes:?}");
    }
    assert_eq!(neighbour.ask("echo", json!(2)).await["response"], 2);
}

#[tokio::test]
async fn what_was_whole_before_a_broken_frame_is_answered() {
    let server = Server::start(LIMITS).await;
    let mut client = server.client().await;
    client.send(&[request("gated", &json!(1), &json!(1)), request("echo", &json!(2), &json!(2))]).await;
    client.send_bytes(b"broken").await;
    assert_eq!(client.answer().await.unwrap()["id"], 2);
    server.echo.gate.add_permits(1);
    assert_eq!(client.answer().await.unwrap()["id"], 1);
    assert_eq!(client.answer().await, None);
}

#[tokio::test]
async fn json_that_is_no_packet_is_passed_over() {
    let server = Server::start(LIMITS).await;
    let mut client = server.client().await;
    client.send(&[json!(null), json!([1, 2, 3]), json!({}), json!({"id": 1}), json!("text")]).await;
    assert_eq!(client.ask("echo", json!(1)).await["response"], 1);
}

// ASVS-map: OP1
#[tokio::test]
async fn a_packet_that_does_not_end_ends_the_connection() {
    let server = Server::start(TcpConnectionLimits { packet: SHORT, ..LIMITS }).await;
    for part in ["5", "50#", r#"50#{"pattern":"#] {
        let mut client = server.client().await;
        client.send_bytes(part.as_bytes()).await;
        assert_eq!(client.answer().await, None, "{part}");
    }
}

// ASVS-map: OP1
#[tokio::test]
async fn a_connection_on_which_nothing_happens_is_closed() {
    // Long enough for a request to come first.
    let idle = 10 * SHORT;
    let server = Server::start(TcpConnectionLimits { idle, ..LIMITS }).await;
    let mut silent = server.client().await;
    assert_eq!(silent.answer().await, None);
    // While a request runs it is the server's turn, for however long.
    let mut waiting = server.client().await;
    waiting.send(&[request("gated", &json!(1), &json!(1))]).await;
    server.has_begun(1).await;
    tokio::time::sleep(2 * idle).await;
    server.echo.gate.add_permits(1);
    assert_eq!(waiting.answer().await.unwrap()["id"], 1);
    assert_eq!(waiting.answer().await, None);
}

#[tokio::test]
async fn no_more_run_at_once_than_may_and_none_is_refused() {
    let server = Server::start(TcpConnectionLimits { in_flight: 2, ..LIMITS }).await;
    let mut client = server.client().await;
    let requests: Vec<Value> = (0..20).map(|id| request("gated", &json!(id), &json!(id))).collect();
    client.send(&requests).await;
    server.has_begun(2).await;
    for _ in 0..20 {
        server.echo.gate.add_permits(1);
        assert!(client.answer().await.unwrap()["response"].is_u64());
    }
    assert_eq!(server.echo.crowd.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_packet_waits_for_its_turn_as_long_as_that_takes() {
    let server = Server::start(TcpConnectionLimits { in_flight: 1, packet: SHORT, ..LIMITS }).await;
    let mut client = server.client().await;
    let mut stream = BytesMut::new();
    frame::write(&request("echo", &json!(2), &json!(2)).to_string(), &mut stream);
    let rest = stream.split_off(10);
    client.send(&[request("gated", &json!(1), &json!(1))]).await;
    client.send_bytes(&stream).await;
    server.has_begun(1).await;
    tokio::time::sleep(3 * SHORT).await;
    client.send_bytes(&rest).await;
    server.echo.gate.add_permits(1);
    assert_eq!(client.answer().await.unwrap()["id"], 1);
    assert_eq!(client.answer().await.unwrap()["id"], 2);
}

// ASVS-map: OP1
#[tokio::test]
async fn a_client_that_reads_no_answers_is_cut_off() {
    let server = Server::start(TcpConnectionLimits { packet: SHORT, ..LIMITS }).await;
    let mut client = server.client().await;
    let mut stream = BytesMut::new();
    frame::write(&request("echo", &json!("x".repeat(60_000)), &json!(1)).to_string(), &mut stream);
    // Ends when the server has closed: what fits into the sockets on the way is bounded.
    while client.stream.write_all(&stream).await.is_ok() {}
    let ran = server.echo.ran.borrow().len();
    assert!(ran < 2_000, "the server went on reading: {ran}");
    assert_eq!(server.client().await.ask("echo", json!(1)).await["response"], 1);
}

// ASVS-map: OP1
#[tokio::test]
async fn a_further_connection_takes_the_place_of_an_idle_one_and_waits_while_all_are_answered() {
    let server = Server::start(TcpConnectionLimits {
        accept: AcceptLimits { connections: 1, ..LIMITS.accept },
        ..LIMITS
    })
    .await;
    let mut first = server.client().await;
    first.send(&[request("gated", &json!(1), &json!(1))]).await;
    server.has_begun(1).await;
    let mut second = server.client().await;
    second.send(&[request("echo", &json!(2), &json!(2))]).await;
    assert_eq!(first.ask("echo", json!(3)).await["response"], 3);
    assert_eq!(*server.echo.ran.borrow(), [json!(1), json!(3)]);
    server.echo.gate.add_permits(1);
    assert_eq!(first.answer().await.unwrap()["response"], 1);
    assert_eq!(first.answer().await, None, "it is idle, and its slot is needed");
    assert_eq!(second.answer().await.unwrap()["response"], 2);
    // A client that says nothing, and one that does not end what it says.
    for bytes in [&b""[..], b"50#{"] {
        let mut idle = server.client().await;
        idle.send_bytes(bytes).await;
        let mut next = server.client().await;
        assert_eq!(next.ask("echo", json!(4)).await["response"], 4);
    }
}
