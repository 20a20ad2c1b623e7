//! What saving and verifying adds to the time that the app itself takes.

use http::{Method, header::HeaderName};
use keyhaven_e2e::{Client, Server, Stage};
use keyhaven_sandbox::{Sandbox, TokenSettings};
use tokio::time::Instant;

use crate::{
    Sample, ms,
    report::{Figure, Report},
};

const SAVES: usize = 200;
const WARM_UP: usize = 10;
const LATENCY_MS: u64 = 50;

pub(crate) async fn measure(report: &mut Report) {
    let sandbox = Sandbox::start(([127, 0, 0, 1], 0).into()).await.expect("a free port");
    let server = Server::start_for_pipedrive(&sandbox.address().to_string());
    let good = Stage::scenario("ok");
    let slow = TokenSettings { latency_ms: Some(LATENCY_MS), ..TokenSettings::default() };
    sandbox.state().set_token(good.key, slow);
    sandbox.state().set(|settings| settings.burst_limit = 0);
    let api = server.api();
    let direct = Client::new(&format!("http://{}", sandbox.address()))
        .with(http::header::HOST, "acme.pipedrive.com")
        .with(HeaderName::from_static("x-api-token"), good.key);
    let (mut through, mut alone) = (Vec::new(), Vec::new());
    // In turns, so that whatever else the machine does falls on both.
    for n in 0..WARM_UP + SAVES {
        let began = Instant::now();
        direct.json(Method::GET, "/api/v1/users/me", None).await;
        let asked = ms(began.elapsed());
        let began = Instant::now();
        let saved = api.connect(&format!("Bench {n}"), good.key, good.domain).await;
        let took = ms(began.elapsed());
        assert_eq!(saved["status"], "valid");
        if n >= WARM_UP {
            alone.push(asked);
            through.push(took);
        }
    }
    let (through, alone) = (Sample::new(through), Sample::new(alone));
    let added = through.median() - alone.median();
    report.add(Figure::new("save and verify: added to the app's own answer time, median", 2.0, added, "ms"));
    report.note(
        format!("the app alone ({LATENCY_MS} ms and the way), median of {SAVES}"),
        alone.median(),
        "ms",
    );
    report.note(format!("save and verify through Keyhaven, median of {SAVES}"), through.median(), "ms");
    if let Some(process) = server.process_id() {
        report.note("resident memory after these saves".into(), crate::start::resident(process), "MiB");
    }
}
