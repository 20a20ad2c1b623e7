//! Saved syncs over time, by a clock that we set: what is due runs, once, whoever runs it.

use std::{path::Path, time::Duration};

use keyhaven_core::{
    Error, Secret,
    connections::{self, Removal},
    syncs::{self, Run, Sync, SyncInput},
};
use keyhaven_sandbox::{ACME, Mode};
use keyhaven_testkit::Look;
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use crate::ground::{GOOD, Ground, HOUR, MINUTE, START, Server, postgres};

impl Server {
    async fn save(&self, schedule: &str) -> Sync {
        self.save_to("crm.db", schedule).await.unwrap()
    }

    async fn save_to(&self, destination: &str, schedule: &str) -> Result<Sync, Error> {
        let input = SyncInput {
            destination: Some(Secret::new(destination.into())),
            schedule: Some(schedule.into()),
            streams: Some(vec!["deals".into()]),
            ..SyncInput::default()
        };
        syncs::create(&self.app, &self.ctx, "sales-eu", input, false).await
    }

    /// Works for a while on what is due.
    async fn work(&self) {
        let (stop, stopped) = watch::channel(false);
        let runner = tokio::spawn(syncs::run_due(self.app.clone(), stopped));
        sleep(Duration::from_millis(1500)).await;
        stop.send(true).unwrap();
        runner.await.unwrap();
    }

    async fn get(&self, id: &str) -> Sync {
        syncs::get(&self.app, &self.ctx, id).await.unwrap()
    }

    async fn runs(&self, id: &str) -> Vec<Run> {
        syncs::runs(&self.app, &self.ctx, id, 0, None).await.unwrap().items
    }

    async fn outcomes(&self, id: &str) -> Vec<String> {
        self.runs(id).await.into_iter().map(|run| run.outcome).collect()
    }
}

/// Three days of downtime are one run.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_missed_is_caught_up_with_once() {
    let ground = Ground::new(None).await;
    let house = ground.server().await;
    house.connect("Sales EU").await;
    let it = house.save("every hour").await;
    assert_eq!((it.name.as_str(), it.next_run_at), ("Sales EU → crm.db", Some(START + HOUR)));
    house.work().await;
    assert!(house.runs(&it.id).await.is_empty(), "nothing is due yet");

    house.pass(3 * 24 * HOUR + 5 * MINUTE);
    house.work().await;
    let runs = house.runs(&it.id).await;
    assert_eq!(runs.len(), 1, "{runs:?}");
    let run = &runs[0];
    assert_eq!((run.outcome.as_str(), run.cause.as_str()), ("done", "schedule"), "{run:?}");
    assert!(run.counts.rows_read > 0 && run.counts.requests > 0 && run.counts.cost > 0, "{run:?}");
    assert!(run.streams.iter().any(|stream| stream.name == "deals" && stream.rows > 0), "{run:?}");
    let now = house.get(&it.id).await;
    assert_eq!((now.is_running, now.next_run_at), (false, Some(run.began_at - 5 * MINUTE + HOUR)));
    assert!(Path::new(&ground.data.path().join("syncs/crm.db")).is_file());

    // Paused, it does not run by itself, but when somebody asks; resumed, at the next time of its schedule.
    syncs::pause(&house.app, &house.ctx, &it.id).await.unwrap();
    house.pass(2 * HOUR);
    house.work().await;
    assert_eq!(house.runs(&it.id).await.len(), 1);
    syncs::run_now(&house.app, &house.ctx, &it.name).await.unwrap();
    house.work().await;
    let runs = house.runs(&it.id).await;
    assert_eq!(
        (runs.len(), runs[0].cause.as_str(), runs[0].counts.rows_written),
        (2, "asked", 0),
        "{runs:?}"
    );
    assert_eq!(house.get(&it.id).await.next_run_at, None);
    let back = syncs::resume(&house.app, &house.ctx, &it.id).await.unwrap();
    assert_eq!(back.next_run_at, Some(START + (3 * 24 + 3) * HOUR));

    // In the trash nothing runs; brought back, what was missed is caught up with.
    connections::delete(&house.app, &house.ctx, "sales-eu", Removal::Trash).await.unwrap();
    house.pass(5 * HOUR);
    house.work().await;
    assert_eq!(house.runs(&it.id).await.len(), 2);
    let refused = syncs::run_now(&house.app, &house.ctx, &it.id).await;
    assert!(matches!(refused, Err(Error::NothingToDo(_))), "{refused:?}");
    connections::restore(&house.app, &house.ctx, "sales-eu").await.unwrap();
    house.work().await;
    assert_eq!(house.outcomes(&it.id).await, ["done", "done", "done"]);
    connections::delete(&house.app, &house.ctx, "sales-eu", Removal::Destroy).await.unwrap();
    assert!(syncs::list(&house.app, &house.ctx, "").await.unwrap().is_empty());
}

