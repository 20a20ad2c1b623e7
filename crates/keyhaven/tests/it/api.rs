//! The API as programs meet it.

use std::thread;

use keyhaven_sandbox::{Mode, SCENARIOS};
use serde_json::{Value, json};

use crate::common::{Answer, GLOBEX, GOOD, House, Server, WRONG};

#[test]
fn every_scenario_gives_the_reason_it_promises() {
    let house = House::new();
    let server = house.serve(&[]);
    // One of them waits for ten seconds: the others need not.
    thread::scope(|scope| {
        for scenario in SCENARIOS {
            let server = &server;
            scope.spawn(move || {
                let made = server.create(scenario.title, scenario.key, scenario.domain);
                let reason = made["reason"].as_str().unwrap();
                let got =
                    made["detail"].as_str().map_or(reason.to_owned(), |detail| format!("{reason}/{detail}"));
                assert_eq!(got, scenario.shows);
                let definite =
                    ["key_rejected", "wrong_domain", "access_denied", "account_not_open", "blocked"];
                let status = if reason == "ok" {
                    "valid"
                } else if definite.contains(&reason) {
                    "invalid"
                } else {
                    "unverified"
                };
                assert_eq!(made["status"], status, "{}", scenario.shows);
                for words in ["title", "message"] {
                    assert!(!made[words].as_str().unwrap().is_empty());
                }
                assert_eq!(made["remedy"].as_str().unwrap().is_empty(), reason == "ok");
            });
        }
    });
    let asked = house.sandbox.state().asked();
    assert!(asked.iter().all(|one| one.key_in == "header" && one.method == "GET"));
    assert!(asked.len() <= 2 * SCENARIOS.len());
}

#[test]
fn an_outage_never_turns_a_good_key_bad() {
    let house = House::new();
    let server = house.serve(&[]);
    let made = server.create("Sales EU", GOOD, "");
    assert_eq!(
        (&made["fields"]["domain"], &made["account"]["company"]),
        (&json!("acme"), &json!("Acme Ltd"))
    );
    let path = format!("/api/v1/connections/{}", made["id"].as_str().unwrap());
    let verify = || server.api("POST", &format!("{path}/verify"), &Value::Null).json();
    for (mode, reason) in [
        (Mode::Maintenance, "maintenance"),
        (Mode::Close, "unreachable"),
        (Mode::Daily, "budget_exhausted"),
        (Mode::Burst, "rate_limited"),
        (Mode::Html, "not_understood"),
    ] {
        house.sandbox.state().set_mode(GOOD, mode);
        let now = verify();
        assert_eq!((&now["status"], &now["reason"]), (&json!("valid"), &json!("ok")), "{reason}");
        assert_eq!(now["last_check"]["reason"], reason);
        assert_eq!(now["verified_at"], made["verified_at"], "{reason}");
    }
    // What the app says about the key itself counts at once, and so does its taking it back.
    for (mode, status, reason) in [
        (Mode::Unauthorized, "invalid", "key_rejected"),
        (Mode::Maintenance, "invalid", "key_rejected"),
        (Mode::Ok, "valid", "ok"),
    ] {
        house.sandbox.state().set_mode(GOOD, mode);
        let now = verify();
        assert_eq!((&now["status"], &now["reason"]), (&json!(status), &json!(reason)), "{mode:?}");
    }
    let history = server.api("GET", &format!("{path}/history"), &Value::Null).json();
    assert_eq!(history["days"].as_array().unwrap().len(), 90);
    let today = &history["days"][89];
    assert_eq!(
        (&today["valid"], &today["invalid"], &today["worst"]),
        (&json!(2), &json!(1), &json!("invalid"))
    );
    assert_eq!(history["recent"].as_array().unwrap().len(), 9);
}

