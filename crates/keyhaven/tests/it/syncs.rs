//! Saved syncs: the real program, the real sandbox, real databases.

use std::{fs, thread, time::Duration};

use keyhaven_sandbox::Mode;
use keyhaven_testkit::Postgres;
use serde_json::{Value, json};

use crate::common::{GOOD, House, Server, all_bytes};

const CANARY: &str = "pa55w0rd-ca9a7ca9a7-of-a-database";

fn save(server: &Server, body: &Value) -> Value {
    let mut whole = json!({ "connection": "sales-eu", "destination": "crm.db", "streams": ["deals"] });
    for (name, value) in body.as_object().unwrap() {
        whole[name] = value.clone();
    }
    let answer = server.api("POST", "/api/v1/syncs", &whole);
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert!(answer.headers["location"].to_str().unwrap().starts_with("/api/v1/syncs/sy_"));
    answer.json()
}

fn path(sync: &Value) -> String {
    format!("/api/v1/syncs/{}", sync["id"].as_str().unwrap())
}

fn get(server: &Server, path: &str) -> Value {
    server.api("GET", path, &Value::Null).json()
}

fn post(server: &Server, path: &str, status: u16) -> Value {
    let answer = server.api("POST", path, &Value::Null);
    assert_eq!(answer.status, status, "{path}: {}", answer.text);
    answer.json()
}

/// Looks until it is so.
fn until(server: &Server, path: &str, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let mut it = Value::Null;
    for _ in 0..400 {
        it = get(server, path);
        if is_so(&it) {
            return it;
        }
        thread::sleep(Duration::from_millis(100));
    }
    panic!("{what}: {it} {}", server.log());
}

fn ended(server: &Server, path: &str, runs: usize) -> Value {
    let all = format!("{path}/runs");
    let is_so = |it: &Value| {
        let items = it["items"].as_array().unwrap();
        items.len() == runs && !items[0]["finished_at"].is_null()
    };
    until(server, &all, "the run ends", is_so)["items"][0].clone()
}

#[test]
fn a_sync_is_saved_estimated_run_and_deleted() {
    let house = House::new();
    let server = house.serve(&[]);
    server.create("Sales EU", GOOD, "acme");
    let made = save(&server, &json!({ "schedule": "daily at 06:30", "share": 40 }));
    let at = path(&made);
    assert_eq!((&made["name"], &made["destination"]), (&json!("Sales EU → crm.db"), &json!("sqlite:crm.db")));
    assert_eq!(
        (&made["cron"], &made["schedule_in_words"]),
        (&json!("30 6 * * *"), &json!("Daily at 06:30 (UTC)"))
    );
    assert_eq!((&made["share"], made["next_times"].as_array().unwrap().len()), (&json!(40), 3));
    assert_eq!(made["next_run_at"], made["next_times"][0]);
    assert_eq!(made["last_run"], Value::Null);

    let estimate = post(&server, &format!("{at}/estimate"), 200);
    assert!(
        estimate["requests"].as_u64().unwrap() > 0 && estimate["seconds"].as_u64().unwrap() > 0,
        "{estimate}"
    );
    assert!(estimate["streams"].as_array().unwrap().iter().any(|it| it["name"] == "deals"), "{estimate}");

    assert!(post(&server, &format!("{at}/run"), 202)["last_run"].is_null());
    let run = ended(&server, &at, 1);
    assert_eq!((&run["outcome"], &run["cause"]), (&json!("done"), &json!("asked")), "{run}");
    assert!(run["rows_written"].as_u64().unwrap() > 0 && run["cost"].as_u64().unwrap() > 0, "{run}");
    assert!(house.data.path().join("syncs/crm.db").is_file());
    let now = get(&server, &at);
    assert_eq!((&now["running"], &now["next_run_at"]), (&json!(false), &made["next_run_at"]));
    // By whom the budget was used is told by the sync's name.
    let is_told = |it: &Value| it["budget"]["by_token"][0]["name"] == "Sales EU → crm.db";
    until(&server, "/api/v1/connections/sales-eu/usage", "the budget tells the sync", is_told);
    let log = get(&server, &format!("/api/v1/audit?subject={}", made["id"].as_str().unwrap()));
    let deeds: Vec<_> =
        log["items"].as_array().unwrap().iter().map(|it| it["what"].as_str().unwrap()).collect();
    assert_eq!(
        deeds,
        ["began to run", "was told to run", "was saved"].map(|it| format!("Sync Sales EU → crm.db {it}"))
    );
    let id = made["id"].as_str().unwrap();
    let leads_to =
        |page: &str| page.contains(&format!("<a href=\"/syncs/{id}\"><bdi>Sync Sales EU → crm.db"));
    let cookie = server.sign_in(&server.link);
    assert!(leads_to(&server.page(&cookie, "/activity").text));

    // Changed: what is not given stays.
    let changed =
        server.api("PATCH", &at, &json!({ "schedule": "every 15 minutes", "deleted": "remove" })).json();
    assert_eq!(
        (&changed["deleted"], &changed["share"], &changed["streams"]),
        (&json!("remove"), &json!(40), &json!(["deals"]))
    );
    assert_eq!(post(&server, &format!("{at}/pause"), 200)["next_run_at"], Value::Null);
    assert_eq!(post(&server, &format!("{at}/resume"), 200)["state"], "active");
    assert_eq!(post(&server, &format!("{at}/cancel"), 409)["code"], "nothing_to_do");
    assert_eq!(get(&server, "/api/v1/syncs?connection=sales-eu")["items"].as_array().unwrap().len(), 1);
    assert_eq!(server.api("DELETE", &at, &Value::Null).status, 204);
    assert_eq!(server.api("GET", &at, &Value::Null).status, 404);
    assert!(house.data.path().join("syncs/crm.db").is_file(), "what was copied stays");
    assert!(!leads_to(&server.page(&cookie, "/activity").text), "there is no such page any more");
}

