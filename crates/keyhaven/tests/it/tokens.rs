//! Access tokens with limits: made, shown, kept to and ended, by every face.

use serde_json::{Value, json};

use crate::common::{Answer, GOOD, House, Server, WRONG};

fn ask(server: &Server, token: &str, method: &str, path: &str, body: &Value) -> Answer {
    let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let bearer = format!("Bearer {token}");
    server.send(method, path, &[("authorization", &bearer), ("content-type", "application/json")], &bytes)
}

fn make(server: &Server, body: &Value) -> Value {
    let made = server.api("POST", "/api/v1/tokens", body);
    assert_eq!(made.status, 201, "{}", made.text);
    made.json()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[test]
fn a_limit_holds_wherever_a_connection_is_named() {
    let house = House::new();
    let server = house.serve(&[]);
    let mine = server.create("Mine", GOOD, "acme");
    server.create("Hers", WRONG, "acme");
    let limited = make(&server, &json!({ "name": "one", "connections": ["mine"] }));
    assert_eq!(limited["connections"], json!([mine["id"]]));
    let token = text(&limited["token"]);
    let get = |path: &str| ask(&server, token, "GET", path, &Value::Null);

    let list = get("/api/v1/connections?limit=1").json();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    assert_eq!((&list["items"][0]["name"], &list["next_cursor"]), (&json!("Mine"), &Value::Null));
    assert_eq!(get("/api/v1/connections?q=hers").json()["items"], json!([]));
    assert_eq!(get("/api/v1/connections?status=attention").json()["items"], json!([]));
    // Another one, one that does not exist and one that cannot exist are told in the same words.
    let bare = |which: &str| {
        let answer = get(&format!("/api/v1/connections/{which}"));
        let mut problem = answer.json();
        problem["request_id"] = Value::Null;
        (answer.status, problem)
    };
    assert_eq!(bare("hers").0, 403);
    assert_eq!(bare("hers").1["code"], "not_allowed");
    for nothing in ["no-such", "cn_00000000000000000000", "%20", "%00"] {
        assert_eq!(bare(nothing), bare("hers"), "{nothing}");
    }
    // Its own it may change, by id and by slug, and see it when it is gone.
    let change = json!({ "name": "Mine now" });
    assert_eq!(ask(&server, token, "PATCH", "/api/v1/connections/mine", &change).status, 200);
    let path = format!("/api/v1/connections/{}", text(&mine["id"]));
    assert_eq!(ask(&server, token, "DELETE", &format!("{path}?destroy=true"), &Value::Null).status, 204);
    assert_eq!(get(&path).status, 404);
    assert_eq!(get("/api/v1/connections").json()["items"], json!([]));
}

#[test]
fn a_token_is_only_taken_from_its_networks() {
    let house = House::new();
    let server = house.serve(&[]);
    for (network, status) in [("127.0.0.0/8", 200), ("127.0.0.1", 200), ("10.0.0.0/8", 403), ("::1", 403)] {
        let made = make(&server, &json!({ "name": "n", "networks": [network] }));
        // What a caller says about its address counts for nothing.
        let bearer = format!("Bearer {}", text(&made["token"]));
        let head = [
            ("authorization", bearer.as_str()),
            ("x-forwarded-for", "10.0.0.1"),
            ("forwarded", "for=10.0.0.1"),
        ];
        assert_eq!(server.send("GET", "/api/v1/connections", &head, b"").status, status, "{network}");
    }
}

#[test]
fn wrong_limits_are_named_and_make_nothing() {
    let house = House::new();
    let server = house.serve(&[]);
    let wrong = json!({
        "name": " ", "connections": ["nobody"], "methods": ["FETCH"], "paths": ["x"], "per_minute": 0, "per_day": 0,
        "budget_share": 101, "networks": ["10.0.0.0/99"], "expires_at": "yesterday"
    });
    let answer = server.api("POST", "/api/v1/tokens", &wrong);
    let problem = answer.json();
    let fields: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|it| text(&it["field"])).collect();
    assert_eq!(
        (answer.status, fields),
        (
            400,
            vec![
                "name",
                "methods",
                "paths",
                "per_minute",
                "per_day",
                "budget_share",
                "networks",
                "expires_at"
            ]
        )
    );
    for body in [
        json!({ "name": "x", "connections": ["nobody"] }),
        json!({ "name": "x", "connections": [] }),
        json!({ "name": "x", "connections": "nobody" }),
        // What came out empty was meant to limit something.
        json!({ "name": "x", "methods": [] }),
        json!({ "name": "x", "paths": [] }),
        json!({ "name": "x", "networks": [] }),
        json!({ "name": "x", "methods": [1] }),
        json!({ "name": "x", "per_day": -1 }),
        json!({ "name": "x", "per_day": 1.5 }),
        json!({ "name": "x", "per_day": 5_000_000_000_u64 }),
        json!({ "name": "x", "read_only": "yes" }),
        json!({ "name": "x", "expires_at": 5 }),
        json!({ "name": "x", "only_on_sundays": true }),
    ] {
        let answer = server.api("POST", "/api/v1/tokens", &body);
        assert_eq!((answer.status, &answer.json()["code"]), (400, &json!("invalid_fields")), "{body}");
    }
    assert_eq!(
        server.api("GET", "/api/v1/tokens", &Value::Null).json()["items"].as_array().unwrap().len(),
        1
    );
    let nulls = json!({
        "name": "x", "connections": null, "methods": null, "paths": null, "networks": null, "per_day": null,
        "expires_at": null
    });
    assert_eq!(make(&server, &nulls)["expires_at"], Value::Null);
}

