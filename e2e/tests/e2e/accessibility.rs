//! Every page, light and dark, on a desk and on a phone.

use std::collections::BTreeMap;

use keyhaven_e2e::{Browser, Look, Stage};

const DESK: Look = Look { dark: false, phone: false, height: 0 };
const PHONE: Look = Look { phone: true, ..DESK };
const LOOKS: [Look; 4] = [DESK, Look { dark: true, ..DESK }, PHONE, Look { dark: true, ..PHONE }];

/// Looks at pages, and tells everything that is wrong with any of them at the end.
struct Review<'a> {
    browser: &'a Browser,
    /// Each fault once, with the page where it was seen first.
    faults: BTreeMap<String, String>,
}

impl<'a> Review<'a> {
    fn new(stage: &'a Stage) -> Self {
        Self { browser: &stage.browser, faults: BTreeMap::new() }
    }

    /// The page as it is now.
    async fn look(&mut self, page: &str) {
        for look in LOOKS {
            self.browser.look(look).await;
            let mut found = self.browser.violations().await;
            found.extend(self.browser.too_wide().await);
            let headings = self.browser.count("h1").await;
            found.extend((headings != 1).then(|| format!("{headings} headings of the first level")));
            for fault in found {
                self.faults.entry(fault.clone()).or_insert(format!("{page} {look:?}: {fault}"));
            }
        }
        for line in self.browser.complaints().await {
            self.faults.entry(line.clone()).or_insert(format!("{page}: {line}"));
        }
        self.browser.look(DESK).await;
    }

    async fn open(&mut self, page: &str) {
        self.browser.goto(page).await;
        self.look(page).await;
    }

    fn end(self) {
        assert!(self.faults.is_empty(), "{}", self.faults.into_values().collect::<Vec<_>>().join("\n"));
    }
}

#[tokio::test]
async fn pages_of_saved_connections() {
    let stage = Stage::open().await;
    let (browser, api, mut review) = (&stage.browser, stage.server.api(), Review::new(&stage));
    review.look("the empty list").await;
    for (name, shows) in [
        ("Fine", "ok"),
        ("Wrong", "wrong_domain/unknown_domain"),
        ("Down", "maintenance"),
        ("Gone", "key_rejected"),
    ] {
        let scenario = Stage::scenario(shows);
        api.connect(name, scenario.key, scenario.domain).await;
    }
    let long = "Averyveryverylongnamewithoutanyplacetobreakit مبيعات 👩‍💻 ".repeat(2);
    let long = api.connect(long.trim(), Stage::scenario("ok").key, "acme").await;
    let long = format!("/connections/{}", long["slug"].as_str().unwrap());
    api.json(http::Method::DELETE, "/api/v1/connections/gone", None).await;
    stage.server.fill_usage("fine").await;
    for page in [
        "/",
        "/?q=nothing-is-called-this",
        "/connections/deleted",
        "/connections/gone",
        "/connections/fine",
        "/connections/fine?window=hour",
        "/activity",
        "/activity?subject=nobody",
        "/connections/wrong",
        "/connections/down",
        "/connections/fine/edit",
        "/connections/fine/delete",
    ] {
        review.open(page).await;
    }
    for page in [&long, &format!("{long}?rename"), &format!("{long}/edit"), &format!("{long}/delete")] {
        review.open(page).await;
    }
    browser.button("Delete").await;
    browser.until_text("was deleted.").await;
    review.look("a long name that was deleted").await;
    review.open(&long).await;

    browser.goto("/").await;
    browser.css(".menu summary").await.click().await.unwrap();
    review.look("the list with an open menu").await;

    browser.goto("/connections/fine/edit").await;
    let other = Stage::scenario("wrong_domain/other_company");
    browser.fill("API Key Value", other.key).await;
    browser.fill("Pipedrive Domain", "globex").await;
    browser.button("Save").await;
    browser.until_text("another company").await;
    review.look("the question about another company").await;
    review.end();
}

#[tokio::test]
async fn pages_around_them() {
    let stage = Stage::open().await;
    let (browser, mut review) = (&stage.browser, Review::new(&stage));
    for page in [
        "/connections/new",
        "/connections/new?q=nothing-is-called-this",
        "/connections/new/pipedrive",
        "/connections/new/http-header",
        "/connections/new/http-bearer",
        "/connections/new/http-basic",
        "/docs/api",
        "/no-such-page",
    ] {
        review.open(page).await;
    }
    browser.goto("/connections/new/pipedrive").await;
    browser.fill("Pipedrive Domain", "not a domain!").await;
    browser.button("Save").await;
    browser.until_text("3 things are not right yet").await;
    review.look("the form with errors").await;

    browser.button("Sign out").await;
    browser.until_text("Signed out").await;
    review.look("signed out").await;
    browser.goto("/").await;
    review.look("without a session").await;
    browser.goto(stage.server.sign_in_link()).await;
    review.look("a used link").await;
    review.end();
}

