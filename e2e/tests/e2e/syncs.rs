//! A sync from the form to its end, in the browser.

use http::Method;
use keyhaven_e2e::{Options, Stage};

/// With scripts: the estimate before it starts, then bars that move by themselves, then the end.
#[tokio::test]
async fn from_the_form_to_the_copy() {
    let stage = Stage::open().await;
    let (browser, good) = (&stage.browser, Stage::scenario("ok"));
    stage.server.api().connect("Sales EU", good.key, "acme").await;
    browser.goto("/connections/sales-eu").await;
    browser.link("New sync").await;
    browser.until_text("Copy “Sales EU” into a database").await;
    browser.fill("Where to", "../crm.db").await;
    browser.button("Save and see what it will take").await;
    browser.until_text("One thing is not right yet").await;
    browser.fill("Where to", "crm.db").await;
    browser.css("input[name=which][value=some]").await.click().await.unwrap();
    for stream in ["files", "notes"] {
        browser.css(&format!("input[name=stream][value={stream}]")).await.click().await.unwrap();
    }
    browser.button("Save and see what it will take").await;
    browser.until_text("What the first run will take").await;
    let text = browser.text().await;
    for told in ["Requests", "Of today's budget", "Time", "that are left today"] {
        assert!(text.contains(told), "{told}: {text}");
    }
    // Whoever leaves it there finds it on the first page.
    browser.goto("/").await;
    browser.until_text("Sales EU → crm.db is ready to start").await;
    browser.button("Start").await;
    // No more clicks: the page looks by itself.
    browser.until_text("Up to date").await;
    browser.until("the history tells of it", async || Ok(browser.count("#runs tbody tr").await > 0)).await;
    browser.until_text("Next run in").await;
    browser.button("Pause").await;
    browser.until_text("Paused: it does not run by itself").await;
    browser.link("Edit").await;
    browser.css("input[name=when][value=other]").await.click().await.unwrap();
    browser.fill("In words, or as cron text", "every weekday at 7:30").await;
    browser.button("Save").await;
    browser.until_text("Every weekday at 7:30 (UTC)").await;
    // Lists look by themselves as well, as long as a sync runs.
    stage.sandbox.state().set(|settings| settings.latency_ms = 1500);
    for list in ["/syncs", "/connections/sales-eu"] {
        browser.goto("/syncs").await;
        browser.link("Sales EU → crm.db").await;
        browser.button("Run now").await;
        browser.until_text("Cancel this run").await;
        browser.goto(list).await;
        browser.until_text("Copying").await;
        browser.until_text("Up to date").await;
    }
    stage.sandbox.state().set(|settings| settings.latency_ms = 0);
    browser.link("Sales EU → crm.db").await;
    browser.link("Delete…").await;
    browser.button("Delete").await;
    browser.until_text("The sync is deleted").await;
    assert!(browser.complaints().await.is_empty());
}

/// Without scripts the page is loaded again to see how it goes on.
#[tokio::test]
async fn a_sync_needs_no_script() {
    let stage = Stage::with(Options { script: false }).await;
    let (browser, good) = (&stage.browser, Stage::scenario("ok"));
    stage.server.api().connect("Sales EU", good.key, "acme").await;
    browser.link("Syncs").await;
    browser.until_text("No syncs yet").await;
    browser.link("New sync").await;
    browser.fill("Where to", "crm.db").await;
    browser.css("input[name=when][value=manual]").await.click().await.unwrap();
    browser.button("Save and see what it will take").await;
    browser.until_text("What the first run will take").await;
    browser.button("Start").await;
    browser.until("the sync's page", async || Ok(!browser.path().await.contains("estimate"))).await;
    let page = browser.path().await;
    browser
        .until("it is over", async || {
            browser.goto(&page).await;
            Ok(browser.text().await.contains("Up to date"))
        })
        .await;
    browser.button("Run now").await;
    let api = stage.server.api();
    let all = api.json(Method::GET, "/api/v1/syncs", None).await;
    assert_eq!(all["items"][0]["schedule"], "manual");
}
