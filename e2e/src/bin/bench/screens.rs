//! What each screen weighs, by the browser's own count.

use keyhaven_e2e::{SCREENS, Stage};

use crate::report::{Figure, Report};

pub(crate) async fn measure(report: &mut Report) {
    let stage = Stage::open().await;
    let good = Stage::scenario("ok");
    stage.server.api().connect("Sales EU", good.key, good.domain).await;
    let mut heaviest: f64 = 0.0;
    for screen in SCREENS {
        let requests = stage.browser.requests_of(screen).await;
        let weight = requests.iter().map(|request| request.bytes).sum::<u64>() as f64 / 1024.0;
        report.screen(screen, weight, requests.len());
        heaviest = heaviest.max(weight);
    }
    report.add(Figure::new(
        "weight of the heaviest screen, compressed, nothing cached",
        60.0,
        heaviest,
        "KB",
    ));
}
