//! The guided form.

use keyhaven_e2e::{Browser, Stage};

async fn open(browser: &Browser) {
    browser.goto("/connections/new/pipedrive").await;
}

#[tokio::test]
async fn the_way_to_the_form_leads_over_the_catalogue() {
    let stage = Stage::open().await;
    let browser = &stage.browser;
    assert!(browser.text().await.contains("Connect your first app"));
    browser.link("Add connection").await;
    assert_eq!(browser.count(".apps img").await, 4);
    browser.css("#q").await.send_keys("crm").await.unwrap();
    browser.until("one app is left", async || Ok(browser.count(".apps li").await == 1)).await;
    browser.css(".apps a").await.click().await.unwrap();
    browser.until_text("Connect Pipedrive").await;
    assert_eq!(browser.count("form .field").await, 3);
    for (label, suffix) in
        [("Connection Name", ""), ("API Key Value", ""), ("Pipedrive Domain", ".pipedrive.com")]
    {
        assert_eq!(browser.value(label).await, "");
        let frame = browser.field(label).await;
        let after = "return [...arguments[0].parentElement.querySelectorAll('span.after')].map((it) => it.textContent).join()";
        let arguments = [serde_json::json!(frame)];
        assert_eq!(browser.script(after, &arguments).await, suffix, "{label}");
    }
    // Three steps with a picture each, the direct link, and the warning.
    assert_eq!(browser.count(".guide li img").await, 3);
    assert_eq!(browser.count(".guide a[href='https://app.pipedrive.com/settings/api']").await, 1);
    assert!(browser.text_of(".guide").await.contains("A key is like a password"));
}

#[tokio::test]
async fn a_pasted_address_is_put_right_and_shown_put_right() {
    let stage = Stage::open().await;
    let browser = &stage.browser;
    open(browser).await;
    for pasted in ["https://ACME.pipedrive.com/deals?x=1", " Acme ", "acme.pipedrive.com"] {
        browser.fill("Pipedrive Domain", pasted).await;
        browser.field("Connection Name").await.click().await.unwrap();
        browser.until(pasted, async || Ok(browser.value("Pipedrive Domain").await == "acme")).await;
    }
    browser.fill("Connection Name", "Sales EU").await;
    browser.fill("API Key Value", &format!("  {} ", Stage::scenario("ok").key)).await;
    browser.fill("Pipedrive Domain", "https://Acme.pipedrive.com").await;
    browser.button("Save").await;
    browser.until_text("It belongs to Ada at Acme Ltd").await;
    assert!(browser.text_of(".facts").await.contains("acme.pipedrive.com"));
}

#[tokio::test]
async fn what_cannot_be_is_refused_beside_its_field_before_anything_is_sent() {
    let stage = Stage::open().await;
    let browser = &stage.browser;
    open(browser).await;
    // At once, while the person goes on to another field.
    browser.fill("Pipedrive Domain", "not a domain!").await;
    browser.field("Connection Name").await.click().await.unwrap();
    browser.until_text("A Pipedrive domain is one word").await;
    // And when it is saved nevertheless.
    browser.fill("Connection Name", "Sales EU").await;
    browser.fill("API Key Value", "a secret that must not come back").await;
    browser.button("Save").await;
    browser.until_text("not right yet").await;
    assert_eq!(browser.value("Connection Name").await, "Sales EU");
    assert_eq!(browser.value("Pipedrive Domain").await, "not a domain!");
    assert_eq!(browser.value("API Key Value").await, "");
    assert!(!browser.source().await.contains("must not come back"));
    let domain = browser.field("Pipedrive Domain").await;
    assert_eq!(domain.attr("aria-invalid").await.unwrap().as_deref(), Some("true"));
    let said = domain.attr("aria-describedby").await.unwrap().unwrap_or_default();
    let error = said.split(' ').next_back().unwrap_or_default();
    assert!(browser.text_of(&format!("#{error}")).await.contains("one word of letters"));
    assert_eq!(stage.sandbox.state().asked(), []);
    assert_eq!(browser.complaints().await, [""; 0]);
}

#[tokio::test]
async fn an_empty_domain_is_filled_in_from_the_key() {
    let stage = Stage::open().await;
    let browser = &stage.browser;
    open(browser).await;
    browser.fill("Connection Name", "Sales EU").await;
    browser.fill("API Key Value", Stage::scenario("ok").key).await;
    browser.button("Save").await;
    browser.until_text("Works").await;
    assert!(browser.text_of(".facts").await.contains("acme.pipedrive.com"));
    browser.link("Edit").await;
    assert_eq!(browser.value("Pipedrive Domain").await, "acme");
}

#[tokio::test]
async fn the_step_of_the_field_in_focus_is_lit() {
    let stage = Stage::open().await;
    let browser = &stage.browser;
    open(browser).await;
    assert_eq!(browser.count(".guide li.lit").await, 0);
    for (label, step) in
        [("API Key Value", "step-2"), ("Pipedrive Domain", "step-3"), ("API Key Value", "step-2")]
    {
        browser.field(label).await.click().await.unwrap();
        assert_eq!(browser.css(".guide li.lit").await.attr("id").await.unwrap().as_deref(), Some(step));
        assert_eq!(browser.count(".guide li.lit").await, 1);
    }
}

#[tokio::test]
async fn a_key_is_masked_and_can_be_shown_while_it_is_typed() {
    let stage = Stage::open().await;
    let browser = &stage.browser;
    open(browser).await;
    browser.fill("API Key Value", "abc").await;
    let kind = async || browser.field("API Key Value").await.attr("type").await.unwrap().unwrap_or_default();
    assert_eq!(kind().await, "password");
    browser.button("Show").await;
    assert_eq!(kind().await, "text");
    browser.button("Hide").await;
    assert_eq!(kind().await, "password");
    // Going away and back does not bring it back.
    browser.link("All apps").await;
    browser.until_text("Which app").await;
    browser.back().await;
    browser.until_text("Connect Pipedrive").await;
    assert_eq!(browser.value("API Key Value").await, "");
}
