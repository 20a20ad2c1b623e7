//! The application: everything the use cases need, opened once.

use std::{
    future::Future,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use keyhaven_connectors::{Catalogue, CatalogueError};
use keyhaven_store::{Store, StoreError};
use keyhaven_vault::{OpenError as VaultError, SealError, WorkspaceKey, WrappedKey};
use tokio::{runtime::Handle, sync::Notify, time::timeout};

use crate::{
    Actor, Clock, Ctx, Error, MasterKeyError, MasterKeySource, Metrics, RequestId, Rng, SystemClock,
    SystemRng, catalogue, connections,
    egress::{Door, Egress, EgressConfig, EgressError},
    policy::Policy,
    proxy::{Feedback, Known},
    syncs::LiveSyncs,
    usage::{Recorder, ToldBudgets},
};

/// The one workspace there is until accounts come.
pub(crate) const DEFAULT_WORKSPACE: &str = "default";

const READY_WITHIN: Duration = Duration::from_secs(3);

/// How to open Keyhaven.
pub struct Options {
    /// `sqlite:PATH` or `postgres://…`.
    pub database: String,
    /// Where the master key comes from.
    pub master_key: MasterKeySource,
    /// A folder of further connectors.
    pub connectors: Option<PathBuf>,
    /// The one door out.
    pub egress: EgressConfig,
    /// How often each connection is verified in the background.
    pub verify_every: Duration,
    /// How long calls are remembered one by one.
    pub keep_calls: Duration,
    /// Where syncs write files; without it they write none.
    pub sync_folder: Option<PathBuf>,
    /// Shown beside each `!`: whom to ask. A mail address, a URL or words.
    pub support: Option<String>,
}

/// Why Keyhaven does not start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The master key.
    #[error(transparent)]
    MasterKey(#[from] MasterKeyError),
    /// The master key is not the one that sealed this database.
    #[error("this master key did not seal this database: {0}; start with the key file that belongs to it")]
    OtherMasterKey(#[source] VaultError),
    /// The workspace key cannot be made.
    #[error("the workspace key cannot be made: {0}")]
    WorkspaceKey(#[source] SealError),
    /// A connector is wrong; each error names file, line and field.
    #[error("{}", one_per_line(.0))]
    Catalogue(Vec<CatalogueError>),
    /// The connectors folder cannot be read.
    #[error("the connectors folder {path} cannot be read: {source}")]
    ConnectorsFolder {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The door out cannot be set up.
    #[error(transparent)]
    Egress(#[from] EgressError),
}

fn one_per_line(errors: &[CatalogueError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Keyhaven, opened: the faces hold one and hand it to the use cases.
pub struct Keyhaven {
    pub(crate) store: Store,
    pub(crate) key: WorkspaceKey,
    pub(crate) catalogue: Catalogue,
    pub(crate) egress: Egress,
    /// Where the database is spoken to, whichever thread asks.
    pub(crate) runtime: Handle,
    pub(crate) known: Known,
    pub(crate) feedback: Feedback,
    pub(crate) metrics: Metrics,
    pub(crate) verify_every: Duration,
    pub(crate) keep_calls: Duration,
    pub(crate) recorder: Recorder,
    pub(crate) told: ToldBudgets,
    /// Rung when a job may be due sooner than the worker thinks.
    pub(crate) job_scheduled: Notify,
    /// Rung when a sync may be due sooner than its runner thinks.
    pub(crate) sync_due: Notify,
    pub(crate) live_syncs: LiveSyncs,
    pub(crate) sync_folder: Option<PathBuf>,
    /// The master key file, if other users of the machine can read it.
    pub(crate) exposed_master_key: Option<PathBuf>,
    support: Option<String>,
    unlimited: Arc<Policy>,
    /// Tells the requests of this run from those of others.
    run: String,
    requests: AtomicU64,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
}

impl Keyhaven {
    /// Opens database, key, catalogue and egress; makes what a first start needs.
    pub async fn open(options: Options) -> Result<Self, OpenError> {
        Self::open_with(options, Arc::new(SystemClock), Arc::new(SystemRng)).await
    }

    /// [`Keyhaven::open`] with the time and the randomness of the caller.
    pub async fn open_with(
        options: Options,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Result<Self, OpenError> {
        let catalogue = catalogue::load(options.connectors.as_deref())?;
        let egress = Egress::new(options.egress)?;
        let store = Store::open(&options.database).await?;
        store.ensure_workspace(DEFAULT_WORKSPACE, "Default", clock.now()).await?;
        let unlimited = Arc::new(Policy::default());
        let ctx = Ctx {
            actor: Actor::System,
            workspace: DEFAULT_WORKSPACE.into(),
            client: None,
            policy: unlimited.clone(),
            clock: clock.clone(),
            rng: rng.clone(),
        };
        let key = workspace_key(&store, &ctx, &options.master_key).await?;
        let exposed_master_key = options.master_key.readable_by_others();
        if let Some(path) = &exposed_master_key {
            tracing::warn!(path = %path.display(), "other users of this machine can read the master key; run chmod 600 on it");
        }
        Ok(Self {
            store,
            key,
            catalogue,
            egress,
            runtime: Handle::current(),
            known: Known::default(),
            feedback: Feedback::default(),
            metrics: Metrics::default(),
            verify_every: options.verify_every,
            keep_calls: options.keep_calls,
            recorder: Recorder::default(),
            told: ToldBudgets::default(),
            job_scheduled: Notify::new(),
            sync_due: Notify::new(),
            live_syncs: LiveSyncs::default(),
            sync_folder: options.sync_folder,
            exposed_master_key,
            support: options.support,
            unlimited,
            run: run_id(&ctx),
            requests: AtomicU64::new(0),
            clock,
            rng,
        })
    }

    /// A context for `actor` in the default workspace, without limits. Only faces that have already established who is
    /// asking may call it: the command line of the machine itself and the background worker.
    pub fn ctx(&self, actor: Actor) -> Ctx {
        Ctx {
            actor,
            workspace: DEFAULT_WORKSPACE.into(),
            client: None,
            policy: self.unlimited.clone(),
            clock: self.clock.clone(),
            rng: self.rng.clone(),
        }
    }

    /// Connections to apps for one thread that sends many requests.
    pub fn door(&self) -> Door {
        self.egress.door()
    }

    /// Runs work with the database on the threads that hold its connections.
    pub(crate) async fn on_main<T, E>(
        &self,
        work: impl Future<Output = Result<T, E>> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let done = self.runtime.spawn(work).await;
        done.unwrap_or_else(|_| Err(StoreError::Unavailable("the main threads are ending".into()).into()))
    }

    /// Now, by the clock that came in.
    pub fn now(&self) -> i64 {
        self.clock.now()
    }

    /// Names one request in log and answer.
    pub fn new_request_id(&self) -> RequestId {
        RequestId::new(&self.run, self.requests.fetch_add(1, Ordering::Relaxed))
    }

    /// Tells this process from others on the same database.
    pub(crate) fn run_name(&self) -> &str {
        &self.run
    }

    /// The apps that can be connected.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// Whom to ask when something does not work, if the admin said so.
    pub fn support(&self) -> Option<&str> {
        self.support.as_deref()
    }

    /// Development overrides of the door out, as text; a face shows them loudly.
    pub fn egress_overrides(&self) -> Vec<String> {
        self.egress.overrides()
    }

    /// Counters to add to.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Where calls are recorded.
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// All counters, in Prometheus' text form.
    pub async fn metrics_text(&self, ctx: &Ctx) -> Result<String, Error> {
        ctx.may_see_figures()?;
        let counts = connections::counts(self, ctx).await?;
        self.metrics.set_connections(counts.all, counts.attention);
        Ok(self.metrics.text())
    }

    /// Does the database answer? Told within three seconds: whoever watches does not wait for longer.
    pub async fn ready(&self) -> Result<(), StoreError> {
        let late = |_| Err(StoreError::Unavailable("no answer within 3 seconds".into()));
        timeout(READY_WITHIN, self.store.ping()).await.unwrap_or_else(late)
    }

    /// Waits for the verifications that calls asked for, ten seconds at most.
    pub async fn finish_checks(&self) {
        self.feedback.finish().await;
    }

    /// Writes everything to disk and closes the database.
    pub async fn close(&self) {
        self.store.close().await;
    }
}

fn run_id(ctx: &Ctx) -> String {
    ctx.new_id("").trim_start_matches('_').chars().take(10).collect()
}

/// Opens the workspace's key, or makes it on the first start. Two first starts at once agree: the
/// second to write reads what the first has written.
async fn workspace_key(
    store: &Store,
    ctx: &Ctx,
    source: &MasterKeySource,
) -> Result<WorkspaceKey, OpenError> {
    let scope = ctx.scope();
    let stored = store.read(&scope).workspace_key().await?;
    let master = source.load(stored.is_some())?;
    let open = |bytes: Vec<u8>| {
        let wrapped = WrappedKey::from_bytes(bytes).map_err(OpenError::OtherMasterKey)?;
        master.unwrap_workspace_key(&ctx.workspace, &wrapped).map_err(OpenError::OtherMasterKey)
    };
    if let Some(row) = stored {
        return open(row.wrapped);
    }
    let (key, wrapped) = master.new_workspace_key(&ctx.workspace).map_err(OpenError::WorkspaceKey)?;
    let mut tx = store.begin(&scope).await?;
    let key_id = key.id().to_string();
    tx.put_workspace_key(&key_id, &master.id().to_string(), wrapped.as_bytes()).await?;
    ctx.audit(&mut tx, "workspace_key.create", &key_id).await?;
    match tx.commit().await {
        Ok(()) => Ok(key),
        Err(StoreError::Conflict) => match store.read(&scope).workspace_key().await? {
            Some(row) => open(row.wrapped),
            None => Err(StoreError::Conflict.into()),
        },
        Err(error) => Err(error.into()),
    }
}
