//! What goes through a connection, from the hot path to the figures, on both databases.

use std::time::Duration;

use keyhaven_core::{
    Actor, Error, audit,
    connections::{self, Removal},
    proxy::{self, Inbound},
    tokens::{self, NewToken},
    usage::{self, Call, Counted, Source, Told, Window},
};
use keyhaven_store::{Scope, Store};
use tokio::{sync::watch, task::JoinHandle, time::sleep};

use crate::ground::{DAY, Ground, HOUR, START, Server, postgres};

impl Server {
    /// Nothing is asked: no loopback address is let out.
    async fn unasked(&self, name: &str) -> String {
        self.create("http-bearer", name, [("base_url", "https://127.0.0.1/"), ("token", "x")]).await.id
    }

    fn call(&self, connection: &str, token: &str) -> Call {
        Call {
            connection: connection.into(),
            token: token.into(),
            at: self.now(),
            method: http::Method::GET,
            path: "/api/v2/deals".into(),
            status: 200,
            ms: 80,
            waited_ms: 0,
            cost: 10,
            source: Source::App,
        }
    }

    fn write_usage(&self) -> (watch::Sender<bool>, JoinHandle<()>) {
        let (stop, stopped) = watch::channel(false);
        (stop, tokio::spawn(usage::run(self.app.clone(), stopped)))
    }

    async fn counted(&self, connection: &str) -> i64 {
        let summary = usage::summary(&self.app, &self.ctx, connection, Window::Week).await.unwrap();
        summary.total.counts.calls
    }
}