#[test]
fn changing_keeps_what_is_not_given() {
    let house = House::new();
    let server = house.serve(&[]);
    let made = server.create("Sales EU", GOOD, "acme");
    let path = format!("/api/v1/connections/{}", made["slug"].as_str().unwrap());
    let patch = |body: Value| server.api("PATCH", &path, &body);
    let asked = || house.sandbox.state().asked().len();

    // A new name asks nobody, and the slug stays.
    let before = asked();
    let renamed = patch(json!({ "name": "Sales, all of it" })).json();
    assert_eq!(
        (&renamed["name"], &renamed["slug"], &renamed["revision"]),
        (&json!("Sales, all of it"), &json!("sales-eu"), &json!(2))
    );
    assert_eq!(patch(json!({ "fields": { "api_key": "", "domain": "acme" } })).json()["status"], "valid");
    assert_eq!(asked(), before);

    // A new value asks; the saved key is kept.
    let wrong = patch(json!({ "fields": { "domain": "https://ACNE.pipedrive.com/x" } })).json();
    assert_eq!((&wrong["reason"], &wrong["fields"]["domain"]), (&json!("wrong_domain"), &json!("acne")));
    assert_eq!(wrong["suggestion"], json!({ "field": "domain", "value": "acme" }));
    assert_eq!(patch(json!({ "fields": { "domain": "acme" } })).json()["status"], "valid");
    let bad = patch(json!({ "fields": { "api_key": WRONG } })).json();
    assert_eq!((&bad["status"], &bad["reason"]), (&json!("invalid"), &json!("key_rejected")));

    // A key of another company is not taken over silently.
    patch(json!({ "fields": { "api_key": GOOD } }));
    let asks = patch(json!({ "fields": { "api_key": GLOBEX } }));
    assert_eq!((asks.status, &asks.json()["code"]), (409, &json!("other_account")));
    assert_eq!(asks.json()["accounts"]["new"]["company"], "Globex Corp");
    assert_eq!(server.api("GET", &path, &Value::Null).json()["account"]["company"], "Acme Ltd");
    let taken =
        patch(json!({ "fields": { "api_key": GLOBEX, "domain": "globex" }, "accept_other_account": true }))
            .json();
    assert_eq!((&taken["status"], &taken["account"]["company"]), (&json!("valid"), &json!("Globex Corp")));
}

