//! Bad input: each is a 4xx problem that names the field, says what to do, and repeats no value.

use serde_json::{Value, json};

use crate::common::{Answer, GOOD, House, Server, WRONG};

const SECRET: &str = "SECRET-VALUE";

fn post(server: &Server, kind: &str, body: &[u8]) -> Answer {
    let bearer = format!("Bearer {}", server.token);
    let head = [("authorization", bearer.as_str()), ("content-type", kind)];
    server.send("POST", "/api/v1/connections", &head, body)
}

/// A problem document with this status that says what to do and names its request, as the header does.
fn problem(answer: &Answer, status: u16, of: &str) -> Value {
    assert_eq!(answer.status, status, "{of}: {}", answer.text);
    assert_eq!(answer.headers["content-type"], "application/problem+json", "{of}");
    let problem = answer.json();
    assert_eq!(problem["status"], status, "{of}");
    assert_eq!(problem["request_id"], answer.headers["x-request-id"].to_str().unwrap(), "{of}");
    for member in ["detail", "remedy", "code", "title"] {
        assert!(!problem[member].as_str().unwrap_or_default().is_empty(), "{of}: {member} {problem}");
    }
    assert!(!answer.text.contains(SECRET), "{of}: {}", answer.text);
    problem
}

fn names(problem: &Value, field: &str) -> bool {
    problem["errors"].as_array().is_some_and(|all| all.iter().any(|error| error["field"] == field))
}

