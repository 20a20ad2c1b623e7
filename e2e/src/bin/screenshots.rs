//! Takes the pictures of docs/screenshots: `cargo xtask screenshots`.

#![allow(clippy::expect_used, clippy::print_stdout, reason = "a developer's tool: it stops and says where")]

use std::{env, fs, path::PathBuf};

use keyhaven_e2e::{Look, Stage};

/// The name of the file, the page, and what is in focus.
const PICTURES: &[(&str, &str, Option<&str>)] = &[
    ("list", "/", None),
    ("form", "/connections/new/pipedrive", Some("API Key Value")),
    ("verified", "/connections/sales-eu", None),
    ("attention", "/connections/sales-us", None),
];

const LOOKS: [(&str, Look); 3] = [
    ("light", Look { dark: false, phone: false }),
    ("dark", Look { dark: true, phone: false }),
    ("phone", Look { dark: false, phone: true }),
];

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
    for (look_name, look) in LOOKS {
        browser.look(look).await;
        for (name, page, focus) in PICTURES {
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
