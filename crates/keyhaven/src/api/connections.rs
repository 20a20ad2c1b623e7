//! `/api/v1/connections`.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use keyhaven_core::{
    Error,
    connections::{self, Attention, Change, Idempotency, IfOtherAccount, ListQuery, NewConnection, Removal},
};

use super::{
    body::Object,
    problem::Failure,
    request::{Params, Which},
    wire::{Connection, ConnectionPage, History},
};
use crate::server::{AppState, Caller};

pub(super) async fn list(
    Caller(ctx): Caller,
    State(state): State<AppState>,
    params: Params,
) -> Result<Json<ConnectionPage>, Failure> {
    let query = list_query(params)?;
    Ok(Json(connections::list(&state.app, &ctx, &query).await?.into()))
}

fn list_query(mut params: Params) -> Result<ListQuery, Failure> {
    let query = ListQuery {
        search: params.take("q").unwrap_or_default(),
        connector: params.take("connector").unwrap_or_default(),
        cursor: params.cursor(),
        deleted: params.flag("deleted")?,
        attention: Attention::parse(&params.take("status").unwrap_or_default())
            .ok_or_else(|| Failure::field("status", "It must be valid, invalid, unverified or attention."))?,
        limit: params.limit()?,
    };
    params.finish()?;
    Ok(query)
}

pub(super) async fn create(
    Caller(ctx): Caller,
    State(state): State<AppState>,
    headers: HeaderMap,
    mut body: Object,
) -> Result<Response, Failure> {
    let connector = body.required_text("connector");
    let name = body.required_text("name");
    let fields = body.inputs("fields").unwrap_or_default();
    let raw = body.raw.clone();
    body.finish()?;
    let idempotency = match headers.get("idempotency-key").map(HeaderValue::to_str) {
        None => None,
        Some(Ok(key)) => Some(Idempotency { key: key.into(), request: raw.to_vec() }),
        Some(Err(_)) => return Err(Failure::field("Idempotency-Key", "It may hold only plain characters.")),
    };
    let made =
        connections::create(&state.app, &ctx, NewConnection { connector, name, fields }, idempotency).await?;
    let location = format!("/api/v1/connections/{}", made.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], answer(made)).into_response())
}

/// With its revision as ETag.
fn answer(connection: keyhaven_core::Connection) -> impl IntoResponse {
    ([(header::ETAG, format!("\"{}\"", connection.revision))], Json(Connection::from(connection)))
}

pub(super) async fn get(
    Caller(ctx): Caller,
    State(state): State<AppState>,
    Which(which): Which,
) -> Result<impl IntoResponse, Failure> {
    Ok(answer(connections::get(&state.app, &ctx, &which).await?))
}

pub(super) async fn change(
    Caller(ctx): Caller,
    State(state): State<AppState>,
    Which(which): Which,
    headers: HeaderMap,
    mut body: Object,
) -> Result<impl IntoResponse, Failure> {
    let change = Change {
        name: body.text("name"),
        fields: body.inputs("fields"),
        if_other_account: if body.flag("accept_other_account") {
            IfOtherAccount::Accept
        } else {
            IfOtherAccount::Refuse
        },
        revision: revision(&headers)?,
    };
    body.finish()?;
    Ok(answer(connections::change(&state.app, &ctx, &which, change).await?))
}

/// No revision: what is compared with it is stale.
const NEVER: i64 = 0;

/// `If-Match: "3"`, or `*` for any. A tag that this API never gave, or a weak one, fits no revision.
fn revision(headers: &HeaderMap) -> Result<Option<i64>, Failure> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let tag = text.strip_prefix("W/").unwrap_or(text);
    let quoted = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).filter(|tag| !tag.contains('"'));
    let word = quoted.ok_or_else(|| {
        Failure::field("If-Match", "It must be one ETag that this API gave, such as \"3\".")
    })?;
    Ok(Some(if tag == text { word.parse().unwrap_or(NEVER) } else { NEVER }))
}

pub(super) async fn delete(
    Caller(ctx): Caller,
    State(state): State<AppState>,
    Which(which): Which,
    headers: HeaderMap,
    mut params: Params,
) -> Result<StatusCode, Failure> {
    let how = if params.flag("destroy")? { Removal::Destroy } else { Removal::Trash };
    params.finish()?;
    if let Some(wanted) = revision(&headers)? {
        let current = connections::get(&state.app, &ctx, &which).await?.revision;
        if wanted != current {
            return Err(Error::Stale { current }.into());
        }
    }
    connections::delete(&state.app, &ctx, &which, how).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn restore(
    Caller(ctx): Caller,
    State(state): State<AppState>,
    Which(which): Which,
) -> Result<impl IntoResponse, Failure> {
    Ok(answer(connections::restore(&state.app, &ctx, &which).await?))
}

pub(super) async fn verify(
    Caller(ctx): Caller,
    State(state): State<AppState>,
    Which(which): Which,
) -> Result<impl IntoResponse, Failure> {
    Ok(answer(connections::verify(&state.app, &ctx, &which).await?))
}

const RECENT: i64 = 50;

pub(super) async fn history(
    Caller(ctx): Caller,
    State(state): State<AppState>,
    Which(which): Which,
) -> Result<Json<History>, Failure> {
    let days = connections::history(&state.app, &ctx, &which).await?;
    Ok(Json(History::new(&days, connections::recent(&state.app, &ctx, &which, RECENT).await?)))
}
