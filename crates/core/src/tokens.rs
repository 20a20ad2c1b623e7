//! Access tokens: what a program shows to Keyhaven.

use std::{net::IpAddr, sync::Arc};

use keyhaven_connectors::FieldError;
use keyhaven_store::{AccessTokenRow, NewAccessToken};
use keyhaven_vault::{Token, TokenKind};
use serde_json::json;

pub use keyhaven_vault::TokenHash;

use crate::{
    Actor, Ctx, Error, Keyhaven, connections,
    ctx::Millis,
    expiry, names,
    policy::{Denied, Policy, PolicyInput},
    proxy,
};

/// One access token, without its secret.
#[derive(Clone, Debug)]
pub struct AccessToken {
    /// `tk_…`.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// Its first characters, to tell it from others.
    pub hint: String,
    /// What it may do.
    pub policy: Arc<Policy>,
    /// When it was made.
    pub created_at: Millis,
    /// When it ends by itself, if it does.
    pub expires_at: Option<Millis>,
    /// When it was last shown to Keyhaven, to the minute.
    pub last_used_at: Option<Millis>,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Millis>,
}

impl AccessToken {
    /// Neither revoked nor expired.
    pub fn is_live(&self, now: Millis) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| end > now)
    }
}

/// What to make.
#[derive(Clone, Debug, Default)]
pub struct NewToken {
    /// Of [`new_id`], for whoever may ask twice for the same one: only one is made.
    pub id: Option<String>,
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub policy: PolicyInput,
    /// When it ends by itself: a span such as `30d`, a day, or an RFC 3339 time; empty: never.
    pub expires_at: String,
}

/// How the text of each begins.
pub(crate) const PREFIX: &str = "kh_";
/// How the id of each begins.
const ID: &str = "tk";
/// Last use is written at most this often, so that reading stays reading.
const TOUCH_EVERY: Millis = 60_000;
pub(crate) const REFUSED: Error = Error::NotSignedIn("this access token is unknown, revoked or expired");

/// The id of a token to be made.
pub fn new_id(ctx: &Ctx) -> String {
    ctx.new_id(ID)
}

