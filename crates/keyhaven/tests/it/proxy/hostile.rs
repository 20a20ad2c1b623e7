//! Requests that want more than they may.

use std::{
    io::{Read, Write},
    time::Duration,
};

use super::Stage;
use crate::{
    common::GOOD,
    upstream::{Script, ok},
};

#[test]
fn paths_that_could_be_read_in_two_ways_go_nowhere() {
    let stage = Stage::new();
    for path in [
        "/..",
        "/../x",
        "/api/../../x",
        "/%2e%2e/x",
        "/.%2E/x",
        "/%252e%252e/x",
        "/%252f",
        "/a%2fb",
        "/a%5cb",
        "/a\\b",
        "//evil.example/x",
        "/a//b",
        "/./x",
        "/..;/x",
        "/%00",
        "/%0d%0aX-Evil:%201",
        "/a%",
    ] {
        let said = stage.raw(
            format!(
                "GET {}{path} HTTP/1.1\r\nhost: x\r\nx-api-token: {}\r\nconnection: close\r\n\r\n",
                stage.at,
                stage.token()
            )
            .as_bytes(),
        );
        let status: u16 = said.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        assert!((400..500).contains(&status), "{path}: {said}");
    }
    assert!(stage.app.seen().is_empty());
    // A slash too many before it is told as what it is.
    for path in
        ["/proxy", "/proxy/", "/proxy//sales-eu/x", "//proxy/sales-eu/x", "///proxy/sales-eu/api/v2/deals"]
    {
        let answer = stage.server.send("GET", path, &[("x-api-token", stage.token())], b"");
        assert_eq!((answer.status, &answer.json()["code"]), (400, &serde_json::json!("bad_path")), "{path}");
        assert_eq!(answer.headers["x-keyhaven-answer"], "keyhaven");
    }
    // The connection's name is no way out either.
    for name in ["..", "%2e%2e", "sales-eu%2f..", "sales-eu\\..", "", "cn_none"] {
        let said = stage.raw(
            format!(
                "GET /proxy/{name}/x HTTP/1.1\r\nhost: x\r\nx-api-token: {}\r\nconnection: close\r\n\r\n",
                stage.token()
            )
            .as_bytes(),
        );
        assert!(said.starts_with("HTTP/1.1 40"), "{name}: {said}");
    }
    assert!(stage.app.seen().is_empty());
}

