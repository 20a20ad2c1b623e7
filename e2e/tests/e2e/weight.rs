//! What a page costs: bytes over the wire, and no host but ours.

use keyhaven_e2e::Stage;

#[tokio::test]
async fn each_screen_is_light_and_asks_nobody_else() {
    let stage = Stage::open().await;
    let (browser, ok) = (&stage.browser, Stage::scenario("ok"));
    stage.server.api().connect("Sales EU", ok.key, "acme").await;
    stage.server.fill_usage("sales-eu").await;
    for page in keyhaven_e2e::SCREENS {
        let requests = browser.requests_of(page).await;
        let elsewhere: Vec<_> =
            requests.iter().filter(|it| !it.url.starts_with(stage.server.url())).collect();
        assert!(elsewhere.is_empty(), "{page}: {elsewhere:?}");
        let bytes: u64 = requests.iter().map(|request| request.bytes).sum();
        assert!((1..=60 * 1024).contains(&bytes), "{page}: {bytes} bytes in {requests:#?}");
    }
}