#[test]
fn the_command_line_makes_shows_and_revokes_here_and_from_afar() {
    let house = House::new();
    let server = house.serve(&[]);
    server.create("Sales EU", GOOD, "acme");
    let run = |far: bool, arguments: &[&str]| {
        let mut command = house.command(arguments);
        if far {
            command.env("KEYHAVEN_SERVER", &server.url).env("KEYHAVEN_TOKEN", &server.token);
        }
        crate::common::run(&mut command, "")
    };
    let all = |name| {
        [
            "token",
            "create",
            "--name",
            name,
            "--connection",
            "sales-eu",
            "--read-only",
            "--method",
            "get",
            "--path",
            "/api/v2/**",
            "--per-minute",
            "60",
            "--per-day",
            "1000",
            "--budget-share",
            "20",
            "--network",
            "127.0.0.1",
            "--expires",
            "30d",
        ]
    };
    for far in [false, true] {
        let name = if far { "far" } else { "near" };
        let made = run(far, &all(name));
        let token = String::from_utf8(made.stdout).unwrap();
        assert!(token.starts_with("kh_") && token.lines().count() == 1, "{token}");
        let path = "/api/v1/connections/sales-eu";
        assert_eq!(ask(&server, token.trim(), "GET", path, &Value::Null).status, 200);
        let shown = run(far, &["token", "show", name, "--json"]);
        let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
        assert_eq!((&shown["methods"], &shown["networks"]), (&json!(["GET"]), &json!(["127.0.0.1/32"])));
        assert_eq!((&shown["per_day"], &shown["budget_share"]), (&json!(1000), &json!(20)));
        assert!(
            shown["last_used_at"].is_string() && shown["expires_at"].is_string() && shown["token"].is_null()
        );
        let list = String::from_utf8(run(far, &["token", "list"]).stdout).unwrap();
        assert!(list.contains(name) && list.contains("read only"), "{list}");
        // Of two with one name the id says which, and an id is never taken for a name.
        let id = shown["id"].as_str().unwrap();
        for name in [name, id] {
            assert!(run(far, &["token", "create", "--name", name]).status.success());
        }
        let several = String::from_utf8(run(far, &["token", "revoke", name]).stderr).unwrap();
        assert!(several.contains("give the id") && several.contains("The list shows"), "{several}");
        assert!(run(far, &["token", "revoke", id]).status.success());
        assert_eq!(ask(&server, token.trim(), "GET", path, &Value::Null).status, 401);
        let wrong = run(far, &["token", "create", "--name", "x", "--network", "nowhere", "--expires", "x"]);
        let says = String::from_utf8(wrong.stderr).unwrap();
        assert!(
            wrong.status.code() == Some(2) && says.contains("networks") && says.contains("expires_at"),
            "{says}"
        );
    }
}

#[test]
fn the_pages_make_and_revoke_a_token() {
    let house = House::new();
    let server = house.serve(&[]);
    let cookie = server.sign_in(&server.link);
    let id = text(&server.create("Sales <EU>", GOOD, "acme")["id"]).to_owned();
    let refused =
        server.form(&cookie, "/tokens/new", &[("name", "<i>"), ("which", "some"), ("networks", "\"x\"")]);
    assert_eq!(refused.status, 422);
    for part in [
        "Choose at least one connection",
        "value=\"&#60;i&#62;\"",
        "is no network",
        "<details class=\"more advanced\" open",
    ] {
        assert!(refused.text.contains(part), "{part} {}", refused.text);
    }
    let form = server.page(&cookie, "/tokens/new").text;
    let own = form.split('"').find(|word| word.starts_with("tk_")).unwrap();
    let fields = [
        ("id", own),
        ("name", "<i>nightly</i>"),
        ("which", "some"),
        ("connection", id.as_str()),
        ("read_only", "yes"),
        ("expires_at", "30d"),
        ("methods", "get, HEAD"),
        ("paths", "/api/v2/**\r\n/api/v1/deals"),
        ("per_day", "5"),
    ];
    let made = server.form(&cookie, "/tokens/new", &fields);
    let token = made.text.split(['>', '<']).find(|word| word.starts_with("kh_")).unwrap().to_owned();
    assert_eq!((made.status, token.len()), (200, 51));
    assert!(
        !made.text.contains("<i>")
            && made.text.contains("read only")
            && made.text.contains("methods GET, HEAD")
    );
    // Reloading that page sends the form again, and makes no other token.
    assert_eq!(server.form(&cookie, "/tokens/new", &fields).headers["location"], "/tokens?done=before");
    let list = server.page(&cookie, "/tokens?done=before").text;
    // One is the token of this test itself.
    assert_eq!(list.matches("/tokens/tk_").count(), 2, "{list}");
    assert!(list.contains("was sent before"));
    assert!(
        !list.contains(&token)
            && !list.contains("<EU>")
            && list.contains("Never used")
            && list.contains("in 30 days")
    );
    assert_eq!(ask(&server, &token, "GET", &format!("/api/v1/connections/{id}"), &Value::Null).status, 200);
    let revoke = list.split('"').find(|word| word.starts_with("/tokens/tk_")).unwrap().to_owned();
    assert!(server.page(&cookie, &revoke).text.contains("This cannot be undone"));
    assert_eq!(ask(&server, &token, "GET", "/api/v1/connections", &Value::Null).status, 200);
    let done = server.form(&cookie, &revoke, &[]);
    assert_eq!(done.headers["location"], "/tokens?done=revoked");
    assert_eq!(ask(&server, &token, "GET", "/api/v1/connections", &Value::Null).status, 401);
    let after = server.page(&cookie, "/tokens?done=revoked").text;
    assert!(after.contains("is refused from now on") && after.contains("Revoked and expired"), "{after}");
    assert_eq!(server.page(&cookie, "/tokens/tk_none/revoke").status, 404);
}
