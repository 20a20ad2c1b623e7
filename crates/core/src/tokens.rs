//! Access tokens: what a program shows to Keyhaven.

use keyhaven_store::{AccessTokenRow, NewAccessToken};
use keyhaven_vault::{Token, TokenKind};

use crate::{Actor, Ctx, Error, Keyhaven, ctx::Millis, names};

/// One access token, without its secret.
#[derive(Clone, Debug)]
pub struct AccessToken {
    /// `tk_…`.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// Its first characters, to tell it from others.
    pub hint: String,
    /// When it was made.
    pub created_at: Millis,
    /// When it was last shown to Keyhaven, to the minute.
    pub last_used_at: Option<Millis>,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Millis>,
}

/// Last use is written at most this often, so that reading stays reading.
const TOUCH_EVERY: Millis = 60_000;

/// Makes a token. Its text is in the answer, and nowhere else ever again.
pub async fn create(app: &Keyhaven, ctx: &Ctx, name: &str) -> Result<(AccessToken, Token), Error> {
    let name = names::check(name).map_err(|wrong| Error::Invalid(vec![wrong]))?;
    let token = Token::generate(TokenKind::Access);
    let (id, hint) = (ctx.new_id("tk"), token.hint());
    let mut tx = app.store.begin(&ctx.scope()).await?;
    tx.insert_access_token(&NewAccessToken {
        id: id.clone(),
        name: name.clone(),
        hash: token.hash().as_bytes().to_vec(),
        hint: hint.clone(),
        expires_at: None,
    })
    .await?;
    ctx.audit(&mut tx, "access_token.create", &id).await?;
    tx.commit().await?;
    let made = AccessToken { id, name, hint, created_at: ctx.now(), last_used_at: None, revoked_at: None };
    Ok((made, token))
}

/// All tokens, newest first, the revoked ones too.
pub async fn list(app: &Keyhaven, ctx: &Ctx) -> Result<Vec<AccessToken>, Error> {
    let rows = app.store.read(&ctx.scope()).access_tokens().await?;
    Ok(rows.into_iter().map(view).collect())
}

/// Ends a token at once. `which` is its id or its name, where only one has that name.
pub async fn revoke(app: &Keyhaven, ctx: &Ctx, which: &str) -> Result<AccessToken, Error> {
    let rows = app.store.read(&ctx.scope()).access_tokens().await?;
    let mut found =
        rows.into_iter().filter(|row| row.id == which || (row.name == which && row.revoked_at.is_none()));
    let missing = || Error::NotFound { what: "access token", name: which.into() };
    let mut row = found.next().ok_or_else(missing)?;
    if found.next().is_some() {
        return Err(Error::NothingToDo("several access tokens have this name; give the id"));
    }
    let mut tx = app.store.begin(&ctx.scope()).await?;
    tx.revoke_access_token(&row.id).await?;
    ctx.audit(&mut tx, "access_token.revoke", &row.id).await?;
    tx.commit().await?;
    row.revoked_at.get_or_insert(ctx.now());
    Ok(view(row))
}

/// Who shows this token? Refuses unknown, revoked and expired ones alike.
pub async fn authenticate(app: &Keyhaven, text: &str) -> Result<Ctx, Error> {
    const REFUSED: Error = Error::NotSignedIn("this access token is unknown, revoked or expired");
    let token = Token::parse(TokenKind::Access, text).map_err(|_| REFUSED)?;
    let row = app.store.access_token_by_hash(token.hash().as_bytes()).await?.ok_or(REFUSED)?;
    let mut ctx = app.ctx(Actor::Token(row.id.clone()));
    let now = ctx.now();
    if row.revoked_at.is_some() || row.expires_at.is_some_and(|end| end <= now) {
        return Err(REFUSED);
    }
    ctx.workspace = row.workspace;
    if row.last_used_at.is_none_or(|last| last + TOUCH_EVERY <= now) {
        let mut tx = app.store.begin(&ctx.scope()).await?;
        tx.touch_access_token(&row.id).await?;
        tx.commit().await?;
    }
    Ok(ctx)
}

fn view(row: AccessTokenRow) -> AccessToken {
    AccessToken {
        id: row.id,
        name: row.name,
        hint: row.hint,
        created_at: row.created_at,
        last_used_at: row.last_used_at,
        revoked_at: row.revoked_at,
    }
}
