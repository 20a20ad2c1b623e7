//! Who is let in where: one table of every route, held against the routes that the source declares.

use std::{collections::BTreeSet, fs, path::Path, thread, time::Duration};

use keyhaven_testkit::Look;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::common::{Answer, GOOD, House, Server};

/// What a route asks of who calls it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Needs {
    /// Nothing: everybody gets this status.
    Nothing(u16),
    /// A session: no access token opens a page.
    Session,
    /// A token. What one that may only read gets, and one that is limited to another connection.
    Token { read_only: u16, other: u16 },
}

use Needs::{Nothing, Session, Token};

/// It looks at nothing of one connection.
const LOOKS: Needs = Token { read_only: 200, other: 200 };
/// It looks at one connection.
const LOOKS_AT_ONE: Needs = Token { read_only: 200, other: 403 };
/// It changes something, or is about access tokens.
const CHANGES: Needs = Token { read_only: 403, other: 403 };
/// There is nothing there, whoever asks.
const NOWHERE: Needs = Token { read_only: 404, other: 404 };

/// Method, route as the source declares it, an address of it, the body, and what it needs. `ID` is a connection, `TK`
/// an access token, `SY` a sync.
const TABLE: &[(&str, &str, &str, &str, Needs)] = &[
    ("GET", "/healthz", "", "", Nothing(200)),
    ("GET", "/readyz", "", "", Nothing(200)),
    ("GET", "/metrics", "", "", LOOKS_AT_ONE),
    ("GET", "/openapi.json", "", "", LOOKS),
    ("GET", "/api/v1/connectors", "", "", LOOKS),
    ("GET", "/api/v1/connectors/{id}", "/api/v1/connectors/pipedrive", "", LOOKS),
    ("GET", "/api/v1/connections", "", "", LOOKS),
    (
        "POST",
        "/api/v1/connections",
        "",
        r#"{"connector":"pipedrive","name":"X","fields":{"api_key":"x"}}"#,
        CHANGES,
    ),
    ("GET", "/api/v1/connections/{id}", "/api/v1/connections/ID", "", LOOKS_AT_ONE),
    ("PATCH", "/api/v1/connections/{id}", "/api/v1/connections/ID", r#"{"name":"X"}"#, CHANGES),
    ("DELETE", "/api/v1/connections/{id}", "/api/v1/connections/ID", "", CHANGES),
    ("POST", "/api/v1/connections/{id}/verify", "/api/v1/connections/ID/verify", "", CHANGES),
    ("POST", "/api/v1/connections/{id}/restore", "/api/v1/connections/ID/restore", "", CHANGES),
    ("GET", "/api/v1/connections/{id}/history", "/api/v1/connections/ID/history", "", LOOKS_AT_ONE),
    ("GET", "/api/v1/connections/{id}/usage", "/api/v1/connections/ID/usage", "", LOOKS_AT_ONE),
    ("GET", "/api/v1/connections/{id}/calls", "/api/v1/connections/ID/calls", "", LOOKS_AT_ONE),
    ("GET", "/api/v1/syncs", "", "", LOOKS),
    ("POST", "/api/v1/syncs", "", r#"{"connection":"sales-eu","destination":"x.db"}"#, CHANGES),
    ("GET", "/api/v1/syncs/{id}", "/api/v1/syncs/SY", "", LOOKS_AT_ONE),
    ("PATCH", "/api/v1/syncs/{id}", "/api/v1/syncs/SY", r#"{"name":"X"}"#, CHANGES),
    ("DELETE", "/api/v1/syncs/{id}", "/api/v1/syncs/SY", "", CHANGES),
    ("POST", "/api/v1/syncs/{id}/run", "/api/v1/syncs/SY/run", "", CHANGES),
    ("POST", "/api/v1/syncs/{id}/cancel", "/api/v1/syncs/SY/cancel", "", CHANGES),
    ("POST", "/api/v1/syncs/{id}/pause", "/api/v1/syncs/SY/pause", "", CHANGES),
    ("POST", "/api/v1/syncs/{id}/resume", "/api/v1/syncs/SY/resume", "", CHANGES),
    ("POST", "/api/v1/syncs/{id}/estimate", "/api/v1/syncs/SY/estimate", "", CHANGES),
    ("GET", "/api/v1/syncs/{id}/runs", "/api/v1/syncs/SY/runs", "", LOOKS_AT_ONE),
    ("GET", "/api/v1/audit", "", "", LOOKS_AT_ONE),
    ("GET", "/api/v1/tokens", "", "", CHANGES),
    ("POST", "/api/v1/tokens", "", r#"{"name":"X"}"#, CHANGES),
    ("GET", "/api/v1/tokens/{id}", "/api/v1/tokens/TK", "", CHANGES),
    ("DELETE", "/api/v1/tokens/{id}", "/api/v1/tokens/TK", "", CHANGES),
    ("ANY", "/api", "", "", NOWHERE),
    ("ANY", "/api/", "", "", NOWHERE),
    ("ANY", "/api/{*rest}", "/api/v9/x", "", NOWHERE),
    ("GET", "/", "", "", Session),
    ("GET", "/connections/deleted", "", "", Session),
    ("GET", "/connections/new", "", "", Session),
    ("GET", "/connections/new/{connector}", "/connections/new/pipedrive", "", Session),
    ("POST", "/connections/new/{connector}", "/connections/new/pipedrive", "name=X&api_key=x", Session),
    ("POST", "/apps/{connector}/fields/{field}", "/apps/pipedrive/fields/domain", "domain=acme", Session),
    ("GET", "/connections/{which}", "/connections/ID", "", Session),
    ("GET", "/connections/{which}/edit", "/connections/ID/edit", "", Session),
    ("POST", "/connections/{which}/edit", "/connections/ID/edit", "name=X", Session),
    ("GET", "/connections/{which}/rename", "/connections/ID/rename", "", Session),
    ("POST", "/connections/{which}/rename", "/connections/ID/rename", "name=X", Session),
    ("POST", "/connections/{which}/verify", "/connections/ID/verify", "", Session),
    ("POST", "/connections/{which}/use-suggestion", "/connections/ID/use-suggestion", "", Session),
    ("POST", "/connections/{which}/pending/{answer}", "/connections/ID/pending/accept", "", Session),
    ("GET", "/connections/{which}/delete", "/connections/ID/delete", "", Session),
    ("POST", "/connections/{which}/delete", "/connections/ID/delete", "how=destroy", Session),
    ("POST", "/connections/{which}/restore", "/connections/ID/restore", "", Session),
    ("GET", "/syncs", "", "", Session),
    ("GET", "/syncs/new", "", "", Session),
    ("POST", "/syncs/new", "", "connection=sales-eu&destination=x.db&which=all", Session),
    ("GET", "/syncs/{which}", "/syncs/SY", "", Session),
    ("GET", "/syncs/{which}/live", "/syncs/SY/live", "", Session),
    ("GET", "/syncs/{which}/estimate", "/syncs/SY/estimate", "", Session),
    ("GET", "/syncs/{which}/edit", "/syncs/SY/edit", "", Session),
    ("POST", "/syncs/{which}/edit", "/syncs/SY/edit", "which=all", Session),
    ("GET", "/syncs/{which}/delete", "/syncs/SY/delete", "", Session),
    ("POST", "/syncs/{which}/delete", "/syncs/SY/delete", "", Session),
    ("POST", "/syncs/{which}/{deed}", "/syncs/SY/run", "", Session),
    ("GET", "/tokens", "", "", Session),
    ("GET", "/tokens/new", "", "", Session),
    ("POST", "/tokens/new", "", "name=X", Session),
    ("GET", "/tokens/{which}/revoke", "/tokens/TK/revoke", "", Session),
    ("POST", "/tokens/{which}/revoke", "/tokens/TK/revoke", "", Session),
    ("GET", "/activity", "", "", Session),
    ("GET", "/docs/api", "", "", Session),
    ("GET", "/sign-in", "", "", Session),
    ("POST", "/sign-out", "", "", Session),
    ("GET", "/assets/{hash}/{name}", "/assets/0/app.css", "", Nothing(404)),
    (
        "GET",
        "/assets/connectors/{connector}/{file}",
        "/assets/connectors/pipedrive/icon.svg",
        "",
        Nothing(200),
    ),
];

/// Stands before the router, and so no `.route(…)` declares it.
const PROXY: &[(&str, &str, &str, &str, Needs)] = &[
    ("GET", "/proxy/{connection}/{path}", "/proxy/ID/api/v1/users/me", "", LOOKS_AT_ONE),
    ("POST", "/proxy/{connection}/{path}", "/proxy/ID/api/v1/users/me", "{}", CHANGES),
    ("PUT", "/proxy/{connection}/{path}", "/proxy/ID/api/v1/users/me", "{}", CHANGES),
    ("PATCH", "/proxy/{connection}/{path}", "/proxy/ID/api/v1/users/me", "{}", CHANGES),
    ("DELETE", "/proxy/{connection}/{path}", "/proxy/ID/api/v1/users/me", "", CHANGES),
];

/// Method and path of each `.route(…)` below a folder.
fn declared(folder: &Path, found: &mut BTreeSet<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            declared(&path, found);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for other in [".nest(", ".nest_service(", ".route_service(", ".fallback_service("] {
            assert!(
                !text.contains(other),
                "{path:?} declares routes with {other}, which this test cannot read"
            );
        }
        for call in text.split(".route(").skip(1) {
            // Up to the bracket that closes the call.
            let mut depth = 1;
            let end = call.find(|c| {
                depth += i32::from(c == '(') - i32::from(c == ')');
                depth == 0
            });
            let call = &call[..end.unwrap()];
            let (_, rest) = call.split_once('"').expect("a path that stands in the call");
            let (route, handlers) = rest.split_once('"').unwrap();
            let mut methods = 0;
            for method in ["any", "get", "post", "put", "patch", "delete", "head", "options", "on"] {
                let mut words = handlers.split(|c: char| !(c.is_ascii_alphanumeric() || "_:(".contains(c)));
                if words.any(|word| word.starts_with(&format!("{method}("))) {
                    methods += 1;
                    found.insert((method.to_uppercase(), route.to_owned()));
                }
            }
            assert!(methods > 0, "{route} in {path:?} takes no method that this test knows");
        }
    }
}

/// A route that is missing in the table, or that is not there any more, fails the test.
#[test]
fn the_table_holds_every_route() {
    let mut found = BTreeSet::new();
    declared(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    let table: BTreeSet<_> =
        TABLE.iter().map(|(method, route, ..)| ((*method).to_owned(), (*route).to_owned())).collect();
    let missing: Vec<_> = found.difference(&table).collect();
    let gone: Vec<_> = table.difference(&found).collect();
    assert!(missing.is_empty() && gone.is_empty(), "missing here: {missing:?}; not in the source: {gone:?}");
    assert_eq!(table.len(), TABLE.len(), "a route stands here twice");
}

struct Asked<'a> {
    server: &'a Server,
    method: &'a str,
    path: String,
    body: &'a str,
}

impl Asked<'_> {
    fn with(&self, header: Option<(&str, &str)>) -> Answer {
        let kind = if self.path.starts_with("/api/") {
            "application/json"
        } else {
            "application/x-www-form-urlencoded"
        };
        let own = [("content-type", kind), ("sec-fetch-site", "same-origin")];
        let headers: Vec<_> = own.into_iter().chain(header).collect();
        self.server.send(self.method, &self.path, &headers, self.body.as_bytes())
    }

    fn status(&self, token: &str) -> u16 {
        self.with(Some(("authorization", &format!("Bearer {token}")))).status
    }
}

/// Nobody can make a workspace yet: a token is moved into one in the database.
fn in_another_workspace(house: &House, (id, token): (String, String)) -> String {
    let sql = format!(
        "INSERT INTO workspaces (id, name, created_at) VALUES ('elsewhere', 'Elsewhere', 0);
         UPDATE access_tokens SET workspace = 'elsewhere' WHERE id = '{id}';"
    );
    let database = Look::Sqlite(house.data.path().join("keyhaven.db"));
    Runtime::new().unwrap().block_on(database.execute(&sql));
    token
}

#[test]
fn nobody_gets_further_than_the_table_says() {
    let house = House::new();
    let server = house.serve(&[]);
    let id = server.create("Sales EU", GOOD, "acme")["id"].as_str().unwrap().to_owned();
    server.create("Other", GOOD, "acme");
    let body = json!({ "connection": id, "destination": "crm.db", "schedule": "manual" });
    let sync = server.api("POST", "/api/v1/syncs", &body).json();
    let sync = sync["id"].as_str().unwrap();
    let make = |more: &[&str]| {
        let made = house.run(&[&["token", "create", "--json", "--name"], more].concat(), "");
        let made: Value = serde_json::from_slice(&made.stdout).unwrap();
        (made["id"].as_str().unwrap().to_owned(), made["token"].as_str().unwrap().to_owned())
    };
    let (revoked_id, revoked) = make(&["revoked"]);
    house.run(&["token", "revoke", &revoked_id], "");
    let (_, expired) = make(&["expired", "--expires", "1s"]);
    let (_, read_only) = make(&["looks", "--read-only"]);
    let (_, other) = make(&["other", "--connection", "other"]);
    let (victim, full) = make(&["full"]);
    let elsewhere = in_another_workspace(&house, make(&["elsewhere"]));
    // One with a typing error, and one that is well-formed and of another house.
    let unknown = House::new().token();
    let typo = format!("{}{}", &full[..full.len() - 1], if full.ends_with('0') { '1' } else { '0' });
    let link = String::from_utf8(house.run(&["sign-in-link"], "").stdout).unwrap();
    let link = link.trim().replace("http://127.0.0.1:8787", &server.url);
    let ended = server.sign_in(&link);
    server.form(&ended, "/sign-out", &[]);
    thread::sleep(Duration::from_millis(1100));

    for (method, route, address, body, needs) in TABLE.iter().chain(PROXY) {
        let path = if address.is_empty() { route } else { address };
        let path = path.replace("ID", &id).replace("TK", &victim).replace("SY", sync);
        let asked =
            Asked { server: &server, method: if *method == "ANY" { "GET" } else { method }, path, body };
        let strangers = if let Nothing(status) = needs { *status } else { 401 };
        let what = format!("{method} {route}");
        assert_eq!(asked.with(None).status, strangers, "{what} without a token");
        for wrong in [&typo, &unknown, &expired, &revoked, "", "kh_x", &server.link] {
            assert_eq!(asked.status(wrong), strangers, "{what} with {wrong}");
        }
        for head in
            [("authorization", "Basic a2g6eA=="), ("cookie", "kh_session=khs_0000"), ("cookie", &ended)]
        {
            assert_eq!(asked.with(Some(head)).status, strangers, "{what} with {head:?}");
        }
        match *needs {
            Nothing(_) => {}
            // A token is no session, whatever it may.
            Session => assert_eq!(asked.status(&full), 401, "{what} with a token"),
            Token { read_only: by_reader, other: by_other } => {
                assert_eq!(asked.status(&read_only), by_reader, "{what} with a token that may only read");
                assert_eq!(asked.status(&other), by_other, "{what} with a token for another connection");
                let answer = asked.with(Some(("authorization", &format!("Bearer {elsewhere}"))));
                // It sees nothing of this one, and is told the same as of what is not there.
                let sees = [&*id, sync, &*victim].iter().any(|it| answer.text.contains(it));
                let names_one = ["ID", "TK", "SY"].iter().any(|it| address.contains(it));
                let right = if names_one { answer.status == 404 } else { !sees };
                assert!(right, "{what} with a token of another workspace: {} {}", answer.status, answer.text);
                if *method == "GET" {
                    assert_eq!(asked.status(&full), 200, "{what}");
                }
            }
        }
    }
    // Where there is no route, or none for the method, strangers learn nothing either.
    for (method, path, known) in
        [("GET", "/api/v1/nothing", 404), ("PUT", "/api/v1/connections", 405), ("POST", "/nothing", 401)]
    {
        let asked = Asked { server: &server, method, path: path.into(), body: "" };
        assert_eq!((asked.with(None).status, asked.status(&full)), (401, known), "{method} {path}");
    }
    // Nothing of all this changed anything.
    let still = server.api("GET", &format!("/api/v1/connections/{id}"), &Value::Null).json();
    assert_eq!((&still["name"], &still["revision"]), (&"Sales EU".into(), &1.into()));
    let still = server.api("GET", &format!("/api/v1/syncs/{sync}"), &Value::Null).json();
    assert_eq!((&still["state"], &still["last_run"]), (&"active".into(), &Value::Null));
    assert_eq!(
        server.api("GET", &format!("/api/v1/tokens/{victim}"), &Value::Null).json()["state"],
        "active"
    );
}
