//! Most messages are read and written by Keyhaven itself, the others by hyper: nobody sees where one ends and the other
//! begins.

use std::{
    io::{Read, Write},
    thread,
    time::Duration,
};

use super::Stage;
use crate::upstream::{Script, ok};

const PAUSE: Duration = Duration::from_millis(20);

fn head(stage: &Stage, start: &str, more: &str) -> String {
    let (method, path) = start.split_once(' ').unwrap();
    let (at, token) = (&stage.at, stage.token());
    format!("{method} {at}{path} HTTP/1.1\r\nhost: x\r\nx-api-token: {token}\r\n{more}\r\n")
}

#[test]
fn requests_of_all_kinds_follow_one_another_however_they_are_cut() {
    let stage = Stage::new();
    stage.app.will(Script::Answer(ok("{}")));
    let many = "x-a: b\r\n".repeat(60);
    let messages = [
        head(&stage, "GET /1", ""),
        head(&stage, "POST /2", "content-length: 5\r\n") + "hello",
        head(&stage, "POST /3", "transfer-encoding: chunked\r\n") + "2\r\nhi\r\n0\r\n\r\n",
        "\r\n".to_owned() + &head(&stage, "GET /4", "content-length: 18\r\n") + "GET / HTTP/1.1\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n".into(),
        head(&stage, "HEAD /5", ""),
        head(&stage, "GET /6", &many),
        head(&stage, "POST /7", "content-length: 0\r\nexpect: 100-continue\r\n"),
        head(&stage, "PUT /8", "content-length: 20000\r\n") + &"x".repeat(20_000),
        head(&stage, "DELETE /9", "connection: close\r\n"),
        head(&stage, "GET /never", ""),
    ];
    let all = messages.concat();
    let pieces = |length| all.as_bytes().chunks(length).map(<[u8]>::to_vec).collect::<Vec<_>>();
    for (of, cut, pause) in [
        ("together", pieces(all.len()), 0),
        ("one by one", messages.iter().map(|it| it.clone().into_bytes()).collect(), 10),
        ("one by one after a rest", messages.iter().map(|it| it.clone().into_bytes()).collect(), 450),
        ("in pieces", pieces(150), 1),
        ("in other pieces", pieces(1100), 30),
    ] {
        let mut stream = stage.connect();
        stream.set_nodelay(true).unwrap();
        for piece in cut {
            // The last one is not taken any more.
            let _ = stream.write_all(&piece);
            thread::sleep(Duration::from_millis(pause));
        }
        let mut said = Vec::new();
        let _ = stream.read_to_end(&mut said);
        let said = String::from_utf8_lossy(&said);
        assert_eq!(said.matches("HTTP/1.1 200 OK\r\n").count(), 10, "{of}: {said}");
        let seen = stage.app.seen();
        let starts: Vec<_> = seen.iter().map(|it| it.split(" HTTP").next().unwrap()).collect();
        let want =
            ["GET /1", "POST /2", "POST /3", "GET /4", "HEAD /5", "GET /6", "POST /7", "PUT /8", "DELETE /9"];
        assert_eq!(starts, want, "{of}");
        assert!(
            seen[1].ends_with("\r\n\r\nhello") && seen[3].ends_with("\r\n\r\nGET / HTTP/1.1\r\n\r\n"),
            "{of}"
        );
        assert!(seen[7].ends_with(&"x".repeat(20_000)) && seen[7].len() < 21_000, "{of}");
    }
    stage.settles("requests of all kinds");
}

