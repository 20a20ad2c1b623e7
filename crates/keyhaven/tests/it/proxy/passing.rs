//! What passes, as it should.

use std::io::{Read, Write};

use serde_json::json;

use super::Stage;
use crate::{
    common::{GOOD, House},
    upstream::{Script, ok},
};

#[test]
fn the_key_goes_in_and_the_token_stays_out() {
    let stage = Stage::with(&["--log", "debug"]);
    let token = stage.token().to_owned();
    let basic = |user: &str, password: &str| {
        let plain = format!("{user}:{password}");
        let output = std::process::Command::new("sh")
            .args(["-c", &format!("printf %s '{plain}' | base64 -w0")])
            .output()
            .unwrap();
        format!("Basic {}", String::from_utf8(output.stdout).unwrap())
    };
    for (name, value, query) in [
        ("x-api-token", token.clone(), ""),
        ("authorization", format!("Bearer {token}"), "?limit=5&api_token=other"),
        ("authorization", basic(&token, ""), "?x=%20"),
        ("authorization", basic("any", &token), ""),
        ("x-keyhaven-token", token.clone(), ""),
        ("accept", "application/json".into(), &format!("?a=1&api_token={token}&b=2")),
    ] {
        stage.app.will(Script::Answer(ok("{\"mine\":1}")));
        let answer =
            stage.server.send("GET", &format!("{}/api/v2/deals{query}", stage.at), &[(name, &value)], b"");
        assert_eq!((answer.status, answer.text.as_str()), (200, "{\"mine\":1}"), "{name}");
        assert_eq!(answer.headers["x-keyhaven-answer"], "app");
        let id = answer.headers["x-keyhaven-request-id"].to_str().unwrap();
        assert!(id.starts_with("rq_"), "{id}");
        stage.logs(id);
        let [seen] = &stage.app.seen()[..] else { panic!("one request") };
        let lower = seen.to_lowercase();
        assert!(lower.contains(&format!("\r\nx-api-token: {GOOD}\r\n")), "{seen}");
        assert!(lower.contains("\r\nhost: acme.pipedrive.com\r\n"), "{seen}");
        assert!(
            !seen.contains("kh_") && !lower.contains("authorization") && !seen.contains("api_token="),
            "{seen}"
        );
        let target = seen.split(' ').nth(1).unwrap();
        assert!(
            ["/api/v2/deals", "/api/v2/deals?limit=5", "/api/v2/deals?x=%20", "/api/v2/deals?a=1&b=2"]
                .contains(&target),
            "{target}"
        );
    }
    // By id as well as by slug, which stays when the connection is renamed.
    let id = stage.server.api("GET", "/api/v1/connections/sales-eu", &json!(null)).json()["id"].clone();
    stage.server.api("PATCH", "/api/v1/connections/sales-eu", &json!({ "name": "Renamed" }));
    for which in ["sales-eu", id.as_str().unwrap()] {
        let answer = stage.server.send(
            "GET",
            &format!("/proxy/{which}/api/v1/deals"),
            &[("x-api-token", &token)],
            b"",
        );
        assert_eq!(answer.status, 200, "{which}: {}", answer.text);
    }
}

