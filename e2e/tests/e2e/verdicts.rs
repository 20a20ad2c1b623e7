//! Each verdict, seen on screen.

use keyhaven_e2e::{Browser, Stage};
use keyhaven_sandbox::{Mode, SCENARIOS, TokenSettings};

/// The stand-in's word, how it looks, and what it is called on the page.
const SEEN: &[(&str, &str, &str)] = &[
    ("ok", "valid", "Verified: Works"),
    ("key_rejected", "invalid", "Needs attention: Key not accepted"),
    ("wrong_domain/unknown_domain", "invalid", "Needs attention: Wrong domain"),
    ("wrong_domain/other_company", "invalid", "Needs attention: Other company"),
    ("access_denied/deactivated", "invalid", "Needs attention: User deactivated"),
    ("access_denied", "invalid", "Needs attention: No API access"),
    ("account_not_open", "invalid", "Needs attention: Pipedrive account not open"),
    ("rate_limited", "unverified", "Not verified: Too many requests"),
    ("budget_exhausted", "unverified", "Not verified: Daily budget used up"),
    ("blocked", "invalid", "Needs attention: Blocked by Pipedrive"),
    ("maintenance", "unverified", "Not verified: Pipedrive is down"),
    ("not_understood/status_500", "unverified", "Not verified: Unexpected answer"),
    ("not_understood/status_200", "unverified", "Not verified: Unexpected answer"),
    ("not_understood/redirect", "unverified", "Not verified: Redirected"),
    ("not_understood/too_large", "unverified", "Not verified: Answer too large"),
    ("unreachable/broken", "unverified", "Not verified: Connection broke"),
    ("timed_out", "unverified", "Not verified: No answer in time"),
];

async fn assert_seen(browser: &Browser, status: &str, title: &str) {
    browser.css(".verdict h2").await;
    assert_eq!(browser.count(&format!(".verdict.{status}")).await, 1, "{title}: not {status}");
    assert_eq!(browser.text_of(".verdict h2").await, title);
    assert_eq!(browser.count(".verdict > svg").await, 1, "{title}: a picture beside the word");
    let text = browser.text_of(".verdict").await;
    // Of a ✓ nothing has to be done; a ! says what to do, offers to try again, and names whom to ask.
    for help in ["What to do:", "Try again", "help@keyhaven.example"] {
        assert_eq!(text.contains(help), status != "valid", "{title}: {help} in {text}");
    }
}

#[tokio::test]
async fn each_answer_of_pipedrive_is_seen() {
    let stage = Stage::open().await;
    let browser = &stage.browser;
    for scenario in SCENARIOS {
        let (_, status, title) = SEEN.iter().find(|(shows, ..)| *shows == scenario.shows).unwrap();
        let before = stage.sandbox.state().asked().len();
        browser.goto("/connections/new/pipedrive").await;
        browser.fill("Connection Name", scenario.title).await;
        browser.fill("API Key Value", scenario.key).await;
        browser.fill("Pipedrive Domain", scenario.domain).await;
        browser.button("Save").await;
        assert_seen(browser, status, title).await;
        assert!(!browser.source().await.contains(scenario.key), "{}: the key is on the page", scenario.title);
        let asked = stage.sandbox.state().asked().len() - before;
        assert!(asked <= 2, "{}: {asked} requests", scenario.title);
    }
    assert_eq!(browser.complaints().await, [""; 0]);

    browser.goto("/").await;
    for status in ["valid", "invalid", "unverified"] {
        let of_status = |shows| SEEN.iter().any(|(word, is, _)| *word == shows && *is == status);
        let want = SCENARIOS.iter().filter(|it| of_status(it.shows)).count();
        assert_eq!(browser.count(&format!(".rows .status.{status} svg")).await, want, "{status}");
    }
    assert!(browser.text_of(".rows").await.contains("Pipedrive · Ada · Acme Ltd"));
    assert!(browser.text_of(".rows").await.contains("verified just now"));
}

#[tokio::test]
async fn each_way_not_to_reach_an_app_is_seen() {
    let stage = Stage::open().await;
    let browser = &stage.browser;
    for (host, title) in [
        ("https://nothing.invalid", "Not verified: Host not found"),
        ("https://closed.example.com", "Not verified: No connection"),
        ("https://insecure.example.com", "Not verified: Not secure"),
    ] {
        browser.goto("/connections/new/http-bearer").await;
        browser.fill("Connection Name", host).await;
        browser.fill("Token", "eyJhbGciOiJIUzI1NiJ9").await;
        browser.fill("Base URL", host).await;
        browser.button("Save").await;
        assert_seen(browser, "unverified", title).await;
    }
}

#[tokio::test]
async fn a_fault_of_the_network_takes_no_check_mark_away() {
    let stage = Stage::open().await;
    let (browser, good) = (&stage.browser, Stage::scenario("ok"));
    stage.server.api().connect("Sales EU", good.key, good.domain).await;
    stage.sandbox.state().set_mode(good.key, Mode::Close);
    browser.goto("/connections/sales-eu").await;
    browser.button("Verify now").await;
    browser.until_text("Could not re-check").await;
    assert_eq!(browser.text_of(".verdict h2").await, "Verified: Works");
    assert!(browser.text_of(".verdict").await.contains("Last verified"));
    browser.goto("/").await;
    assert_eq!(browser.count(".rows .status.valid").await, 1);
    assert!(browser.text_of(".rows").await.contains("could not re-check: Connection broke"));
    // What the app itself says does take it away.
    stage.sandbox.state().set_mode(good.key, Mode::Unauthorized);
    browser.goto("/connections/sales-eu").await;
    browser.button("Verify now").await;
    browser.until_text("Key not accepted").await;
}

#[tokio::test]
async fn the_right_domain_is_offered_and_one_press_uses_it() {
    let stage = Stage::open().await;
    let (browser, wrong) = (&stage.browser, Stage::scenario("wrong_domain/unknown_domain"));
    stage.server.api().connect("Sales EU", wrong.key, wrong.domain).await;
    browser.goto("/connections/sales-eu").await;
    assert!(browser.text_of(".verdict").await.contains("whose domain is “acme”"));
    browser.button("Use “acme”").await;
    browser.until_text("Works").await;
    assert!(browser.text_of(".facts").await.contains("acme.pipedrive.com"));
    assert_eq!(browser.count(".strip rect.invalid").await, 1, "the day shows its worst check");
}

/// While a page is being left, the driver answers nothing: the page itself notes what it shows, and presses again.
const IMPATIENT: &str = "
const save = document.querySelector('form .primary');
const timer = setInterval(() => {
  if (save.getAttribute('aria-disabled') !== 'true') return;
  clearInterval(timer);
  sessionStorage.setItem('seen', save.textContent);
  save.click();
}, 20);";

#[tokio::test]
async fn saving_shows_that_it_works_and_is_sent_once() {
    let stage = Stage::open().await;
    let (browser, slow) = (&stage.browser, Stage::scenario("ok"));
    let latency = TokenSettings { latency_ms: Some(800), ..TokenSettings::default() };
    stage.sandbox.state().set_token(slow.key, latency);
    browser.goto("/connections/new/pipedrive").await;
    browser.fill("Connection Name", "Slow").await;
    browser.fill("API Key Value", slow.key).await;
    browser.script(IMPATIENT, &[]).await;
    browser.button("Save").await;
    browser.until_text("Works").await;
    let seen = browser.script("return sessionStorage.getItem('seen')", &[]).await;
    assert_eq!(seen, "Saving and verifying with Pipedrive…");
    browser.goto("/").await;
    browser.until_text("1 saved, all verified.").await;
}