#[tokio::test]
async fn pages_of_access_tokens() {
    let stage = Stage::open().await;
    let (browser, api, mut review) = (&stage.browser, stage.server.api(), Review::new(&stage));
    let long = "Averyveryverylongnamewithoutanyplacetobreakit مبيعات 👩‍💻 ".repeat(2);
    api.connect(long.trim(), Stage::scenario("ok").key, "acme").await;
    api.connect("Sales EU", Stage::scenario("ok").key, "acme").await;
    review.open("/tokens").await;
    review.open("/tokens/new").await;
    browser.css("input[value=some]").await.click().await.unwrap();
    review.look("the form with the choice of connections").await;
    browser.css(".advanced summary").await.click().await.unwrap();
    browser.fill("Client networks", "nowhere").await;
    browser.button("Make the token").await;
    browser.until_text("3 things are not right yet").await;
    review.look("the form with errors").await;
    browser.css("input[name=connection]").await.click().await.unwrap();
    browser.fill("Name", long.trim()).await;
    browser.fill("Client networks", "127.0.0.0/8").await;
    browser.fill("Paths", "/api/v2/deals/*").await;
    browser.button("Make the token").await;
    browser.until_text("shown this once").await;
    review.look("the new token").await;
    browser.link("Done").await;
    review.look("the list of tokens").await;
    browser.css(".tokens .button.danger").await.click().await.unwrap();
    browser.until_text("This cannot be undone").await;
    review.look("the question before the end").await;
    browser.button("Revoke").await;
    browser.until_text("is refused from now on").await;
    browser.css(".more summary").await.click().await.unwrap();
    review.look("the list with ended tokens").await;
    review.end();
}

#[tokio::test]
async fn pages_of_syncs() {
    let stage = Stage::open().await;
    let (browser, api, mut review) = (&stage.browser, stage.server.api(), Review::new(&stage));
    review.open("/syncs").await;
    review.open("/syncs/new").await;
    for name in ["Sales EU", "Sales US"] {
        api.connect(name, Stage::scenario("ok").key, "acme").await;
    }
    review.open("/syncs/new").await;
    review.open("/syncs/new?connection=sales-eu").await;
    review.open("/connections/sales-eu").await;
    let long = "Averyveryverylongnamewithoutanyplacetobreakit مبيعات 👩‍💻 ".repeat(2);
    browser.goto("/syncs/new?connection=sales-eu").await;
    browser.css("input[name=which][value=some]").await.click().await.unwrap();
    browser.css("input[name=when][value=other]").await.click().await.unwrap();
    browser.css("input[name=stream][value=deals]").await.click().await.unwrap();
    browser.css(".advanced summary").await.click().await.unwrap();
    browser.fill("Name", long.trim()).await;
    browser.button("Save and see what it will take").await;
    browser.until_text("2 things are not right yet").await;
    review.look("the form with errors").await;
    browser.fill("Where to", "crm.db").await;
    browser.css("input[name=when][value='every hour']").await.click().await.unwrap();
    browser.button("Save and see what it will take").await;
    browser.until_text("What the first run will take").await;
    browser.css(".more summary").await.click().await.unwrap();
    review.look("the estimate").await;
    let page = browser.path().await.replace("/estimate", "");
    review.open(&page).await;
    review.open("/syncs").await;
    review.open("/connections/sales-eu").await;
    stage.sandbox.state().set_mode(Stage::scenario("ok").key, keyhaven_sandbox::Mode::Slow);
    browser.goto(&page).await;
    browser.button("Start").await;
    browser.until_text("Cancel this run").await;
    review.look("a run under way").await;
    browser.goto(&page).await;
    browser.button("Cancel this run").await;
    browser.until_text("Cancelled").await;
    stage.sandbox.state().set_mode(Stage::scenario("ok").key, keyhaven_sandbox::Mode::Ok);
    browser.button("Run now").await;
    browser.until_text("Up to date").await;
    browser.css(".more summary").await.click().await.unwrap();
    review.look("a sync with its history").await;
    review.open(&format!("{page}/edit")).await;
    review.open(&format!("{page}/delete")).await;
    review.open("/connections/sales-eu/delete").await;
    review.end();
}

#[tokio::test]
async fn dark_is_dark_and_light_is_light() {
    let stage = Stage::open().await;
    let brightness = "const [r, g, b] = getComputedStyle(document.documentElement).backgroundColor.match(/\\d+/g); \
                      return Number(r) + Number(g) + Number(b);";
    for (dark, range) in [(false, 600..=765), (true, 0..=150)] {
        stage.browser.look(Look { dark, ..DESK }).await;
        let seen = stage.browser.script(brightness, &[]).await.as_i64().unwrap_or_default();
        assert!(range.contains(&seen), "dark {dark}: {seen}");
    }
}
