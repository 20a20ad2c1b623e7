//! A connection that may be called.

use std::{
    cell::Cell,
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use http::{HeaderName, HeaderValue};
use keyhaven_connectors::{Connector, Fault, Reason};
use keyhaven_store::{ConnectionRow, SecretRow};
use keyhaven_vault::{Place, Unwrapped};
use tokio::time::Instant;

use super::governor::Governor;
use crate::{
    Error, Keyhaven,
    connection::{self, Dated},
    egress::Way,
    usage,
};

/// How often is looked what others have used.
pub(super) const LOOK_AT_USE: Duration = Duration::from_secs(5);

/// Its secrets stay encrypted.
pub(crate) struct Target {
    pub id: Arc<str>,
    pub row: ConnectionRow,
    pub connector: Arc<Connector>,
    pub credential: HeaderName,
    pub plain: BTreeMap<String, String>,
    /// By host; the first is for whoever names none.
    pub ways: Vec<(String, Way, String)>,
    pub governor: Option<Arc<Governor>>,
    /// What made its status; nothing, if nothing did yet.
    pub settled: Option<Reason>,
    /// When was looked last what others have used.
    looked: Mutex<Instant>,
    /// By field.
    secrets: Vec<(String, Unwrapped)>,
}

impl Target {
    pub(super) fn read(
        app: &Keyhaven,
        row: ConnectionRow,
        secrets: Vec<SecretRow>,
        governor: Option<Arc<Governor>>,
    ) -> Result<Self, Error> {
        let gone = || Error::ConnectorGone(row.connector.clone());
        let connector = app.catalogue.share(&row.connector).ok_or_else(gone)?;
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
        Ok(Self {
            id: row.id.as_str().into(),
            credential,
            plain,
            ways,
            governor,
            settled: connection::read::<Dated>(row.verdict.as_deref())?.map(|dated| dated.verdict.reason),
            looked: Mutex::new(Instant::now()),
            secrets,
            connector,
            row,
        })
    }

    /// Opens the secrets that are needed and makes what stands where the app takes its credential. Nothing of it stays.
    pub(super) fn open_credential(&self) -> Result<HeaderValue, Error> {
        let unopened = Cell::new(None);
        let secret = |field: &str| {
            let (_, secret) = self.secrets.iter().find(|(name, _)| name == field)?;
            secret.open().inspect_err(|error| unopened.set(Some(error.clone()))).ok()
        };
        self.connector.credential(&self.plain, secret).ok_or_else(|| match unopened.take() {
            Some(error) => error.into(),
            None => Error::NothingToDo("the saved values make no credential; edit the connection"),
        })
    }

    /// Hears how large today's budget is and what each token has used of it, on other servers and before this process
    /// began.
    pub(super) async fn look_at_use(&self, app: &Arc<Keyhaven>) -> Result<(), Error> {
        let Some(governor) = &self.governor else { return Ok(()) };
        let (on_main, id) = (app.clone(), self.id.clone());
        let (told, stopped_until, used) = app
            .on_main(async move {
                let ctx = on_main.ctx(crate::Actor::System);
                let told = usage::last_told(&on_main, &ctx, &id).await?;
                let stopped_until = usage::stopped_until(&on_main, &ctx, &id).await?;
                Ok::<_, Error>((told, stopped_until, usage::by_token(&on_main, &ctx, &id).await?))
            })
            .await?;
        let told = told.and_then(|told| u64::try_from(told.limit).ok());
        governor.remember(
            app.now(),
            told,
            stopped_until,
            used.into_iter().map(|it| (it.token, it.counts.cost)),
        );
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
        Box::pin(self.look_at_use(app)).await
    }
}
