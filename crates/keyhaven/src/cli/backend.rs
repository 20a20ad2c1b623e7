//! The same commands on the data of this machine and on a server.

use std::sync::Arc;

use http::{HeaderName, Method};
use keyhaven_core::{
    Actor, Ctx, Keyhaven, Secret, audit,
    connections::{self, Change, IfOtherAccount, ListQuery, NewConnection, Removal},
    remote::Remote,
    usage::{self, Window},
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::failure::Failure;
use crate::{
    api::{
        audit::AuditPage,
        usage::{CallPage, Usage},
        wire::{Connection, ConnectionPage, Connector, Problem},
    },
    config::Settings,
    passage::Passage,
};

/// What to do when a server does not accept the token.
pub(super) const CHECK_TOKEN: &str =
    "Check KEYHAVEN_TOKEN; make a new one on the server with: keyhaven token create --name NAME";

/// Where the commands work.
pub(super) enum Target {
    /// The data of this machine.
    Local(Arc<Keyhaven>, Ctx),
    /// A server.
    Remote(Box<Remote>),
}

/// Values as they were given: field id and text.
pub(super) type Given = Vec<(String, Secret)>;

impl Target {
    pub(super) async fn local(settings: Settings) -> Result<Self, Failure> {
        let app = settings.open().await?;
        let ctx = app.ctx(Actor::CommandLine);
        Ok(Self::Local(Arc::new(app), ctx))
    }

    pub(super) fn remote(server: &str) -> Result<Self, Failure> {
        let token =
            std::env::var("KEYHAVEN_TOKEN").ok().filter(|token| !token.is_empty()).ok_or_else(|| {
                let remedy = "Make one on the server with: keyhaven token create --name NAME";
                Failure::usage(
                    "a server needs an access token in the environment variable KEYHAVEN_TOKEN",
                    remedy,
                )
            })?;
        Ok(Self::Remote(Box::new(Remote::new(server, &Secret::new(token))?)))
    }

    /// The way of calls to an app, which takes its credential in these places.
    pub(super) fn passage(self, header: HeaderName, query: Vec<String>) -> Passage {
        match self {
            Self::Local(app, ctx) => Passage::here(app, ctx),
            Self::Remote(remote) => Passage::There { remote, header, query },
        }
    }

    /// Whom to ask, where this machine's settings say so.
    pub(super) fn support(&self) -> Option<&str> {
        match self {
            Self::Local(app, _) => app.support(),
            Self::Remote(_) => None,
        }
    }

    /// Puts one value right, or says why it cannot be one. A server says so when everything is sent.
    pub(super) fn put_right(&self, connector: &str, field: &str, value: &str) -> Result<String, String> {
        let Self::Local(app, _) = self else { return Ok(value.to_owned()) };
        let connector = app.catalogue().get(connector);
        match connector.and_then(|connector| connector.fields.iter().find(|it| it.id == field)) {
            Some(field) => field.normalise(value),
            None => Ok(value.to_owned()),
        }
    }

    pub(super) async fn connectors(&self) -> Result<Vec<Connector>, Failure> {
        match self {
            Self::Local(app, _) => Ok(app.catalogue().iter().map(Connector::from).collect()),
            Self::Remote(remote) => {
                let mut answer: Value = call(remote, Method::GET, "/api/v1/connectors", None).await?;
                read(answer["items"].take(), remote)
            }
        }
    }

    pub(super) async fn connector(&self, id: &str) -> Result<Connector, Failure> {
        let all = self.connectors().await?;
        let ids: Vec<_> = all.iter().map(|connector| connector.id.clone()).collect();
        all.into_iter().find(|connector| connector.id == id).ok_or_else(|| {
            let known = format!("Known apps: {}.", ids.join(", "));
            Failure::new(2, "unknown_connector", format!("there is no app “{id}” in the catalogue"), known)
        })
    }

    pub(super) async fn create(
        &self,
        connector: &str,
        name: String,
        given: Given,
    ) -> Result<Connection, Failure> {
        match self {
            Self::Local(app, ctx) => {
                let new =
                    NewConnection { connector: connector.into(), name, fields: given.into_iter().collect() };
                Ok(connections::create(app, ctx, new, None).await?.into())
            }
            Self::Remote(remote) => {
                let body = json!({ "connector": connector, "name": name, "fields": members(&given) });
                call(remote, Method::POST, "/api/v1/connections", Some(body)).await
            }
        }
    }

    pub(super) async fn list(&self, query: &ListQuery) -> Result<ConnectionPage, Failure> {
        match self {
            Self::Local(app, ctx) => Ok(connections::list(app, ctx, query).await?.into()),
            Self::Remote(remote) => {
                let limit = query.limit.max(1).to_string();
                let pairs = [
                    ("q", query.search.as_str()),
                    ("status", query.attention.as_str()),
                    ("connector", &query.connector),
                    ("deleted", if query.deleted { "true" } else { "" }),
                    ("cursor", query.cursor.as_deref().unwrap_or_default()),
                    ("limit", &limit),
                ];
                call(remote, Method::GET, &format!("/api/v1/connections{}", query_of(&pairs)), None).await
            }
        }
    }

    pub(super) async fn get(&self, which: &str) -> Result<Connection, Failure> {
        match self {
            Self::Local(app, ctx) => Ok(connections::get(app, ctx, which).await?.into()),
            Self::Remote(remote) => call(remote, Method::GET, &at(which, ""), None).await,
        }
    }

    pub(super) async fn usage(&self, which: &str, window: Window) -> Result<Usage, Failure> {
        match self {
            Self::Local(app, ctx) => Ok(usage::overview(app, ctx, which, window).await?.into()),
            Self::Remote(remote) => {
                let query = query_of(&[("window", window.as_str())]);
                call(remote, Method::GET, &at(which, &format!("/usage{query}")), None).await
            }
        }
    }

    pub(super) async fn calls(
        &self,
        which: &str,
        limit: u32,
        cursor: Option<String>,
    ) -> Result<CallPage, Failure> {
        match self {
            Self::Local(app, ctx) => {
                Ok(usage::recent(app, ctx, which, limit, cursor.as_deref()).await?.into())
            }
            Self::Remote(remote) => {
                let cursor = cursor.unwrap_or_default();
                let query = query_of(&[("limit", &limit.to_string()), ("cursor", &cursor)]);
                call(remote, Method::GET, &at(which, &format!("/calls{query}")), None).await
            }
        }
    }

    pub(super) async fn audit(&self, query: &audit::Query) -> Result<AuditPage, Failure> {
        match self {
            Self::Local(app, ctx) => Ok(audit::list(app, ctx, query).await?.into()),
            Self::Remote(remote) => {
                let query = query_of(&[
                    ("subject", &query.subject),
                    ("actor", &query.actor),
                    ("limit", &query.limit.to_string()),
                    ("cursor", query.cursor.as_deref().unwrap_or_default()),
                ]);
                call(remote, Method::GET, &format!("/api/v1/audit{query}"), None).await
            }
        }
    }

    pub(super) async fn verify(&self, which: &str) -> Result<Connection, Failure> {
        match self {
            Self::Local(app, ctx) => Ok(connections::verify(app, ctx, which).await?.into()),
            Self::Remote(remote) => call(remote, Method::POST, &at(which, "/verify"), None).await,
        }
    }

    pub(super) async fn restore(&self, which: &str) -> Result<Connection, Failure> {
        match self {
            Self::Local(app, ctx) => Ok(connections::restore(app, ctx, which).await?.into()),
            Self::Remote(remote) => call(remote, Method::POST, &at(which, "/restore"), None).await,
        }
    }

    pub(super) async fn delete(&self, which: &str, destroy: bool) -> Result<(), Failure> {
        match self {
            Self::Local(app, ctx) => {
                let how = if destroy { Removal::Destroy } else { Removal::Trash };
                Ok(connections::delete(app, ctx, which, how).await?)
            }
            Self::Remote(remote) => {
                let path = at(which, if destroy { "?destroy=true" } else { "" });
                call::<Value>(remote, Method::DELETE, &path, None).await.map(drop)
            }
        }
    }

    /// Changes name and values; `accept`: the key may belong to another company.
    pub(super) async fn change(
        &self,
        which: &str,
        name: Option<String>,
        given: &Given,
        accept: bool,
    ) -> Result<Connection, Failure> {
        match self {
            Self::Local(app, ctx) => {
                let change = Change {
                    name,
                    fields: (!given.is_empty()).then(|| copy(given).into_iter().collect()),
                    revision: None,
                    if_other_account: if accept { IfOtherAccount::Accept } else { IfOtherAccount::Refuse },
                };
                Ok(connections::change(app, ctx, which, change).await?.into())
            }
            Self::Remote(remote) => {
                let mut body = json!({ "accept_other_account": accept });
                if let Some(name) = name {
                    body["name"] = name.into();
                }
                if !given.is_empty() {
                    body["fields"] = members(given);
                }
                call(remote, Method::PATCH, &at(which, ""), Some(body)).await
            }
        }
    }
}

/// The same values once more.
pub(super) fn copy(given: &Given) -> Given {
    given.iter().map(|(id, value)| (id.clone(), Secret::new(value.expose().to_owned()))).collect()
}

fn members(given: &Given) -> Value {
    let members: Map<_, _> = given.iter().map(|(id, value)| (id.clone(), json!(value.expose()))).collect();
    Value::Object(members)
}

fn at(which: &str, more: &str) -> String {
    format!("/api/v1/connections/{}{more}", encode(which))
}

/// What stands behind the path; empty values are left out.
fn query_of(pairs: &[(&str, &str)]) -> String {
    let pairs = pairs.iter().filter(|(_, value)| !value.is_empty());
    let text: Vec<_> = pairs.map(|(name, value)| format!("{name}={}", encode(value))).collect();
    format!("?{}", text.join("&"))
}

pub(super) fn encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

pub(super) async fn call<T: DeserializeOwned>(
    remote: &Remote,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> Result<T, Failure> {
    let (status, answer) = remote.call(method, path, body.as_ref()).await?;
    if (200..300).contains(&status) {
        return read(answer, remote);
    }
    let problem: Problem = read(answer, remote)?;
    let mut failure = Failure::from(problem);
    if status == 401 {
        failure.remedy = CHECK_TOKEN.into();
    }
    Err(failure)
}

pub(super) fn read<T: DeserializeOwned>(answer: Value, remote: &Remote) -> Result<T, Failure> {
    serde_json::from_value(answer).map_err(|_| {
        let message = format!("{} answers in a way that this version does not understand", remote.address());
        Failure::new(1, "not_understood", message, "Use the same version here and on the server.")
    })
}

impl Failure {
    /// The key belongs to another company: the person can still say yes.
    pub(super) fn is_other_account(&self) -> bool {
        self.code == "other_account"
    }
}
