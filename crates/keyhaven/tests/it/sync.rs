//! `keyhaven sync`: into both databases, on local data and through a server, and the questions of docs/SYNC.md.

use std::{
    collections::BTreeSet,
    fmt::Write,
    fs,
    process::{Command, Stdio},
    thread::sleep,
    time::Duration,
};

use keyhaven_core::Catalogue;
use keyhaven_sandbox::{ACME, Kind};
use keyhaven_testkit::{Look, Postgres, Record};
use serde_json::Value;

use crate::common::{GOOD, House, run};

fn house() -> House {
    let house = House::new();
    house.sandbox.state().set(|settings| (settings.burst_limit, settings.projects) = (100_000, true));
    let saved = house.run(
        &["connect", "pipedrive", "--name", "Sales EU", "--domain", "acme", "--key-stdin"],
        &format!("{GOOD}\n"),
    );
    assert!(saved.status.success(), "{}", String::from_utf8_lossy(&saved.stderr));
    house
}

fn sync(house: &House, to: &str, more: &[&str]) -> Value {
    let output = house.run(&[&["sync", "sales-eu", "--json", "--to", to], more].concat(), "");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_str(&text).unwrap()
}

/// Rows of a query.
fn look(into: &Look, sql: &str) -> Vec<Record> {
    let asked = format!("({}) asked", sql.trim_end_matches(';'));
    tokio::runtime::Runtime::new().unwrap().block_on(into.rows(&asked))
}

fn page() -> String {
    fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/SYNC.md")).unwrap()
}

/// What the page asks, for one kind of database.
fn questions(of: &str) -> Vec<String> {
    let page = page();
    let blocks = page.split("```sql").skip(1).map(|it| it.split("```").next().unwrap_or_default());
    let for_it = |block: &&str| {
        let kind = block.lines().next().unwrap_or_default().trim();
        kind.is_empty() || kind == of
    };
    blocks.filter(for_it).map(|block| block.split_once('\n').unwrap().1.trim().to_owned()).collect()
}

fn truth(house: &House, kind: Kind) -> Vec<Value> {
    let all = house.sandbox.state().truth(ACME, kind);
    all.into_iter().filter(|it| it["is_deleted"] == false).collect()
}

#[test]
fn the_questions_of_the_docs_are_answered_alike_by_both_databases() {
    let house = house();
    let file = house.data.path().join("crm.db");
    sync(&house, &format!("sqlite:{}", file.display()), &[]);
    let url = Postgres::shared().create_database();
    sync(&house, &url, &[]);
    let (here, there) = (Look::Sqlite(file), Look::Postgres(url, "sales_eu".into()));
    lists_have_names(&house, &here);
    lists_have_names(&house, &there);
    let (asked, again) = (questions("sqlite"), questions("postgres"));
    assert_eq!((asked.len(), again.len()), (3, 3));
    let deals = truth(&house, Kind::Deal);
    let open = deals.iter().filter(|it| it["status"] == "open" && it["is_archived"] == false).count();
    let won = deals.iter().filter(|it| it["status"] == "won").count();
    let sum =
        |rows: &[Record], column: &str| -> f64 { rows.iter().map(|row| row[column].as_f64().unwrap()).sum() };
    let answers = |n: usize| (look(&here, &asked[n]), look(&there, &again[n]));
    for (n, by, count) in [(0, "stage", open), (1, "month", won)] {
        let (here, there) = answers(n);
        assert_eq!(sum(&here, "deals") as usize, count, "{}", asked[n]);
        assert!((sum(&here, "amount") - sum(&there, "amount")).abs() < 0.01);
        let by = |rows: &[Record]| rows.iter().map(|row| row[by].to_string()).collect::<Vec<_>>();
        assert_eq!(by(&here), by(&there));
    }
    for linked in ["SELECT deal, lead FROM activities_readable", "SELECT source_lead FROM deals_readable"] {
        assert_eq!(look(&here, linked).len(), look(&there, linked).len(), "{linked}");
    }
    let (here, there) = answers(2);
    assert!(!here.is_empty(), "the sample company has deals that nobody touches");
    let ids = |rows: &[Record]| rows.iter().map(|row| row["id"].as_i64()).collect::<BTreeSet<_>>();
    assert_eq!(ids(&here), ids(&there));
}