#[test]
fn a_caller_sets_neither_host_nor_credential() {
    let stage = Stage::new();
    stage.app.will(Script::Answer(ok("{}")));
    let token = stage.token();
    for head in [
        format!("GET {}/x HTTP/1.1\r\nhost: evil.example\r\nx-api-token: {token}", stage.at),
        format!("GET http://evil.example{}/x HTTP/1.1\r\nhost: evil.example\r\nx-api-token: {token}", stage.at),
        format!("GET {}/x HTTP/1.1\r\nhost: x\r\nx-api-token: {token}\r\nx-forwarded-host: evil.example\r\nforwarded: host=evil.example\r\nx-original-url: /evil\r\nx-host: evil.example", stage.at),
        format!("GET {}/x HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\nx-api-token: 0000000000000000000000000000000000000000", stage.at),
        format!("GET {}/x HTTP/1.1\r\nhost: x\r\nx-api-token: {token}\r\nconnection: x-api-token, keep-alive\r\nx-http-method-override: DELETE\r\ncookie: a=evil", stage.at),
        format!("GET {}/x HTTP/1.1\r\nhost: x\r\nx-api-token: {token}\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-key: evil", stage.at).replace("sec-websocket-key: evil", "sec-websocket-version: 13"),
        format!("GET {}/x HTTP/1.1\r\nhost: x\r\nx-api-token: {token}\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQCAAAAAAIAAAAA\r\nconnection: upgrade, http2-settings", stage.at),
    ] {
        let said = stage.raw(format!("{head}\r\n\r\n").as_bytes());
        assert!(said.starts_with("HTTP/1.1 200"), "{head}: {said}");
        let [seen] = &stage.app.seen()[..] else { panic!("{head}: one request") };
        let lower = seen.to_lowercase();
        assert!(lower.starts_with("get /x http/1.1\r\n"), "{seen}");
        assert!(lower.contains("\r\nhost: acme.pipedrive.com\r\n") && !lower.contains("evil"), "{seen}");
        assert_eq!(lower.matches("x-api-token").count(), 1, "{seen}");
        assert!(lower.contains(&format!("x-api-token: {GOOD}")) && !seen.contains("kh_"), "{seen}");
        for gone in ["upgrade", "cookie", "override", "forwarded", "http2-settings"] {
            assert!(!lower.contains(gone), "{gone}: {seen}");
        }
    }
    // What is answered with the request as it came would show the key.
    for method in ["TRACE", "trace", "TRACK", &"A".repeat(33)] {
        let said = stage.raw(
            format!("{method} {}/x HTTP/1.1\r\nhost: x\r\nx-api-token: {token}\r\n\r\n", stage.at).as_bytes(),
        );
        assert!(said.starts_with("HTTP/1.1 405") && stage.app.seen().is_empty(), "{said}");
    }
    // Trailers say in neither direction what headers may not.
    let answer = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: set-cookie\r\n\r\n2\r\nok\r\n0\r\nset-cookie: evil=1\r\n\r\n";
    stage.app.will(Script::Answer(answer.into()));
    let said = stage.raw(
        format!("POST {}/x HTTP/1.1\r\nhost: x\r\nx-api-token: {token}\r\nte: trailers\r\ntrailer: x-evil\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nx-evil: {token}\r\n\r\n", stage.at).as_bytes(),
    );
    assert!(said.contains("ok\r\n0\r\n") && !said.contains("evil"), "{said}");
    assert!(!stage.app.seen()[0].contains("evil"));
    stage.app.will(Script::Answer(ok("{}")));
    // A host of ours that is none of the connection's is no host.
    let other = stage.server.send(
        "GET",
        "/proxy/sales-eu/x",
        &[("x-api-token", token), ("x-keyhaven-host", "evil.example")],
        b"",
    );
    let problem = other.json();
    assert_eq!((other.status, &problem["code"]), (400, &serde_json::json!("wrong_host")));
    assert!(problem["detail"].as_str().unwrap().contains("api.pipedrive.com"), "{problem}");
    for host in ["api.pipedrive.com", "API.pipedrive.com:443"] {
        let headers = [("x-api-token", token), ("x-keyhaven-host", host)];
        assert_eq!(stage.server.send("GET", "/proxy/sales-eu/v1/x", &headers, b"").status, 200);
        assert!(stage.app.seen()[0].to_lowercase().contains("host: api.pipedrive.com"));
        let two = [headers[0], headers[1], ("x-keyhaven-host", "acme.pipedrive.com")];
        assert_eq!(stage.server.send("GET", "/proxy/sales-eu/v1/x", &two, b"").status, 400);
    }
    assert!(stage.app.seen().is_empty());
    // Nor does it leave out whom it asks.
    for (start, host) in
        [("GET {}/x", ""), ("GET {}/x", "host: a b\r\n"), ("GET /api/v1/connections", "host: a@b\r\n")]
    {
        let start = start.replace("{}", &stage.at);
        let said = stage.raw(format!("{start} HTTP/1.1\r\n{host}x-api-token: {token}\r\n\r\n").as_bytes());
        assert!(said.starts_with("HTTP/1.1 400 ") && said.contains("one host"), "{host}: {said}");
    }
}

