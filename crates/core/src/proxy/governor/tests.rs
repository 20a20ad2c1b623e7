//! By a clock that stands still unless everybody waits.

use http::{HeaderMap, HeaderName};
use keyhaven_connectors::Catalogue;
use tokio::time::{self, Instant};

use super::{day::DAY, *};

fn governor() -> Arc<Governor> {
    let limits = Catalogue::built_in().unwrap().get("pipedrive").unwrap().limits.clone().unwrap();
    Arc::new(Governor::new(limits))
}

fn call<'a>(caller: &'a str, path: &'a str) -> Call<'a> {
    Call { caller, share: None, path, cost: 10 }
}

fn headers(pairs: &[(&'static str, &'static str)]) -> Fields {
    let pairs = pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
    pairs.collect::<HeaderMap>().into()
}

/// Sends `count` calls at once; tells when each went out, or that it was refused.
async fn burst(
    governor: &Arc<Governor>,
    caller: &'static str,
    path: &'static str,
    count: usize,
) -> Vec<Result<Instant, Held>> {
    let calls = (0..count).map(|_| {
        let governor = governor.clone();
        tokio::spawn(async move { governor.admit(&call(caller, path), 0).await })
    });
    let calls: Vec<_> = calls.collect();
    let mut all = Vec::new();
    for one in calls {
        all.push(one.await.unwrap().map(|turn| turn.at));
    }
    all
}

fn most_within_two_seconds(times: &[Instant]) -> usize {
    let mut times = times.to_vec();
    times.sort_unstable();
    let within =
        |n: usize| times[n..].iter().take_while(|at| **at - times[n] <= Duration::from_secs(2)).count();
    (0..times.len()).map(within).max().unwrap_or(0)
}

#[tokio::test(start_paused = true)]
async fn all_callers_together_stay_within_the_window() {
    let governor = governor();
    let (one, two) = tokio::join!(
        burst(&governor, "one", "/api/v2/deals", 30),
        burst(&governor, "two", "/api/v2/persons", 30)
    );
    let went: Vec<_> = one.into_iter().chain(two).flatten().collect();
    assert!(went.len() >= 40, "{}", went.len());
    assert_eq!(most_within_two_seconds(&went), 20);
    assert_eq!(governor.waiting(), 0);

    // An app that allows more is believed.
    time::sleep(Duration::from_secs(10)).await;
    governor.heard(&headers(&[("x-ratelimit-limit", "80"), ("x-ratelimit-remaining", "79")]), 0);
    let began = Instant::now();
    let went = burst(&governor, "one", "/api/v2/deals", 80).await;
    assert!(went.iter().all(|one| one.as_ref().is_ok_and(|at| *at == began)));
    // A search has a window of its own besides.
    time::sleep(Duration::from_secs(10)).await;
    let went: Vec<_> =
        burst(&governor, "one", "/api/v2/deals/search", 15).await.into_iter().flatten().collect();
    assert_eq!((went.len(), most_within_two_seconds(&went)), (15, 10));
}

#[tokio::test(start_paused = true)]
async fn who_asks_for_little_does_not_wait_behind_who_asks_for_much() {
    let governor = governor();
    let much = tokio::spawn({
        let governor = governor.clone();
        async move { burst(&governor, "much", "/api/v2/deals", 55).await }
    });
    time::sleep(Duration::from_millis(1)).await;
    let little = burst(&governor, "little", "/api/v2/deals", 1).await;
    let (little, much) = (little[0].unwrap(), much.await.unwrap());
    let later = much.iter().flatten().filter(|at| **at > little).count();
    assert!(later >= 15, "{later} of the many went after the one");

    // Also when the many fill the queue: the last of them give way.
    time::sleep(Duration::from_secs(10)).await;
    let much = tokio::spawn({
        let governor = governor.clone();
        async move { burst(&governor, "much", "/api/v2/deals", 80).await }
    });
    time::sleep(Duration::from_millis(1)).await;
    let full = governor.waiting();
    let little = burst(&governor, "little", "/api/v2/deals", 3).await;
    assert!(little.iter().all(Result::is_ok), "{little:?}");
    let much = much.await.unwrap();
    assert_eq!(much.iter().flatten().count(), 20 + full - 3);
}