/// Names stand beside ids in a list, in their order.
fn lists_have_names(house: &House, into: &Look) {
    let lists = [
        ("leads", "labels", "label_ids", Kind::Lead, Kind::LeadLabel, "name"),
        ("projects", "deals", "deal_ids", Kind::Project, Kind::Deal, "title"),
        ("tasks", "assignees", "assignee_ids", Kind::Task, Kind::User, "name"),
    ];
    for (table, names, ids, kind, of, name) in lists {
        let rows = look(into, &format!("SELECT id, {names} AS names FROM {table}_readable"));
        let known = truth(house, of);
        let mut named = 0;
        for record in truth(house, kind) {
            let one = |id: &Value| known.iter().find(|it| it["id"] == *id)?[name].as_str();
            let wanted: Vec<&str> = record[ids].as_array().into_iter().flatten().filter_map(one).collect();
            named += wanted.len();
            let row = rows
                .iter()
                .find(|row| row["id"] == record["id"])
                .unwrap_or_else(|| panic!("{table}: {record}"));
            assert_eq!(row["names"].as_str().unwrap_or_default(), wanted.join(", "), "{table}: {record}");
        }
        assert!(named > 0, "no {table} with {names}");
    }
}

#[test]
fn a_sync_that_is_told_to_end_keeps_what_it_has() {
    let house = house();
    house.sandbox.state().set(|settings| settings.latency_ms = 100);
    let file = house.data.path().join("crm.db");
    let to = format!("sqlite:{}", file.display());
    let mut command = house.command(&["sync", "sales-eu", "--json", "--to", &to]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A minute at most.
    let tries = (0..3000).take_while(|_| !file.exists());
    tries.for_each(|_| sleep(Duration::from_millis(20)));
    Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && told.contains("cancelled"), "{told}");
    let looked = Look::Sqlite(file);
    assert_eq!(look(&looked, "SELECT outcome FROM keyhaven_runs")[0]["outcome"], "cancelled");
    house.sandbox.state().set(|settings| settings.latency_ms = 0);
    sync(&house, &to, &[]);
    let there = look(&looked, "SELECT count(*) AS n FROM deals WHERE NOT is_archived")[0]["n"].as_u64();
    let deals = truth(&house, Kind::Deal).into_iter().filter(|it| it["is_archived"] == false).count();
    assert_eq!(there, Some(deals as u64));
}

#[test]
fn a_second_run_writes_nothing_and_asks_once_for_each_stream() {
    let house = house();
    let to = format!("sqlite:{}", house.data.path().join("crm.db").display());
    let first = sync(&house, &to, &[]);
    assert_eq!(first["rows_read"], first["rows_written"]);
    let again = sync(&house, &to, &[]);
    assert_eq!(again["rows_written"], 0, "{again}");
    let most = again["streams"].as_array().unwrap().iter().map(|it| it["requests"].as_u64().unwrap()).max();
    assert_eq!(most, Some(1));
    let estimate = sync(&house, &to, &["--estimate"]);
    assert_eq!(estimate["requests"], again["requests"], "{estimate}");
    let left = estimate["budget_left"].as_u64().unwrap();
    assert!((55_000..60_000).contains(&left), "what the app says, not what apps have in general: {left}");
}

#[test]
fn through_a_server_the_key_stays_there() {
    let house = house();
    let server = house.serve(&[]);
    let here = tempfile::tempdir().unwrap();
    let file = here.path().join("crm.db");
    let mut command = house.command(&["sync", "sales-eu", "--json", "--streams", "deals,users"]);
    command
        .args(["--server", &server.url, "--to", &format!("sqlite:{}", file.display())])
        .env("KEYHAVEN_TOKEN", house_token(&house))
        .env("KEYHAVEN_DATA", here.path().join("none"))
        .env_remove("KEYHAVEN_EGRESS_OVERRIDE");
    let output = run(&mut command, "");
    let told: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(told["outcome"], "done", "{told}");
    let owned = look(&Look::Sqlite(file), "SELECT id FROM deals_readable WHERE owner IS NOT NULL");
    assert_eq!(owned.len(), truth(&house, Kind::Deal).len());
    assert!(!here.path().join("none").exists(), "nothing of this machine was needed");
    let written = crate::common::all_bytes(here.path());
    assert!(!written.windows(GOOD.len()).any(|bytes| bytes == GOOD.as_bytes()), "the key is nowhere here");
}

