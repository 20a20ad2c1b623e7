//! Pipedrive's official npm client with two lines changed: base path and key.

use std::{fs, path::Path, process::Command};

use crate::common::{GOOD, House};

/// The version that is tried.
const CLIENT: &str = "pipedrive@33";

/// Where it is installed once.
fn client() -> String {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("official-client");
    if !folder.join("node_modules/pipedrive/package.json").exists() {
        fs::create_dir_all(&folder).unwrap();
        let install = ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", ".", CLIENT];
        let done = Command::new("npm").args(install).current_dir(&folder).output().expect("npm is there");
        assert!(
            done.status.success(),
            "npm cannot install {CLIENT}: {}",
            String::from_utf8_lossy(&done.stderr)
        );
    }
    folder.display().to_string()
}

#[test]
fn the_official_client_works_with_two_lines_changed() {
    let client = client();
    let house = House::new();
    let server = house.serve(&[]);
    server.create("Sales EU", GOOD, "acme");
    let program = "
        const { v1, v2 } = require('pipedrive');
        const [base, key] = process.argv.slice(-2);
        const first = new v1.Configuration({ apiKey: key, basePath: `${base}/api/v1` });
        const second = new v2.Configuration({ apiKey: key, basePath: `${base}/api/v2` });
        (async () => {
            const me = await new v1.UsersApi(first).getCurrentUser();
            const deals = new v2.DealsApi(second);
            const first_page = await deals.getDeals({ limit: 2 });
            const cursor = first_page.additional_data.next_cursor;
            const second_page = await deals.getDeals({ limit: 2, cursor });
            const ids = [...first_page.data, ...second_page.data].map(deal => deal.id);
            const made = await deals.addDeal({ AddDealRequest: { title: 'Made through Keyhaven' } });
            const kept = await deals.getDeal({ id: made.data.id });
            console.log(JSON.stringify([me.data.name, new Set(ids).size, kept.data.title]));
        })().catch(error => { console.error(error); process.exit(1); });";
    let base = format!("{}/proxy/sales-eu", server.url);
    let output = Command::new("node")
        .args(["-e", program, &base, &server.token])
        .current_dir(&client)
        .env_remove("NODE_OPTIONS")
        .env_remove("HTTPS_PROXY")
        .env_remove("https_proxy")
        .output()
        .unwrap();
    let (said, wrong) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said} {wrong}");
    assert_eq!(said.trim(), r#"["Ada",4,"Made through Keyhaven"]"#, "{wrong}");
    let asked = house.sandbox.state().asked();
    assert!(asked.iter().any(|one| one.path == "/api/v2/deals"), "{asked:?}");
    assert!(asked.iter().all(|one| one.key_in == "header"), "{asked:?}");
}
