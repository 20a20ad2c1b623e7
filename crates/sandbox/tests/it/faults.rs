//! Everything that can go wrong.

use std::time::Duration;

use keyhaven_sandbox::{Fault, Mode, Rule};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

use crate::common::{ADA, GRACE, House, read, request};

const PATH: &str = "/v1/users/me";
/// Long enough to say that something hangs.
const WHILE: Duration = Duration::from_millis(200);

async fn with(fault: Fault) -> (House, TcpStream) {
    let house = House::new().await;
    house.state().add_fault(Rule::new(fault));
    let mut stream = house.connect().await;
    stream.write_all(request(ADA, "acme", "GET", PATH, "").as_bytes()).await.unwrap();
    (house, stream)
}

async fn until_closed(house: &House) {
    while house.state().open_connections() > 0 {
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn hanging_before_the_head_ends_when_the_caller_leaves() {
    let (house, mut stream) = with(Fault::HangBeforeHead).await;
    assert!(timeout(WHILE, stream.read_u8()).await.is_err());
    assert_eq!(house.state().open_connections(), 1);
    drop(stream);
    until_closed(&house).await;
}

#[tokio::test]
async fn hanging_in_the_body_ends_when_the_caller_leaves() {
    let (house, mut stream) = with(Fault::HangMidBody).await;
    let mut some = vec![0; 300];
    stream.read_exact(&mut some).await.unwrap();
    assert!(some.starts_with(b"HTTP/1.1 200"));
    assert!(timeout(WHILE, read(&mut stream)).await.is_err());
    drop(stream);
    until_closed(&house).await;
}

#[tokio::test]
async fn a_reset_comes_after_half_the_body() {
    let (house, mut stream) = with(Fault::ResetMidBody).await;
    let mut all = Vec::new();
    let error = loop {
        let mut piece = [0; 512];
        match stream.read(&mut piece).await {
            Ok(0) => panic!("it was closed in good order"),
            Ok(count) => all.extend_from_slice(&piece[..count]),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    assert!(all.len() > 300, "half the body came");
    until_closed(&house).await;
}

#[tokio::test]
async fn garbage_comes_on_used_connections_too() {
    let house = House::new().await;
    let mut stream = house.connect().await;
    let asking = request(ADA, "acme", "GET", PATH, "");
    stream.write_all(asking.as_bytes()).await.unwrap();
    assert_eq!(read(&mut stream).await.unwrap().status, 200);
    house.state().set_mode(ADA, Mode::Garbage);
    stream.write_all(asking.as_bytes()).await.unwrap();
    let mut all = Vec::new();
    stream.read_to_end(&mut all).await.unwrap();
    assert!(all.starts_with(b"\x16\x03\x01"));
    house.state().add_fault(Rule::new(Fault::Garbage));
    let mut stream = house.connect().await;
    stream.write_all(asking.as_bytes()).await.unwrap();
    stream.read_to_end(&mut all).await.unwrap();
    assert_eq!(all.iter().filter(|byte| **byte == 0x16).count(), 2);
}

#[tokio::test]
async fn connections_close_in_three_ways() {
    let (_house, mut stream) = with(Fault::CloseWithoutAnswer).await;
    assert_eq!(stream.read(&mut [0; 8]).await.unwrap(), 0);

    let (_house, mut stream) = with(Fault::CloseAfterAnswer).await;
    let answer = read(&mut stream).await.unwrap();
    assert_eq!((answer.status, answer.header("connection")), (200, None));
    assert_eq!(stream.read(&mut [0; 8]).await.unwrap(), 0);

    let (_house, mut stream) = with(Fault::AnnouncedClose).await;
    assert_eq!(read(&mut stream).await.unwrap().header("connection"), Some("close"));
    assert_eq!(stream.read(&mut [0; 8]).await.unwrap(), 0);
}

#[tokio::test]
async fn rules_meet_only_whom_they_name() {
    let house = House::new().await;
    let redirect = |status| Fault::Redirect { status, to: "http://127.0.0.1:1/".into() };
    house.state().add_fault(Rule::new(redirect(301)).key(GRACE));
    house.state().add_fault(Rule::new(redirect(308)).path("/api/v2/").times(2));
    assert_eq!(house.get(PATH).await.status, 200);
    assert_eq!(house.ask_as(GRACE, "globex", "GET", PATH, "").await.status, 301);
    for status in [308, 308, 200] {
        assert_eq!(house.get("/api/v2/deals").await.status, status);
    }
    house.state().add_fault(Rule::new(Fault::As(Mode::NoPermission)).path("/v1/notes").skip(2).times(1));
    for status in [200, 200, 403, 200] {
        assert_eq!(house.get("/v1/notes").await.status, status);
    }
    house.state().clear_faults();
    assert_eq!(house.ask_as(GRACE, "globex", "GET", PATH, "").await.status, 200);
}

#[tokio::test]
async fn big_bodies_come_and_go() {
    let (_house, mut stream) = with(Fault::Big { bytes: 3_000_001 }).await;
    assert_eq!(read(&mut stream).await.unwrap().body.len(), 3_000_001);

    let house = House::new().await;
    house.state().add_fault(Rule::new(Fault::Swallow));
    let answer = house.ask("POST", "/v1/files", &"x".repeat(3_000_000)).await;
    assert_eq!(answer.json()["data"]["bytes"], 3_000_000);
    assert_eq!(house.state().asked()[0].body_bytes, 3_000_000);
    house.state().clear_faults();
    assert_eq!(house.ask("POST", "/v1/files", &"x".repeat(10)).await.status, 404);
}

#[tokio::test]
async fn answers_drip_and_are_late() {
    let began = tokio::time::Instant::now();
    let (house, mut stream) = with(Fault::Drip { bytes: 100, every_ms: 10 }).await;
    let slow = read(&mut stream).await.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(10) * (slow.body.len() / 100) as u32);
    house.state().clear_faults();
    house.state().add_fault(Rule::new(Fault::Latency { ms: 60 }));
    house.state().add_fault(Rule::new(Fault::Header { name: "set-cookie".into(), value: "a=b".into() }));
    let began = tokio::time::Instant::now();
    let late = house.get(PATH).await;
    assert!(began.elapsed() >= Duration::from_millis(60));
    assert_eq!((late.header("set-cookie"), late.body == slow.body), (Some("a=b"), true));
}