#[test]
fn every_answer_passes_as_it_is_but_for_what_speaks_of_the_app_s_host() {
    let stage = Stage::new();
    for status in [200, 201, 204, 301, 302, 303, 304, 307, 308, 400, 404, 409, 410, 422, 500, 503] {
        let location = "location: https://evil.example/\r\n";
        let body = if matches!(status, 204 | 304) { "" } else { "content-length: 2\r\n" };
        let rest = if body.is_empty() { "" } else { "{}" };
        let head = format!(
            "HTTP/1.1 {status} X\r\n{location}set-cookie: a=b\r\nx-mine: 1\r\nalt-svc: h3\r\nconnection: x-hop\r\nx-hop: 1\r\n{body}\r\n{rest}"
        );
        stage.app.will(Script::Answer(head.into_bytes()));
        let answer = stage.call("GET", "/api/v2/deals", stage.token());
        assert_eq!((answer.status, answer.text.as_str()), (status, rest));
        assert_eq!(
            answer.headers["location"], "https://evil.example/",
            "redirects are the caller's to follow"
        );
        assert_eq!(answer.headers["x-mine"], "1");
        for gone in ["set-cookie", "alt-svc", "x-hop", "connection"] {
            assert!(!answer.headers.contains_key(gone), "{gone}");
        }
        // The key went to the one host, once.
        assert_eq!(stage.app.seen().len(), 1, "{status}");
    }
    // One that stays with the app is followed through Keyhaven; none leads into it.
    let id = stage.server.api("GET", "/api/v1/connections/sales-eu", &json!(null)).json()["id"].clone();
    for (told, to) in [
        ("/api/v1/tokens", Some(format!("/proxy/{}/api/v1/tokens", id.as_str().unwrap()))),
        (&*format!("{}/api/v1/tokens", stage.server.url), None),
    ] {
        let head = format!("HTTP/1.1 307 X\r\nlocation: {told}\r\ncontent-length: 0\r\n\r\n");
        stage.app.will(Script::Answer(head.into_bytes()));
        let answer = stage.call("DELETE", "/api/v2/deals/1", stage.token());
        let led = answer.headers.get("location").map(|it| it.to_str().unwrap().to_owned());
        assert_eq!((answer.status, led), (307, to), "{told}");
    }
    // Of two lengths the one that the app's own framing shows.
    stage.app.will(Script::Last(
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n5\r\nokabc\r\n0\r\n\r\n"
            .to_vec(),
    ));
    assert_eq!(stage.call("GET", "/x", stage.token()).text, "okabc");
    stage.app.will(Script::Answer(ok("{}")));
    assert_eq!(
        stage.server.send("HEAD", "/proxy/sales-eu/x", &[("x-api-token", stage.token())], b"").text,
        ""
    );
}

#[test]
fn bodies_stream_both_ways_without_being_held() {
    const MIB: usize = 1024 * 1024;
    let stage = Stage::new();
    let before = stage.server.resident();
    stage.app.will(Script::Swallow);
    let head = format!(
        "POST {}/api/v1/files HTTP/1.1\r\nhost: x\r\nx-api-token: {}\r\ncontent-length: {}\r\n\r\n",
        stage.at,
        stage.token(),
        256 * MIB
    );
    let mut stream = stage.connect();
    stream.write_all(head.as_bytes()).unwrap();
    let chunk = vec![b'y'; MIB];
    for _ in 0..256 {
        stream.write_all(&chunk).unwrap();
    }
    let mut answer = vec![0; 4096];
    let length = stream.read(&mut answer).unwrap();
    let text = String::from_utf8_lossy(&answer[..length]).into_owned();
    assert!(text.ends_with(&(256 * MIB).to_string()), "{text}");

    stage.app.will(Script::Pour(256 * MIB));
    let mut stream = stage.connect();
    let head = format!("GET {}/x HTTP/1.1\r\nhost: x\r\nx-api-token: {}\r\n\r\n", stage.at, stage.token());
    stream.write_all(head.as_bytes()).unwrap();
    let mut got = 0;
    let mut buffer = vec![0; MIB];
    while got < 256 * MIB {
        match stream.read(&mut buffer).unwrap() {
            0 => break,
            more => got += more,
        }
    }
    assert!(got >= 256 * MIB, "{got}");
    let grown = stage.server.resident().saturating_sub(before);
    assert!(grown < 64 * MIB, "half a gigabyte passed and {grown} bytes stayed");
}

/// An app may answer before it has read what is sent, and the caller hears it in either version.
#[test]
fn an_early_answer_comes_through() {
    let stage = Stage::new();
    let file = stage.house.data.path().join("upload");
    std::fs::write(&file, vec![b'x'; 5_000_000]).unwrap();
    let refused = "HTTP/1.1 413 Too Large\r\ncontent-length: 9\r\n\r\ntoo large";
    for version in ["--http1.1", "--http2-prior-knowledge"] {
        stage.app.will(Script::Early(refused.into()));
        let output = std::process::Command::new("curl")
            .args(["-s", version, "-H", &format!("x-api-token: {}", stage.token()), "-w", " %{http_code}"])
            .args(["-X", "POST", "--data-binary", &format!("@{}", file.display())])
            .arg(format!("{}{}/api/v1/files", stage.server.url, stage.at))
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "too large 413", "{version} {:?}", output.status);
    }
    stage.settles("an early answer");
}

