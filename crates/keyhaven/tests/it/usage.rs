//! What goes through a connection, before anything did; and the audit log. With figures: the tests in a browser.

use serde_json::{Value, json};

use crate::common::{Answer, GOOD, House, Server};

fn get(server: &Server, path: &str) -> Answer {
    server.api("GET", path, &Value::Null)
}

#[test]
fn an_unused_connection_says_so_everywhere() {
    let house = House::new();
    let server = house.serve(&[]);
    server.create("Sales EU", GOOD, "acme");

    let usage = get(&server, "/api/v1/connections/sales-eu/usage?window=week").json();
    assert_eq!((usage["bucket_seconds"].clone(), usage["total"]["calls"].clone()), (json!(7200), json!(0)));
    assert_eq!(usage["buckets"].as_array().unwrap().len(), 84);
    assert_eq!(
        (usage["budget"]["limit"].clone(), usage["budget"]["counted_by"].clone()),
        // Its verification was told.
        (json!(60_000), json!("app"))
    );
    assert_eq!(usage["budget"]["limit_is"], "told");
    let calls = get(&server, "/api/v1/connections/sales-eu/calls?limit=1").json();
    assert_eq!(calls, json!({ "items": [], "next_cursor": null }));
    for (path, status) in [
        ("/api/v1/connections/sales-eu/usage?window=year", 400),
        ("/api/v1/connections/sales-eu/usage?limit=1", 400),
        ("/api/v1/connections/sales-eu/calls?limit=201", 400),
        ("/api/v1/connections/sales-eu/calls?cursor=00", 400),
        ("/api/v1/connections/nothing/usage", 404),
        ("/api/v1/connections/nothing/calls", 404),
        ("/api/v1/audit?limit=0", 400),
        ("/api/v1/audit?subject=%00", 400),
    ] {
        assert_eq!(get(&server, path).status, status, "{path}");
    }

    let cookie = server.sign_in(&server.link);
    let page = server.page(&cookie, "/connections/sales-eu").text;
    assert!(page.contains("No calls yet"));
    let url = format!("curl &#39;{}/proxy/sales-eu/api/v2/deals?limit=5&#39;", server.url);
    assert!(page.contains(&url) && page.contains("x-api-token: $KEYHAVEN_TOKEN"), "{url} {page}");
    assert_eq!(server.page(&cookie, "/connections/sales-eu?window=year").status, 200);
    assert_eq!(server.page(&cookie, "/connections/sales-eu?calls=00").status, 400);

    for command in [&["connections", "usage", "sales-eu"][..], &["connections", "calls", "sales-eu"]] {
        let out = house.run(command, "");
        let words = String::from_utf8(out.stdout).unwrap() + &String::from_utf8(out.stderr).unwrap();
        assert!(words.contains("0 calls in the last day") || words.contains("No calls yet"), "{words}");
    }
}

#[test]
fn the_log_tells_who_did_what_everywhere_alike() {
    let house = House::new();
    let server = house.serve(&[]);
    server.create("Sales EU", GOOD, "acme");
    let cookie = server.sign_in(&server.link);
    server.form(&cookie, "/connections/sales-eu/rename", &[("name", "Sales <b>Europe</b>")]);
    house.run(&["connections", "delete", "sales-eu", "--yes"], "");

    let log = get(&server, "/api/v1/audit?subject=sales-eu").json();
    let told: Vec<_> =
        log["items"].as_array().unwrap().iter().map(|it| (it["what"].as_str(), it["who"].as_str())).collect();
    assert_eq!(
        told,
        [
            (Some("Sales <b>Europe</b> was deleted"), Some("Command line")),
            (Some("Sales <b>Europe</b> was renamed"), Some("Signed-in person")),
            (Some("Sales <b>Europe</b> was saved"), Some("test")),
        ]
    );
    assert_eq!(log["items"][1]["client"], "127.0.0.1");
    assert!(log["items"][2]["actor"].as_str().unwrap().starts_with("token:tk_"));
    let first = get(&server, "/api/v1/audit?actor=session&limit=1").json();
    let next =
        format!("/api/v1/audit?actor=session&limit=1&cursor={}", first["next_cursor"].as_str().unwrap());
    assert_ne!(get(&server, &next).json()["items"][0]["id"], first["items"][0]["id"]);

    let page = server.page(&cookie, "/activity");
    assert!(page.text.contains("Sales &#60;b&#62;Europe&#60;/b&#62; was renamed"), "{}", page.text);
    assert_eq!(server.page(&cookie, "/activity?before=00").status, 400);
    assert!(server.page(&cookie, "/activity?subject=nobody").text.contains("No records like that"));

    let here = house.run(&["audit", "--connection", "sales-eu", "--json"], "");
    let mut there = house.command(&["audit", "--connection", "sales-eu", "--json", "--server", &server.url]);
    let there = crate::common::run(there.env("KEYHAVEN_TOKEN", &server.token), "");
    assert!(!here.stdout.is_empty() && here.stdout == there.stdout);
}