async fn story(database: Option<String>) {
    let ground = Ground::new(database).await;
    let house = ground.server().await;
    let (app, ctx) = (&house.app, &house.ctx);
    let id = house.unasked("Sales EU").await;
    let new = NewToken { name: "nightly".into(), ..NewToken::default() };
    let (token, _) = tokens::create(app, ctx, new).await.unwrap();

    // What is recorded while the writer is at work is there within a second; the rest when it ends.
    let (stop, writer) = house.write_usage();
    for n in 0..6 {
        app.recorder().record(Call { path: format!("/deals/{n}"), ..house.call(&id, &token.id) });
        house.pass(1);
    }
    while house.counted(&id).await < 6 {
        sleep(Duration::from_millis(50)).await;
    }
    app.recorder().record(Call { status: 500, ..house.call(&id, "command-line") });
    app.recorder().record(Call {
        status: 429,
        cost: 0,
        source: Source::Keyhaven,
        ..house.call(&id, &token.id)
    });
    stop.send(true).unwrap();
    writer.await.unwrap();
    let summary = usage::summary(app, ctx, "sales-eu", Window::Hour).await.unwrap();
    let last = summary.buckets.last().unwrap();
    assert_eq!((summary.buckets.len(), last.start, last.counts), (60, START, summary.total.counts));
    assert_eq!((last.counts.calls, last.counts.errors, last.counts.refused), (8, 1, 1));
    assert_eq!((last.p50(), last.p95()), (Some(75), Some(97)));

    // Who, and call by call.
    let by_token = usage::by_token(app, ctx, &id).await.unwrap();
    let by_token: Vec<_> = by_token.iter().map(|it| (it.name.as_deref(), it.counts.cost)).collect();
    assert_eq!(by_token, [(Some("nightly"), 60), (None, 10)]);
    let page = usage::recent(app, ctx, &id, 5, None).await.unwrap();
    let rest = usage::recent(app, ctx, &id, 5, page.next.as_deref()).await.unwrap();
    let paths: Vec<_> = page.items.iter().chain(&rest.items).map(|it| it.path.as_str()).collect();
    assert_eq!((paths.len(), paths[7], rest.next), (8, "/deals/0", None));
    for wrong in ["", "0", "zz", "00", "2d"] {
        assert!(
            matches!(usage::recent(app, ctx, &id, 5, Some(wrong)).await, Err(Error::Invalid(_))),
            "{wrong}"
        );
    }

    // The budget: counted here until the app has told it.
    let budget = usage::budget(app, ctx, &id).await.unwrap();
    assert_eq!((budget.limit, budget.used, budget.source), (None, 70, Counted::Here));
    app.set_told_budget(&id, Told { limit: 200, remaining: 100, at: house.now() });
    app.set_told_budget(&id, Told { limit: 9, remaining: 9, at: 1 });
    let budget = usage::budget(app, ctx, &id).await.unwrap();
    assert_eq!((budget.limit, budget.used, budget.elsewhere), (Some(200), 100, 30));
    assert!(budget.runs_out_at.unwrap() < budget.resets_at);
    // It is written with the usage, and another process knows it; what is heard later counts more.
    usage::write(app).await.unwrap();
    let other = ground.server().await;
    assert_eq!(usage::budget(&other.app, &other.ctx, &id).await.unwrap(), budget);
    other.app.set_told_budget(&id, Told { limit: 300, remaining: 100, at: house.now() + 1 });
    usage::write(&other.app).await.unwrap();
    let budget = usage::budget(app, ctx, &id).await.unwrap();
    assert_eq!((budget.limit, budget.is_told, budget.used), (Some(300), true, 200));

    // Calls are remembered for a week, counts for longer; what a destroyed connection did goes with it.
    house.pass_and_work(8 * DAY).await;
    house.pass_and_work(DAY).await;
    assert!(usage::recent(app, ctx, &id, 5, None).await.unwrap().items.is_empty());
    app.recorder().record(house.call(&id, &token.id));
    usage::write(app).await.unwrap();
    connections::delete(app, ctx, &id, Removal::Destroy).await.unwrap();
    app.recorder().record(house.call(&id, &token.id));
    usage::write(app).await.unwrap();
    assert!(app.told_budget(&id).is_none());

    // All of it stands in the log, in words.
    house.pass(1);
    tokens::revoke(app, ctx, "nightly").await.unwrap();
    let log = audit::list(app, ctx, &audit::Query::default()).await.unwrap();
    let told: Vec<_> = log.items.iter().take(2).map(audit::Entry::sentence).collect();
    assert_eq!(told, ["Access token nightly was revoked", "Sales EU was destroyed"]);
    let query = audit::Query { subject: token.id.clone(), limit: 1, ..audit::Query::default() };
    let first = audit::list(app, ctx, &query).await.unwrap();
    assert_eq!(first.items[0].action, "access_token.revoke");
    let second = audit::list(app, ctx, &audit::Query { cursor: first.next, ..query }).await.unwrap();
    assert_eq!((second.items[0].action.as_str(), second.next), ("access_token.create", None));
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite() {
    story(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres() {
    story(Some(postgres().await)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_use_is_noted_once_an_hour_however_many_processes_there_are() {
    let ground = Ground::new(None).await;
    let id = ground.server().await.connect("Sales EU").await.id;
    let use_by_another = async || {
        let Server { app, .. } = ground.server().await;
        let ctx = app.ctx(Actor::CommandLine);
        let inbound = Inbound {
            method: http::Method::GET,
            connection: &id,
            path: "/api/v2/deals",
            query: None,
            said: &http::HeaderMap::new().into(),
            host: None,
            reached: None,
            client: None,
            body: bytes::Bytes::new().into(),
        };
        assert_eq!(proxy::at_hand(&app, &app.door(), &ctx, inbound).await.unwrap().head.status, 200);
        let query = audit::Query { actor: "command-line".into(), ..audit::Query::default() };
        let log = audit::list(&app, &ctx, &query).await.unwrap().items;
        log.iter().filter(|it| it.action == "connection.use").count()
    };
    assert_eq!([use_by_another().await, use_by_another().await], [1, 1]);
    ground.server().await.pass(HOUR);
    assert_eq!([use_by_another().await, use_by_another().await], [2, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_count_is_lost_while_the_database_is_away() {
    let ground = Ground::new(None).await;
    let house = ground.server().await;
    let id = house.unasked("Sales EU").await;
    // Somebody else holds the file for longer than we wait for it.
    let other = Store::open(&ground.database).await.unwrap();
    let scope = Scope { workspace: "default".into(), actor: "system".into(), now: START };
    let held = other.begin(&scope).await.unwrap();
    house.app.recorder().record(house.call(&id, "tk_1"));
    let (stop, writer) = house.write_usage();
    sleep(Duration::from_secs(11)).await;
    house.app.recorder().record(house.call(&id, "tk_1"));
    assert_eq!(house.counted(&id).await, 0);
    drop(held);
    while house.counted(&id).await < 2 {
        sleep(Duration::from_millis(100)).await;
    }
    stop.send(true).unwrap();
    writer.await.unwrap();
    assert_eq!(house.counted(&id).await, 2);
}