/// So is a refusal of Keyhaven's own, however much is still on its way.
#[test]
fn a_refusal_comes_through_while_much_is_sent() {
    let stage = Stage::new();
    let file = stage.house.data.path().join("upload");
    std::fs::write(&file, vec![b'x'; 5_000_000]).unwrap();
    let limited = stage.limited(&["--read-only"]);
    for version in ["--http1.1", "--http2-prior-knowledge"] {
        for (token, code) in [("wrong", 401), (limited.as_str(), 403)] {
            let output = std::process::Command::new("curl")
                .args(["-s", version, "-H", &format!("x-api-token: {token}"), "-w", " %{http_code}"])
                .args(["-X", "POST", "--data-binary", &format!("@{}", file.display())])
                .arg(format!("{}{}/api/v1/files", stage.server.url, stage.at))
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(
                said.starts_with('{') && said.ends_with(&format!("}} {code}")),
                "{version} {:?} {said}",
                output.status
            );
        }
    }
}

/// HTTP/2 without TLS, by prior knowledge, and HTTP/1.1 and HTTP/2 with it.
#[test]
fn both_versions_of_http_are_spoken_with_and_without_tls() {
    let curl = |arguments: &[&str]| {
        let output = std::process::Command::new("curl")
            .args(["-s", "-o", "/dev/null", "-w", "%{http_version} %{http_code}"])
            .args(arguments)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let stage = Stage::new();
    let url = format!("{}{}/api/v2/deals", stage.server.url, stage.at);
    let header = format!("authorization: Bearer {}", stage.token());
    assert_eq!(curl(&["--http2-prior-knowledge", "-H", &header, &url]), "2 200");
    assert_eq!(curl(&["--http1.1", "-H", &header, &url]), "1.1 200");

    let house = House::new();
    let files = |name: &str| {
        let (certificate, key) =
            (house.data.path().join(format!("{name}.crt")), house.data.path().join(format!("{name}.key")));
        let made = rcgen::generate_simple_self_signed([name.to_owned(), "localhost".into()]).unwrap();
        std::fs::write(&certificate, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        (certificate, key)
    };
    let (certificate, key) = files("one.test");
    let server =
        house.serve(&["--tls-cert", certificate.to_str().unwrap(), "--tls-key", key.to_str().unwrap()]);
    assert!(server.url.starts_with("https://"), "{}", server.url);
    let health = format!("{}/healthz", server.url);
    assert_eq!(curl(&["-k", &health]), "2 200");
    assert_eq!(curl(&["-k", "--http1.1", &health]), "1.1 200");
    let subject = || {
        let shown = std::process::Command::new("curl").args(["-kvs", &health]).output().unwrap();
        String::from_utf8_lossy(&shown.stderr).contains("two.test") || curl_names(&health, "two.test")
    };
    assert!(!subject());
    // The certificate is renewed in place.
    let (newer, newer_key) = files("two.test");
    std::fs::rename(newer_key, &key).unwrap();
    std::fs::rename(newer, &certificate).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1200));
    assert!(subject(), "the new certificate is shown");
    assert!(server.log().contains("read again"));
}

/// Is this name good for the certificate that is shown?
fn curl_names(url: &str, name: &str) -> bool {
    let port = url.rsplit(':').next().unwrap().split('/').next().unwrap();
    let shown = std::process::Command::new("sh")
        .args(["-c", &format!("openssl s_client -connect 127.0.0.1:{port} </dev/null 2>/dev/null | openssl x509 -noout -ext subjectAltName")])
        .output()
        .unwrap();
    String::from_utf8_lossy(&shown.stdout).contains(name)
}
