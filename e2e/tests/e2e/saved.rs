//! What happens to a connection after it was saved.

use keyhaven_e2e::Stage;

#[tokio::test]
async fn an_empty_key_on_edit_keeps_the_saved_one_and_a_new_one_replaces_it() {
    let stage = Stage::open().await;
    let (browser, good, bad) = (&stage.browser, Stage::scenario("ok"), Stage::scenario("key_rejected"));
    stage.server.api().connect("Sales EU", good.key, good.domain).await;
    browser.goto("/connections/sales-eu/edit").await;
    assert_eq!(browser.value("API Key Value").await, "");
    assert!(browser.text().await.contains("Leave it empty to keep the saved one."));
    browser.fill("Connection Name", "Sales Europe").await;
    browser.button("Save").await;
    browser.until_text("Saved.").await;
    assert_eq!(browser.text_of("h1").await, "Sales Europe");
    assert_eq!(browser.text_of(".verdict h2").await, "Verified: Works");
    browser.link("Edit").await;
    browser.fill("API Key Value", bad.key).await;
    browser.button("Save").await;
    browser.until_text("Key not accepted").await;
    let used: Vec<_> = stage.sandbox.state().asked().into_iter().map(|asked| asked.key_in).collect();
    assert!(used.iter().all(|place| *place == "header"), "{used:?}");
}

#[tokio::test]
async fn a_key_of_another_company_is_taken_only_after_a_yes() {
    let stage = Stage::open().await;
    let (browser, acme) = (&stage.browser, Stage::scenario("ok"));
    let globex = Stage::scenario("wrong_domain/other_company");
    stage.server.api().connect("Sales EU", acme.key, acme.domain).await;
    for answer in ["Keep Ada · Acme Ltd", "Use Grace · Globex Corp"] {
        browser.goto("/connections/sales-eu/edit").await;
        browser.fill("API Key Value", globex.key).await;
        browser.fill("Pipedrive Domain", "globex").await;
        browser.button("Save").await;
        browser.until_text("This key belongs to another company").await;
        assert!(browser.text_of("[role=alert]").await.contains("Grace · Globex Corp"));
        assert!(browser.text_of(".facts").await.contains("acme.pipedrive.com"), "nothing has changed yet");
        browser.button(answer).await;
        browser.until("the question is gone", async || Ok(browser.count("#question").await == 0)).await;
        let taken = answer.starts_with("Use");
        assert_eq!(browser.text_of(".facts").await.contains("globex.pipedrive.com"), taken);
        assert_eq!(browser.text_of(".facts").await.contains("Ada · Acme Ltd"), !taken);
        assert_eq!(browser.text_of(".verdict h2").await, "Verified: Works");
    }
}

#[tokio::test]
async fn deleting_asks_says_what_stops_and_can_be_undone_or_made_final() {
    let stage = Stage::open().await;
    let (browser, good) = (&stage.browser, Stage::scenario("ok"));
    stage.server.api().connect("Sales EU", good.key, good.domain).await;
    browser.goto("/connections/sales-eu").await;
    browser.link("Delete…").await;
    assert!(
        browser
            .text()
            .await
            .contains("Every script, sync, workflow and agent that uses sales-eu stops working")
    );
    browser.button("Delete").await;
    browser.until_text("“Sales EU” was deleted.").await;
    browser.goto("/connections/deleted").await;
    browser.button("Restore Sales EU").await;
    browser.until_text("Restored.").await;
    browser.link("Delete…").await;
    browser.button("Delete and destroy the key now").await;
    browser.until_text("Deleted, and the key destroyed.").await;
    browser.goto("/connections/sales-eu").await;
    browser.until_text("Not found").await;
    browser.goto("/connections/deleted").await;
    browser.until_text("Nothing deleted").await;
}

#[tokio::test]
async fn nothing_is_shown_without_a_session() {
    let stage = Stage::open().await;
    let browser = &stage.browser;
    stage.server.api().connect("Sales EU", Stage::scenario("ok").key, "acme").await;
    browser.goto("/").await;
    browser.button("Sign out").await;
    browser.until_text("Signed out").await;
    for page in ["/", "/connections/new", "/connections/sales-eu", "/connections/sales-eu/edit", "/docs/api"]
    {
        browser.goto(page).await;
        browser.until_text("Please sign in").await;
        assert!(!browser.source().await.contains("Sales EU"), "{page}");
    }
    browser.goto(stage.server.sign_in_link()).await;
    browser.until_text("This link does not work any more").await;
}
