//! The browser as a person uses it: by labels, buttons, links and keys.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use fantoccini::{
    Client, Locator,
    actions::{InputSource, KeyAction, KeyActions},
    elements::Element,
    error::CmdError,
    key::Key,
    wd::WebDriverCompatibleCommand,
};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::{Options, driver::Driver};

/// How long something may take to appear: longer than the slowest verification.
const PATIENCE: Duration = Duration::from_secs(20);

/// How the page is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// The person prefers dark colours.
    pub dark: bool,
    /// On a phone, 390 pixels wide.
    pub phone: bool,
    /// How many pixels of the page the window shows; 0: as many as is usual.
    pub height: u32,
}

/// A browser window.
pub struct Browser {
    client: Client,
    base: String,
    _driver: Driver,
}

impl Browser {
    /// Starts one. Paths are below `base`.
    pub async fn start(options: Options, base: &str) -> Self {
        let (driver, client) = Driver::start(options).await;
        Self { client, base: base.to_owned(), _driver: driver }
    }

    /// Opens a path of the server, or a whole address.
    pub async fn goto(&self, to: &str) {
        let url = if to.starts_with('/') { format!("{}{to}", self.base) } else { to.to_owned() };
        self.client.goto(&url).await.expect("a page");
    }

    /// To the page before.
    pub async fn back(&self) {
        self.client.back().await.expect("a page before this one");
    }

    /// Path and query of the page.
    pub async fn path(&self) -> String {
        let url = self.client.current_url().await.expect("an address");
        url.as_str().trim_start_matches(&self.base).to_owned()
    }

    /// The page as it came, with what scripts made of it.
    pub async fn source(&self) -> String {
        self.client.source().await.expect("a page")
    }

    /// All text that can be seen, with single spaces.
    pub async fn text(&self) -> String {
        self.text_of("body").await
    }

    /// [`Browser::text`] of the first element of this CSS selector.
    pub async fn text_of(&self, css: &str) -> String {
        one_line(&self.css(css).await.text().await.expect("text"))
    }

    /// The first element of this CSS selector, as soon as it is there.
    pub async fn css(&self, css: &str) -> Element {
        self.get(Locator::Css(css)).await
    }

    /// How many elements fit this CSS selector.
    pub async fn count(&self, css: &str) -> usize {
        self.client.find_all(Locator::Css(css)).await.expect("elements").len()
    }

    /// The input that this label names.
    pub async fn field(&self, label: &str) -> Element {
        let path = format!("//*[@id = //label[starts-with(normalize-space(.), '{label}')]/@for]");
        self.get(Locator::XPath(&path)).await
    }

    /// What stands in that input.
    pub async fn value(&self, label: &str) -> String {
        // In one step: the field may be exchanged at any moment for one that is put right.
        self.field(label).await;
        self.script(VALUE, &[json!(label)]).await.as_str().unwrap_or_default().to_owned()
    }

    /// Types into that input, in place of what is there.
    pub async fn fill(&self, label: &str, text: &str) {
        // As a person would: select all, then type. WebDriver's own `clear` leaves the field in between.
        let (control, all_up) = (char::from(Key::Control), char::from(Key::Null));
        let text = if text.is_empty() { Key::Delete.to_string() } else { text.to_owned() };
        let field = self.field(label).await;
        field.send_keys(&format!("{control}a{all_up}{text}")).await.expect("a field that takes keys");
    }

    /// Presses the button of this name.
    pub async fn button(&self, name: &str) {
        self.click(&format!("//button[normalize-space(.) = '{name}']")).await;
    }

    /// Follows the link of this name.
    pub async fn link(&self, name: &str) {
        self.click(&format!("//a[normalize-space(.) = '{name}']")).await;
    }

    async fn click(&self, path: &str) {
        self.get(Locator::XPath(path)).await.click().await.unwrap_or_else(|error| panic!("{path}: {error}"));
    }

    async fn get(&self, locator: Locator<'_>) -> Element {
        match self.client.wait().at_most(PATIENCE).every(Duration::from_millis(30)).for_element(locator).await
        {
            Ok(element) => element,
            Err(error) => panic!("{locator:?}: {error}\n{}", self.shown().await),
        }
    }

