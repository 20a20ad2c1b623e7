//! Measures the proxy beside nginx and writes it down: `cargo xtask bench proxy`.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a developer's tool: it stops and says where"
)]

mod load;
mod memory;
mod peers;

use std::{env, fmt::Write, fs};

use keyhaven_e2e::Server;

use load::Load;
use peers::Nginx;

const ROUNDS: usize = 5;
const CALLERS: usize = 32;

const EXPLAINED: &str = "\n\
    Both receive twice and send twice for each request, which is most of the time on either side, and the system's. Keyhaven \
    does not only pass on: it finds and checks the token, holds every header to its rules in both directions, asks \
    policy, quotas and governor, opens the sealed key, reads what the app tells of its limits, and counts. What a caller's \
    headers come to is remembered for its connection, and what an app's headers are called is judged once (decision 17). \
    It leaves one core without a thread for HTTP (decision 8), which spares the system turns; on two cores it has one where \
    nginx has two. All programs share the cores: on a machine with other things to do, both figures of speed vary by a \
    tenth from run to run, and latencies by more.\n";

/// What is promised, and what came out.
struct Row {
    what: &'static str,
    promised: String,
    nginx: String,
    keyhaven: String,
    kept: bool,
}

#[tokio::main]
async fn main() {
    let app = Nginx::app();
    let peer = Nginx::proxy(&app);
    let server = Server::start_for_pipedrive(&app.address);
    server.api().connect("Bench", "600d600d600d600d600d600d600d600d600d600d", "acme").await;
    let token = server.token();
    let process = server.process_id().expect("a process");
    let header = format!("x-api-token: {token}");
    let through = format!("{}/proxy/bench/api/v2/deals", server.url());
    let (mut nginx, mut keyhaven) = (Vec::new(), Vec::new());
    Load::run(&through, &header, CALLERS, &[process]);
    // In turns, so that whatever else the machine does falls on both.
    for round in 1..=ROUNDS {
        println!("round {round} of {ROUNDS}");
        nginx.push(Load::run(&peer.url(), &header, CALLERS, &peer.processes()));
        keyhaven.push(Load::run(&through, &header, CALLERS, &[process]));
    }
    let (nginx, keyhaven) = (Load::median(&nginx), Load::median(&keyhaven));
    let [mut direct, mut by_nginx, mut by_us] = [const { Vec::new() }; 3];
    for round in 1..=ROUNDS {
        println!("round {round} of {ROUNDS} with one caller");
        direct.push(Load::run(&app.url(), &header, 1, &app.processes()));
        by_nginx.push(Load::run(&peer.url(), &header, 1, &peer.processes()));
        by_us.push(Load::run(&through, &header, 1, &[process]));
    }
    let direct = Load::median(&direct).median_us;
    let added = |loads: &[Load]| Load::median(loads).median_us - direct;
    let (by_nginx, by_us) = (added(&by_nginx), added(&by_us));
    let mut rows = vec![
        ratio("requests a second", ">= 1.0×", nginx.per_second, keyhaven.per_second, |ratio| ratio >= 1.0),
        ratio("CPU of the proxy a request, µs", "<= 1.0×", nginx.cpu_us, keyhaven.cpu_us, |ratio| {
            ratio <= 1.0
        }),
        ratio("latency, median, µs", "", nginx.median_us, keyhaven.median_us, |_| true),
        ratio("latency, p99, µs", "<= 2.0×", nginx.p99_us, keyhaven.p99_us, |ratio| ratio <= 2.0),
        Row {
            what: "latency added to the app's own, median, one caller",
            promised: "<= 100 µs".into(),
            nginx: format!("{by_nginx:.0} µs"),
            keyhaven: format!("{by_us:.0} µs ({:.2}×)", by_us / by_nginx),
            kept: by_us <= 100.0,
        },
    ];
    drop((peer, app));
    rows.extend(memory::measure(server, &token).await);
    let section = section(&rows);
    println!("{section}");
    if let Some(to) = env::args().nth(1) {
        // The other parts of the page stay.
        let page = fs::read_to_string(&to).unwrap_or_default();
        let (before, rest) = page.split_once("\n## The proxy").unwrap_or((&page, ""));
        let after = rest.find("\n## ").map(|at| &rest[at..]).unwrap_or_default();
        fs::write(&to, format!("{}\n\n{section}{after}", before.trim_end()))
            .expect("the page can be written");
    }
}

fn ratio(what: &'static str, promised: &str, nginx: f64, keyhaven: f64, keeps: impl Fn(f64) -> bool) -> Row {
    let ratio = keyhaven / nginx;
    Row {
        what,
        promised: promised.into(),
        nginx: format!("{nginx:.0}"),
        keyhaven: format!("{keyhaven:.0} ({ratio:.2}×)"),
        kept: keeps(ratio),
    }
}

fn section(rows: &[Row]) -> String {
    let mut text = String::from(
        "## The proxy\n\n\
         `cargo xtask bench proxy` measures it beside nginx in one run and writes this part. Both stand before the same app, \
         an nginx that answers 2 KB, in cleartext with kept connections; the peer is nginx with one worker a core, one \
         fixed header and `proxy_pass`. wrk calls with 32 connections, and then with one, in turns, 5 rounds of 4 seconds each; \
         figures are medians. Keyhaven checks the token, its policy and quotas, opens the sealed key for each call, governs the app's limits, \
         and counts. All of it shares the cores of one machine.\n\n\
         | figure | promised | nginx | Keyhaven | |\n|---|--:|--:|--:|---|\n",
    );
    for row in rows {
        let kept = if row.kept { "✓" } else { "missed" };
        let _ =
            writeln!(text, "| {} | {} | {} | {} | {kept} |", row.what, row.promised, row.nginx, row.keyhaven);
    }
    text + EXPLAINED
}