#[test]
fn stale_changes_and_repeated_creations_are_noticed() {
    let house = House::new();
    let server = house.serve(&[]);
    let bearer = format!("Bearer {}", server.token);
    let send = |method: &str, path: &str, more: &[(&str, &str)], body: &Value| {
        let head =
            [&[("authorization", bearer.as_str()), ("content-type", "application/json")], more].concat();
        server.send(method, path, &head, body.to_string().as_bytes())
    };
    let new = |name: &str| json!({ "connector": "pipedrive", "name": name, "fields": { "api_key": GOOD, "domain": "acme" } });
    let create =
        |key: &str, name: &str| send("POST", "/api/v1/connections", &[("idempotency-key", key)], &new(name));

    let first = create("k1", "One");
    assert_eq!((first.status, first.headers["etag"].to_str().unwrap()), (201, "\"1\""));
    let path = first.headers["location"].to_str().unwrap().to_owned();
    assert_eq!(create("k1", "One").json()["id"], first.json()["id"]);
    let other = create("k1", "Two");
    assert_eq!((other.status, &other.json()["code"]), (422, &json!("idempotency_mismatch")));
    assert_eq!(create(&"x".repeat(300), "Two").status, 400);
    let ids: Vec<Answer> = thread::scope(|scope| {
        let all: Vec<_> = (0..6).map(|_| scope.spawn(|| create("k2", "Many"))).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(
        ids.iter().all(|answer| matches!(answer.status, 201 | 409)),
        "{:?}",
        ids.iter().map(|it| it.status).collect::<Vec<_>>()
    );
    let list = server.api("GET", "/api/v1/connections?q=many", &Value::Null).json();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);

    for (tag, status) in
        [("\"1\"", 200), ("\"1\"", 412), ("\"2\"", 200), ("*", 200), ("2", 400), ("W/\"9\"", 400)]
    {
        let answer =
            send("PATCH", &path, &[("if-match", tag)], &json!({ "name": format!("After {status}") }));
        assert_eq!(answer.status, status, "{tag}: {}", answer.text);
    }
}

#[test]
fn deleting_can_be_undone_until_the_key_is_destroyed() {
    let house = House::new();
    let server = house.serve(&[]);
    let id = server.create("Sales EU", GOOD, "acme")["id"].as_str().unwrap().to_owned();
    let call = |method: &str, more: &str| {
        server.api(method, &format!("/api/v1/connections/{id}{more}"), &Value::Null)
    };
    assert_eq!(call("DELETE", "").status, 204);
    assert_eq!(call("DELETE", "").status, 204);
    let trash = server.api("GET", "/api/v1/connections?deleted=true", &Value::Null).json();
    assert_eq!(trash["items"][0]["id"], id.as_str());
    assert!(trash["items"][0]["purge_at"].is_string());
    assert_eq!(server.api("GET", "/api/v1/connections", &Value::Null).json()["items"], json!([]));
    assert_eq!(call("POST", "/verify").status, 409);
    assert_eq!(call("POST", "/restore").json()["deleted_at"], Value::Null);
    assert_eq!(call("POST", "/restore").status, 409);
    assert_eq!(call("POST", "/verify").json()["status"], "valid");
    // A second one of the same name is fine: it gets a slug of its own.
    assert_eq!(server.create("Sales EU", GOOD, "acme")["slug"], "sales-eu-2");
    assert_eq!(call("DELETE", "?destroy=true").status, 204);
    assert_eq!(call("POST", "/restore").status, 404);
}

#[test]
fn pages_lead_forth_and_back() {
    let house = House::new();
    let server = house.serve(&[]);
    for n in 0..7 {
        server.create(&format!("Name {n}"), if n < 3 { WRONG } else { GOOD }, "acme");
    }
    let list = |query: &str| server.api("GET", &format!("/api/v1/connections?{query}"), &Value::Null).json();
    let names = |page: &Value| {
        page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let first = list("limit=3");
    let second = list(&format!("limit=3&cursor={}", first["next_cursor"].as_str().unwrap()));
    let third = list(&format!("limit=3&cursor={}", second["next_cursor"].as_str().unwrap()));
    assert_eq!(names(&second), ["Name 3", "Name 4", "Name 5"]);
    assert_eq!((names(&third), &third["next_cursor"]), (vec!["Name 6".to_owned()], &Value::Null));
    let back = list(&format!("limit=3&cursor={}", third["previous_cursor"].as_str().unwrap()));
    assert_eq!(names(&back), names(&second));
    assert_eq!(first["previous_cursor"], Value::Null);
    assert_eq!(names(&list("status=attention")).len(), 3);
    assert_eq!(names(&list("status=valid&connector=pipedrive")).len(), 4);
    assert_eq!(names(&list("q=NAME%205")), ["Name 5"]);
    assert_eq!(names(&list("q=%25")).len(), 0);
    for wrong in [
        "limit=0",
        "limit=x",
        "limit=201",
        "status=good",
        "cursor=zz",
        "cursor=6600",
        "unknown=1",
        "deleted=maybe",
        "q=%00",
    ] {
        let answer = server.api("GET", &format!("/api/v1/connections?{wrong}"), &Value::Null);
        assert_eq!(answer.status, 400, "{wrong}: {}", answer.text);
        assert!(!answer.json()["errors"][0]["field"].as_str().unwrap().is_empty());
    }
}

/// Each bad input is a 4xx problem that names the field, says what to do, and repeats no value.
#[test]
fn bad_input_is_told_clearly() {
    let house = House::new();
    let server = house.serve(&[]);
    let bearer = format!("Bearer {}", server.token);
    let post = |kind: &str, body: &[u8]| {
        server.send(
            "POST",
            "/api/v1/connections",
            &[("authorization", &bearer), ("content-type", kind)],
            body,
        )
    };
    let big = format!("{{\"name\": \"{}\"}}", "x".repeat(10_000_000));
    for (kind, body, status) in [
        ("application/json", "", 400),
        ("application/json", "{", 400),
        ("application/json", "[]", 400),
        ("application/json", "null", 400),
        ("application/json", "{\"name\": \"\u{0}\"}", 400),
        ("application/json", &"[".repeat(60_000), 400),
        ("text/plain", "{}", 415),
        ("application/x-www-form-urlencoded", "name=x", 415),
        ("application/json", &big, 413),
    ] {
        let answer = post(kind, body.as_bytes());
        assert_eq!(answer.status, status, "{kind} {:.40} {}", body, answer.text);
        assert_eq!(answer.headers["content-type"], "application/problem+json");
        assert!(!answer.json()["remedy"].as_str().unwrap().is_empty());
    }
    assert_eq!(post("application/json", b"{\"name\": \"\xff\"}").status, 400);

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
        ("/name", Value::Null, "name"),
        ("/connector", json!("pipedrive\r\nx"), "connector"),
        ("/fields", json!("x"), "fields"),
        ("/fields/api_key", json!("SECRET-VALUE\r\nx: 1"), "api_key"),
        ("/fields/api_key", json!("SECRET-VALUE ä"), "api_key"),
        ("/fields/api_key", json!({ "SECRET-VALUE": 1 }), "fields.api_key"),
        ("/fields/api_key", json!(""), "api_key"),
        ("/fields/domain", json!("acme\r\nHost: evil"), "domain"),
        ("/fields/domain", json!("evil.example/acme"), "domain"),
        ("/fields/domain", json!("a\u{0}"), "domain"),
        ("/fields/domain", json!("x".repeat(5000)), "domain"),
        ("/fields/unknown", json!("SECRET-VALUE"), "unknown"),
        ("/unknown", json!("SECRET-VALUE"), "unknown"),
    ] {
        let mut body = good.clone();
        match body.pointer_mut(pointer) {
            Some(slot) => *slot = value.clone(),
            None => {
                let (parent, key) = pointer.rsplit_once('/').unwrap();
                body.pointer_mut(parent).unwrap()[key] = value.clone();
            }
        }
        let answer = server.api("POST", "/api/v1/connections", &body);
        assert_eq!(answer.status, 400, "{pointer} {value}: {}", answer.text);
        let problem = answer.json();
        let named =
            problem["errors"].as_array().is_some_and(|all| all.iter().any(|error| error["field"] == field));
        assert!(named || problem["code"] == "unknown_connector", "{pointer} {value}: {problem}");
        assert!(!answer.text.contains("SECRET-VALUE"), "{}", answer.text);
    }
    // Whatever was refused left nothing behind, and names of any script are welcome.
    assert_eq!(server.api("GET", "/api/v1/connections", &Value::Null).json()["items"], json!([]));
    for name in
        ["مبيعات الشركة", "👩‍💻 Größe \u{200f}x", "<script>alert(1)</script>", "'; DROP TABLE connections; --"]
    {
        assert_eq!(server.create(name, GOOD, "acme")["name"], name.trim());
    }
}

/// The table of all routes: who is let in. A route that is missing here fails the test.
#[test]
fn nobody_gets_in_without_a_token() {
    let house = House::new();
    let server = house.serve(&[]);
    let id = server.create("Sales EU", GOOD, "acme")["id"].as_str().unwrap().to_owned();
    house.run(&["token", "revoke", "test"], "");
    let revoked = format!("Bearer {}", server.token);
    let fresh = house.token();
    let good = format!("Bearer {fresh}");
    let typo = format!("Bearer {}0", &fresh[..fresh.len() - 1]);
    let document: Value = serde_json::from_slice(&house.run(&["openapi"], "").stdout).unwrap();
    let mut routes = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        let open = ["/healthz", "/readyz"].contains(&path.as_str());
        let real = path.replace("connectors/{id}", "connectors/pipedrive").replace("{id}", &id);
        for method in methods.as_object().unwrap().keys() {
            routes += 1;
            let method = method.to_uppercase();
            let ask = |head: &[(&str, &str)]| server.send(&method, &real, head, b"{}").status;
            let refused = if open { 200 } else { 401 };
            assert_eq!(ask(&[]), refused, "{method} {path} without a token");
            for wrong in [revoked.as_str(), typo.as_str(), "Bearer ", "Bearer kh_x", "Basic a2g6eA=="] {
                assert_eq!(ask(&[("authorization", wrong)]), refused, "{method} {path} with {wrong}");
            }
            assert_eq!(
                ask(&[("cookie", "kh_session=khs_0000")]),
                refused,
                "{method} {path} with a made-up session"
            );
            if method == "GET" {
                assert_eq!(ask(&[("authorization", &good)]), 200, "{method} {path}");
            }
        }
    }
    assert_eq!(routes, 14);
    for (method, path) in
        [("GET", "/api/v1/nothing"), ("GET", "/api"), ("POST", "/nothing"), ("PUT", "/api/v1/connections")]
    {
        assert_eq!(server.send(method, path, &[], b"").status, 401, "{method} {path}");
    }
    assert_eq!(server.send("GET", "/api/v1/nothing", &[("authorization", &good)], b"").status, 404);
    assert_eq!(server.send("PUT", "/api/v1/connections", &[("authorization", &good)], b"").status, 405);
}

