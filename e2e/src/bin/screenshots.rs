//! Takes the pictures of docs/screenshots: `cargo xtask screenshots`.

#![allow(clippy::expect_used, clippy::print_stdout, reason = "a developer's tool: it stops and says where")]

use std::{env, fs, path::PathBuf};

use http::Method;
use keyhaven_e2e::{Client, Look, Stage};
use serde_json::json;

/// The name of the file, the page, how much of it is shown on a desk, and what is in focus.
const PICTURES: &[(&str, &str, u32, Option<&str>)] = &[
    ("list", "/", 760, None),
    ("form", "/connections/new/pipedrive", 1280, Some("API Key Value")),
    ("verified", "/connections/sales-eu", 850, None),
    ("use", "/connections/sales-eu?window=week#use", 1250, None),
    ("activity", "/activity", 760, None),
    ("attention", "/connections/sales-us", 850, None),
    ("tokens", "/tokens", 560, None),
    ("token-form", "/tokens/new", 760, None),
    ("syncs", "/syncs", 560, None),
    ("sync", "/syncs/Warehouse", 900, None),
    ("sync-form", "/syncs/new?connection=sales-eu", 900, None),
    ("sync-estimate", "/syncs/Deals%20for%20the%20weekly%20report/estimate", 640, None),
];

const LIGHT: Look = Look { dark: false, phone: false, height: 0 };
const LOOKS: [(&str, Look); 3] =
    [("light", LIGHT), ("dark", Look { dark: true, ..LIGHT }), ("phone", Look { phone: true, ..LIGHT })];

/// Has the first sync run, and waits for the end of its run of this number.
async fn run(api: &Client, number: usize) {
    api.json(Method::POST, "/api/v1/syncs/Warehouse/run", None).await;
    loop {
        let runs = api.json(Method::GET, "/api/v1/syncs/Warehouse/runs", None).await;
        let items = runs["items"].as_array().expect("a list");
        if items.len() == number && items[0]["finished_at"].is_string() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
}

#[tokio::main]
async fn main() {
    let to: PathBuf = env::args().nth(1).expect("a folder: run this by `cargo xtask screenshots`").into();
    fs::create_dir_all(&to).expect("the folder can be made");
    let stage = Stage::with_pipedrive_only().await;
    let (browser, api) = (&stage.browser, stage.server.api());
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
        json!({ "name": "Weekly report", "connections": ["weekly-report"], "read_only": true, "expires_at": "90d" }),
        json!({ "name": "Nightly sync", "connections": ["sales-eu", "sales-us"], "per_day": 20_000, "budget_share": 40 }),
        json!({ "name": "Website", "methods": ["POST"], "paths": ["/api/v2/leads/*"], "networks": ["10.0.0.0/8"] }),
    ] {
        api.json(Method::POST, "/api/v1/tokens", Some(&token)).await;
    }
    for sync in [
        json!({ "name": "Warehouse", "connection": "sales-eu", "destination": "crm.db", "schedule": "every hour" }),
        json!({ "name": "Deals for the weekly report", "connection": "weekly-report", "destination": "deals.db",
            "streams": ["deals", "persons"], "schedule": "every monday at 6:00", "paused": true }),
    ] {
        api.json(Method::POST, "/api/v1/syncs", Some(&sync)).await;
    }
    for times in 1..=3 {
        run(&api, times).await;
    }
    stage.server.fill_usage("sales-eu").await;
    for (look_name, look) in LOOKS {
        for (name, page, height, focus) in PICTURES {
            browser.look(Look { height: if look.phone { 0 } else { *height }, ..look }).await;
            browser.goto(page).await;
            if let Some(label) = focus {
                browser.fill("Connection Name", "Sales EU").await;
                browser.field(label).await.click().await.expect("a field");
            }
            browser.settle().await;
            let file = to.join(format!("{name}-{look_name}.png"));
            fs::write(&file, browser.picture().await).expect("the picture can be written");
            println!("{}", file.display());
        }
    }
}