#[test]
fn messages_that_frame_themselves_twice_are_one_request_at_most() {
    let stage = Stage::new();
    stage.app.will(Script::Answer(ok("{}")));
    let start = format!("POST {}/x HTTP/1.1\r\nhost: x\r\nx-api-token: {}\r\n", stage.at, stage.token());
    let inner = format!("GET /evil HTTP/1.1\r\nhost: x\r\nx-api-token: {}\r\n\r\n", stage.token());
    for (of, rest) in [
        ("both lengths", format!("content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{inner}")),
        (
            "the other way round",
            format!(
                "transfer-encoding: chunked\r\ncontent-length: {}\r\n\r\n0\r\n\r\n{inner}",
                5 + inner.len()
            ),
        ),
        ("two lengths", format!("content-length: 4\r\ncontent-length: 5\r\n\r\nabcd{inner}")),
        ("a list of lengths", format!("content-length: 4, 4\r\n\r\nabcd{inner}")),
        ("a length with a sign", format!("content-length: +4\r\n\r\nabcd{inner}")),
        ("an unknown encoding", "transfer-encoding: xchunked\r\n\r\n0\r\n\r\n".into()),
        ("not chunked at last", "transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n".into()),
        ("encoded twice", "transfer-encoding: gzip, chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n".into()),
        ("two hosts", "host: y\r\ncontent-length: 0\r\n\r\n".into()),
        ("bad chunk size", "transfer-encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n".into()),
        ("huge chunk size", "transfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\nabc".into()),
        ("a folded header", "x-a: 1\r\n folded: 2\r\ncontent-length: 0\r\n\r\n".into()),
        ("NUL in a header", "x-a: a\0b\r\ncontent-length: 0\r\n\r\n".into()),
        ("a space before the colon", "x-a : 1\r\ncontent-length: 0\r\n\r\n".into()),
        ("bare line feed", "x-a: 1\nx-evil: 2\r\ncontent-length: 0\r\n\r\n".into()),
        ("a huge header", format!("x-a: {}\r\n\r\n", "a".repeat(1_000_000))),
        ("many headers", format!("{}\r\n", "x-a: 1\r\n".repeat(500))),
    ] {
        let said = stage.raw(format!("{start}{rest}").as_bytes());
        let seen = stage.app.seen();
        // The inner text may be a request of its own after the first, but then it is judged as one: no /evil passes.
        assert!(!seen.iter().any(|one| one.contains("/evil")), "{of}: {seen:?}");
        assert!(seen.len() <= 1, "{of}: {seen:?}");
        for one in &seen {
            let lower = one.to_lowercase();
            assert!(
                !(lower.contains("content-length") && lower.contains("transfer-encoding")),
                "{of}: {one}"
            );
            assert!(
                !lower.contains("folded") && !lower.contains("x-evil:") || of == "bare line feed",
                "{of}: {one}"
            );
        }
        // Whoever is refused hears why, and by whom.
        let count = |text: &str| said.matches(text).count();
        assert!(said.starts_with("HTTP/1.1 "), "{of}: {said}");
        assert_eq!(count("HTTP/1.1 4"), count("x-keyhaven-answer: keyhaven"), "{of}: {said}");
        assert_eq!(count("x-keyhaven-request-id: rq_"), count("x-keyhaven-answer: "), "{of}: {said}");
        assert_eq!(count("x-keyhaven-answer: keyhaven"), count("\"remedy\":"), "{of}: {said}");
        assert!(seen.is_empty() || !["encoded twice", "two hosts"].contains(&of), "{of}: {seen:?}");
    }
    for (path, headers, size, status, says) in [
        (70_000, 0, 0, 414, "address_too_long"),
        (60_000, 0, 0, 400, "bad_path"),
        (10_000, 60, 6_000, 200, "x-keyhaven-answer: app"),
        (1, 101, 1, 431, "headers_too_large"),
    ] {
        let headers: String = (0..headers).map(|n| format!("x-{n}: {}\r\n", "v".repeat(size))).collect();
        let (at, path, token) = (&stage.at, "a".repeat(path), stage.token());
        let said = stage.raw(
            format!("GET {at}/{path} HTTP/1.1\r\nhost: x\r\nx-api-token: {token}\r\n{headers}\r\n")
                .as_bytes(),
        );
        assert!(
            said.starts_with(&format!("HTTP/1.1 {status} ")) && said.contains(says),
            "{says}: {said:.300}"
        );
    }
    stage.settles("odd framing");
}

