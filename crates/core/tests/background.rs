//! What happens while nobody looks: the same story on both databases, by a clock that we set.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what a test does not expect, fails it"
)]

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use keyhaven_core::{
    Actor, Clock, Connection, Ctx, Error, Inputs, Keyhaven, MasterKeySource, Options, Secret, Status,
    SystemRng,
    connections::{self, Change, IfOtherAccount, NewConnection, Removal},
    egress::{EgressConfig, Override},
    jobs, sign_in, tokens,
};
use keyhaven_sandbox::{Mode, Sandbox};
use tokio::{sync::watch, time::sleep};

const GOOD: &str = "600d600d600d600d600d600d600d600d600d600d";
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

struct SetClock(AtomicI64);

impl Clock for SetClock {
    fn now(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

struct House {
    app: Arc<Keyhaven>,
    ctx: Ctx,
    clock: Arc<SetClock>,
    sandbox: Sandbox,
    _data: tempfile::TempDir,
}

impl House {
    async fn new(database: Option<String>) -> Self {
        let data = tempfile::tempdir().unwrap();
        let sandbox = Sandbox::start(([127, 0, 0, 1], 0).into()).await.unwrap();
        let clock = Arc::new(SetClock(AtomicI64::new(1_800_000_000_000)));
        let to = format!("*.pipedrive.com=http://{}", sandbox.address());
        let options = Options {
            database: database.unwrap_or_else(|| format!("sqlite:{}", data.path().join("k.db").display())),
            master_key: MasterKeySource::DataFolder(data.path().join("master.key")),
            connectors: None,
            egress: EgressConfig { overrides: Override::parse_list(&to).unwrap(), ..EgressConfig::default() },
            verify_every: Duration::from_secs(6 * 3600),
            keep_calls: Duration::from_secs(7 * 86_400),
            sync_folder: None,
            support: None,
        };
        let app = Keyhaven::open_with(options, clock.clone(), Arc::new(SystemRng)).await.unwrap();
        let ctx = app.ctx(Actor::Session);
        Self { app: Arc::new(app), ctx, clock, sandbox, _data: data }
    }

    /// Lets time pass, and the worker do what has become due.
    async fn pass(&self, time: i64) {
        self.clock.0.fetch_add(time, Ordering::SeqCst);
        let (stop, stopped) = watch::channel(false);
        let worker = tokio::spawn(jobs::run(self.app.clone(), stopped));
        sleep(Duration::from_millis(700)).await;
        stop.send(true).unwrap();
        worker.await.unwrap();
    }

    async fn create(&self, name: &str) -> Connection {
        let fields = [("api_key", GOOD), ("domain", "acme")];
        let fields: Inputs = fields.map(|(id, value)| (id.into(), Secret::new(value.into()))).into();
        let new = NewConnection { connector: "pipedrive".into(), name: name.into(), fields };
        connections::create(&self.app, &self.ctx, new, None).await.unwrap()
    }

    async fn get(&self, id: &str) -> Result<Connection, Error> {
        connections::get(&self.app, &self.ctx, id).await
    }

    fn asked(&self) -> usize {
        self.sandbox.state().asked().len()
    }
}

async fn story(database: Option<String>) {
    let house = House::new(database).await;
    let made = house.create("Sales EU").await;
    assert_eq!((made.status, house.asked()), (Status::Valid, 1));
    let wait = made.next_check_at.unwrap() - house.clock.now();
    assert!((5 * HOUR..7 * HOUR).contains(&wait), "spread around six hours, not {wait}");

    // Nothing is due yet; after six hours it is, once.
    house.pass(HOUR).await;
    assert_eq!(house.asked(), 1);
    house.pass(6 * HOUR).await;
    assert_eq!(house.asked(), 2);

    // An outage: it stays ✓, and the pauses grow.
    house.sandbox.state().set_mode(GOOD, Mode::Maintenance);
    house.pass(7 * HOUR).await;
    let mut waits = Vec::new();
    for _ in 0..4 {
        let it = house.get(&made.id).await.unwrap();
        assert_eq!(it.status, Status::Valid);
        assert!(it.could_not_recheck.is_some());
        waits.push(it.next_check_at.unwrap() - house.clock.now());
        house.pass(*waits.last().unwrap() + 1000).await;
    }
    assert!(waits.is_sorted() && waits[0] <= 2 * MINUTE && waits[3] > 10 * MINUTE, "{waits:?}");

    // The key was revoked meanwhile: ! without anybody asking; and back.
    house.sandbox.state().set_mode(GOOD, Mode::Unauthorized);
    house.pass(2 * HOUR).await;
    assert_eq!(house.get(&made.id).await.unwrap().status, Status::Invalid);
    house.sandbox.state().set_mode(GOOD, Mode::Ok);
    house.pass(7 * HOUR).await;
    assert_eq!(house.get(&made.id).await.unwrap().status, Status::Valid);

    // A worker that died holds its job for a minute, and no longer.
    let before = house.asked();
    house.clock.0.fetch_add(7 * HOUR, Ordering::SeqCst);
    let (stop, stopped) = watch::channel(false);
    house.sandbox.state().set_mode(GOOD, Mode::Slow);
    let worker = tokio::spawn(jobs::run(house.app.clone(), stopped));
    sleep(Duration::from_millis(300)).await;
    worker.abort();
    drop(stop);
    house.sandbox.state().set_mode(GOOD, Mode::Ok);
    let tried = house.asked();
    assert!(tried > before);
    house.pass(10_000).await;
    assert_eq!(house.asked(), tried);
    house.pass(MINUTE).await;
    assert_eq!(house.asked(), tried + 1);

    // Deleted ones are left alone, and destroyed after 30 days, with their history.
    let other = house.create("Other").await;
    connections::delete(&house.app, &house.ctx, &other.id, Removal::Trash).await.unwrap();
    house.pass(29 * DAY).await;
    let trashed = house.get(&other.id).await.unwrap();
    assert!(trashed.deleted_at.is_some());
    house.pass(2 * DAY).await;
    assert!(matches!(house.get(&other.id).await, Err(Error::NotFound { .. })));

    // 90 days are remembered, and no more.
    let days = connections::history(&house.app, &house.ctx, &made.id).await.unwrap();
    assert!(days.iter().map(|day| day.valid).sum::<i64>() > 3);
    let now = connections::recent(&house.app, &house.ctx, &made.id, 100).await.unwrap().len();
    house.pass(100 * DAY).await;
    house.pass(DAY).await;
    let later = connections::recent(&house.app, &house.ctx, &made.id, 100).await.unwrap();
    assert!(later.len() < now && later.iter().all(|check| check.at > house.clock.now() - 91 * DAY));

    // A change that was made while the app was asked wins: the answer is about values that are no more.
    house.sandbox.state().set_mode(GOOD, Mode::Ok);
    house
        .sandbox
        .state()
        .set_token(GOOD, keyhaven_sandbox::TokenSettings { latency_ms: Some(400), ..Default::default() });
    let change = Change {
        name: Some("Renamed".into()),
        fields: None,
        revision: None,
        if_other_account: IfOtherAccount::Refuse,
    };
    let (verified, renamed) = tokio::join!(connections::verify(&house.app, &house.ctx, &made.id), async {
        sleep(Duration::from_millis(100)).await;
        connections::change(&house.app, &house.ctx, &made.id, change).await
    });
    assert_eq!((verified.unwrap().name, renamed.unwrap().name), ("Renamed".into(), "Renamed".into()));

    // Links and sessions end by themselves.
    let link = sign_in::issue_link(&house.app, &house.ctx).await.unwrap();
    let session = sign_in::redeem(&house.app, link.expose(), None).await.unwrap();
    assert!(sign_in::redeem(&house.app, link.expose(), None).await.is_err());
    assert!(sign_in::session(&house.app, session.expose(), None).await.is_ok());
    let late = sign_in::issue_link(&house.app, &house.ctx).await.unwrap();
    house.clock.0.fetch_add(31 * DAY, Ordering::SeqCst);
    assert!(sign_in::session(&house.app, session.expose(), None).await.is_err());
    assert!(sign_in::redeem(&house.app, late.expose(), None).await.is_err());
    let ci = tokens::NewToken { name: "ci".into(), expires_at: "1d".into(), ..Default::default() };
    let (_, token) = tokens::create(&house.app, &house.ctx, ci).await.unwrap();
    assert!(tokens::authenticate(&house.app, token.expose(), None).await.is_ok());
    house.clock.0.fetch_add(2 * DAY, Ordering::SeqCst);
    assert!(tokens::authenticate(&house.app, token.expose(), None).await.is_err());
    house.clock.0.fetch_sub(2 * DAY, Ordering::SeqCst);
    assert!(tokens::authenticate(&house.app, token.expose(), None).await.is_ok());
    tokens::revoke(&house.app, &house.ctx, "ci").await.unwrap();
    assert!(tokens::authenticate(&house.app, token.expose(), None).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite() {
    story(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres() {
    let url =
        tokio::task::spawn_blocking(|| keyhaven_testkit::Postgres::shared().create_database()).await.unwrap();
    story(Some(url)).await;
}
