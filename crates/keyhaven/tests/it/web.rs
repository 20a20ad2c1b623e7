//! The pages without a browser: what a form sends, and what comes back.

use serde_json::Value;

use crate::common::{GLOBEX, GOOD, House, WRONG};

#[test]
fn a_link_opens_the_pages_once() {
    let house = House::new();
    let server = house.serve(&[]);
    for path in [
        "/",
        "/connections/new",
        "/connections/new/pipedrive",
        "/connections/x",
        "/connections/deleted",
        "/activity",
        "/docs/api",
        "/nothing",
    ] {
        let answer = server.send("GET", path, &[], b"");
        assert_eq!(answer.status, 401, "{path}");
        assert!(answer.text.contains("keyhaven sign-in-link"), "{path}");
    }
    let path = server.link.strip_prefix(&server.url).unwrap();
    assert_eq!(server.send("HEAD", path, &[], b"").status, 401);
    let cookie = server.sign_in(&server.link);
    assert_eq!(server.send("GET", path, &[], b"").status, 401);
    let home = server.page(&cookie, "/");
    assert!(home.text.contains("Connect your first app"));
    assert_eq!(home.headers["cache-control"], "no-store");
    assert!(home.headers["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
    assert_eq!(server.page(&cookie, "/nothing").status, 404);
    assert_eq!(server.form(&cookie, "/sign-out", &[]).status, 200);
    assert_eq!(server.page(&cookie, "/").status, 401);
}

#[test]
fn other_sites_cannot_act_in_my_name() {
    let house = House::new();
    let server = house.serve(&[]);
    let cookie = server.sign_in(&server.link);
    server.create("Sales EU", GOOD, "acme");
    let host = server.url.strip_prefix("http://").unwrap();
    for (head, status) in [
        (vec![("sec-fetch-site", "cross-site")], 403),
        (vec![("sec-fetch-site", "same-site")], 403),
        (vec![("origin", "https://evil.example")], 403),
        (vec![("origin", "null")], 403),
        (vec![("origin", server.url.as_str())], 303),
        (vec![("sec-fetch-site", "same-origin"), ("host", host)], 303),
        (vec![], 303),
    ] {
        let all = [&[("cookie", cookie.as_str())], &head[..]].concat();
        assert_eq!(server.send("POST", "/connections/sales-eu/verify", &all, b"").status, status, "{head:?}");
    }
    let session_only = [
        ("cookie", cookie.as_str()),
        ("origin", "https://evil.example"),
        ("content-type", "application/json"),
    ];
    assert_eq!(server.send("DELETE", "/api/v1/connections/sales-eu", &session_only, b"").status, 403);
}

#[test]
fn the_form_keeps_what_was_typed_but_the_key() {
    let house = House::new();
    let server = house.serve(&[]);
    let cookie = server.sign_in(&server.link);
    let refused = server.form(
        &cookie,
        "/connections/new/pipedrive",
        &[("name", "<b>\"Sales\"</b>"), ("api_key", GOOD), ("domain", "a b")],
    );
    assert_eq!(refused.status, 422);
    assert!(!refused.text.contains(GOOD) && !refused.text.contains("<b>"), "{}", refused.text);
    assert!(refused.text.contains("value=\"a b\"") && refused.text.contains("id=\"e-domain\""));
    let checked = server.form(
        &cookie,
        "/apps/pipedrive/fields/domain",
        &[("domain", " https://ACME.pipedrive.com/deal/5 ")],
    );
    assert!(checked.text.contains("value=\"acme\"") && !checked.text.contains("error"), "{}", checked.text);
    assert_eq!(server.form(&cookie, "/apps/pipedrive/fields/api_key", &[("api_key", GOOD)]).status, 404);

    let saved = server.form(
        &cookie,
        "/connections/new/pipedrive",
        &[("name", "Sales EU"), ("api_key", GOOD), ("domain", "")],
    );
    assert_eq!(
        (saved.status, saved.headers["location"].to_str().unwrap()),
        (303, "/connections/sales-eu?done=saved")
    );
    let page = server.page(&cookie, "/connections/sales-eu?done=saved").text;
    for text in ["Works", "Ada · Acme Ltd", "acme.pipedrive.com", "never shown again", "1 check: 1 ✓"] {
        assert!(page.contains(text), "{text}");
    }
    assert!(!page.contains(GOOD));
    let edit = server.page(&cookie, "/connections/sales-eu/edit").text;
    assert!(edit.contains("Leave it empty to keep the saved one") && !edit.contains(GOOD));
}

#[test]
fn another_company_is_asked_about() {
    let house = House::new();
    let server = house.serve(&[]);
    let cookie = server.sign_in(&server.link);
    server.create("Sales EU", GOOD, "acme");
    let edit = |key: &str| {
        server.form(
            &cookie,
            "/connections/sales-eu/edit",
            &[("name", "Sales EU"), ("api_key", key), ("domain", "acme")],
        )
    };
    let page = || server.page(&cookie, "/connections/sales-eu").text;
    assert_eq!(edit(GLOBEX).status, 303);
    assert!(page().contains("This key belongs to another company") && page().contains("Grace · Globex Corp"));
    assert_eq!(server.form(&cookie, "/connections/sales-eu/pending/discard", &[]).status, 303);
    assert!(!page().contains("Globex"));
    assert_eq!(server.form(&cookie, "/connections/sales-eu/pending/accept", &[]).status, 409);
    edit(GLOBEX);
    // What the app tells of a budget is the company's.
    let get = |path: &str| server.api("GET", path, &Value::Null);
    let used = || get("/api/v1/connections/sales-eu/usage").json()["budget"]["used"].as_i64().unwrap();
    assert_eq!(get("/proxy/sales-eu/api/v2/deals?limit=1").status, 200);
    let of_the_old = used();
    assert!(of_the_old >= 12, "a list costs 10, and it was verified: {of_the_old}");
    assert_eq!(server.form(&cookie, "/connections/sales-eu/pending/accept", &[]).status, 303);
    assert!(used() < of_the_old, "{} after {of_the_old}", used());
    assert!(page().contains("globex.pipedrive.com") && page().contains("Works"), "{}", page());
    // Two people at once: the second one is told.
    let stale = server.form(
        &cookie,
        "/connections/sales-eu/edit",
        &[("name", "X"), ("revision", "1"), ("domain", "globex")],
    );
    assert_eq!(stale.status, 409);
    assert!(stale.text.contains("Somebody else changed this connection"), "{}", stale.text);
}

#[test]
fn a_wrong_domain_is_one_click_from_right() {
    let house = House::new();
    let server = house.serve(&["--support", "ops@example.com"]);
    let cookie = server.sign_in(&server.link);
    server.create("Sales EU", GOOD, "acne");
    let page = || server.page(&cookie, "/connections/sales-eu").text;
    assert!(page().contains("Use “acme”") && page().contains("ops@example.com"), "{}", page());
    assert_eq!(server.form(&cookie, "/connections/sales-eu/use-suggestion", &[]).status, 303);
    assert!(page().contains("Works"));
    server.create("Bad", WRONG, "acme");
    let list = server.page(&cookie, "/?status=attention").text;
    assert!(list.contains("Key not accepted") && !list.contains("/connections/sales-eu\""));
    let deleted = server.form(&cookie, "/connections/bad/delete", &[("how", "trash")]);
    let home = server.page(&cookie, deleted.headers["location"].to_str().unwrap()).text;
    assert!(home.contains("“Bad” was deleted.") && home.contains("/connections/bad/restore"));
    assert!(server.page(&cookie, "/connections/deleted").text.contains("Key destroyed on"));
}

#[test]
fn each_mark_tells_whom_to_ask() {
    let house = House::new();
    let server = house.serve(&[]);
    let cookie = server.sign_in(&server.link);
    server.create("Bad", WRONG, "acme");
    let page = server.page(&cookie, "/connections/bad").text;
    assert!(page.contains("Try again") && page.contains("Ask whoever runs this Keyhaven"), "{page}");
}

#[test]
fn assets_are_small_and_cached_for_ever() {
    let house = House::new();
    let server = house.serve(&[]);
    let page = server.send("GET", "/", &[], b"").text;
    let assets: Vec<_> =
        page.split('"').filter(|word| word.starts_with("/assets/") && !word.ends_with(".svg")).collect();
    assert_eq!(assets.len(), 3);
    for path in assets {
        let answer = server.send("GET", path, &[("accept-encoding", "identity")], b"");
        assert_eq!(answer.status, 200);
        assert!(answer.headers["cache-control"].to_str().unwrap().contains("immutable"), "{path}");
    }
    assert_eq!(server.send("GET", "/assets/0000/app.css", &[], b"").status, 404);
    assert_eq!(server.send("GET", "/assets/connectors/pipedrive/..%2fconnector.toml", &[], b"").status, 404);
    assert_eq!(
        server.send("GET", "/assets/connectors/pipedrive/icon.svg", &[], b"").headers["content-type"],
        "image/svg+xml"
    );
}
