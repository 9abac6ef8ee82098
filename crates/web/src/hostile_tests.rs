//! Clients that mean harm: slow heads, slow bodies, huge heads and bodies, more connections than there are places.
//!
//! Over loopback sockets in tokio's paused time: whoever waits, waits for nothing.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use crate::serve::tests::Empty;
use crate::{Hook, Hooks, serve_with_hooks};

/// A server with a webhook `fleet` whose secret is `s`; how often it was woken.
async fn server() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let woken = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&woken);
    let hook = Hook::new(vec!["s".to_owned()], move || {
        counted.fetch_add(1, Ordering::Relaxed);
    });
    let hooks = Hooks::new([("fleet".to_owned(), hook)]);
    tokio::spawn(serve_with_hooks(listener, Arc::new(Empty), hooks, std::future::pending()));
    (address, woken)
}

async fn connected(address: SocketAddr, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    stream
}

/// Everything until the server hangs up. A reset is an end, too.
async fn rest(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

const GET: &str = "GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

#[tokio::test(start_paused = true)]
async fn a_head_that_does_not_end_is_waited_for_ten_seconds() {
    let (address, _) = server().await;
    for begun in ["", "GET", "GET /healthz HTTP/1.1\r\nhost: x\r\nx-slow: "] {
        let start = Instant::now();
        let mut stream = connected(address, begun).await;
        let answer = rest(&mut stream).await;
        assert!(!answer.contains("200 OK"), "{answer}");
        let took = start.elapsed();
        assert!((10..=12).contains(&took.as_secs()), "{begun:?} was cut off after {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_that_comes_byte_by_byte_is_waited_for_no_longer() {
    let (address, _) = server().await;
    let start = Instant::now();
    let mut stream = connected(address, "GET /healthz HTTP/1.1\r\nhost: x\r\n").await;
    while start.elapsed() < Duration::from_mins(5) {
        tokio::time::sleep(Duration::from_secs(3)).await;
        if stream.write_all(b"x-slow: 1\r\n").await.is_err() {
            break;
        }
    }
    assert!(start.elapsed() < Duration::from_secs(30), "cut off after {:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_waited_for_ten_seconds_and_wakes_nothing() {
    let (address, woken) = server().await;
    let start = Instant::now();
    let head = "POST /v1/hooks/fleet HTTP/1.1\r\nhost: x\r\nx-gitlab-token: s\r\ncontent-length: 9\r\nconnection: close\r\n\r\nhalf";
    let mut stream = connected(address, head).await;
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!((10..=12).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    assert_eq!(woken.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn a_body_without_an_end_is_cut_off_at_a_mebibyte_before_any_signature_is_looked_at() {
    let (address, woken) = server().await;
    let head = "POST /v1/hooks/fleet HTTP/1.1\r\nhost: x\r\nx-gitlab-token: s\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n";
    let mut stream = connected(address, head).await;
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x1_0000));
    let mut sent = 0_usize;
    while sent < 64 << 20 && stream.write_all(chunk.as_bytes()).await.is_ok() {
        sent += chunk.len();
    }
    assert!(sent < 32 << 20, "{sent} bytes were taken");
    let answer = rest(&mut stream).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert_eq!(woken.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn a_head_of_a_mebibyte_is_refused() {
    let (address, _) = server().await;
    let mut stream = connected(address, "GET /healthz HTTP/1.1\r\nhost: x\r\n").await;
    let line = format!("x-long: {}\r\n", "y".repeat(60_000));
    for _ in 0..20 {
        if stream.write_all(line.as_bytes()).await.is_err() {
            break;
        }
    }
    let answer = rest(&mut stream).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn idle_connections_keep_others_out_for_ten_seconds_and_no_longer() {
    let (address, _) = server().await;
    let mut idle = Vec::new();
    for _ in 0..200 {
        idle.push(connected(address, "GET /he").await);
    }
    let start = Instant::now();
    let mut stream = connected(address, GET).await;
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    // 200 connections take the 64 places four times.
    assert!(start.elapsed() <= Duration::from_secs(45), "{:?}", start.elapsed());
}

/// In real time, with files for as many sockets on both sides (`ulimit -n 30000`):
/// `cargo test -p axon-web hostile -- --ignored`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "opens ten thousand sockets"]
async fn ten_thousand_connections_do_not_keep_health_from_being_told() {
    let (address, _) = server().await;
    let mut idle = Vec::new();
    for _ in 0..10_000 {
        // Those beyond the backlog of the system are not even connected.
        let attempt = tokio::time::timeout(Duration::from_millis(20), TcpStream::connect(address)).await;
        if let Ok(Ok(stream)) = attempt {
            idle.push(stream);
        }
    }
    assert!(idle.len() > 64, "{} are connected", idle.len());
    idle.clear();
    let mut stream = connected(address, GET).await;
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
}