/// The day's requests are used up: it says when it goes on, and does.
#[tokio::test(flavor = "multi_thread")]
async fn a_used_up_budget_is_waited_for() {
    let ground = Ground::new(None).await;
    let house = ground.server().await;
    house.connect("Sales EU").await;
    let it = house.save("manual").await;
    assert_eq!(it.next_run_at, None);
    ground.sandbox.state().set_mode(GOOD, Mode::Daily);
    syncs::run_now(&house.app, &house.ctx, &it.id).await.unwrap();
    house.work().await;
    let run = house.runs(&it.id).await.remove(0);
    assert_eq!(run.outcome, "paused", "{run:?}");
    let midnight = START + 16 * HOUR;
    let goes_on = run.goes_on_at.unwrap();
    assert!((midnight..midnight + 5 * MINUTE).contains(&goes_on), "{run:?}");
    assert_eq!(house.get(&it.id).await.next_run_at, Some(goes_on));
    ground.sandbox.state().set_mode(GOOD, Mode::Ok);
    house.work().await;
    assert_eq!(house.runs(&it.id).await.len(), 1, "it waits");
    house.pass(goes_on - house.ctx.now());
    house.work().await;
    let runs = house.runs(&it.id).await;
    assert_eq!((runs[0].outcome.as_str(), runs[0].cause.as_str()), ("done", "goes_on"), "{runs:?}");
    assert_eq!(house.get(&it.id).await.next_run_at, None, "and is manual again");
}

/// Two servers on one database, many times: each time that a sync is due, it runs once.
#[tokio::test(flavor = "multi_thread")]
async fn two_servers_never_run_one_sync_twice() {
    let ground = Ground::new(Some(postgres().await)).await;
    let (one, two) = (ground.server().await, ground.server().await);
    one.connect("Sales EU").await;
    let it = one.save("every hour").await;
    let (stop, stopped) = watch::channel(false);
    let runners = [&one, &two].map(|house| tokio::spawn(syncs::run_due(house.app.clone(), stopped.clone())));
    for times in 1..=4 {
        one.pass(HOUR);
        // Both are told at once.
        for house in [&one, &two] {
            let _ = syncs::resume(&house.app, &house.ctx, &it.id).await;
            let _ = syncs::run_now(&house.app, &house.ctx, &it.id).await;
        }
        for _ in 0..100 {
            sleep(Duration::from_millis(100)).await;
            if !two.get(&it.id).await.is_running && one.runs(&it.id).await.len() >= times {
                break;
            }
        }
        let runs = two.runs(&it.id).await;
        assert!(runs.iter().all(|run| run.outcome == "done"), "{runs:?}");
        // Runs do not overlap.
        for pair in runs.windows(2) {
            assert!(pair[1].finished_at.unwrap() <= pair[0].began_at, "{runs:?}");
        }
    }
    stop.send(true).unwrap();
    for runner in runners {
        runner.await.unwrap();
    }
}

/// A server that dies in the middle: its run is told as interrupted, and another one goes on when the lease has ended.
#[tokio::test(flavor = "multi_thread")]
async fn a_dead_servers_sync_comes_back() {
    let ground = Ground::new(None).await;
    let (dead, house) = (ground.server().await, ground.server().await);
    house.connect("Sales EU").await;
    let it = house.save("manual").await;
    syncs::run_now(&house.app, &house.ctx, &it.id).await.unwrap();
    // The app answers slowly, so that the run is under way when its server goes.
    ground.sandbox.state().set_mode(GOOD, Mode::Slow);
    let (_stop, stopped) = watch::channel(false);
    let runner = tokio::spawn(syncs::run_due(dead.app.clone(), stopped));
    for _ in 0..100 {
        sleep(Duration::from_millis(50)).await;
        if house.get(&it.id).await.last_run.is_some() {
            break;
        }
    }
    let seen = house.get(&it.id).await;
    assert!(seen.is_running, "another server sees it: {seen:?}");
    let twice = syncs::run_now(&house.app, &house.ctx, &it.id).await;
    assert!(matches!(twice, Err(Error::NothingToDo(_))));
    runner.abort();
    let _ = runner.await;
    ground.sandbox.state().set_mode(GOOD, Mode::Ok);

    house.work().await;
    assert_eq!(house.runs(&it.id).await.len(), 1, "its lease still holds");
    house.pass(MINUTE);
    assert_eq!(house.outcomes(&it.id).await, ["interrupted"]);
    house.work().await;
    let runs = house.runs(&it.id).await;
    assert_eq!((runs[0].outcome.as_str(), runs[0].cause.as_str()), ("done", "goes_on"), "{runs:?}");
    assert_eq!(runs[1].outcome, "interrupted");
    assert!(runs[1].message.as_deref().unwrap().contains("server"), "{runs:?}");
}