#[test]
fn what_cannot_be_accepted_is_named() {
    let house = House::new();
    let server = house.serve(&[]);
    server.create("Sales EU", GOOD, "acme");
    for (member, value, field) in [
        ("connection", json!("nobody"), "connection"),
        ("destination", json!(""), "destination"),
        ("destination", json!("../x.db"), "destination"),
        ("destination", json!("/tmp/x.db"), "destination"),
        ("destination", json!("sqlite:///tmp/x.db"), "destination"),
        ("destination", json!("x.txt"), "destination"),
        ("destination", json!("mysql://x/y"), "destination"),
        ("destination", json!("parquet:/tmp/x"), "destination"),
        ("destination", json!("s3://bucket/x"), "destination"),
        ("destination", json!("SQLITE:/tmp/x.db"), "destination"),
        ("destination", json!("postgres://u:SECRET@[::/x"), "destination"),
        ("destination", json!("postgres://u:SECRET@h/x?schema=pg_x"), "destination"),
        ("destination", json!(7), "destination"),
        ("streams", json!(["nothing"]), "streams"),
        ("streams", json!("deals"), "streams"),
        ("schedule", json!("soon"), "schedule"),
        ("time_zone", json!("Mars"), "time_zone"),
        ("deleted", json!("maybe"), "deleted"),
        ("share", json!(0), "share"),
        ("share", json!(101), "share"),
        ("share", json!(1.5), "share"),
        ("name", json!("a\u{202e}b"), "name"),
        ("more", json!(1), "more"),
    ] {
        let mut body = json!({ "connection": "sales-eu", "destination": "crm.db" });
        body[member] = value;
        let answer = server.api("POST", "/api/v1/syncs", &body);
        assert_eq!(answer.status, 400, "{body} {}", answer.text);
        assert_eq!(answer.json()["errors"][0]["field"], field, "{body} {}", answer.text);
        assert!(!answer.text.contains("SECRET"), "{}", answer.text);
    }
    // A link in the folder leads nowhere.
    let made = save(&server, &json!({ "schedule": "manual" }));
    fs::create_dir_all(house.data.path().join("syncs")).unwrap();
    let target = house.data.path().join("elsewhere.db");
    std::os::unix::fs::symlink(&target, house.data.path().join("syncs/crm.db")).unwrap();
    post(&server, &format!("{}/run", path(&made)), 202);
    let run = ended(&server, &path(&made), 1);
    assert_eq!(run["outcome"], "failed", "{run}");
    assert!(run["remedy"].as_str().unwrap().contains("destination"), "{run}");
    assert!(!target.exists());
}

