//! `keyhaven request`, on local data and through a server.

use std::{
    io::{Read, Write},
    process::Output,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

use axum::{
    Json, Router,
    extract::{Query, Request},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{any, get},
};
use serde_json::{Value, json};

use crate::common::{GOOD, House, Server, run};

type Given = Query<std::collections::BTreeMap<String, String>>;

/// An app with lists of 250 records, an echo and a page that is no JSON. Lives as long as its runtime.
pub(crate) struct App {
    pub(crate) address: String,
    _runtime: tokio::runtime::Runtime,
}

impl App {
    pub(crate) fn start() -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let router = Router::new()
            .route("/api/v2/deals", get(by_cursor))
            .route("/api/v1/deals", get(by_start))
            .route("/api/v2/endless", get(|| async { Json(endless()) }))
            .route("/api/v2/nothing", get(|| async { Json(json!({ "data": null })) }))
            .route("/text", get(|| async { "no JSON\u{1b}[31m" }))
            .fallback(any(echo));
        runtime.spawn(async { axum::serve(listener, router).await });
        Self { address, _runtime: runtime }
    }
}

fn records(from: usize, to: usize) -> Vec<Value> {
    (from..to).map(|id| json!({ "id": id, "title": format!("Deal {id}") })).collect()
}

/// Two of three second pages are too many where the query says so.
static BUSY: AtomicUsize = AtomicUsize::new(0);

async fn by_cursor(Query(given): Given) -> Response {
    let is_second = given.get("cursor").is_some_and(|cursor| cursor == "c=100");
    if given.contains_key("busy") && is_second && BUSY.fetch_add(1, Relaxed) % 3 < 2 {
        return (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "1")], "request over limit").into_response();
    }
    let from: usize = given.get("cursor").map_or(0, |cursor| cursor[2..].parse().unwrap());
    let next = (from < 200).then(|| format!("c={}", from + 100));
    Json(json!({ "data": records(from, (from + 100).min(250)), "additional_data": { "next_cursor": next } }))
        .into_response()
}

async fn by_start(Query(given): Given) -> Response {
    let from: usize = given.get("start").map_or(0, |start| start.parse().unwrap());
    if given.contains_key("fail") && from > 0 {
        return (StatusCode::NOT_FOUND, "gone\u{1b}[31m").into_response();
    }
    let pagination = json!({ "more_items_in_collection": from < 200, "next_start": from + 100 });
    Json(json!({ "data": records(from, (from + 100).min(250)), "additional_data": { "pagination": pagination } }))
        .into_response()
}

fn endless() -> Value {
    json!({ "data": [1], "additional_data": { "next_cursor": "same" } })
}

async fn echo(headers: HeaderMap, request: Request) -> Response {
    let status = match request.uri().path() {
        "/missing" => 404,
        "/moved" => 302,
        _ => 200,
    };
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let (method, uri) = (request.method().to_string(), request.uri().to_string());
    let body = axum::body::to_bytes(request.into_body(), 100_000_000).await.unwrap();
    let said = json!({
        "method": method, "uri": uri, "length": body.len(), "key": text("x-api-token"), "type": text("content-type"),
        "bearer": text("authorization"), "mine": text("x-mine"), "told_length": text("content-length"),
        "body": String::from_utf8_lossy(&body[..body.len().min(100)]) });
    (StatusCode::from_u16(status).unwrap(), Json(said)).into_response()
}

struct Place {
    house: House,
    app: App,
    server: Option<Server>,
}

impl Place {
    fn new(far: bool) -> Self {
        let house = House::new();
        let made = house
            .run(&["connect", "pipedrive", "--name", "Sales EU", "--domain", "acme", "--key-stdin"], GOOD);
        assert!(made.status.success());
        let app = App::start();
        let server = far.then(|| {
            let mut command = house.command(&["serve", "--listen", "127.0.0.1:0"]);
            command.env("KEYHAVEN_EGRESS_OVERRIDE", format!("*.pipedrive.com=http://{}", app.address));
            Server::start(command, house.token())
        });
        Self { house, app, server }
    }