/// Where the program can write Parquet files, they lie below the folder as well; else it says how to get there.
#[tokio::test(flavor = "multi_thread")]
async fn parquet_files_lie_below_the_folder() {
    let ground = Ground::new(None).await;
    let house = ground.server().await;
    house.connect("Sales EU").await;
    let saved = house.save_to("parquet:lake/crm", "every hour").await;
    if cfg!(not(feature = "parquet")) {
        let refused = saved.unwrap_err().to_string();
        assert!(refused.contains("--features parquet"), "{refused}");
        return;
    }
    let saved = saved.unwrap();
    house.pass(2 * HOUR);
    house.work().await;
    assert_eq!(house.outcomes(&saved.id).await, ["done"]);
    assert!(ground.data.path().join("syncs/lake/crm/deals.parquet").is_file());
    assert!(house.save_to("parquet:../crm", "manual").await.is_err());
}

/// A destination that another program holds locked keeps neither the server from ending nor a run from being cancelled.
#[tokio::test(flavor = "multi_thread")]
async fn a_locked_destination_holds_up_nobody() {
    let ground = Ground::new(None).await;
    let house = ground.server().await;
    house.connect("Sales EU").await;
    let it = house.save("manual").await;
    syncs::run_now(&house.app, &house.ctx, &it.id).await.unwrap();
    house.work().await;
    house.pass(MINUTE);
    syncs::run_now(&house.app, &house.ctx, &it.id).await.unwrap();
    let file = ground.data.path().join("syncs/crm.db");
    let _held = Look::Sqlite(file).hold(Duration::from_secs(10));
    let (stop, stopped) = watch::channel(false);
    let runner = tokio::spawn(syncs::run_due(house.app.clone(), stopped));
    while !house.get(&it.id).await.is_running {
        sleep(Duration::from_millis(50)).await;
    }
    sleep(Duration::from_millis(500)).await;
    stop.send(true).unwrap();
    timeout(Duration::from_secs(9), runner).await.expect("an end").unwrap();
    assert_eq!(house.outcomes(&it.id).await, ["interrupted", "done"]);
    assert!(house.get(&it.id).await.next_run_at.is_some_and(|at| at <= house.now()), "and goes on");
}

/// However often a sync runs, what it may use of a day's budget stays the same.
#[tokio::test(flavor = "multi_thread")]
async fn all_runs_of_a_day_keep_to_one_share() {
    let ground = Ground::new(None).await;
    ground.sandbox.state().set(|settings| (settings.daily_budget, settings.records) = (200, 5000));
    let house = ground.server().await;
    house.connect("Sales EU").await;
    let before = ground.sandbox.state().spent()[&ACME];
    let it = house.save("manual").await;
    for times in 1..=3 {
        house.pass(MINUTE);
        syncs::run_now(&house.app, &house.ctx, &it.id).await.unwrap();
        house.work().await;
        let run = house.runs(&it.id).await.remove(0);
        assert_eq!(run.outcome, "paused", "{times}: {run:?}");
        assert!(run.message.as_deref().is_some_and(|it| it.contains("its share")), "{run:?}");
    }
    let spent = ground.sandbox.state().spent()[&ACME] - before;
    assert!(spent <= 100, "{spent} of 200");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_anothers_id_takes_nothing_from_it() {
    let ground = Ground::new(None).await;
    let house = ground.server().await;
    house.connect("Sales EU").await;
    let (one, other) = (house.save("manual").await, house.save("manual").await);
    let input = SyncInput { name: Some(one.id.clone()), ..SyncInput::default() };
    syncs::change(&house.app, &house.ctx, &other.id, input).await.unwrap();
    assert_eq!(house.get(&one.id).await.id, one.id);
}
