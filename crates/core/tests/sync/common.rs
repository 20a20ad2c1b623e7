//! A Keyhaven with one connection to the stand-in, and a database to copy into.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use keyhaven_core::{
    Actor, Clock, Connector, Ctx, Inputs, Keyhaven, MasterKeySource, Options, Secret, SystemRng,
    connections::{self, Change, IfOtherAccount, NewConnection},
    egress::{EgressConfig, Override},
    syncs::{self, AppSource, Deleted, Failure, Plan, Report, Sweep, SyncError, Teller, Wanted},
};
use keyhaven_sandbox::{ACME, Act, Kind, Sandbox, Settings};
use keyhaven_testkit::{Look, Postgres};
use serde_json::{Map, Value};
use tokio::{sync::watch, time::sleep};

pub(crate) const KEY: &str = "600d600d600d600d600d600d600d600d600d600d";
/// Ten in the morning, UTC, on a day in 2026.
const START: u64 = 1_782_900_000;

pub(crate) struct SetClock(AtomicI64);

impl Clock for SetClock {
    fn now(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

pub(crate) struct House {
    app: Arc<Keyhaven>,
    ctx: Ctx,
    clock: Arc<SetClock>,
    connector: Connector,
    pub connection: String,
    pub sandbox: Sandbox,
    pub folder: tempfile::TempDir,
}

impl House {
    /// `change` makes the company.
    pub(crate) async fn new(change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sandbox = Sandbox::start(([127, 0, 0, 1], 0).into()).await.unwrap();
        sandbox.state().set(|settings| {
            (settings.burst_limit, settings.daily_budget) = (1_000_000, 1_000_000_000);
            change(settings);
        });
        let clock = Arc::new(SetClock(AtomicI64::new(START as i64 * 1000)));
        let to = format!("*.pipedrive.com=http://{}", sandbox.address());
        let egress = EgressConfig {
            overrides: Override::parse_list(&to).unwrap(),
            answer_timeout: Duration::from_millis(300),
            ..EgressConfig::default()
        };
        let options = Options {
            database: format!("sqlite:{}", folder.path().join("k.db").display()),
            master_key: MasterKeySource::DataFolder(folder.path().join("master.key")),
            connectors: None,
            egress,
            verify_every: Duration::from_secs(6 * 3600),
            keep_calls: Duration::from_secs(7 * 86_400),
            support: None,
            sync_folder: None,
        };
        let app = Keyhaven::open_with(options, clock.clone(), Arc::new(SystemRng)).await.unwrap();
        let ctx = app.ctx(Actor::CommandLine);
        let connector = app.catalogue().get("pipedrive").unwrap().clone();
        let new = NewConnection { connector: "pipedrive".into(), name: "Sales".into(), fields: fields(KEY) };
        let connection = connections::create(&app, &ctx, new, None).await.unwrap().id;
        let house = Self { app: Arc::new(app), ctx, clock, connector, connection, sandbox, folder };
        house.set_time(START);
        house
    }

    /// Seconds since 1970, for Keyhaven and for the app. The app's clock stands still.
    pub(crate) fn now(&self) -> u64 {
        self.clock.now() as u64 / 1000
    }

    pub(crate) fn set_time(&self, seconds: u64) {
        self.clock.0.store(seconds as i64 * 1000, Ordering::SeqCst);
        self.sandbox.state().freeze_clock(seconds);
    }

    pub(crate) fn act(&self, act: Act) -> Value {
        self.sandbox.state().act(ACME, &act).unwrap()
    }

    pub(crate) fn truth(&self, kind: Kind) -> Vec<Value> {
        self.sandbox.state().truth(ACME, kind)
    }

    pub(crate) fn plan(&self, to: &str) -> Plan {
        let wanted = Wanted {
            to: to.into(),
            streams: Vec::new(),
            deleted: Deleted::Keep,
            sweep: Sweep::Due,
            share: 1.0,
        };
        wanted.plan(&self.connector, &self.connection, "sales", self.clock.clone()).unwrap()
    }

    /// The same with small pages.
    pub(crate) fn paged(&self, to: &str, size: u64) -> Plan {
        let plan = self.plan(to);
        let mut streams = (*plan.streams).clone();
        for stream in &mut streams.streams {
            stream.size = size;
            if let Some(each) = &mut stream.each {
                each.many = each.many.min(size as usize);
            }
        }
        Plan { streams: Arc::new(streams), ..plan }
    }

    pub(crate) fn change(&self, kind: Kind, id: u64, fields: Map<String, Value>) {
        self.act(Act::Change { kind, id: id.into(), fields });
    }

    pub(crate) fn source(&self) -> AppSource {
        AppSource::here(self.app.clone(), self.ctx.clone(), &self.connection, self.connector.clone())
    }

    pub(crate) async fn run(&self, plan: &Plan) -> Result<Report, SyncError> {
        self.run_told(plan, &Teller::new().0, &watch::channel(false).1).await
    }

    /// A run that was dropped a moment ago may still be letting go of the destination.
    pub(crate) async fn run_told(
        &self,
        plan: &Plan,
        teller: &Teller,
        cancelled: &watch::Receiver<bool>,
    ) -> Result<Report, SyncError> {
        let (source, mut patience) = (self.source(), 200);
        loop {
            let done = syncs::run(&source, plan, teller, cancelled.clone()).await;
            match done {
                Err(error) if error.kind == Failure::Busy && patience > 0 => patience -= 1,
                done => return done,
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Another key, as somebody would save it.
    pub(crate) async fn save_key(&self, key: &str) {
        let change = Change {
            name: None,
            fields: Some(fields(key)),
            revision: None,
            if_other_account: IfOtherAccount::Refuse,
        };
        connections::change(&self.app, &self.ctx, &self.connection, change).await.unwrap();
    }
}

fn fields(key: &str) -> Inputs {
    [("api_key", key), ("domain", "acme")].map(|(id, value)| (id.into(), Secret::new(value.into()))).into()
}

/// Both kinds of database: where to copy to, and a look into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Database {
    Sqlite,
    Postgres,
}

impl Database {
    pub(crate) const BOTH: [Self; 2] = [Self::Sqlite, Self::Postgres];

    pub(crate) fn make(self, folder: &Path) -> (String, Look) {
        match self {
            Self::Sqlite => {
                let path = folder.join("crm.db");
                (format!("sqlite:{}", path.display()), Look::Sqlite(path))
            }
            Self::Postgres => {
                let url = Postgres::shared().create_database();
                (format!("{url}?schema=crm"), Look::Postgres(url, "crm".into()))
            }
        }
    }
}
