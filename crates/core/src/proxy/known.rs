//! Tokens and connections that are in use, remembered until one of them changes anywhere.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use http::{HeaderMap, HeaderName};
use keyhaven_connectors::{Connector, Fault, Status};
use keyhaven_store::{ConnectionRow, SecretRow, StoreError};
use keyhaven_vault::{Place, Secret, TokenHash, Unwrapped};
use tokio::time::Instant;

use super::{
    governor::Governor,
    meter::{Meter, Used},
};
use crate::{
    Ctx, Error, Keyhaven,
    egress::Way,
    tokens::{self, AccessToken},
    usage,
};

/// Changes that other processes make are noticed within this time; those of this process at once.
pub(crate) const FRESH: Duration = Duration::from_millis(100);

/// How often is looked what a token with quotas, or with a share of a budget, has used on other servers.
const LOOK_AT_USE: Duration = Duration::from_secs(5);

/// Somebody who may call.
pub(crate) struct Caller {
    /// The token's id, or whoever else it is.
    pub id: Arc<str>,
    pub ctx: Ctx,
    pub meter: Arc<Meter>,
}

/// A token that was shown before.
struct Holder {
    id: Arc<str>,
    token: AccessToken,
    ctx: Ctx,
    meter: Arc<Meter>,
    /// With quotas: when it is looked up again.
    until: Option<Instant>,
}

/// A connection that may be called. Its secrets stay encrypted.
pub(crate) struct Target {
    pub id: Arc<str>,
    pub row: ConnectionRow,
    pub credential: HeaderName,
    pub plain: BTreeMap<String, String>,
    /// By host; the first is for whoever names none.
    pub ways: Vec<(String, Way, String)>,
    pub governor: Option<Arc<Governor>>,
    /// When was looked last what others have used.
    looked: Mutex<Instant>,
    /// By field.
    secrets: Vec<(String, Unwrapped)>,
}

impl Target {
    /// It worked when it was last verified.
    pub(super) fn is_valid(&self) -> bool {
        self.row.status == Status::Valid.as_str()
    }

    /// Opens the secrets and puts the credential where the app takes it. Nothing of it stays.
    pub(super) fn authorise(&self, app: &Keyhaven, headers: &mut HeaderMap) -> Result<(), Error> {
        let open = |(field, secret): &'_ (String, Unwrapped)| Ok((field.clone(), secret.open()?));
        let secret: BTreeMap<String, Secret> = self.secrets.iter().map(open).collect::<Result<_, Error>>()?;
        let credential = self
            .connector(app)?
            .credential(&self.plain, &secret)
            .ok_or(Error::NothingToDo("the saved values make no credential; edit the connection"))?;
        headers.insert(self.credential.clone(), credential);
        Ok(())
    }

    /// Hears what each token has used of today's budget, on other servers and before this process began.
    async fn look_at_use(&self, app: &Arc<Keyhaven>) -> Result<(), Error> {
        let Some(governor) = &self.governor else { return Ok(()) };
        let (on_main, id) = (app.clone(), self.id.clone());
        let used = app
            .on_main(async move {
                let ctx = on_main.ctx(crate::Actor::System);
                usage::by_token(&on_main, &ctx, &id).await
            })
            .await?;
        governor.remember(app.now(), used.into_iter().map(|it| (it.token, it.counts.cost)));
        Ok(())
    }

    /// The same now and then, for whoever has a share of the budget.
    pub(super) async fn look_again(&self, app: &Arc<Keyhaven>) -> Result<(), Error> {
        {
            let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
            if looked.elapsed() < LOOK_AT_USE {
                return Ok(());
            }
            *looked = Instant::now();
        }
        self.look_at_use(app).await
    }

    pub(super) fn connector<'a>(&self, app: &'a Keyhaven) -> Result<&'a Connector, Error> {
        app.catalogue.get(&self.row.connector).ok_or_else(|| Error::ConnectorGone(self.row.connector.clone()))
    }
}

