//! The list: search, filters, menu.

use keyhaven_e2e::{Browser, Stage};

async fn names(browser: &Browser) -> String {
    let script =
        "return [...document.querySelectorAll('.rows .name')].map((it) => it.textContent).join(', ')";
    browser.script(script, &[]).await.as_str().unwrap_or_default().to_owned()
}

async fn until_names(browser: &Browser, want: &str) {
    browser.until(want, async || Ok(names(browser).await == want)).await;
}

#[tokio::test]
async fn search_and_filters_narrow_the_list_while_typing() {
    let stage = Stage::open().await;
    let (browser, api) = (&stage.browser, stage.server.api());
    let (ok, rejected, down) =
        (Stage::scenario("ok"), Stage::scenario("key_rejected"), Stage::scenario("maintenance"));
    api.connect("Berlin", ok.key, "acme").await;
    api.connect("Paris", rejected.key, "acme").await;
    api.connect("Rome", down.key, "acme").await;
    browser.goto("/").await;
    assert_eq!(names(browser).await, "Berlin, Paris, Rome");
    assert!(browser.text().await.contains("3 saved, 2 need attention."));

    browser.css("#q").await.send_keys("ada").await.unwrap();
    until_names(browser, "Berlin").await;
    assert!(browser.path().await.contains("q=ada"), "the address can be shared");
    browser.css("#q").await.clear().await.unwrap();
    for (label, want) in [
        ("! All that need attention", "Paris, Rome"),
        ("! Does not work", "Paris"),
        ("! Not verified", "Rome"),
        ("✓ Verified", "Berlin"),
        ("All statuses", "Berlin, Paris, Rome"),
    ] {
        browser.css("select[name=status]").await.select_by_label(label).await.unwrap();
        until_names(browser, want).await;
    }
    browser.css("select[name=app]").await.select_by_label("Bearer token").await.unwrap();
    browser.until_text("Nothing found").await;
    browser.link("Show all connections").await;
    until_names(browser, "Berlin, Paris, Rome").await;
    assert_eq!(browser.complaints().await, [""; 0]);
}

#[tokio::test]
async fn the_menu_of_a_row_leads_to_all_that_can_be_done() {
    let stage = Stage::open().await;
    let (browser, ok) = (&stage.browser, Stage::scenario("ok"));
    stage.server.api().connect("Berlin", ok.key, "acme").await;
    for (entry, leads_to) in [
        ("Edit", "/connections/berlin/edit"),
        ("Rename", "/connections/berlin?rename"),
        ("Delete…", "/connections/berlin/delete"),
    ] {
        browser.goto("/").await;
        browser.css(".menu summary").await.click().await.unwrap();
        browser.link(entry).await;
        browser.until(leads_to, async || Ok(browser.path().await == leads_to)).await;
    }
    browser.goto("/").await;
    browser.css(".menu summary").await.click().await.unwrap();
    browser.button("Verify now").await;
    browser.until_text("2 checks: 2 ✓").await;
}

#[tokio::test]
async fn a_long_list_has_pages() {
    let stage = Stage::open().await;
    let (browser, api, ok) = (&stage.browser, stage.server.api(), Stage::scenario("ok"));
    for n in 1..=60 {
        api.connect(&format!("Number {n:02}"), ok.key, "acme").await;
    }
    browser.goto("/").await;
    let mut seen = Vec::new();
    loop {
        let page = names(browser).await;
        seen.extend(page.split(", ").map(str::to_owned));
        if browser.count("a[rel=next]").await == 0 {
            break;
        }
        browser.link("Next").await;
        browser.until("the next page", async || Ok(names(browser).await != page)).await;
    }
    let all: Vec<String> = (1..=60).map(|n| format!("Number {n:02}")).collect();
    assert_eq!(seen, all);
    browser.link("Previous").await;
    browser.until("the first page again", async || Ok(names(browser).await.contains("Number 01"))).await;
}