#[test]
fn slow_and_silent_callers_do_not_hold_others_up() {
    let stage = Stage::new();
    stage.app.will(Script::Answer(ok("{}")));
    let mut slow: Vec<_> = (0..200).map(|_| stage.connect()).collect();
    for stream in &mut slow {
        stream.write_all(b"GET /proxy/sales-eu/x HTTP/1.1\r\nx-slow: ").unwrap();
    }
    for _ in 0..20 {
        assert_eq!(stage.call("GET", "/x", stage.token()).status, 200);
    }
    // A body that never comes ends with its caller.
    let mut half = stage.connect();
    let head = format!(
        "POST {}/x HTTP/1.1\r\nhost: x\r\nx-api-token: {}\r\ncontent-length: 10\r\n\r\nabc",
        stage.at,
        stage.token()
    );
    half.write_all(head.as_bytes()).unwrap();
    half.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let mut buffer = [0; 100];
    assert!(half.read(&mut buffer).is_err(), "nothing is answered yet");
    drop((half, slow));
    stage.settles("slow callers");
}

#[test]
fn a_token_in_the_wrong_place_goes_nowhere() {
    let stage = Stage::new();
    let (token, other) = (stage.token().to_owned(), stage.limited(&["--read-only"]));
    let send = |path: &str, headers: &[(&str, &str)]| {
        stage.server.send("GET", &format!("{}{path}", stage.at), headers, b"")
    };
    for (path, headers, status, code) in [
        ("/x", vec![], 401, "not_signed_in"),
        ("/x", vec![("x-api-token", GOOD)], 401, "not_signed_in"),
        ("/x", vec![("x-api-token", &token[..token.len() - 1])], 401, "not_signed_in"),
        (
            "/x",
            vec![("x-api-token", token.as_str()), ("authorization", &format!("Bearer {other}"))],
            400,
            "two_tokens",
        ),
        ("/x", vec![("x-api-token", token.as_str()), ("x-note", token.as_str())], 400, "token_misplaced"),
        ("/x", vec![("cookie", &format!("t={token}"))], 400, "token_misplaced"),
        (&format!("/x?key={token}"), vec![("x-api-token", token.as_str())], 400, "token_misplaced"),
        (&format!("/x/{token}"), vec![("x-api-token", token.as_str())], 400, "token_misplaced"),
        (&format!("/x/%6b{}", &token[1..]), vec![("x-api-token", token.as_str())], 400, "token_misplaced"),
        (&format!("/x?api_token={token}&api_token={other}"), vec![], 400, "two_tokens"),
    ] {
        let answer = send(path, &headers);
        assert_eq!(
            (answer.status, answer.json()["code"].as_str().unwrap()),
            (status, code),
            "{path} {headers:?}"
        );
        assert!(!answer.text.contains(&token), "{}", answer.text);
    }
    assert!(stage.app.seen().is_empty());
    // The API tells a typing error in the same words.
    let typo = format!("Bearer {}", &token[..token.len() - 1]);
    let told = [stage.at.as_str(), "/api/v1/connections"].map(|path| {
        let told = stage.server.send("GET", path, &[("authorization", &typo)], b"").json();
        [told["detail"].clone(), told["remedy"].clone()]
    });
    assert_eq!(told[0], told[1]);
    assert!(told[0][0].as_str().unwrap().contains("a character was lost"), "{told:?}");
    // One that opens nothing any more tells how to get another one, as the API does.
    assert!(stage.house.run(&["token", "revoke", "limited---read-only"], "").status.success());
    let revoked = send("/x", &[("x-api-token", &other)]);
    assert_eq!(revoked.status, 401);
    assert!(revoked.json()["remedy"].as_str().unwrap().contains("keyhaven token create"), "{}", revoked.text);
    // A session is no token: pages of other sites cannot make a browser call an app.
    let cookie = stage.server.sign_in(&stage.server.link);
    assert_eq!(send("/x", &[("cookie", &cookie)]).status, 401);
}
