//! A list of 100,000 connections: any page of it.

use http::{Method, StatusCode, header};
use keyhaven_e2e::{Client, Server, Stage};
use keyhaven_sandbox::Sandbox;
use keyhaven_store::{NewConnectionRow, OutcomeUpdate, Scope, Store};
use serde_json::Value;
use tokio::time::Instant;

use crate::{
    Sample, ms,
    report::{Figure, Report},
};

const ROWS: usize = 100_000;
const PAGES: usize = 1000;
/// Far enough away that nothing is verified meanwhile.
const NEVER: i64 = 4_000_000_000_000;
/// Spreads over all pages in an order that no cache foresees: prime to any number of pages that can come up.
const STRIDE: usize = 7919;

pub(crate) async fn measure(report: &mut Report) {
    let sandbox = Sandbox::start(([127, 0, 0, 1], 0).into()).await.expect("a free port");
    let server = Server::start_for_pipedrive(&sandbox.address().to_string());
    let good = Stage::scenario("ok");
    let first = server.api().connect("Pattern", good.key, good.domain).await;
    let data = server.stop();
    let began = Instant::now();
    fill(
        &format!("sqlite:{}", data.path().join("keyhaven.db").display()),
        first["id"].as_str().unwrap_or(""),
    )
    .await;
    println!("{ROWS} connections filled in: {:.1} s", began.elapsed().as_secs_f64());

    let server = Server::with_data(data, &sandbox.address().to_string());
    let api = server.api();
    let cursors = cursors(&api).await;
    let browser = signed_in(&server).await;
    let page = sample(&browser, &cursors, "/").await;
    report.add(Figure::new("list of 100,000: any page in the browser, p99", 10.0, page.quantile(0.99), "ms"));
    report.note("list of 100,000: any page in the browser, median".into(), page.median(), "ms");
    let call = sample(&api, &cursors, "/api/v1/connections").await;
    report.add(Figure::new("list of 100,000: any page of the API, p99", 10.0, call.quantile(0.99), "ms"));
    report.note("list of 100,000: any page of the API, median".into(), call.median(), "ms");
    for (what, query) in [
        ("only !", "status=attention"),
        ("search that finds one at the end", "q=number+099999"),
        ("search that finds none", "q=nothing-like-this"),
    ] {
        let first = Sample::new(times(&browser, std::iter::repeat_n(format!("/?{query}"), 20)).await);
        report.note(format!("list of 100,000: {what}, median"), first.median(), "ms");
    }
}

/// Copies one connection that was saved and verified, straight into the rows: by the API it would take an hour.
async fn fill(url: &str, pattern: &str) {
    let store = Store::open(url).await.expect("the database");
    let scope = Scope { workspace: "default".into(), actor: "bench".into(), now: 1_800_000_000_000 };
    let row = store.read(&scope).connection(pattern).await.expect("a row").expect("the pattern");
    let mut tx = store.begin(&scope).await.expect("a transaction");
    for n in 1..ROWS {
        let (id, name) = (format!("cn_bench{n:06}"), format!("Number {n:06}"));
        let search_key = format!("{}\npipedrive\nacme\nada · acme ltd", name.to_lowercase());
        // One in ten needs attention.
        let status = if n % 10 == 0 { "invalid" } else { "valid" };
        let new = NewConnectionRow {
            slug: format!("number-{n:06}"),
            connector: row.connector.clone(),
            sort_key: name.to_lowercase(),
            search_key: search_key.clone(),
            fields: row.fields.clone(),
            status: status.into(),
            next_check_at: NEVER,
            id: id.clone(),
            name,
        };
        tx.insert_connection(&new).await.expect("a row is written");
        let outcome = OutcomeUpdate {
            status: status.into(),
            verdict: row.verdict.clone(),
            account: row.account.clone(),
            fields: row.fields.clone(),
            search_key,
            last_check: row.last_check.clone().unwrap_or_default(),
            failing_since: row.failing_since,
            verified_at: row.verified_at,
            checked_at: row.checked_at.unwrap_or_default(),
            next_check_at: NEVER,
            failures: 0,
            changes: true,
        };
        assert!(tx.set_outcome(&id, 1, &outcome).await.expect("a row is changed"));
    }
    tx.commit().await.expect("all rows are written");
    store.close().await;
}

/// Where each page begins, by walking through the whole list.
async fn cursors(api: &Client) -> Vec<String> {
    let mut cursors = vec![String::new()];
    loop {
        let at = cursors.last().cloned().unwrap_or_default();
        let page = api.json(Method::GET, &format!("/api/v1/connections?cursor={at}"), None).await;
        match &page["next_cursor"] {
            Value::String(next) => cursors.push(next.clone()),
            _ => return cursors,
        }
    }
}

async fn sample(client: &Client, cursors: &[String], path: &str) -> Sample {
    let any = (0..PAGES).map(|n| &cursors[n * STRIDE % cursors.len()]);
    let paths = any.map(|cursor| match cursor.as_str() {
        "" => path.to_owned(),
        cursor => format!("{path}?cursor={cursor}"),
    });
    Sample::new(times(client, paths).await)
}

async fn times(client: &Client, paths: impl Iterator<Item = String>) -> Vec<f64> {
    let mut times = Vec::new();
    for path in paths {
        let began = Instant::now();
        let (status, body) = client.send(Method::GET, &path, None).await;
        times.push(ms(began.elapsed()));
        assert!(status.is_success() && !body.is_empty(), "{path}: {status}");
    }
    times
}

/// A client with a session, as a browser has it.
async fn signed_in(server: &Server) -> Client {
    let client = Client::new(server.url());
    let path = server.sign_in_link().trim_start_matches(server.url());
    let (status, headers) = client.head_of(path).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "the link signs in");
    let cookie = headers.get(header::SET_COOKIE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    client.with(header::COOKIE, cookie.split(';').next().unwrap_or_default())
}
