//! Measures how fast records come into a database, and writes it down: `cargo xtask bench sync`.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a developer's tool: it stops and says where"
)]

mod peer;
mod run;

use std::{collections::BTreeMap, env, fmt::Write, fs};

use keyhaven_sandbox::{Kind, Sandbox};
use keyhaven_testkit::Postgres;

use run::{KEY, Vault};

/// Deals of the company; its other lists are short.
const DEALS: u64 = 1_000_000;
const CUSTOM_FIELDS: usize = 40;
/// What an app far away takes to answer.
const LATENCY_MS: u64 = 5;
const PER_SECOND: f64 = 20_000.0;
const MEMORY: f64 = 64.0;

struct Row {
    what: String,
    promised: String,
    measured: String,
    kept: bool,
}

#[tokio::main]
async fn main() {
    let deals = env::var("KEYHAVEN_BENCH_DEALS").ok().and_then(|it| it.parse().ok()).unwrap_or(DEALS);
    let sandbox = Sandbox::start(([127, 0, 0, 1], 0).into()).await.expect("a free port");
    println!("the stand-in writes {deals} deals with {CUSTOM_FIELDS} custom fields");
    let state = sandbox.state().clone();
    let set = move |latency_ms: u64| {
        state.set(|settings| {
            settings.sizes = sizes(deals);
            settings.records = 100;
            settings.custom_fields = CUSTOM_FIELDS;
            settings.page_cache = true;
            settings.lift_limits();
            settings.latency_ms = latency_ms;
        });
    };
    tokio::task::spawn_blocking({
        let set = set.clone();
        move || set(0)
    })
    .await
    .expect("the pages are written");
    let address = sandbox.address().to_string();
    let rows = tokio::task::spawn_blocking(move || measure(&address, deals, &set)).await.expect("measured");
    let section = section(&rows, deals);
    println!("{section}");
    if let Some(to) = env::args().nth(1) {
        keep(&to, &section);
    }
}

fn sizes(deals: u64) -> BTreeMap<Kind, u64> {
    [(Kind::Deal, deals)].into_iter().collect()
}

fn measure(address: &str, deals: u64, set: &dyn Fn(u64)) -> Vec<Row> {
    let vault = Vault::new(address);
    let folder = tempfile::tempdir().expect("a folder");
    let peer = peer::per_second(address, folder.path());
    println!("  {peer:.0} deals a second");
    let mut rows = vec![Row {
        what: "a script as people write it (Python, JSON, sqlite3), first 25,000 deals, deals a second"
            .into(),
        promised: String::new(),
        measured: format!("{peer:.0}"),
        kept: true,
    }];
    let file = |name: &str| format!("sqlite:{}", folder.path().join(name).display());
    let server = Postgres::durable();
    let postgres = || server.create_database();
    let mut fill = |what: &str, to: &str| {
        println!("{what}");
        let first = vault.sync(to, &["--streams", "deals"]);
        assert!(first.written >= deals, "{} of {deals} deals were written", first.written);
        let speed = first.rows as f64 / first.seconds;
        println!("  {speed:.0} deals a second, {:.1} MiB", first.memory);
        rows.push(Row {
            what: format!("{what}, deals a second"),
            promised: format!(">= {PER_SECOND:.0}"),
            measured: format!("{speed:.0} ({:.1}× the script)", speed / peer),
            kept: speed >= PER_SECOND,
        });
        rows.push(most(&format!("{what}, memory, MiB"), MEMORY, first.memory));
        first
    };
    let (sqlite, other) = (file("crm.db"), file("slow.db"));
    let (there, far) = (postgres(), postgres());
    fill("into SQLite", &sqlite);
    fill("into PostgreSQL", &there);
    set(LATENCY_MS);
    fill(&format!("into SQLite, {LATENCY_MS} ms away"), &other);
    fill(&format!("into PostgreSQL, {LATENCY_MS} ms away"), &far);
    for (what, to) in [("SQLite", &*sqlite), ("PostgreSQL", &*there)] {
        // Everything there is, then once more with nothing new.
        vault.sync(to, &[]);
        let again = vault.sync(to, &[]);
        println!("again into {what}: {:.2} s, {:.1} MiB", again.seconds, again.memory);
        rows.push(most(&format!("a second run with nothing new, {what}, seconds"), 1.0, again.seconds));
        rows.push(most(&format!("… requests of a stream, {what}"), 1.0, again.most_requests as f64));
        assert_eq!(again.written, 0, "nothing was new");
    }
    rows
}

fn most(what: &str, promised: f64, measured: f64) -> Row {
    Row {
        what: what.into(),
        promised: format!("<= {promised:.0}"),
        measured: format!("{measured:.1}"),
        kept: measured <= promised,
    }
}

fn section(rows: &[Row], deals: u64) -> String {
    let mut text = format!(
        "## The sync\n\n\
         `cargo xtask bench sync` fills databases with {deals} deals of {CUSTOM_FIELDS} custom fields and writes this part. \
         The stand-in answers from memory and shares the cores with the sync and with PostgreSQL; {LATENCY_MS} ms stand for an \
         app that is far away; the PostgreSQL is a private one with its usual settings. `keyhaven sync --streams deals` is measured from its first request to its last commit, \
         definitions, archived and deleted deals included; memory is the most that the process ever had. The second run is \
         of all streams.\n\n\
         | figure | promised | measured | |\n|---|--:|--:|---|\n"
    );
    for row in rows {
        let kept = if row.kept { "✓" } else { "missed" };
        let _ = writeln!(text, "| {} | {} | {} | {kept} |", row.what, row.promised, row.measured);
    }
    text
}

/// Replaces this part of the page; the others stay.
fn keep(to: &str, section: &str) {
    let page = fs::read_to_string(to).unwrap_or_default();
    let (before, rest) = page.split_once("\n## The sync").unwrap_or((&page, ""));
    let after = rest.find("\n## ").map(|at| &rest[at..]).unwrap_or_default();
    fs::write(to, format!("{}\n\n{section}{after}", before.trim_end())).expect("the page can be written");
}