fn is_id(text: &str) -> bool {
    let digits = text.strip_prefix(ID).and_then(|rest| rest.strip_prefix('_'));
    digits.is_some_and(|digits| digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Makes a token. Its text is in the answer, and nowhere else ever again.
pub async fn create(app: &Keyhaven, ctx: &Ctx, new: NewToken) -> Result<(AccessToken, Token), Error> {
    ctx.may_manage_tokens()?;
    let name = if new.name.trim().is_empty() {
        let message = "Give the access token a name, such as “nightly sync”.".into();
        Err(FieldError { field: names::NAME_FIELD.into(), message })
    } else {
        names::check(&new.name)
    };
    let policy = checked(app, ctx, new.policy).await?;
    let expires_at = expiry::parse(&new.expires_at, ctx.now());
    let (name, policy, expires_at) = match (name, policy, expires_at) {
        (Ok(name), Ok(policy), Ok(expires_at)) => (name, policy, expires_at),
        (name, policy, expires_at) => {
            let wrong =
                name.err().into_iter().chain(policy.err().unwrap_or_default()).chain(expires_at.err());
            return Err(Error::Invalid(wrong.collect()));
        }
    };
    let token = Token::generate(TokenKind::Access);
    let id = new.id.filter(|id| is_id(id)).unwrap_or_else(|| new_id(ctx));
    let hint = token.hint();
    let mut tx = app.store.begin(&ctx.scope()).await?;
    tx.insert_access_token(&NewAccessToken {
        id: id.clone(),
        name: name.clone(),
        hash: token.hash().as_bytes().to_vec(),
        hint: hint.clone(),
        policy: serde_json::to_string(&policy)?,
        expires_at,
    })
    .await?;
    let details = json!({ "name": name, "policy": policy, "expires_at": expires_at });
    ctx.audit_details(&mut tx, "access_token.create", &id, &details).await?;
    tx.commit().await?;
    let policy = Arc::new(policy);
    let (created_at, last_used_at, revoked_at) = (ctx.now(), None, None);
    Ok((AccessToken { id, name, hint, policy, created_at, expires_at, last_used_at, revoked_at }, token))
}

/// The policy with the ids of its connections in place of slugs; every field that is wrong is named.
async fn checked(
    app: &Keyhaven,
    ctx: &Ctx,
    input: PolicyInput,
) -> Result<Result<Policy, Vec<FieldError>>, Error> {
    let mut policy = match input.check() {
        Ok(policy) => policy,
        Err(wrong) => return Ok(Err(wrong)),
    };
    for which in policy.connections.iter_mut().flatten() {
        match connections::get(app, ctx, which).await {
            Ok(connection) => *which = connection.id,
            Err(Error::NotFound { name, .. }) => {
                let message = format!("There is no connection “{name}”.");
                return Ok(Err(vec![FieldError { field: "connections".into(), message }]));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(Ok(policy))
}

/// All tokens, newest first, the revoked ones too.
pub async fn list(app: &Keyhaven, ctx: &Ctx) -> Result<Vec<AccessToken>, Error> {
    ctx.may_manage_tokens()?;
    let rows = app.store.read(&ctx.scope()).access_tokens().await?;
    rows.into_iter().map(view).collect()
}

/// One token. `which` is its id or its name, where only one that is not revoked has that name.
pub async fn get(app: &Keyhaven, ctx: &Ctx, which: &str) -> Result<AccessToken, Error> {
    let mut found = list(app, ctx).await?;
    found.retain(|token| token.id == which || (token.name == which && token.revoked_at.is_none()));
    // A name may look like an id.
    if let Some(at) = found.iter().position(|token| token.id == which) {
        return Ok(found.swap_remove(at));
    }
    let missing = || Error::NotFound { what: "access token", name: names::shown(which) };
    let one = found.pop().ok_or_else(missing)?;
    if found.is_empty() { Ok(one) } else { Err(Error::SeveralNamed("access tokens")) }
}

/// Ends a token at once. `which` is as in [`get`].
pub async fn revoke(app: &Keyhaven, ctx: &Ctx, which: &str) -> Result<AccessToken, Error> {
    let mut token = get(app, ctx, which).await?;
    let mut tx = app.store.begin(&ctx.scope()).await?;
    tx.revoke_access_token(&token.id).await?;
    let details = json!({ "name": token.name });
    ctx.audit_details(&mut tx, "access_token.revoke", &token.id, &details).await?;
    tx.commit().await?;
    // Once it is told, it holds for every server on this database.
    tokio::time::sleep(proxy::FRESH).await;
    token.revoked_at.get_or_insert(ctx.now());
    Ok(token)
}

/// What is stored of a token's text. `None`: it cannot be one, as its checksum tells without a look into the database.
pub fn hash(text: &str) -> Option<TokenHash> {
    TokenHash::of(TokenKind::Access, text).ok()
}

/// The token with this hash and its workspace, whether it is still accepted or not: that is for [`admit`] to say.
pub async fn lookup(app: &Keyhaven, hash: &TokenHash) -> Result<Option<(AccessToken, String)>, Error> {
    let Some(row) = app.store.access_token_by_hash(hash.as_bytes()).await? else { return Ok(None) };
    let workspace = row.workspace.clone();
    Ok(Some((view(row)?, workspace)))
}

/// Lets a token in that [`lookup`] found, now or some moments ago: refuses what is revoked or expired, or comes from
/// a network that the token is not for. Looks nothing up.
pub fn admit(
    app: &Keyhaven,
    token: &AccessToken,
    workspace: &str,
    client: Option<IpAddr>,
) -> Result<Ctx, Error> {
    let ctx = holder(app, token, workspace);
    check(token, client, ctx.now())?;
    Ok(ctx.with_client(client))
}

/// Whoever has the token; where from is for the caller to add, once [`check`] lets it in.
pub(crate) fn holder(app: &Keyhaven, token: &AccessToken, workspace: &str) -> Ctx {
    let mut ctx = app.ctx(Actor::Token(token.id.as_str().into()));
    ctx.workspace = workspace.into();
    ctx.policy = token.policy.clone();
    ctx
}

/// Refuses a token as [`admit`] does.
pub(crate) fn check(token: &AccessToken, client: Option<IpAddr>, now: Millis) -> Result<(), Error> {
    if !token.is_live(now) {
        return Err(REFUSED);
    }
    match client {
        Some(client) => token.policy.permits_client(client)?,
        None if token.policy.networks.is_empty() => {}
        None => return Err(Denied::Network.into()),
    }
    Ok(())
}

/// Writes down that the token was shown, unless that was done less than a minute ago.
pub async fn note_use(app: &Keyhaven, ctx: &Ctx, token: &AccessToken) -> Result<(), Error> {
    if token.last_used_at.is_none_or(|last| last + TOUCH_EVERY <= ctx.now()) {
        let mut tx = app.store.begin(&ctx.scope()).await?;
        tx.touch_access_token(&token.id).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Who shows this token, from where? Refuses unknown, revoked and expired ones alike;
/// a typing error is told as one.
pub async fn authenticate(app: &Keyhaven, text: &str, client: Option<IpAddr>) -> Result<Ctx, Error> {
    let unknown = || if text.starts_with(PREFIX) { Error::MistypedToken } else { REFUSED };
    let hash = hash(text).ok_or_else(unknown)?;
    let (token, workspace) = lookup(app, &hash).await?.ok_or(REFUSED)?;
    let ctx = admit(app, &token, &workspace, client)?;
    note_use(app, &ctx, &token).await?;
    Ok(ctx)
}

fn view(row: AccessTokenRow) -> Result<AccessToken, Error> {
    Ok(AccessToken {
        id: row.id,
        name: row.name,
        hint: row.hint,
        policy: Arc::new(serde_json::from_str(&row.policy)?),
        created_at: row.created_at,
        expires_at: row.expires_at,
        last_used_at: row.last_used_at,
        revoked_at: row.revoked_at,
    })
}
