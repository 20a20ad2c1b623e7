//! Somebody breaks off: an answer tells who, and no call stays behind.

use std::{
    io::{Read, Write},
    time::Duration,
};

use super::Stage;
use crate::upstream::{Script, ok};

#[test]
fn an_app_that_breaks_off_is_told_and_leaves_nothing_behind() {
    let stage = Stage::with(&["--answer-timeout", "1s"]);
    let half = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf".to_vec();
    for (of, script, status, code) in [
        ("hangs before its head", Script::Hang(Vec::new()), 504, "timed_out"),
        ("hangs within its head", Script::Hang(b"HTTP/1.1 200 OK\r\nx: ".to_vec()), 504, "timed_out"),
        ("switches protocols", Script::Last(b"HTTP/1.1 101 X\r\n\r\n".to_vec()), 502, "unreachable"),
        ("closes without an answer", Script::Last(Vec::new()), 502, "unreachable"),
        ("resets within its head", Script::Reset(b"HTTP/1.1 20".to_vec()), 502, "unreachable"),
        ("speaks no HTTP", Script::Last(b"\x00\xff SSH-2.0\r\n\r\n".to_vec()), 502, "unreachable"),
        (
            "sends a bad length",
            Script::Last(b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n".to_vec()),
            502,
            "unreachable",
        ),
        (
            "sends two lengths",
            Script::Last(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab".to_vec()),
            502,
            "unreachable",
        ),
    ] {
        stage.app.will(script);
        let answer = stage.call("POST", "/api/v2/deals", stage.token());
        assert_eq!(answer.status, status, "{of}: {}", answer.text);
        assert_eq!(answer.json()["code"], code, "{of}");
        assert_eq!(answer.headers["x-keyhaven-answer"], "keyhaven", "{of}");
        stage.settles(of);
    }
    // Once the head has gone out, only the broken end can tell.
    for (of, script) in
        [("resets within its body", Script::Reset(half.clone())), ("ends early", Script::Last(half))]
    {
        stage.app.will(script);
        let said = stage.raw(
            format!("GET {}/x HTTP/1.1\r\nhost: x\r\nx-api-token: {}\r\n\r\n", stage.at, stage.token())
                .as_bytes(),
        );
        assert!(said.starts_with("HTTP/1.1 200") && said.ends_with("half"), "{of}: {said}");
        stage.settles(of);
    }
    // A connection that was closed meanwhile is not used again.
    for _ in 0..5 {
        stage.app.will(Script::Last(ok("{}")));
        assert_eq!(stage.call("GET", "/x", stage.token()).status, 200);
        std::thread::sleep(Duration::from_millis(20));
    }
    stage.settles("closes its kept connections");
}

#[test]
fn a_refusal_passes_although_it_is_long_or_never_ends() {
    let stage = Stage::with(&["--answer-timeout", "1s"]);
    let post = format!("POST {}/x HTTP/1.1\r\nhost: x\r\nx-api-token: {}\r\n", stage.at, stage.token());
    // Bytes that are no HTTP are the caller's fault, and told so.
    let said = stage.raw(format!("{post}transfer-encoding: chunked\r\n\r\nzz\r\n").as_bytes());
    assert!(said.starts_with("HTTP/1.1 400") && said.contains("x-keyhaven-answer: keyhaven"), "{said}");
    // So is a body that stops coming while the app waits for it.
    stage.app.will(Script::Swallow);
    let mut stream = stage.connect();
    stream.write_all(format!("{post}content-length: 9\r\n\r\nhalf").as_bytes()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let mut said = [0; 2048];
    let length = stream.read(&mut said).unwrap();
    drop(stream);
    let said = String::from_utf8_lossy(&said[..length]);
    assert!(said.starts_with("HTTP/1.1 408") && said.contains("request_stalled"), "{said}");
    stage.app.will(Script::Hang(b"HTTP/1.1 429 X\r\ncontent-length: 100\r\n\r\nhalf".to_vec()));
    let mut stream = stage.connect();
    stream.write_all(format!("{post}content-length: 0\r\n\r\n").as_bytes()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    let mut said = Vec::new();
    let _ = stream.read_to_end(&mut said);
    drop(stream);
    let said = String::from_utf8_lossy(&said);
    assert!(said.starts_with("HTTP/1.1 429") && said.ends_with("half"), "{said}");
    let long = "x".repeat(100_000);
    stage.app.will(Script::Answer(
        format!("HTTP/1.1 429 X\r\ncontent-length: {}\r\n\r\n{long}", long.len()).into(),
    ));
    let answer = stage.call("POST", "/x", stage.token());
    assert_eq!((answer.status, answer.text == long), (429, true), "{}", answer.text.len());
    assert_eq!(answer.headers["x-keyhaven-answer"], "app");
    stage.settles("refused");
}

#[test]
fn an_answer_is_heard_although_the_app_reads_no_more_of_the_request() {
    let stage = Stage::new();
    let head = "HTTP/1.1 413 Content Too Large\r\ncontent-length: 5\r\n\r\nlarge";
    stage.app.will(Script::Shut(head.into()));
    let post = format!(
        "POST {}/x HTTP/1.1\r\nhost: x\r\nx-api-token: {}\r\ntransfer-encoding: chunked\r\n\r\n",
        stage.at,
        stage.token()
    );
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    let post = post + &chunk.repeat(48) + "0\r\n\r\n";
    for _ in 0..4 {
        // The caller's connection goes on.
        let said = stage.raw(post.repeat(2).as_bytes());
        assert_eq!(said.matches("HTTP/1.1 413").count(), 2, "{said}");
        assert_eq!(said.matches("large").count(), 2, "{said}");
    }
    stage.settles("answered early");
}

#[test]
fn a_caller_that_leaves_ends_the_call() {
    let stage = Stage::new();
    let before = stage.app.open();
    stage.app.will(Script::Hang(Vec::new()));
    let head = format!("GET {}/x HTTP/1.1\r\nhost: x\r\nx-api-token: {}\r\n\r\n", stage.at, stage.token());
    for _ in 0..5 {
        let mut stream = stage.connect();
        stream.write_all(head.as_bytes()).unwrap();
        std::thread::sleep(Duration::from_millis(100));
        drop(stream);
    }
    stage.settles("left before the answer");
    stage.app.will(Script::Pour(1 << 30));
    let mut stream = stage.connect();
    stream.write_all(head.as_bytes()).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    drop(stream);
    stage.settles("left within the answer");
    let post = format!(
        "POST {}/x HTTP/1.1\r\nhost: x\r\nx-api-token: {}\r\ncontent-length: 100\r\n\r\nhalf",
        stage.at,
        stage.token()
    );
    stage.app.will(Script::Swallow);
    let mut stream = stage.connect();
    stream.write_all(post.as_bytes()).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    drop(stream);
    stage.settles("left within the request");
    for _ in 0..100 {
        if stage.app.open() <= before + 1 {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("{} connections to the app stay open", stage.app.open());
}
