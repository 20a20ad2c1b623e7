//! The whole path in a browser that runs no scripts.

use keyhaven_e2e::{Options, Stage};

#[tokio::test]
async fn add_rename_edit_verify_delete_and_undo() {
    let stage = Stage::with(Options { script: false }).await;
    let (browser, good) = (&stage.browser, Stage::scenario("ok"));
    assert_eq!(browser.script("return typeof htmx", &[]).await, "undefined", "no script runs");

    browser.link("Add connection").await;
    browser.until_text("Which app").await;
    browser.css("#q").await.send_keys("pipe").await.unwrap();
    browser.button("Search").await;
    browser.until("one app is left", async || Ok(browser.count(".apps li").await == 1)).await;
    browser.css(".apps a[href$=pipedrive]").await.click().await.unwrap();
    // What is wrong comes back beside its field, and what was typed stays.
    browser.fill("Pipedrive Domain", "not a domain!").await;
    browser.button("Save").await;
    browser.until_text("3 things are not right yet").await;
    assert_eq!(browser.value("Pipedrive Domain").await, "not a domain!");
    browser.fill("Connection Name", "Sales EU").await;
    browser.fill("API Key Value", good.key).await;
    browser.fill("Pipedrive Domain", "https://ACME.pipedrive.com/").await;
    browser.button("Save").await;
    browser.until_text("It belongs to Ada at Acme Ltd").await;

    browser.css("#rename summary").await.click().await.unwrap();
    browser.fill("Connection Name", "Sales Europe").await;
    browser.button("Save name").await;
    browser.until_text("Renamed.").await;
    browser.link("Edit").await;
    browser.fill("Pipedrive Domain", "acne").await;
    browser.button("Save").await;
    browser.until_text("Wrong domain").await;
    browser.button("Use “acme”").await;
    browser.until_text("Works").await;
    browser.button("Verify now").await;
    browser.until_text("4 checks: 3 ✓, 1 refused").await;

    browser.goto("/").await;
    browser.css("#q").await.send_keys("europe").await.unwrap();
    browser.button("Filter").await;
    browser.until("the list is filtered", async || Ok(browser.path().await.contains("q=europe"))).await;
    browser.css(".menu summary").await.click().await.unwrap();
    browser.link("Delete…").await;
    browser.button("Delete").await;
    browser.until_text("was deleted").await;
    browser.button("Undo").await;
    browser.until_text("Restored.").await;

    // An access token, from the form to its end.
    browser.link("Access tokens").await;
    browser.link("New access token").await;
    browser.fill("Name", "nightly sync").await;
    browser.css("input[value=some]").await.click().await.unwrap();
    browser.css("input[name=connection]").await.click().await.unwrap();
    browser.css("input[name=read_only]").await.click().await.unwrap();
    browser.button("Make the token").await;
    browser.until_text("shown this once").await;
    browser.link("Done").await;
    browser.until_text("Does not expire").await;
    browser.css(".tokens .button.danger").await.click().await.unwrap();
    browser.button("Revoke").await;
    browser.until_text("is refused from now on").await;
    browser.button("Sign out").await;
    browser.until_text("Signed out").await;
}
