//! The whole path by keyboard alone.

use fantoccini::key::Key;
use keyhaven_e2e::{Browser, Stage};

async fn type_text(browser: &Browser, text: &str) {
    browser.keys(&text.chars().collect::<Vec<_>>()).await;
}

/// Reaches a control by Tab alone and presses Enter on it.
async fn press(browser: &Browser, name: &str) {
    browser.tab_to(name).await;
    browser.press(Key::Enter).await;
}

#[tokio::test]
async fn add_rename_edit_verify_delete_and_undo() {
    let stage = Stage::open().await;
    let (browser, good) = (&stage.browser, Stage::scenario("ok"));

    press(browser, "Add connection").await;
    browser.until_text("Which app").await;
    press(browser, "Pipedrive").await;
    browser.until_text("Connect Pipedrive").await;
    browser.tab_to("Connection Name").await;
    type_text(browser, "Sales EU").await;
    browser.tab_to("API Key Value").await;
    type_text(browser, good.key).await;
    browser.tab_to("Pipedrive Domain").await;
    type_text(browser, "acme").await;
    press(browser, "Save").await;
    browser.until_text("Works").await;
    assert!(browser.text().await.contains("Ada at Acme Ltd"));

    press(browser, "Rename").await;
    browser.tab_to("Connection Name").await;
    browser.press(Key::End).await;
    type_text(browser, "!").await;
    browser.press(Key::Enter).await;
    browser.until_text("Renamed.").await;
    assert_eq!(browser.text_of("h1").await, "Sales EU!");
    assert!(browser.text().await.contains("1 check: 1 ✓"), "renaming asks nobody");

    press(browser, "Edit").await;
    browser.until_text("Edit Sales EU!").await;
    browser.tab_to("Pipedrive Domain").await;
    type_text(browser, "acne").await;
    browser.press(Key::Enter).await;
    browser.until_text("Wrong domain").await;
    press(browser, "Use “acme”").await;
    browser.until_text("Works").await;
    press(browser, "Verify now").await;
    browser.until_text("4 checks: 3 ✓, 1 refused").await;

    press(browser, "Delete…").await;
    browser.until_text("stops working at once").await;
    press(browser, "Delete").await;
    browser.until_text("was deleted").await;
    press(browser, "Undo").await;
    browser.until_text("Restored.").await;
    assert_eq!(browser.complaints().await, [""; 0]);
}

#[tokio::test]
async fn the_menu_and_the_way_past_the_header() {
    let stage = Stage::open().await;
    let browser = &stage.browser;
    stage.server.api().connect("Sales EU", Stage::scenario("ok").key, "acme").await;
    browser.goto("/").await;
    browser.press(Key::Tab).await;
    assert_eq!(browser.focused().await, "Skip to the content");
    press(browser, "Actions for Sales EU").await;
    assert_eq!(browser.count(".menu[open]").await, 1);
    browser.tab_to("Edit").await;
    browser.press(Key::Escape).await;
    assert_eq!(browser.count(".menu[open]").await, 0);
    assert_eq!(browser.focused().await, "Actions for Sales EU");
}
