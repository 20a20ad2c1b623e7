//! Tokens and connections that are in use, remembered until one of them changes anywhere.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use keyhaven_connectors::Limits;
use keyhaven_store::StoreError;
use keyhaven_vault::TokenHash;
use tokio::time::Instant;

use super::{
    governor::Governor,
    meter::{Meter, Used},
    target::{LOOK_AT_USE, Target},
};
use crate::{
    Ctx, Error, Keyhaven, Map, Millis,
    tokens::{self, AccessToken},
};

/// Changes that other processes make are noticed within this time; those of this process at once.
pub(crate) const FRESH: Duration = Duration::from_millis(100);

/// Somebody who may call.
pub(crate) struct Caller {
    /// The token's id, or whoever else it is.
    pub id: Arc<str>,
    pub ctx: Ctx,
    pub meter: Arc<Meter>,
}

/// A token that was shown before.
struct Holder {
    token: AccessToken,
    caller: Arc<Caller>,
    /// With quotas: when it is looked up again.
    until: Option<Instant>,
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
    holders: RwLock<Map<TokenHash, Arc<Holder>>>,
    targets: RwLock<Map<String, Arc<Target>>>,
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
    fn is_fresh(&self, app: &Keyhaven, now: Instant) -> bool {
        let now = now.saturating_duration_since(self.origin).as_millis() as u64;
        now < self.fresh_until.load(Ordering::Acquire)
            && self.changes.load(Ordering::Acquire) == app.store.changes()
    }

    /// Forgets everything if something has changed since it was read, as of now.
    pub(super) async fn refresh(&self, app: &Arc<Keyhaven>, now: Instant) -> Result<(), Error> {
        if self.is_fresh(app, now) {
            return Ok(());
        }
        // What is seldom needed is boxed, here and below: a call in flight holds no room for it.
        Box::pin(self.look_for_changes(app)).await
    }

    async fn look_for_changes(&self, app: &Arc<Keyhaven>) -> Result<(), Error> {
        let came = Instant::now();
        let mut asking = self.asking.lock().await;
        if self.is_fresh(app, Instant::now()) {
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
            .inspect_err(|error| {
                if let StoreError::Unavailable(why) = error {
                    *asking = Some((Instant::now(), why.clone()));
                }
            })?;
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
        now: Millis,
    ) -> Result<Arc<Caller>, Error> {
        let known = self.holders.read().unwrap_or_else(PoisonError::into_inner).get(&hash).cloned();
        let holder = match known.filter(|it| it.until.is_none_or(|until| Instant::now() < until)) {
            Some(known) => known,
            None => Box::pin(self.look_up_holder(app, hash)).await?,
        };
        tokens::check(&holder.token, client, now)?;
        Ok(holder.caller.clone())
    }

    async fn look_up_holder(&self, app: &Arc<Keyhaven>, hash: TokenHash) -> Result<Arc<Holder>, Error> {
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
        let caller = Arc::new(Caller { id: token.id.as_str().into(), ctx, meter });
        let holder = Arc::new(Holder { token, caller, until });
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
        match known {
            Some(known) => Ok(known),
            None => Box::pin(self.look_up_target(app, which)).await,
        }
    }

    async fn look_up_target(&self, app: &Arc<Keyhaven>, which: &str) -> Result<Arc<Target>, Error> {
        let (on_main, name) = (app.clone(), which.to_owned());
        let (row, secrets) = app
            .on_main(async move {
                let ctx = on_main.ctx(crate::Actor::System);
                let row = crate::connections::live_row(&on_main, &ctx, &name).await?;
                let secrets = on_main.store.read(&ctx.scope()).secrets(&row.id).await?;
                Ok::<_, Error>((row, secrets))
            })
            .await?;
        let limits = app.catalogue.get(&row.connector).and_then(|it| it.limits.as_ref());
        let governor = limits.map(|limits| self.governor(&row.id, limits));
        let target = Arc::new(Target::read(app, row, secrets, governor)?);
        target.look_at_use(app).await?;
        self.targets.write().unwrap_or_else(PoisonError::into_inner).insert(which.to_owned(), target.clone());
        Ok(target)
    }

    /// Counts requests that go to the app by another way, such as a verification.
    pub(crate) fn note(&self, connection: &str, requests: u32) {
        self.governor_of(connection).iter().for_each(|governor| governor.note(requests));
    }

    /// Nothing goes out until then; or it may again.
    pub(crate) fn stop(&self, connection: &str, until: Option<Millis>) {
        self.governor_of(connection).iter().for_each(|governor| governor.stop(until));
    }

    /// The connection is another company's: its day begins anew.
    pub(crate) fn begin_anew(&self, connection: &str) {
        self.governor_of(connection).iter().for_each(|governor| governor.begin_anew());
    }

    /// That of a connection which was called.
    fn governor_of(&self, connection: &str) -> Option<Arc<Governor>> {
        self.governors.lock().unwrap_or_else(PoisonError::into_inner).get(connection).cloned()
    }

    /// The connection is no more.
    pub(crate) fn forget(&self, connection: &str) {
        self.governors.lock().unwrap_or_else(PoisonError::into_inner).remove(connection);
    }

    fn governor(&self, connection: &str, limits: &Limits) -> Arc<Governor> {
        let mut governors = self.governors.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Governor::new(limits.clone()));
        governors.entry(connection.to_owned()).or_insert_with(new).clone()
    }
}
