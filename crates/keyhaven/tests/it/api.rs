//! The API as programs meet it.

use std::thread;

use keyhaven_sandbox::{Mode, SCENARIOS};
use serde_json::{Value, json};

use crate::common::{Answer, GLOBEX, GOOD, House, WRONG};

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
        [("\"1\"", 200), ("\"1\"", 412), ("\"2\"", 200), ("*", 200), ("2", 400), ("W/\"4\"", 412)]
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
}

/// 25 connections, some of the same name, in pages of each size: forth and back, each exactly once, also while
/// others come and go.
#[test]
fn no_page_skips_or_repeats() {
    let house = House::new();
    let server = house.serve(&[]);
    for n in 0..25 {
        server.create(["Same", "same", "Other", "ärger", "Zoo"][n % 5], GOOD, "acme");
    }
    let list = |query: &str| server.api("GET", &format!("/api/v1/connections?{query}"), &Value::Null).json();
    let ids = |page: &Value| -> Vec<String> {
        page["items"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect()
    };
    let all = ids(&list(""));
    assert_eq!(all.len(), 25);
    for limit in [1, 4, 5, 24, 25, 26] {
        let walk = |mut page: Value, way: &str| {
            let mut seen = vec![ids(&page)];
            while let Some(cursor) = page[way].as_str() {
                page = list(&format!("limit={limit}&cursor={cursor}"));
                assert!(!ids(&page).is_empty());
                seen.push(ids(&page));
            }
            (page, seen)
        };
        let (last, forth) = walk(list(&format!("limit={limit}")), "next_cursor");
        assert_eq!(forth.concat(), all, "limit {limit}");
        let (_, mut back) = walk(last, "previous_cursor");
        back.reverse();
        assert_eq!(back.concat(), all, "limit {limit}, back");
    }
    // A cursor outlives the connection at which it stands.
    let first = list("limit=10");
    server.api("DELETE", &format!("/api/v1/connections/{}?destroy=true", all[9]), &Value::Null);
    server.create("aaa first", GOOD, "acme");
    let second = list(&format!("limit=10&cursor={}", first["next_cursor"].as_str().unwrap()));
    assert_eq!(ids(&second), all[10..20]);
}

/// A person's session works for the API, too; another site cannot use it, not even through a proxy that has its own
/// users, whose password a browser sends to it on its own.
#[test]
fn a_session_is_a_caller_too() {
    let house = House::new();
    let server = house.serve(&[]);
    let cookie = server.sign_in(&server.link);
    let proxy = ("authorization", "Basic cHJveHk6dXNlcg==");
    let head = [("cookie", cookie.as_str()), ("content-type", "application/json")];
    let body = json!({ "connector": "pipedrive", "name": "N", "fields": { "api_key": GOOD } }).to_string();
    let post = |more: &[(&str, &str)]| {
        server.send("POST", "/api/v1/connections", &[&head, more].concat(), body.as_bytes())
    };
    for other in [
        ("origin", "https://evil.example"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        for more in [&[other][..], &[other, proxy]] {
            let answer = post(more);
            assert_eq!((answer.status, &answer.json()["code"]), (403, &json!("cross_site")), "{more:?}");
        }
        let page = server.send("POST", "/sign-out", &[head[0], other, proxy], b"");
        assert_eq!(page.status, 403, "{other:?}");
    }
    assert_eq!(post(&[("sec-fetch-site", "same-origin")]).status, 201);
    assert_eq!(post(&[proxy]).status, 201);
    assert_eq!(server.send("GET", "/openapi.json", &[head[0], proxy], b"").status, 200);
}