    /// Waits until the page shows this text.
    pub async fn until_text(&self, text: &str) {
        self.until(text, async || Ok(self.now().await?.contains(text))).await;
    }

    /// Waits until something holds. What cannot be asked while a page changes is asked again.
    pub async fn until(&self, what: &str, holds: impl AsyncFn() -> Result<bool, CmdError>) {
        let began = Instant::now();
        while !matches!(holds().await, Ok(true)) {
            if began.elapsed() > PATIENCE {
                panic!("waited in vain for “{what}”\n{}", self.shown().await);
            }
            sleep(Duration::from_millis(30)).await;
        }
    }

    async fn now(&self) -> Result<String, CmdError> {
        Ok(one_line(&self.client.find(Locator::Css("body")).await?.text().await?))
    }

    async fn shown(&self) -> String {
        let url = self.client.current_url().await.map_or_else(|_| "?".into(), String::from);
        format!("on {url}:\n{}", self.now().await.unwrap_or_default())
    }

    /// Presses one key.
    pub async fn press(&self, key: Key) {
        self.keys(&[key.into()]).await;
    }

    /// Types with the keyboard wherever the focus is.
    pub async fn keys(&self, keys: &[char]) {
        let steps = keys.iter().fold(KeyActions::new("keyboard".into()), |steps, key| {
            steps.then(KeyAction::Down { value: *key }).then(KeyAction::Up { value: *key })
        });
        self.client.perform_actions(steps).await.expect("keys");
    }

    /// Presses Tab until the focus is on what is called `name`, as a screen reader says it. Whatever has the focus on
    /// the way must show that it has.
    pub async fn tab_to(&self, name: &str) {
        let mut passed = Vec::new();
        for _ in 0..60 {
            self.press(Key::Tab).await;
            let focused = self.focused().await;
            if focused.starts_with(name) {
                return;
            }
            passed.push(focused);
        }
        panic!("Tab does not reach “{name}”, only {passed:?}\n{}", self.shown().await);
    }

    /// The accessible name of what has the focus.
    pub async fn focused(&self) -> String {
        let Ok(element) = self.client.active_element().await else { return String::new() };
        let element = json!(element);
        let id =
            element.as_object().and_then(|it| it.values().next()).and_then(Value::as_str).unwrap_or_default();
        let name = self.client.issue_cmd(Extra::get(format!("element/{id}/computedlabel"))).await;
        let name = name.ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default();
        let seen = self.script(SHOWS_FOCUS, &[element]).await;
        assert!(seen == json!(true), "“{name}” does not show that it has the focus");
        name
    }

    /// Runs a script; its `return` value.
    pub async fn script(&self, script: &str, arguments: &[Value]) -> Value {
        self.client.execute(script, arguments.to_vec()).await.unwrap_or_else(|error| panic!("{error}"))
    }