#[tokio::test(start_paused = true)]
async fn too_many_are_refused_at_once_and_told_when_to_come_back() {
    let governor = governor();
    let began = Instant::now();
    let all = burst(&governor, "one", "/api/v2/deals", 500).await;
    let refused: Vec<_> = all.iter().filter_map(|one| one.err()).collect();
    assert!(refused.len() > 400);
    assert!(
        refused.iter().all(|held| matches!(held, Held::Busy(wait) if wait.as_secs() < 30)),
        "{refused:?}"
    );
    assert!(all.iter().flatten().all(|at| *at - began <= MAX_WAIT));
    assert_eq!(governor.waiting(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_angry_app_is_left_alone_for_longer_and_longer() {
    let spent = headers(&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "2")]);
    let bare = headers(&[]);
    for (headers, told, pauses) in [
        (&bare, None, [2, 4, 8, 16, 32, 60, 60]),
        // What the app tells is the least, however it tells it.
        (&spent, Some(2), [2, 4, 8, 16, 32, 60, 60]),
        (&spent, Some(10), [10, 10, 10, 16, 32, 60, 60]),
    ] {
        let governor = governor();
        for pause in pauses {
            // All that were on their way say it once.
            for _ in 0..3 {
                governor.heard(headers, 0);
                let told = told.map(Duration::from_secs);
                assert_eq!(governor.refused(Reason::RateLimited, told).as_secs(), pause, "{told:?}");
            }
            time::sleep(Duration::from_secs(pause)).await;
        }
        governor.accepted();
        assert_eq!(governor.refused(Reason::RateLimited, None).as_secs(), 2);
    }
    let governor = governor();
    for _ in 0..6 {
        let pause = governor.refused(Reason::RateLimited, None);
        time::sleep(pause).await;
    }
    governor.refused(Reason::RateLimited, None);
    assert!(matches!(governor.admit(&call("one", "/x"), 0).await, Err(Held::Paused(_))));
    time::sleep(Duration::from_secs(60)).await;
    governor.admit(&call("one", "/x"), 0).await.unwrap();
    governor.accepted();
    assert_eq!(governor.refused(Reason::RateLimited, None).as_secs(), 2);
    // Others who use the same key count, too.
    time::sleep(Duration::from_secs(10)).await;
    governor.heard(&headers(&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "2")]), 0);
    let began = Instant::now();
    governor.admit(&call("one", "/x"), 0).await.unwrap();
    assert!(began.elapsed() >= Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn the_days_budget_and_each_share_of_it_end() {
    let governor = governor();
    let left = |remaining| {
        headers(&[
            ("x-daily-ratelimit-token-limit", "1000"),
            ("x-daily-ratelimit-token-remaining", remaining),
        ])
    };
    governor.heard(&left("990"), 0);
    let some = |share| Call { caller: "one", share: Some(share), path: "/x", cost: 40 };
    let noon = DAY / 2;
    governor.admit(&some(10), noon).await.unwrap();
    governor.admit(&some(10), noon).await.unwrap();
    assert_eq!(governor.admit(&some(10), noon).await, Err(Held::Share(Duration::from_secs(12 * 3600))));
    governor.admit(&some(50), noon).await.unwrap();
    // Whoever leaves while he waits has used nothing.
    governor.refused(Reason::RateLimited, None);
    assert!(time::timeout(Duration::from_secs(1), governor.admit(&some(16), noon)).await.is_err());
    time::sleep(Duration::from_secs(10)).await;
    governor.admit(&some(16), noon).await.unwrap();
    assert!(matches!(governor.admit(&some(16), noon).await, Err(Held::Share(_))));
    // The next day is new.
    governor.admit(&some(10), noon + DAY).await.unwrap();
    // Nothing goes out while the app has said so, nor is a new day one for an app whose day ends later.
    let until = noon + DAY + 3_600_000;
    governor.stop(Some(until));
    let hour = Duration::from_secs(3600);
    assert_eq!(governor.admit(&some(90), noon + DAY).await, Err(Held::Exhausted(hour)));
    governor.heard(&left("900"), noon + DAY + 1);
    assert_eq!(governor.admit(&some(90), until - 3_600_000).await, Err(Held::Exhausted(hour)));
    governor.admit(&some(90), until).await.unwrap();
    governor.stop(Some(3 * DAY + 1000));
    assert!(matches!(governor.admit(&some(10), 3 * DAY).await, Err(Held::Exhausted(_))));
    governor.stop(None);
    governor.admit(&some(10), 3 * DAY).await.unwrap();
    // Whatever an app tells, a share of it is a number.
    governor.heard(
        &headers(&[
            ("x-daily-ratelimit-token-limit", "9999999999999999999"),
            ("x-daily-ratelimit-token-remaining", "9"),
        ]),
        3 * DAY,
    );
    governor.admit(&some(100), 3 * DAY).await.unwrap();
    governor.stop(Some(4 * DAY));
    governor.begin_anew();
    governor.admit(&some(1), 3 * DAY).await.unwrap();
}