#[test]
fn bodies_that_are_none() {
    let house = House::new();
    let server = house.serve(&[]);
    let big = format!("{{\"name\": \"{}\"}}", "x".repeat(10_000_000));
    let json = "application/json";
    for (kind, body, status, code) in [
        (json, "", 400, "broken_json"),
        (json, "{", 400, "broken_json"),
        (json, "[]", 400, "broken_json"),
        (json, "null", 400, "broken_json"),
        (json, "{} {}", 400, "broken_json"),
        (json, "{\"name\": \"\u{0}\"}", 400, "broken_json"),
        (json, r#"{"name": "\ud800"}"#, 400, "broken_json"),
        (json, "{\"fields\": {\"api_key\": \"SECRET-VALUE\"", 400, "broken_json"),
        (json, &"[".repeat(60_000), 400, "broken_json"),
        ("", "{}", 415, "not_json"),
        ("text/plain", "{}", 415, "not_json"),
        ("text/json-SECRET-VALUE", "{}", 415, "not_json"),
        ("application/x-www-form-urlencoded", "name=x", 415, "not_json"),
        (json, &big, 413, "too_large"),
    ] {
        let of = format!("{kind} {body:.40}");
        assert_eq!(problem(&post(&server, kind, body.as_bytes()), status, &of)["code"], code, "{of}");
    }
    problem(&post(&server, json, b"{\"name\": \"\xff\"}"), 400, "no UTF-8");
    assert_eq!(post(&server, "Application/JSON; charset=utf-8", b"{}").status, 400);

    // Nobody needs to hear it a thousand times.
    let many: serde_json::Map<_, _> = (0..3000).map(|n| (format!("k{n}"), json!(1))).collect();
    let answer = problem(&server.api("POST", "/api/v1/connections", &many.into()), 400, "many");
    assert_eq!(answer["errors"].as_array().unwrap().len(), 20);
}

#[test]
fn members_that_cannot_be_accepted() {
    let house = House::new();
    let server = house.serve(&[]);
    let good =
        json!({ "connector": "pipedrive", "name": "N", "fields": { "api_key": WRONG, "domain": "acme" } });
    let long = "n".repeat(300);
    for (pointer, value, field) in [
        ("/name", json!(""), "name"),
        ("/name", json!(long), "name"),
        ("/name", json!("a\u{0}b"), "name"),
        ("/name", json!("a\r\nSet-Cookie: x=1"), "name"),
        ("/name", json!("a\u{202e}b"), "name"),
        ("/name", json!(7), "name"),
        ("/name", json!({ "a": [SECRET, { "b": SECRET }] }), "name"),
        ("/name", Value::Null, "name"),
        ("/connector", json!("SECRET-VALUE"), "connector"),
        ("/connector", json!("pipedrive\r\nx"), "connector"),
        ("/connector", json!(1.5), "connector"),
        ("/fields", json!("x"), "fields"),
        ("/fields", json!([SECRET]), "fields"),
        ("/fields/api_key", json!("SECRET-VALUE\r\nx: 1"), "api_key"),
        ("/fields/api_key", json!("SECRET-VALUE\u{0}"), "api_key"),
        ("/fields/api_key", json!("SECRET-VALUE ä"), "api_key"),
        ("/fields/api_key", json!({ SECRET: 1 }), "fields.api_key"),
        ("/fields/api_key", json!([SECRET]), "fields.api_key"),
        ("/fields/api_key", json!(-5), "fields.api_key"),
        ("/fields/api_key", Value::Null, "fields.api_key"),
        ("/fields/api_key", json!(""), "api_key"),
        ("/fields/domain", json!("acme\r\nHost: evil"), "domain"),
        ("/fields/domain", json!("evil.example/acme"), "domain"),
        ("/fields/domain", json!("a\u{0}"), "domain"),
        ("/fields/domain", json!("x".repeat(5000)), "domain"),
        ("/fields/unknown", json!(SECRET), "unknown"),
        ("/unknown", json!(SECRET), "unknown"),
        ("/un\u{0}known\r\n", json!(SECRET), "unknown"),
    ] {
        let mut body = good.clone();
        match body.pointer_mut(pointer) {
            Some(slot) => *slot = value.clone(),
            None => {
                let (parent, key) = pointer.rsplit_once('/').unwrap();
                body.pointer_mut(parent).unwrap()[key] = value.clone();
            }
        }
        let of = format!("{pointer} {value:.60}");
        let problem = problem(&server.api("POST", "/api/v1/connections", &body), 400, &of);
        assert!(names(&problem, field), "{of}: {problem}");
    }
    // Who says something twice may mean either.
    for (body, field) in [
        (r#"{"connector":"pipedrive","name":"A","name":"B","fields":{"api_key":"SECRET-VALUE"}}"#, "name"),
        (r#"{"fields":{"api_key":"SECRET-VALUE","api_key":"x"}}"#, "fields.api_key"),
        (r#"{"fields":{},"fields":{}}"#, "fields"),
    ] {
        let problem = problem(&post(&server, "application/json", body.as_bytes()), 400, body);
        assert!(names(&problem, field), "{body}: {problem}");
    }
    let detail = server.api("POST", "/api/v1/connections", &json!({ "connector": "pipedrive", "name": "" }));
    assert!(detail.json()["detail"].as_str().unwrap().contains("api_key: API Key Value is missing."));

    // Whatever was refused left nothing behind, and names of any script are welcome.
    assert_eq!(server.api("GET", "/api/v1/connections", &Value::Null).json()["items"], json!([]));
    for name in
        ["مبيعات الشركة", "👩‍💻 Größe \u{200f}x", "<script>alert(1)</script>", "'; DROP TABLE connections; --"]
    {
        assert_eq!(server.create(name, GOOD, "acme")["name"], name.trim());
    }
}

/// What the generic connectors put into headers and addresses.
#[test]
fn no_field_of_any_app_carries_a_line_break() {
    let house = House::new();
    let server = house.serve(&[]);
    let list = server.api("GET", "/api/v1/connectors", &Value::Null).json();
    let mut tried = 0;
    for app in list["items"].as_array().unwrap() {
        let fields = app["fields"].as_array().unwrap();
        let id = |field: &Value| field["id"].as_str().unwrap().to_owned();
        let examples: serde_json::Map<_, _> =
            fields.iter().map(|field| (id(field), field["example"].clone())).collect();
        for field in fields {
            for tail in
                ["\r\nX-Evil: 1", "\nx", "\rx", "\u{0}x", "\u{7f}x", "\u{85}x", "x\r\n\r\nGET / HTTP/1.1"]
            {
                tried += 1;
                let mut given = examples.clone();
                given[&id(field)] = json!(format!("{}{tail}", field["example"].as_str().unwrap()));
                let body = json!({ "connector": app["id"], "name": "N", "fields": given });
                let of = format!("{} {} {tail:?}", app["id"], field["id"]);
                let problem = problem(&server.api("POST", "/api/v1/connections", &body), 400, &of);
                assert!(names(&problem, &id(field)), "{of}: {problem}");
            }
        }
    }
    assert!(tried > 50, "{tried}");
    assert!(house.sandbox.state().asked().is_empty());
}

#[test]
fn parameters_headers_and_paths() {
    let house = House::new();
    let server = house.serve(&[]);
    let at = format!("/api/v1/connections/{}", server.create("N", GOOD, "acme")["slug"].as_str().unwrap());
    let get = |path: &str| server.api("GET", path, &Value::Null);
    let long = format!("q={}", "x".repeat(60_000));
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=x", "limit"),
        ("limit=201", "limit"),
        ("limit=99999999999999999999", "limit"),
        ("limit=5&limit=6", "limit"),
        ("status=good", "status"),
        ("cursor=zz", "cursor"),
        ("cursor=6600", "cursor"),
        ("cursor=%C3%A9", "cursor"),
        ("colour=1", "colour"),
        ("col%00our=1", "colour"),
        ("deleted=maybe", "deleted"),
        ("deleted", "deleted"),
        ("q=%00", "q"),
        ("connector=%00", "connector"),
        (&long, "q"),
    ] {
        let answer = get(&format!("/api/v1/connections?{query}"));
        let problem = problem(&answer, 400, &format!("{query:.40}"));
        assert!(names(&problem, field), "{query:.40}: {problem}");
    }
    assert_eq!(get("/api/v1/connections?q=%FF&cursor=").status, 200);

    let nothing = format!("/api/v1/connections/{}", "x".repeat(5000));
    for path in ["/api", "/api/", "/api/v2", "/api/v1/connections/", "/api/v1/connectors/%FF", &nothing] {
        let answer = get(path);
        assert!(problem(&answer, 404, path).to_string().len() < 1000);
    }
    for odd in ["%00", "%FF", "..%2F", "%0D%0Ax", "%E2%80%AE", "a%20b"] {
        for (method, more) in [
            ("GET", ""),
            ("GET", "/history"),
            ("PATCH", ""),
            ("DELETE", "?destroy=true"),
            ("POST", "/verify"),
            ("POST", "/restore"),
        ] {
            let path = format!("/api/v1/connections/{odd}{more}");
            let answer = server.api(method, &path, &json!({ "name": "x" }));
            problem(&answer, 404, &format!("{method} {path}"));
        }
    }

    let bearer = format!("Bearer {}", server.token);
    let with = |method: &str, path: &str, name: &str, value: &str| {
        let head = [("authorization", bearer.as_str()), ("content-type", "application/json"), (name, value)];
        server.send(method, path, &head, b"{\"name\": \"N\"}")
    };
    for value in ["", "3", "\"1", "\"1\", \"2\""] {
        let of = format!("If-Match: {value}");
        assert!(names(&problem(&with("PATCH", &at, "if-match", value), 400, &of), "If-Match"), "{of}");
        assert!(names(&problem(&with("DELETE", &at, "if-match", value), 400, &of), "If-Match"), "{of}");
    }
    for value in ["\"9\"", "\"x\"", "\"\"", "\"-1\"", "\"99999999999999999999\"", "W/\"1\""] {
        let of = format!("If-Match: {value}");
        for method in ["PATCH", "DELETE"] {
            assert_eq!(problem(&with(method, &at, "if-match", value), 412, &of)["code"], "stale", "{of}");
        }
    }
    assert_eq!(get(&at).json()["deleted_at"], Value::Null);
    let allow = with("PUT", &at, "x", "y");
    problem(&allow, 405, "PUT");
    assert_eq!(allow.headers["allow"], "GET,HEAD,PATCH,DELETE");
    let head = with("HEAD", &nothing, "x", "y");
    assert_eq!((head.status, head.text.as_str()), (404, ""));
}
