//! What goes through a connection, and who did what: in a browser that runs no scripts.

use keyhaven_e2e::{Options, Stage};

#[tokio::test]
async fn charts_calls_snippets_and_the_log_need_no_script() {
    let stage = Stage::with(Options { script: false }).await;
    let (browser, good) = (&stage.browser, Stage::scenario("ok"));
    stage.server.api().connect("Sales EU", good.key, "acme").await;
    browser.goto("/connections/sales-eu").await;
    browser.until_text("No calls yet").await;
    assert_eq!(browser.count(".chart").await, 0);

    stage.server.fill_usage("sales-eu").await;
    browser.goto("/connections/sales-eu").await;
    browser.until_text("Recent calls").await;
    assert_eq!(browser.count(".chart").await, 3);
    browser.link("Last hour").await;
    browser
        .until("the hour is shown", async || {
            Ok(browser.text_of(".windows [aria-current]").await == "Last hour")
        })
        .await;
    browser.link("Older calls").await;
    browser.until_text("Newest calls").await;

    // One language at a time.
    assert!(browser.text_of(".code [open] code").await.starts_with("curl '"));
    browser.css(".code details:nth-of-type(2) summary").await.click().await.unwrap();
    browser.until_text("requests.get(").await;
    assert_eq!(browser.count(".code [open]").await, 1);

    browser.link("Who changed it, and when").await;
    browser.until_text("Sales EU was saved").await;
    assert_eq!(browser.count(".log > li").await, 1);
    browser.link("Show all, the newest first").await;
    browser.until_text("A sign-in link was made").await;
    browser.link("Command line").await;
    browser
        .until("only the command line's", async || Ok(!browser.text().await.contains("Somebody signed in")))
        .await;
}