/// A token that has any limit does not name a database; one that is limited to others sees nothing.
#[test]
fn limited_tokens_cannot_save_syncs() {
    let house = House::new();
    let server = house.serve(&[]);
    server.create("Sales EU", GOOD, "acme");
    server.create("Other", GOOD, "acme");
    let made = save(&server, &json!({ "schedule": "manual" }));
    let ask = |token: &str, method: &str, path: &str, body: &str| {
        let bearer = format!("Bearer {token}");
        let head = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        server.send(method, path, &head, body.as_bytes())
    };
    let make = |more: &[&str]| {
        let made = house.run(&[&["token", "create", "--name", "x"], more].concat(), "");
        String::from_utf8(made.stdout).unwrap().trim().to_owned()
    };
    let new = r#"{"connection":"sales-eu","destination":"postgres://127.0.0.1/x"}"#;
    let (mine, at) = (make(&["--connection", "sales-eu"]), path(&made));
    for limited in [&mine, &make(&["--per-day", "5"]), &make(&["--network", "127.0.0.0/8"])] {
        assert_eq!(ask(limited, "POST", "/api/v1/syncs", new).status, 403);
        assert_eq!(ask(limited, "PATCH", &at, r#"{"destination":"x.db"}"#).status, 403);
    }
    assert_eq!(ask(&mine, "GET", &at, "").status, 200);
    let other = make(&["--connection", "other"]);
    assert_eq!(ask(&other, "GET", "/api/v1/syncs", "").json()["items"], json!([]));
    assert_eq!(ask(&other, "GET", &at, "").status, 403);
}

#[test]
fn a_run_is_cancelled_in_the_middle_and_the_next_one_goes_on() {
    let house = House::new();
    let server = house.serve(&[]);
    server.create("Sales EU", GOOD, "acme");
    let made = save(&server, &json!({ "schedule": "manual", "streams": [] }));
    let at = path(&made);
    house.sandbox.state().set_mode(GOOD, Mode::Slow);
    post(&server, &format!("{at}/run"), 202);
    let seen = until(&server, &at, "it runs", |it| it["running"] == true && !it["last_run"].is_null());
    assert_eq!(seen["last_run"]["outcome"], "running");
    assert_eq!(post(&server, &format!("{at}/run"), 409)["code"], "nothing_to_do");
    assert_eq!(post(&server, &format!("{at}/cancel"), 202)["cancelling"], true);
    house.sandbox.state().set_mode(GOOD, Mode::Ok);
    let run = ended(&server, &at, 1);
    assert_eq!(run["outcome"], "cancelled", "{run}");
    post(&server, &format!("{at}/run"), 202);
    assert_eq!(ended(&server, &at, 2)["outcome"], "done");
}

/// Stopped in order while a sync runs: it is told as interrupted, and goes on at the next start by itself.
#[test]
fn a_restart_in_the_middle_is_gone_on_from() {
    let house = House::new();
    let server = house.serve(&[]);
    server.create("Sales EU", GOOD, "acme");
    let made = save(&server, &json!({ "schedule": "manual" }));
    let at = path(&made);
    house.sandbox.state().set_mode(GOOD, Mode::Slow);
    post(&server, &format!("{at}/run"), 202);
    until(&server, &at, "it runs", |it| !it["last_run"].is_null());
    server.stop();
    house.sandbox.state().set_mode(GOOD, Mode::Ok);
    let server = house.serve(&[]);
    let run = ended(&server, &at, 2);
    assert_eq!((&run["outcome"], &run["cause"]), (&json!("done"), &json!("goes_on")), "{run}");
    let first = &get(&server, &format!("{at}/runs"))["items"][1];
    assert_eq!(first["outcome"], "interrupted", "{first}");
    assert!(!first["goes_on_at"].is_null(), "{first}");
}

/// Into PostgreSQL, from two servers on one database; the password is nowhere but in the vault.
#[test]
fn a_destination_stays_sealed() {
    let house = House::new();
    let postgres = Postgres::shared();
    let (own, to) = (postgres.create_database(), postgres.create_database());
    let (_, place) = to.rsplit_once('@').unwrap();
    let address = format!("postgres://keyhaven:{CANARY}@{place}?schema=crm");

    let start = || {
        let mut made = house.command(&["token", "create", "--name", "pg"]);
        let token = crate::common::run(made.env("KEYHAVEN_DATABASE", &own), "");
        let token = String::from_utf8(token.stdout).unwrap().trim().to_owned();
        let mut command = house.command(&["serve", "--listen", "127.0.0.1:0", "--log", "trace"]);
        command.env("KEYHAVEN_DATABASE", &own);
        Server::start(command, token)
    };
    let (one, two) = (start(), start());
    one.create("Sales EU", GOOD, "acme");
    let made = save(&one, &json!({ "destination": address, "schedule": "manual" }));
    let at = path(&made);
    let mut seen = made.to_string();
    assert!(made["destination"].as_str().unwrap().ends_with("?schema=crm"), "{made}");
    for times in 1..=3 {
        seen += &post(if times == 2 { &two } else { &one }, &format!("{at}/run"), 202).to_string();
        let run = ended(&two, &at, times);
        assert_eq!(run["outcome"], "done", "{run} {}", one.log());
    }
    // A wrong one is told without it, too.
    let wrong = address.replace(place, "127.0.0.1:1/x");
    seen += &one.api("PATCH", &at, &json!({ "destination": wrong })).text;
    post(&one, &format!("{at}/run"), 202);
    let run = ended(&one, &at, 4);
    assert_eq!(run["outcome"], "failed", "{run}");
    seen += &run.to_string();
    seen += &one.api("POST", &format!("{at}/estimate"), &Value::Null).text;
    for call in [&at, &format!("{at}/runs"), "/api/v1/syncs", "/api/v1/audit"] {
        seen += &get(&one, call).to_string();
    }
    let cookie = one.sign_in(&one.link);
    let id = made["id"].as_str().unwrap();
    for page in ["/syncs", &format!("/syncs/{id}"), &format!("/syncs/{id}/edit"), "/connections/sales-eu"] {
        let answer = one.page(&cookie, page);
        assert_eq!(answer.status, 200, "{page}");
        seen += &answer.text;
    }
    let form = [("connection", "sales-eu"), ("destination", address.as_str()), ("schedule", "soon")];
    let again = one.form(&cookie, "/syncs/new", &form);
    assert_eq!(again.status, 422);
    seen += &again.text;
    assert!(!seen.contains(CANARY), "{seen}");
    assert!(!one.log().contains(CANARY) && !two.log().contains(CANARY));
    let stored =
        postgres.execute(&own, "SELECT syncs::text FROM syncs; SELECT sync_runs::text FROM sync_runs");
    assert!(stored.contains("127.0.0.1") && !stored.contains(CANARY), "{stored}");
    assert!(!stored.contains(&CANARY.bytes().map(|byte| format!("{byte:02x}")).collect::<String>()));
    let files = all_bytes(house.data.path());
    assert!(!files.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()));
}

#[test]
fn the_command_line_saves_runs_and_tells() {
    let house = House::new();
    let ok = |arguments: &[&str]| {
        let output = house.run(arguments, "");
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{arguments:?}: {text}");
        text
    };
    let server = house.serve(&[]);
    server.create("Sales EU", GOOD, "acme");
    server.stop();
    let text = ok(&[
        "syncs",
        "add",
        "sales-eu",
        "--to",
        "crm.db",
        "--streams",
        "deals",
        "--name",
        "Nightly",
        "--schedule",
        "daily at 6",
    ]);
    assert!(text.contains("Daily at 6 (UTC)") && text.contains("Saved “Nightly”"), "{text}");
    assert!(ok(&["syncs", "estimate", "Nightly"]).contains("deals"));
    let text = ok(&["syncs", "run", "Nightly"]);
    assert!(text.contains("deals") && text.contains("done:"), "{text}");
    assert!(ok(&["syncs", "list"]).contains("sqlite:crm.db"));
    // What stands in the environment is for new syncs.
    let mut edit = house.command(&["syncs", "edit", "Nightly", "--schedule", "every hour"]);
    let edited = crate::common::run(edit.env("KEYHAVEN_SYNC_TO", "sqlite:other.db"), "");
    let text = String::from_utf8_lossy(&[edited.stdout, edited.stderr].concat()).into_owned();
    assert!(text.contains("Every hour (UTC)") && !text.contains("other.db"), "{text}");
    ok(&["syncs", "pause", "Nightly"]);
    assert!(ok(&["syncs", "show", "Nightly"]).contains("paused"));

    // The same on a server.
    let server = house.serve(&[]);
    let far = |arguments: &[&str]| {
        let mut command =
            house.command(&[&["syncs"], arguments, &["--server", &server.url, "--json"]].concat());
        let output = crate::common::run(command.env("KEYHAVEN_TOKEN", &server.token), "");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {text}");
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    assert_eq!(far(&["resume", "Nightly"])["state"], "active");
    assert_eq!(far(&["run", "Nightly"])["last_run"]["outcome"], "done");
    assert_eq!(far(&["history", "Nightly"])["items"].as_array().unwrap().len(), 2);
    assert_eq!(far(&["list"])["items"][0]["name"], "Nightly");
    far(&["remove", "Nightly", "--yes"]);
    assert_eq!(far(&["list"])["items"], json!([]));
}