/// The document describes exactly the routes that there are, and refers to nothing that is missing.
#[test]
fn the_openapi_document_fits() {
    let house = House::new();
    let text = String::from_utf8(house.run(&["openapi"], "").stdout).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    let source = include_str!("../../src/api/mod.rs");
    let routed: Vec<&str> =
        source.split('"').filter(|word| word.starts_with('/') && !word.contains(['*', '\n'])).collect();
    let mut described: Vec<&str> =
        document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    let mut all = routed.clone();
    all.sort_unstable();
    described.sort_unstable();
    assert_eq!(described, all);
    let mut rest = text.as_str();
    while let Some((_, after)) = rest.split_once("\"#/components/schemas/") {
        let name = after.split('"').next().unwrap();
        assert!(!document["components"]["schemas"][name].is_null(), "{name}");
        rest = after;
    }
    let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
    let refresh = "docs/openapi.json is old; refresh it with: cargo run -- openapi > docs/openapi.json";
    assert!(std::fs::read_to_string(kept).unwrap_or_default() == text, "{refresh}");
}

/// The same on PostgreSQL: two servers on one database, and a restart.
#[test]
fn it_works_on_postgres() {
    let house = House::new();
    let url = keyhaven_testkit::Postgres::shared().create_database();
    let start = || -> Server {
        let mut made = house.command(&["token", "create", "--name", "pg"]);
        let token = crate::common::run(made.env("KEYHAVEN_DATABASE", &url), "");
        let token = String::from_utf8(token.stdout).unwrap().trim().to_owned();
        let mut command = house.command(&["serve", "--listen", "127.0.0.1:0"]);
        command.env("KEYHAVEN_DATABASE", &url);
        Server::start(command, token)
    };
    let (one, two) = (start(), start());
    let id = one.create("Sales EU", GOOD, "")["id"].as_str().unwrap().to_owned();
    let seen = two.api("POST", &format!("/api/v1/connections/{id}/verify"), &Value::Null).json();
    assert_eq!((&seen["status"], &seen["fields"]["domain"]), (&json!("valid"), &json!("acme")));
    one.stop();
    two.stop();
    let again = start();
    let history = again.api("GET", &format!("/api/v1/connections/{id}/history"), &Value::Null).json();
    assert_eq!(history["days"][89]["valid"], 2);
    assert_eq!(
        again.api("DELETE", &format!("/api/v1/connections/{id}?destroy=true"), &Value::Null).status,
        204
    );
}
