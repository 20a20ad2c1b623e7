//! Save a new connection: sealed, stored, verified.

use keyhaven_connectors::{Inputs, Status};
use keyhaven_store::{Claim, NewConnectionRow, Tx};

use super::{connector_of, put_secrets, row, search_key, verify};
use crate::{Connection, Ctx, Error, Keyhaven, ctx::Millis, jobs, names, verification};

/// What the form sends.
pub struct NewConnection {
    /// The connector's id.
    pub connector: String,
    /// The connection's name.
    pub name: String,
    /// The connector's fields.
    pub fields: Inputs,
}

/// Makes repeating a request harmless.
pub struct Idempotency {
    /// The caller's key.
    pub key: String,
    /// The whole request as sent, to tell a repetition from another request. Only a keyed hash is kept.
    pub request: Vec<u8>,
}

/// If this process dies while it verifies, the background worker does it after this time.
const VERIFIED_BY_NOW: Millis = 20_000;
const MAX_IDEMPOTENCY_KEY: usize = 255;

/// Checks the fields, stores the secrets sealed, and verifies them. A credential that fails is stored, too.
pub async fn create(
    app: &Keyhaven,
    ctx: &Ctx,
    new: NewConnection,
    idempotency: Option<Idempotency>,
) -> Result<Connection, Error> {
    ctx.may_add()?;
    let connector =
        app.catalogue.get(&new.connector).ok_or_else(|| Error::UnknownConnector(new.connector.clone()))?;
    let (name, values) = match (names::check(&new.name), connector.check(new.fields)) {
        (Ok(name), Ok(values)) => (name, values),
        (name, values) => {
            let mut wrong: Vec<_> = name.err().into_iter().collect();
            wrong.extend(values.err().unwrap_or_default());
            return Err(Error::Invalid(wrong));
        }
    };
    let claim = idempotency.map(|given| claim(app, given)).transpose()?;
    if let Some(claim) = &claim
        && let Some(first) = app.store.read(&ctx.scope()).idempotency(&claim.key).await?
    {
        return replay(app, ctx, claim, &first.fingerprint, &first.subject).await;
    }

    let now = ctx.now();
    let mut wanted = NewConnectionRow {
        id: ctx.new_id("cn"),
        slug: names::slug(&name, &connector.id),
        connector: connector.id.clone(),
        sort_key: name.to_lowercase(),
        search_key: String::new(),
        fields: serde_json::to_string(&values.plain)?,
        status: Status::Unverified.as_str().into(),
        next_check_at: now + VERIFIED_BY_NOW,
        name,
    };
    let id = wanted.id.clone();
    // The app is asked while the disk writes: two waits that need not add up.
    let store = async {
        let mut tx = app.store.begin(&ctx.scope()).await?;
        if let Some(claim) = &claim {
            tx.claim_idempotency(claim, &id).await?;
        }
        free_slug(ctx, &mut tx, &mut wanted.slug).await?;
        wanted.search_key = search_key(&wanted.name, &wanted.slug, &connector.name, &values.plain, "");
        tx.insert_connection(&wanted).await?;
        put_secrets(app, &mut tx, ctx, &id, &values.secret, 1).await?;
        tx.schedule_job(jobs::VERIFY, &id, wanted.next_check_at).await?;
        ctx.audit(&mut tx, "connection.create", &id).await?;
        tx.commit().await?;
        row(app, ctx, &id).await
    };
    let (stored, checked) = tokio::join!(store, verification::check(app, now, connector, &values));
    let stored = match (stored, &claim) {
        (Ok(stored), _) => stored,
        // Somebody sent the same request at the same time, and was first.
        (Err(Error::Store(keyhaven_store::StoreError::Conflict)), Some(claim)) => {
            let first = app.store.read(&ctx.scope()).idempotency(&claim.key).await?;
            let first = first.ok_or(Error::IdempotencyInProgress)?;
            return replay(app, ctx, claim, &first.fingerprint, &first.subject).await;
        }
        (Err(error), _) => return Err(error),
    };
    verify::record(app, ctx, stored, &checked, verify::Trigger::Save).await
}

fn claim(app: &Keyhaven, given: Idempotency) -> Result<Claim, Error> {
    if given.key.is_empty() || given.key.len() > MAX_IDEMPOTENCY_KEY {
        return Err(Error::field("Idempotency-Key", "It must have 1 to 255 characters."));
    }
    let fingerprint = app.key.fingerprint("idempotency", &given.request).to_vec();
    Ok(Claim { key: given.key, fingerprint })
}

/// The answer to a repetition: the connection that the first request made, as it is now.
async fn replay(
    app: &Keyhaven,
    ctx: &Ctx,
    claim: &Claim,
    first: &[u8],
    subject: &str,
) -> Result<Connection, Error> {
    if first != claim.fingerprint {
        return Err(Error::IdempotencyMismatch);
    }
    let made = row(app, ctx, subject).await?;
    connector_of(app, &made)?;
    if made.checked_at.is_none() && ctx.now() < made.created_at + VERIFIED_BY_NOW {
        return Err(Error::IdempotencyInProgress);
    }
    app.view(made)
}

/// `sales-eu`, or `sales-eu-2`, … where it is taken; some random letters where those are, too.
async fn free_slug(ctx: &Ctx, tx: &mut Tx, slug: &mut String) -> Result<(), Error> {
    let base = slug.clone();
    for n in 2..=4 {
        if !tx.slug_taken(slug).await? {
            return Ok(());
        }
        *slug = format!("{base}-{n}");
    }
    *slug = ctx.new_id(&base).replace('_', "-");
    Ok(())
}