    fn request(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = self.house.command(&[&["request", "sales-eu"], arguments].concat());
        match &self.server {
            None => command
                .env("KEYHAVEN_EGRESS_OVERRIDE", format!("*.pipedrive.com=http://{}", self.app.address)),
            Some(server) => command
                .env("KEYHAVEN_SERVER", &server.url)
                .env("KEYHAVEN_TOKEN", &server.token)
                .env("KEYHAVEN_DATA", "/nonexistent"),
        };
        run(&mut command, input)
    }

    /// What the app says that it was asked.
    fn asked(&self, arguments: &[&str], input: &str) -> Value {
        let output = self.request(arguments, input);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{arguments:?} {}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn fails(&self, arguments: &[&str]) -> (i32, String) {
        let output = self.request(arguments, "");
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    }
}

fn each(test: impl Fn(&Place)) {
    for far in [false, true] {
        test(&Place::new(far));
    }
}

#[test]
fn a_request_reaches_the_app_with_the_key_and_what_was_given() {
    each(|place| {
        let got = place.asked(&["get", "/api/v2/x?a=b c&d=ä"], "");
        assert_eq!((&got["method"], &got["uri"]), (&json!("GET"), &json!("/api/v2/x?a=b%20c&d=%C3%A4")));
        assert_eq!((&got["key"], &got["bearer"], &got["length"]), (&json!(GOOD), &Value::Null, &json!(0)));
        let sent = place
            .asked(&["POST", "/x", "--body", "{\"a\":1}", "-H", "X-Mine: 1", "-H", "x-api-token: no"], "");
        assert_eq!((&sent["body"], &sent["type"]), (&json!("{\"a\":1}"), &json!("application/json")));
        assert_eq!(
            (&sent["mine"], &sent["key"], &sent["told_length"]),
            (&json!("1"), &json!(GOOD), &json!("7"))
        );
        let file = place.house.data.path().join("body.bin");
        std::fs::write(&file, vec![b'x'; 3_000_000]).unwrap();
        let from_file = place.asked(&["PUT", "/x", "-d", &format!("@{}", file.display())], "");
        assert_eq!((&from_file["length"], &from_file["told_length"]), (&json!(3_000_000), &json!("3000000")));
        let long = "y".repeat(2_500_000);
        for way in [&["--body", "@-"][..], &["--body", "-"], &["-d-"], &["--body-stdin"]] {
            let arguments = [&["POST", "/x", "--header", "content-type: text/plain"], way].concat();
            let piped = place.asked(&arguments, &long);
            assert_eq!((&piped["length"], &piped["type"]), (&json!(2_500_000), &json!("text/plain")));
        }
    });
}

#[test]
fn lists_are_followed_to_their_end() {
    each(|place| {
        for path in ["/api/v2/deals", "/api/v1/deals?status=open"] {
            let all = place.asked(&["GET", path, "--paginate"], "");
            assert_eq!(all, Value::from(records(0, 250)), "{path}");
        }
        assert_eq!(place.asked(&["GET", "/api/v2/nothing", "--paginate"], ""), json!([]));
        // Others use the same key: what is too many at once is waited for.
        let busy = place.request(&["GET", "/api/v2/deals?busy=1", "--paginate"], "");
        let said = String::from_utf8(busy.stderr).unwrap();
        assert_eq!(
            serde_json::from_slice::<Value>(&busy.stdout).unwrap().as_array().unwrap().len(),
            250,
            "{said}"
        );
        assert!(said.contains("going on in"), "{said}");
        let picked = place.request(&["GET", "/api/v2/deals", "--paginate", "--jq", ".title"], "");
        let picked = String::from_utf8(picked.stdout).unwrap();
        assert!(picked.lines().count() == 250 && picked.ends_with("Deal 248\nDeal 249\n"), "{picked}");
        let (code, said) = place.fails(&["GET", "/api/v1/deals?fail=1", "--paginate"]);
        assert!(code == 1 && said.contains("gone[31m") && said.contains("404"), "{said}");
        let (code, said) = place.fails(&["GET", "/api/v2/endless", "--paginate"]);
        assert!(code == 1 && said.contains("again and again"), "{said}");
    });
}

#[test]
fn what_is_printed_and_how_it_ends() {
    each(|place| {
        let picked = place.request(&["GET", "/x", "--jq", ".uri, .length"], "");
        assert_eq!(String::from_utf8(picked.stdout).unwrap(), "/x\n0\n");
        let as_it_is = place.request(&["GET", "/text"], "");
        assert_eq!(as_it_is.stdout, b"no JSON\x1b[31m");
        let with_head = place.request(&["GET", "/x", "--include"], "");
        let text = String::from_utf8(with_head.stdout).unwrap();
        assert!(
            text.contains(" 200 OK\n") && text.contains("x-keyhaven-answer: app") && text.contains("\n\n{"),
            "{text}"
        );
        assert_eq!(place.request(&["GET", "/moved"], "").status.code(), Some(0));
        let missing = place.request(&["GET", "/missing", "--jq", ".nothing"], "");
        assert_eq!(missing.status.code(), Some(1));
        assert!(String::from_utf8(missing.stdout).unwrap().contains("/missing"));
        for (arguments, code, says) in [
            (&["GET", "x"][..], 2, "begin with /"),
            (&["G T", "/x"], 2, "no HTTP method"),
            (&["POST", "/x", "--paginate"], 2, "only GET"),
            (&["GET", "/x", "--jq", ".["], 2, "jq"),
            (&["GET", "/x", "-d", "@/nonexistent"], 2, "cannot be read"),
            (&["GET", "/x", "-H", "nonsense"], 2, "Name: value"),
        ] {
            let (was, said) = place.fails(arguments);
            assert!(was == code && said.contains(says), "{arguments:?}: {was} {said}");
        }
        let (code, said) = place.fails(&["GET", "/a/../b"]);
        assert!(code != 0 && said.contains(".."), "{said}");
    });
}

#[test]
fn an_answer_that_breaks_off_is_told_once() {
    let house = Place::new(false).house;
    let app = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = app.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = app.accept().unwrap();
        assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf").unwrap();
    });
    let mut command = house.command(&["request", "sales-eu", "GET", "/x"]);
    command.env("KEYHAVEN_EGRESS_OVERRIDE", format!("*.pipedrive.com=http://{address}"));
    let output = run(&mut command, "");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), said.matches("broke off").count()), (Some(1), 1), "{said}");
}

#[test]
fn refusals_say_what_to_do() {
    let place = Place::new(true);
    let gone = place.house.command(&["request", "nobody", "GET", "/x"]).output().unwrap();
    let said = String::from_utf8(gone.stderr).unwrap();
    assert!(gone.status.code() == Some(1) && said.contains("no connection “nobody”"), "{said}");
    let mut stranger = place.house.command(&["request", "sales-eu", "GET", "/x"]);
    let server = place.server.as_ref().unwrap();
    let refused = run(stranger.env("KEYHAVEN_SERVER", &server.url).env("KEYHAVEN_TOKEN", "kh_wrong"), "");
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(refused.status.code() == Some(1) && said.contains("KEYHAVEN_TOKEN"), "{said}");
    let mut elsewhere = place.house.command(&["request", "sales-eu", "GET", "/x"]);
    let app = format!("http://{}", place.app.address);
    let refused = run(elsewhere.env("KEYHAVEN_SERVER", app).env("KEYHAVEN_TOKEN", "kh_x"), "");
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(refused.status.code() == Some(1) && said.contains("not as a Keyhaven server does"), "{said}");
}
