//! Access tokens on the data of this machine and on a server.

use http::Method;
use keyhaven_core::tokens::{self, NewToken};
use serde_json::{Map, Value, json};

use super::{
    backend::{Target, call, encode, read},
    failure::Failure,
};
use crate::api::wire::AccessToken;

const PATH: &str = "/api/v1/tokens";

impl Target {
    pub(super) async fn create_token(&self, new: NewToken) -> Result<AccessToken, Failure> {
        match self {
            Self::Local(app, ctx) => {
                let (made, token) = tokens::create(app, ctx, new).await?;
                Ok(AccessToken::new(&made, ctx.now()).with_text(token.expose()))
            }
            Self::Remote(remote) => call(remote, Method::POST, PATH, Some(body(&new))).await,
        }
    }

    pub(super) async fn tokens(&self) -> Result<Vec<AccessToken>, Failure> {
        match self {
            Self::Local(app, ctx) => {
                let all = tokens::list(app, ctx).await?;
                Ok(all.iter().map(|it| AccessToken::new(it, ctx.now())).collect())
            }
            Self::Remote(remote) => {
                let mut answer: Value = call(remote, Method::GET, PATH, None).await?;
                read(answer["items"].take(), remote)
            }
        }
    }

    pub(super) async fn token(&self, which: &str) -> Result<AccessToken, Failure> {
        match self {
            Self::Local(app, ctx) => Ok(AccessToken::new(&tokens::get(app, ctx, which).await?, ctx.now())),
            Self::Remote(remote) => call(remote, Method::GET, &at(which), None).await,
        }
    }

    pub(super) async fn revoke_token(&self, which: &str) -> Result<AccessToken, Failure> {
        match self {
            Self::Local(app, ctx) => Ok(AccessToken::new(&tokens::revoke(app, ctx, which).await?, ctx.now())),
            Self::Remote(remote) => {
                // By its id from here on: a name that is revoked names nothing any more.
                let id = self.token(which).await?.id;
                call::<Value>(remote, Method::DELETE, &at(&id), None).await?;
                self.token(&id).await
            }
        }
    }
}

fn at(which: &str) -> String {
    format!("{PATH}/{}", encode(which))
}

/// What the API takes.
fn body(new: &NewToken) -> Value {
    let it = &new.policy;
    let list = |texts: &[String]| if texts.is_empty() { Value::Null } else { json!(texts) };
    let number = |text: &str| text.parse::<u32>().map_or(Value::Null, Value::from);
    let members = [
        ("name", json!(new.name)),
        ("connections", json!(it.connections)),
        ("read_only", json!(it.read_only)),
        ("methods", list(&it.methods)),
        ("paths", list(&it.paths)),
        ("per_minute", number(&it.per_minute)),
        ("per_day", number(&it.per_day)),
        ("budget_share", number(&it.budget_share)),
        ("networks", list(&it.networks)),
        ("expires_at", Some(&new.expires_at).filter(|at| !at.is_empty()).map_or(Value::Null, |at| json!(at))),
    ];
    Value::Object(members.map(|(name, value)| (name.to_owned(), value)).into_iter().collect::<Map<_, _>>())
}