    pub(crate) async fn script_async(&self, script: &str) -> Value {
        self.client.execute_async(script, Vec::new()).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Colours and size, from now on.
    pub async fn look(&self, look: Look) {
        let scheme = if look.dark { "dark" } else { "light" };
        // Still: what is between two colours is neither of them.
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        self.cdp("Emulation.setEmulatedMedia", json!({ "features": features })).await;
        let (width, usual, scale) = if look.phone { (390, 844, 2) } else { (1280, 800, 1) };
        let height = if look.height == 0 { usual } else { look.height };
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": scale, "mobile": look.phone });
        self.cdp("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    /// Empties the cache.
    pub(crate) async fn forget_cache(&self) {
        self.cdp("Network.clearBrowserCache", json!({})).await;
    }

    /// Tells if the page is wider than its window, and by what.
    pub async fn too_wide(&self) -> Option<String> {
        self.script(TOO_WIDE, &[]).await.as_str().map(str::to_owned)
    }

    /// Waits until nothing moves any more and all pictures are there.
    pub async fn settle(&self) {
        self.script_async(SETTLE).await;
    }

    /// A picture of what the window shows, as WebP: a third of a PNG, and text as sharp.
    pub async fn picture(&self) -> Vec<u8> {
        let answer = self.cdp("Page.captureScreenshot", json!({ "format": "webp", "quality": 82 })).await;
        BASE64_STANDARD.decode(answer["data"].as_str().unwrap_or_default()).expect("a picture")
    }

    /// What the console complains about since this was last asked: script errors, and whatever the content policy
    /// refused. A page that answers with a 4xx on purpose is no complaint, nor is a question that a newer one replaced;
    /// one that failed tells so by another event besides these.
    pub async fn complaints(&self) -> Vec<String> {
        let entries = self.log("browser").await;
        let lines = entries.iter().filter(|entry| entry["level"] != "INFO" && entry["level"] != "DEBUG");
        let lines = lines.filter_map(|entry| entry["message"].as_str());
        let on_purpose = |line: &&str| {
            let is_replaced =
                ["htmx:sendAbort", "htmx:afterRequest"].iter().any(|event| line.contains(event));
            let is_refused =
                line.contains("the server responded with a status of 4") && !line.contains("/assets/");
            is_replaced || is_refused
        };
        lines.filter(|line| !on_purpose(line)).map(str::to_owned).collect()
    }

    /// One of the browser's logs, emptied by reading.
    pub(crate) async fn log(&self, kind: &str) -> Vec<Value> {
        let answer = self.client.issue_cmd(Extra::post("se/log", json!({ "type": kind }))).await;
        answer.ok().and_then(|log| log.as_array().cloned()).expect("a log")
    }

    async fn cdp(&self, command: &str, params: Value) -> Value {
        let body = json!({ "cmd": command, "params": params });
        let answer = self.client.issue_cmd(Extra::post("goog/cdp/execute", body)).await;
        answer.unwrap_or_else(|error| panic!("{command}: {error}"))
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A focus that people see: an outline or a ring around the element or what frames it.
const SHOWS_FOCUS: &str = r"
const outline = (it) => it.outlineStyle !== 'none' && parseFloat(it.outlineWidth) > 0 && !it.outlineColor.endsWith(', 0)');
const shown = (it) => outline(it) || / 0px 0px 0px [2-9]px/.test(it.boxShadow);
for (let it = arguments[0], up = 0; it && up < 3; it = it.parentElement, up++) {
  if (shown(getComputedStyle(it)) || shown(getComputedStyle(it, '::after'))) return true;
}
return arguments[0] === document.body || arguments[0].tabIndex < 0;
";

const VALUE: &str = r"
const label = [...document.querySelectorAll('label')].find((it) => it.textContent.trim().startsWith(arguments[0]));
return label ? label.control.value : null;
";

const SETTLE: &str = r"
const done = arguments[arguments.length - 1];
const pictures = [...document.images].map((image) => { image.loading = 'eager'; return image.decode().catch(() => {}); });
const moves = document.getAnimations().filter((it) => it.effect.getComputedTiming().endTime !== Infinity).map((it) => it.finished.catch(() => {}));
Promise.all([...pictures, ...moves]).then(() => setTimeout(done, 300));
";

const TOO_WIDE: &str = r"
const page = document.scrollingElement;
if (page.scrollWidth <= page.clientWidth) return null;
const wide = [...document.querySelectorAll('body *')].filter((it) => it.getBoundingClientRect().right > page.clientWidth + 1);
return `${page.scrollWidth - page.clientWidth} pixels too wide: ${wide.slice(0, 3).map((it) => it.outerHTML.slice(0, 120)).join(' … ')}`;
";

/// A command beyond the standard ones.
#[derive(Debug)]
struct Extra {
    path: String,
    body: Option<Value>,
}

impl Extra {
    fn get(path: String) -> Self {
        Self { path, body: None }
    }

    fn post(path: &str, body: Value) -> Self {
        Self { path: path.to_owned(), body: Some(body) }
    }
}

impl WebDriverCompatibleCommand for Extra {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        match &self.body {
            Some(body) => (http::Method::POST, Some(body.to_string())),
            None => (http::Method::GET, None),
        }
    }
}