#[test]
fn what_a_token_may_not_read_is_left_out_and_that_is_said() {
    let house = house();
    let server = house.serve(&[]);
    let to = format!("sqlite:{}", house.data.path().join("crm.db").display());
    let sync = |limits: &[&str]| {
        let mut command = house.command(&["sync", "sales-eu", "--json", "--streams", "persons,users"]);
        command.args(["--server", &server.url, "--to", &to]).env("KEYHAVEN_TOKEN", token(&house, limits));
        run(&mut command, "")
    };
    let output = sync(&["--path", "/api/v2/personFields", "--path", "/api/v2/persons"]);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["outcome"], "done", "{told}");
    let stream =
        |name: &str| told["streams"].as_array().unwrap().iter().find(|it| it["name"] == name).unwrap();
    assert_eq!(stream("persons")["state"], "done");
    let users = stream("users");
    assert_eq!((&users["state"], &users["requests"]), (&"skipped".into(), &0.into()));
    assert!(users["note"].as_str().unwrap().contains("may not call this path"), "{users}");

    let output = sync(&["--method", "POST"]);
    assert_eq!(output.status.code(), Some(1), "nothing at all could be read");
    assert!(String::from_utf8_lossy(&output.stderr).contains("may not use the method GET"));
}

/// A token that can only read, and only through this connection.
fn house_token(house: &House) -> String {
    token(house, &["--read-only", "--connection", "sales-eu"])
}

fn token(house: &House, limits: &[&str]) -> String {
    let output = house.run(&[&["token", "create", "--name", "sync"], limits].concat(), "");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn a_table_of_somebody_else_is_left_alone_and_wrong_words_are_told() {
    let house = house();
    let file = house.data.path().join("mine.db");
    let mine = Look::Sqlite(file.clone());
    let make = mine.execute("CREATE TABLE deals (mine TEXT); INSERT INTO deals VALUES ('precious')");
    tokio::runtime::Runtime::new().unwrap().block_on(make);
    let to = format!("sqlite:{}", file.display());
    for (arguments, exit, says) in [
        (vec!["--to", &to], 1, "did not make"),
        (vec!["--to", "mysql://localhost/x"], 2, "sqlite:crm.db"),
        (vec!["--to", &to, "--streams", "dealz"], 2, "deals"),
        (vec!["--to", "sqlite:/no/such/folder/crm.db"], 1, "folder"),
        (vec!["--to", "postgres://nobody@127.0.0.1:1/x"], 1, "server runs"),
    ] {
        let output = house.run(&[&["sync", "sales-eu"], arguments.as_slice()].concat(), "");
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(exit), "{arguments:?} {text}");
        assert!(text.contains(says) && text.contains("to do:"), "{arguments:?} {text}");
    }
    assert_eq!(look(&mine, "SELECT mine FROM deals")[0]["mine"], "precious");
}

/// The table at the end of docs/SYNC.md is that of the catalogue. `KEYHAVEN_UPDATE_DOCS=1` writes it.
#[test]
fn the_docs_list_every_stream_and_column() {
    let catalogue = Catalogue::built_in().unwrap();
    let pipedrive = catalogue.get("pipedrive").unwrap();
    let streams = pipedrive.streams.as_ref().unwrap();
    let mut table = String::from(
        "| stream | table | read from | cost | later runs read | columns |\n|---|---|---|--:|---|---|\n",
    );
    for stream in &streams.streams {
        let path = stream.path.replace("{id}", "1");
        let cost = pipedrive.limits.as_ref().unwrap().cost(&"GET".parse().unwrap(), &path);
        let later = match (&stream.each, &stream.changes, &stream.newest) {
            (Some(each), ..) => format!("what hangs on changed {}", each.of),
            (_, Some(_), _) => "changes".into(),
            (_, _, Some(_)) => "the newest".into(),
            _ => "all".into(),
        };
        let described = streams.describing(stream.table()).unwrap();
        let names: Vec<String> = described
            .columns
            .iter()
            .flat_map(|it| it.shape.parts().iter().map(|part| format!("`{}{}`", it.name, part.ending)))
            .collect();
        let columns =
            if stream.table.is_some() { format!("those of `{}`", stream.table()) } else { names.join(" ") };
        let custom =
            if described.fields.is_some() && stream.table.is_none() { " and custom fields" } else { "" };
        let _ = writeln!(
            table,
            "| `{}` | `{}` | `{}` | {cost} | {later} | {columns}{custom} |",
            stream.name,
            stream.table(),
            stream.path
        );
    }
    let page = page();
    let (text, _) = page.split_once("| stream | table |").unwrap_or((&page, ""));
    let wanted = format!("{}\n\n{table}", text.trim_end());
    if std::env::var_os("KEYHAVEN_UPDATE_DOCS").is_some() {
        fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/SYNC.md"), &wanted).unwrap();
    }
    assert_eq!(page, wanted, "run this test with KEYHAVEN_UPDATE_DOCS=1");
}