#[test]
fn what_an_app_says_besides_reaches_nobody() {
    let stage = Stage::new();
    let poison = String::from_utf8(ok("poison")).unwrap();
    let one = |head: &str, body: &str| format!("HTTP/1.1 {head}\r\n\r\n{body}");
    let chunked = one("200 OK\r\ntransfer-encoding: chunked", "2\r\nok\r\n0\r\n\r\n");
    let hint = one("103 Early Hints\r\nlink: poison", "");
    for (of, method, pieces, status, end) in [
        ("more than its length", "GET", vec![one("200 OK\r\ncontent-length: 2", "ok poison")], 200, "ok"),
        ("more, later", "GET", vec![one("200 OK\r\ncontent-length: 2", "o"), "k poison".into()], 200, "ok"),
        ("two answers", "POST", vec![one("200 OK\r\ncontent-length: 2", "ok") + &poison], 200, "ok"),
        ("two, one by one", "GET", vec![one("200 OK\r\ncontent-length: 2", "ok"), poison.clone()], 200, "ok"),
        ("another after chunks", "GET", vec![chunked + &poison], 200, "0\r\n\r\n"),
        ("a body with 204", "GET", vec![one("204 X\r\ncontent-length: 6", "poison")], 204, "\r\n\r\n"),
        ("a length with 204", "DELETE", vec![one("204 X\r\ncontent-length: 6", "")], 204, "\r\n\r\n"),
        ("a body with 304", "GET", vec![one("304 X\r\ncontent-length: 6", "poison")], 304, "\r\n\r\n"),
        ("a body for HEAD", "HEAD", vec![one("200 OK\r\ncontent-length: 6", "poison")], 200, "\r\n\r\n"),
        ("another for HEAD", "HEAD", vec![one("200 OK\r\ncontent-length: 6", "") + &poison], 200, "\r\n\r\n"),
        ("hints before", "GET", vec![hint.clone() + &one("200 OK\r\ncontent-length: 2", "ok")], 200, "ok"),
        ("hints long before", "GET", vec![hint, one("200 OK\r\ncontent-length: 2", "ok")], 200, "ok"),
        (
            "an old version",
            "GET",
            vec!["HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok poison".into()],
            200,
            "ok",
        ),
    ] {
        let mut stream = stage.connect();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let mut said = String::new();
        let mut ask = |method: &str, path: &str, until: &str| {
            stream.write_all(head(&stage, &format!("{method} {path}"), "").as_bytes()).unwrap();
            let (mut said, mut piece) = (String::new(), [0; 4096]);
            while !said.ends_with(until) {
                let length = stream.read(&mut piece).unwrap_or_else(|error| panic!("{of}: {error} {said}"));
                assert!(length > 0, "{of}: {said}");
                said += &String::from_utf8_lossy(&piece[..length]);
            }
            said
        };
        stage.app.will(Script::Pieces(pieces.into_iter().map(String::into_bytes).collect(), PAUSE));
        said += &ask(method, "/first", end);
        assert!(said.starts_with(&format!("HTTP/1.1 {status} ")), "{of}: {said}");
        assert_eq!(said.contains("content-length: 6"), method == "HEAD" || status == 304, "{of}: {said}");
        // It comes too late for this answer.
        thread::sleep(12 * PAUSE);
        stage.app.will(Script::Answer(ok("mine")));
        for _ in 0..2 {
            said += &ask("GET", "/next", "mine");
        }
        assert!(!said.contains("poison"), "{of}: {said}");
        stage.settles(of);
    }
}

#[test]
fn an_answer_in_small_pieces_is_whole_and_a_stop_waits_for_it() {
    let stage = Stage::new();
    let bytes = ok(&"0123456789".repeat(5));
    stage.app.will(Script::Pieces(bytes.chunks(1).map(<[u8]>::to_vec).collect(), Duration::from_millis(2)));
    let answer = stage.call("GET", "/x", stage.token());
    assert_eq!((answer.status, answer.text), (200, "0123456789".repeat(5)));
    let half = ok("half");
    let (start, end) = half.split_at(half.len() - 2);
    let rest = |more: &str| head(&stage, "GET /x", more);
    // Some wait for a request: one that asked before, one that asked by hyper, one that said nothing yet.
    stage.app.will(Script::Answer(ok("{}")));
    let mut idle: Vec<_> = (0..3).map(|_| stage.connect()).collect();
    for (stream, more) in idle.iter_mut().zip(["", "te: trailers\r\n"]) {
        stream.write_all(rest(more).as_bytes()).unwrap();
        assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
    }
    let pause = Duration::from_millis(600);
    stage.app.will(Script::Pieces(vec![start.to_vec(), end.to_vec()], pause));
    let mut calls: Vec<_> = (0..2).map(|_| stage.connect()).collect();
    for (stream, more) in calls.iter_mut().zip(["", "te: trailers\r\n"]) {
        stream.write_all(rest(more).as_bytes()).unwrap();
    }
    thread::sleep(pause / 3);
    stage.server.stop();
    for (stream, tells) in calls.iter_mut().zip([true, false]) {
        let mut said = String::new();
        stream.read_to_string(&mut said).unwrap();
        assert!(said.starts_with("HTTP/1.1 200") && said.ends_with("half"), "{said}");
        // Hyper is not told in time; it closes none the less.
        assert!(said.contains("connection: close") || !tells, "{said}");
    }
    for stream in &mut idle {
        assert_eq!(stream.read(&mut [0; 4096]).unwrap_or(0), 0);
    }
}
