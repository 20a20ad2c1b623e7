//! Signing in with a one-time link, and the session that follows. Only hashes are stored.

use std::net::IpAddr;

use keyhaven_vault::{Token, TokenKind};

use crate::{Actor, Ctx, Error, Keyhaven, ctx::Millis};

/// A link that nobody used ends by itself.
const LINK_LIVES: Millis = 24 * 60 * 60 * 1000;
/// A session ends this long after signing in.
pub const SESSION_LIVES: Millis = 30 * 24 * 60 * 60 * 1000;

/// Makes the secret of a one-time link.
pub async fn issue_link(app: &Keyhaven, ctx: &Ctx) -> Result<Token, Error> {
    // A session has no limits.
    ctx.may_manage_tokens()?;
    let token = Token::generate(TokenKind::SignIn);
    let mut tx = app.store.begin(&ctx.scope()).await?;
    tx.insert_sign_in_link(token.hash().as_bytes(), ctx.now() + LINK_LIVES).await?;
    ctx.audit(&mut tx, "sign_in_link.create", "").await?;
    tx.commit().await?;
    Ok(token)
}

/// Turns a link, once, into a session.
pub async fn redeem(app: &Keyhaven, link: &str, client: Option<IpAddr>) -> Result<Token, Error> {
    const USED: Error =
        Error::NotSignedIn("this sign-in link was used before, is older than a day, or was never one");
    let link = Token::parse(TokenKind::SignIn, link).map_err(|_| USED)?;
    let mut ctx = app.ctx(Actor::Session).with_client(client);
    let workspace = app.store.redeem_sign_in_link(link.hash().as_bytes(), ctx.now()).await?.ok_or(USED)?;
    ctx.workspace = workspace.into();
    let session = Token::generate(TokenKind::Session);
    let mut tx = app.store.begin(&ctx.scope()).await?;
    tx.insert_session(session.hash().as_bytes(), ctx.now() + SESSION_LIVES).await?;
    ctx.audit(&mut tx, "session.create", "").await?;
    tx.commit().await?;
    Ok(session)
}

/// Whose session is it, from where?
pub async fn session(app: &Keyhaven, text: &str, client: Option<IpAddr>) -> Result<Ctx, Error> {
    const ENDED: Error = Error::NotSignedIn("this session has ended");
    let token = Token::parse(TokenKind::Session, text).map_err(|_| ENDED)?;
    let row = app.store.session_by_hash(token.hash().as_bytes()).await?.ok_or(ENDED)?;
    let mut ctx = app.ctx(Actor::Session).with_client(client);
    if row.expires_at <= ctx.now() {
        return Err(ENDED);
    }
    ctx.workspace = row.workspace.into();
    Ok(ctx)
}

/// Ends a session.
pub async fn sign_out(app: &Keyhaven, ctx: &Ctx, text: &str) -> Result<(), Error> {
    let Ok(token) = Token::parse(TokenKind::Session, text) else { return Ok(()) };
    let mut tx = app.store.begin(&ctx.scope()).await?;
    tx.delete_session(token.hash().as_bytes()).await?;
    ctx.audit(&mut tx, "session.end", "").await?;
    tx.commit().await?;
    Ok(())
}
