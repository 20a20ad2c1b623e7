//! Takes the pictures of docs/screenshots: `cargo xtask screenshots`.

#![allow(clippy::expect_used, clippy::print_stdout, reason = "a developer's tool: it stops and says where")]

use std::{env, fs, path::PathBuf, time::Duration};

use http::Method;
use keyhaven_e2e::{Browser, Client, Look, Stage};
use keyhaven_sandbox::Kind;
use serde_json::{Value, json};

const LIGHT: Look = Look { dark: false, phone: false, height: 0 };
const LOOKS: [(&str, Look); 2] = [("light", LIGHT), ("dark", Look { dark: true, ..LIGHT })];

/// The name of the file, the page, how much of it is shown, and in how many looks.
const PICTURES: &[(&str, &str, u32, usize)] = &[
    ("list", "/", 760, 2),
    ("attention", "/connections/sales-us", 620, 1),
    ("use", "/connections/weekly-report?window=week#use", 1180, 1),
    ("sync", "/syncs/Warehouse", 1000, 2),
];

/// Where pictures go.
struct Camera<'a> {
    browser: &'a Browser,
    to: PathBuf,
}

impl Camera<'_> {
    /// Of the page as it is now.
    async fn take(&self, name: &str, look_name: &str, look: Look) {
        self.browser.look(look).await;
        self.browser.settle().await;
        let file = self.to.join(format!("{name}-{look_name}.webp"));
        fs::write(&file, self.browser.picture().await).expect("the picture can be written");
        println!("{}", file.display());
    }
}

async fn fill(stage: &Stage, api: &Client) {
    for (name, shows) in [
        ("Sales EU", "ok"),
        ("Sales US", "wrong_domain/unknown_domain"),
        ("Support", "maintenance"),
        ("Trial account", "account_not_open"),
        ("Weekly report", "ok"),
        ("Website leads", "key_rejected"),
    ] {
        let scenario = Stage::scenario(shows);
        api.connect(name, scenario.key, scenario.domain).await;
    }
    for token in [
        json!({ "name": "Pipeline report", "connections": ["weekly-report"], "read_only": true }),
        json!({ "name": "Nightly script", "connections": ["sales-eu", "weekly-report"], "per_day": 20_000 }),
    ] {
        api.json(Method::POST, "/api/v1/tokens", Some(&token)).await;
    }
    stage.sandbox.state().set(|settings| {
        (settings.records, settings.burst_limit) = (9_000, 0);
        // Each is asked for its variations.
        settings.sizes.insert(Kind::Product, 40);
    });
}

/// Saves a sync; its id.
async fn saved(api: &Client, sync: Value) -> String {
    let made = api.json(Method::POST, "/api/v1/syncs", Some(&sync)).await;
    made["id"].as_str().expect("an id").to_owned()
}

/// Waits until the last run of a sync fits.
async fn until(api: &Client, sync: &str, fits: impl Fn(&Value) -> bool) {
    loop {
        let it = api.json(Method::GET, &format!("/api/v1/syncs/{sync}"), None).await;
        if fits(&it["last_run"]) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Deals are read, and not yet the most of them.
fn is_in_the_middle(run: &Value) -> bool {
    let streams = run["streams"].as_array().into_iter().flatten();
    let deals = streams.filter(|it| it["name"] == "deals").find_map(|it| it["permille"].as_u64());
    deals.is_some_and(|permille| (400..900).contains(&permille))
}

/// Form, estimate and bars of a sync, up to its end.
async fn first_run(camera: &Camera<'_>, stage: &Stage, api: &Client) -> String {
    let browser = camera.browser;
    browser.goto("/connections/new/pipedrive").await;
    browser.fill("Connection Name", "Sales EU").await;
    browser.field("API Key Value").await.click().await.expect("a field");
    camera.take("form", "light", Look { height: 1280, ..LIGHT }).await;
    browser.goto("/syncs/new?connection=sales-eu").await;
    browser.fill("Where to", "crm.db").await;
    browser.css("input[value=some]").await.click().await.expect("a choice");
    for stream in ["deals", "persons", "organizations", "activities", "pipelines", "stages", "users"] {
        browser.css(&format!("input[value={stream}]")).await.click().await.expect("a box");
    }
    camera.take("sync-form", "light", Look { height: 900, ..LIGHT }).await;
    let all =
        json!({ "name": "All of it", "connection": "sales-eu", "destination": "all.db", "paused": true });
    let id = saved(api, all).await;
    browser.goto(&format!("/syncs/{id}/estimate")).await;
    camera.take("sync-estimate", "light", Look { height: 640, ..LIGHT }).await;
    browser.button("Start").await;
    until(api, &id, |run| !run.is_null()).await;
    stage.sandbox.state().set(|settings| settings.latency_ms = 500);
    until(api, &id, is_in_the_middle).await;
    camera.take("sync-running", "light", Look { height: 1280, ..LIGHT }).await;
    stage.sandbox.state().set(|settings| settings.latency_ms = 0);
    until(api, &id, |run| run["finished_at"].is_string()).await;
    id
}

#[tokio::main]
async fn main() {
    let to: PathBuf = env::args().nth(1).expect("a folder: run this by `cargo xtask screenshots`").into();
    fs::create_dir_all(&to).expect("the folder can be made");
    let stage = Stage::with_pipedrive_only().await;
    let (camera, api) = (Camera { browser: &stage.browser, to }, stage.server.api());
    fill(&stage, &api).await;
    let other = first_run(&camera, &stage, &api).await;
    let warehouse = json!({ "name": "Warehouse", "connection": "sales-eu", "destination": "crm.db",
        "schedule": "every hour", "time_zone": "Europe/Berlin" });
    let id = saved(&api, warehouse).await;
    stage.server.fill_runs(&id, &other).await;
    stage.server.fill_usage("weekly-report").await;
    for (name, page, height, looks) in PICTURES {
        for (look_name, look) in &LOOKS[..*looks] {
            camera.browser.goto(page).await;
            camera.take(name, look_name, Look { height: *height, ..*look }).await;
        }
    }
}