/// What is remembered.
pub(crate) struct Known {
    origin: Instant,
    /// Milliseconds after `origin` until which everything counts as fresh.
    fresh_until: AtomicU64,
    changes: AtomicU64,
    generation: AtomicI64,
    /// One asks for all; when and why it failed the last time.
    asking: tokio::sync::Mutex<Option<(Instant, String)>>,
    holders: RwLock<HashMap<TokenHash, Arc<Holder>>>,
    targets: RwLock<HashMap<String, Arc<Target>>>,
    /// These outlive changes: what was used stays used.
    governors: Mutex<HashMap<String, Arc<Governor>>>,
    meters: Mutex<HashMap<String, Arc<Meter>>>,
}

impl Default for Known {
    fn default() -> Self {
        Self {
            origin: Instant::now(),
            fresh_until: AtomicU64::new(0),
            changes: AtomicU64::new(0),
            generation: AtomicI64::new(-1),
            asking: tokio::sync::Mutex::default(),
            holders: RwLock::default(),
            targets: RwLock::default(),
            governors: Mutex::default(),
            meters: Mutex::default(),
        }
    }
}

impl Known {
    fn is_fresh(&self, app: &Keyhaven) -> bool {
        let now = self.origin.elapsed().as_millis() as u64;
        now < self.fresh_until.load(Ordering::Acquire)
            && self.changes.load(Ordering::Acquire) == app.store.changes()
    }

    /// Forgets everything if something has changed since it was read.
    pub(super) async fn refresh(&self, app: &Arc<Keyhaven>) -> Result<(), Error> {
        if self.is_fresh(app) {
            return Ok(());
        }
        let came = Instant::now();
        let mut asking = self.asking.lock().await;
        if self.is_fresh(app) {
            return Ok(());
        }
        // Who waited while the database did not answer need not wait for it once more.
        if let Some((_, why)) = asking.as_ref().filter(|(at, _)| *at >= came) {
            return Err(StoreError::Unavailable(why.clone()).into());
        }
        let (now, changes) = (self.origin.elapsed(), app.store.changes());
        let on_main = app.clone();
        let generation = app
            .on_main(async move {
                let ctx = on_main.ctx(crate::Actor::System);
                on_main.store.read(&ctx.scope()).generation().await
            })
            .await
            .inspect_err(|error| *asking = Some((Instant::now(), error.to_string())))?;
        if self.generation.swap(generation, Ordering::AcqRel) != generation {
            self.holders.write().unwrap_or_else(PoisonError::into_inner).clear();
            self.targets.write().unwrap_or_else(PoisonError::into_inner).clear();
        }
        self.changes.store(changes, Ordering::Release);
        self.fresh_until.store((now + FRESH).as_millis() as u64, Ordering::Release);
        Ok(())
    }

    /// Whoever shows a token with this hash, from there.
    pub(super) async fn caller(
        &self,
        app: &Arc<Keyhaven>,
        hash: TokenHash,
        client: Option<IpAddr>,
    ) -> Result<Caller, Error> {
        let holder = self.holder(app, hash).await?;
        tokens::check(&holder.token, client, app.now())?;
        let ctx = holder.ctx.clone().with_client(client);
        Ok(Caller { id: holder.id.clone(), ctx, meter: holder.meter.clone() })
    }

