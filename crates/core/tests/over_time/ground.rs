//! What a server stands on: data, a stand-in for Pipedrive, and a clock that we set.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use keyhaven_core::{
    Actor, Clock, Connection, Ctx, Inputs, Keyhaven, MasterKeySource, Options, Secret, SystemRng,
    connections::{self, NewConnection},
    egress::{EgressConfig, Override},
    jobs,
};
use keyhaven_sandbox::Sandbox;
use tokio::{sync::watch, time::sleep};

pub(crate) const GOOD: &str = "600d600d600d600d600d600d600d600d600d600d";
pub(crate) const MINUTE: i64 = 60_000;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;
/// 15 January 2027, 08:00 UTC.
pub(crate) const START: i64 = 1_800_000_000_000;

pub(crate) struct SetClock(AtomicI64);

impl Clock for SetClock {
    fn now(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// An empty database of the tests' own server.
pub(crate) async fn postgres() -> String {
    let made = tokio::task::spawn_blocking(|| keyhaven_testkit::Postgres::shared().create_database());
    made.await.unwrap()
}

/// What several servers share.
pub(crate) struct Ground {
    pub data: tempfile::TempDir,
    pub sandbox: Sandbox,
    pub database: String,
    pub clock: Arc<SetClock>,
}

impl Ground {
    /// In a file, unless a database is named.
    pub(crate) async fn new(database: Option<String>) -> Self {
        let data = tempfile::tempdir().unwrap();
        let sandbox = Sandbox::start(([127, 0, 0, 1], 0).into()).await.unwrap();
        let database = database.unwrap_or_else(|| format!("sqlite:{}", data.path().join("k.db").display()));
        Self { data, sandbox, database, clock: Arc::new(SetClock(AtomicI64::new(START))) }
    }

    pub(crate) async fn server(&self) -> Server {
        let to = format!("*.pipedrive.com=http://{}", self.sandbox.address());
        let options = Options {
            database: self.database.clone(),
            master_key: MasterKeySource::DataFolder(self.data.path().join("master.key")),
            connectors: None,
            egress: EgressConfig { overrides: Override::parse_list(&to).unwrap(), ..EgressConfig::default() },
            verify_every: Duration::from_secs(6 * 3600),
            keep_calls: Duration::from_secs(7 * 86_400),
            sync_folder: Some(self.data.path().join("syncs")),
            support: None,
        };
        let app = Keyhaven::open_with(options, self.clock.clone(), Arc::new(SystemRng)).await.unwrap();
        let ctx = app.ctx(Actor::Session);
        Server { app: Arc::new(app), ctx, clock: self.clock.clone() }
    }
}

pub(crate) struct Server {
    pub app: Arc<Keyhaven>,
    pub ctx: Ctx,
    pub clock: Arc<SetClock>,
}

impl Server {
    /// A connection to Acme that works.
    pub(crate) async fn connect(&self, name: &str) -> Connection {
        self.create("pipedrive", name, [("api_key", GOOD), ("domain", "acme")]).await
    }

    pub(crate) async fn create(&self, connector: &str, name: &str, fields: [(&str, &str); 2]) -> Connection {
        let fields: Inputs = fields.map(|(id, value)| (id.into(), Secret::new(value.into()))).into();
        let new = NewConnection { connector: connector.into(), name: name.into(), fields };
        connections::create(&self.app, &self.ctx, new, None).await.unwrap()
    }

    pub(crate) fn now(&self) -> i64 {
        self.clock.now()
    }

    pub(crate) fn pass(&self, time: i64) {
        self.clock.0.fetch_add(time, Ordering::SeqCst);
    }

    /// Lets time pass, and the worker do what has become due.
    pub(crate) async fn pass_and_work(&self, time: i64) {
        self.pass(time);
        let (stop, stopped) = watch::channel(false);
        let worker = tokio::spawn(jobs::run(self.app.clone(), stopped));
        sleep(Duration::from_millis(700)).await;
        stop.send(true).unwrap();
        worker.await.unwrap();
    }
}