    async fn holder(&self, app: &Arc<Keyhaven>, hash: TokenHash) -> Result<Arc<Holder>, Error> {
        let known = self.holders.read().unwrap_or_else(PoisonError::into_inner).get(&hash).cloned();
        if let Some(known) = known.filter(|it| it.until.is_none_or(|until| Instant::now() < until)) {
            return Ok(known);
        }
        let on_main = app.clone();
        let (token, ctx, used) = app
            .on_main(async move {
                let found = tokens::lookup(&on_main, &hash).await?;
                let (token, workspace) = found.ok_or(tokens::REFUSED)?;
                let ctx = tokens::holder(&on_main, &token, &workspace);
                let used = Used::read(&on_main, &ctx, &token.id).await?;
                Ok::<_, Error>((token, ctx, used))
            })
            .await?;
        let meter = self.meter(&token.id);
        used.iter().for_each(|used| meter.remember(used));
        let until = used.map(|_| Instant::now() + LOOK_AT_USE);
        let holder = Arc::new(Holder { id: token.id.as_str().into(), meter, token, ctx, until });
        self.holders.write().unwrap_or_else(PoisonError::into_inner).insert(hash, holder.clone());
        Ok(holder)
    }

    pub(super) fn meter(&self, caller: &str) -> Arc<Meter> {
        let mut meters = self.meters.lock().unwrap_or_else(PoisonError::into_inner);
        meters.entry(caller.to_owned()).or_default().clone()
    }

    /// The connection with this id or slug.
    pub(super) async fn target(&self, app: &Arc<Keyhaven>, which: &str) -> Result<Arc<Target>, Error> {
        let known = self.targets.read().unwrap_or_else(PoisonError::into_inner).get(which).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let (on_main, name) = (app.clone(), which.to_owned());
        let (row, secrets) = app
            .on_main(async move {
                let ctx = on_main.ctx(crate::Actor::System);
                let row = crate::connections::live_row(&on_main, &ctx, &name).await?;
                let secrets = on_main.store.read(&ctx.scope()).secrets(&row.id).await?;
                Ok::<_, Error>((row, secrets))
            })
            .await?;
        let target = Arc::new(self.read(app, row, secrets)?);
        target.look_at_use(app).await?;
        self.targets.write().unwrap_or_else(PoisonError::into_inner).insert(which.to_owned(), target.clone());
        Ok(target)
    }

    /// Counts requests that go to the app by another way, such as a verification.
    pub(crate) fn note(&self, connection: &str, requests: u32) {
        let governors = self.governors.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(governor) = governors.get(connection) {
            governor.note(requests);
        }
    }

    fn read(&self, app: &Keyhaven, row: ConnectionRow, secrets: Vec<SecretRow>) -> Result<Target, Error> {
        let gone = || Error::ConnectorGone(row.connector.clone());
        let connector = app.catalogue.get(&row.connector).ok_or_else(gone)?;
        let plain: BTreeMap<String, String> = serde_json::from_str(&row.fields)?;
        let allowed = connector.hosts(&plain);
        let ways: Result<Vec<_>, Fault> = connector
            .origins(&plain)
            .iter()
            .map(|origin| {
                let way = app.egress.way(&allowed, origin)?;
                let host = origin.host_str().unwrap_or_default().to_owned();
                Ok((host, way, origin.path().trim_end_matches('/').to_owned()))
            })
            .collect();
        let unusable = || Error::NothingToDo("the saved values name no host; edit the connection");
        let ways = ways.ok().filter(|ways| !ways.is_empty()).ok_or_else(unusable)?;
        let credential = connector.credential_header(&plain).ok_or_else(unusable)?;
        let governor = connector.limits.as_ref().map(|limits| {
            let mut governors = self.governors.lock().unwrap_or_else(PoisonError::into_inner);
            governors.entry(row.id.clone()).or_insert_with(|| Arc::new(Governor::new(limits.clone()))).clone()
        });
        let unwrap = |it: SecretRow| {
            let place = Place {
                workspace: &row.workspace,
                connection: &row.id,
                field: &it.field,
                version: it.version,
            };
            let secret = app.key.unwrap(&place, &it.sealed)?;
            Ok((it.field, secret))
        };
        let secrets = secrets.into_iter().map(unwrap).collect::<Result<_, Error>>()?;
        Ok(Target {
            id: row.id.as_str().into(),
            credential,
            plain,
            ways,
            governor,
            looked: Mutex::new(Instant::now()),
            secrets,
            row,
        })
    }
}
