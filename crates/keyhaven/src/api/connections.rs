//! `/api/v1/connections`.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use keyhaven_core::connections::{
    self, Attention, Change, Idempotency, IfOtherAccount, ListQuery, NewConnection, Removal,
};

use super::{
    body::Object,
    problem::Failure,
    wire::{Connection, ConnectionPage, History},
};
use crate::server::{AppState, Caller};

type Params = Query<BTreeMap<String, String>>;

pub(super) async fn list(
    Caller(ctx): Caller,
    State(state): State<AppState>,
    Query(params): Params,
) -> Result<Json<ConnectionPage>, Failure> {
    let query = list_query(params)?;
    Ok(Json(connections::list(&state.app, &ctx, &query).await?.into()))
}

fn list_query(params: BTreeMap<String, String>) -> Result<ListQuery, Failure> {
    let mut query = ListQuery::default();
    for (name, value) in params {
        match name.as_str() {
            "q" => query.search = value,
            "connector" => query.connector = value,
            "cursor" => query.cursor = Some(value).filter(|cursor| !cursor.is_empty()),
            "deleted" => query.deleted = flag(&name, &value)?,
            "status" => {
                query.attention = Attention::parse(&value).ok_or_else(|| {
                    Failure::field("status", "It must be valid, invalid, unverified or attention.")
                })?;
            }
            "limit" => {
                let limit = value.parse().ok().filter(|limit| (1..=200).contains(limit));
                query.limit = limit.ok_or_else(|| Failure::field("limit", "It must be 1 to 200."))?;
            }
            _ => {
                return Err(Failure::field(
                    "query",
                    "Known parameters are q, status, connector, deleted, cursor and limit.",
                ));
            }
        }
    }
    if query.search.contains('\0') || query.connector.contains('\0') {
        return Err(Failure::field("query", "A parameter holds a NUL character."));
    }
    Ok(query)
}

fn flag(name: &str, value: &str) -> Result<bool, Failure> {
    match value {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(Failure::field(name, "It must be true or false.")),
    }
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
    let request = body.raw.to_vec();
    body.finish()?;
    let idempotency = match headers.get("idempotency-key").map(HeaderValue::to_str) {
        None => None,
        Some(Ok(key)) => Some(Idempotency { key: key.into(), request }),
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
    Path(which): Path<String>,
) -> Result<impl IntoResponse, Failure> {
    Ok(answer(connections::get(&state.app, &ctx, &which).await?))
}

pub(super) async fn change(
    Caller(ctx): Caller,
    State(state): State<AppState>,
    Path(which): Path<String>,
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

/// `If-Match: "3"`, or `*` for any.
fn revision(headers: &HeaderMap) -> Result<Option<i64>, Failure> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let number =
        text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).and_then(|text| text.parse().ok());
    number
        .map(Some)
        .ok_or_else(|| Failure::field("If-Match", "It must be an ETag that this API gave, such as \"3\"."))
}

pub(super) async fn delete(
    Caller(ctx): Caller,
    State(state): State<AppState>,
    Path(which): Path<String>,
    Query(params): Params,
) -> Result<StatusCode, Failure> {
    let mut how = Removal::Trash;
    for (name, value) in params {
        match name.as_str() {
            "destroy" if flag(&name, &value)? => how = Removal::Destroy,
            "destroy" => {}
            _ => return Err(Failure::field("query", "The only parameter is destroy.")),
        }
    }
    connections::delete(&state.app, &ctx, &which, how).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn restore(
    Caller(ctx): Caller,
    State(state): State<AppState>,
    Path(which): Path<String>,
) -> Result<impl IntoResponse, Failure> {
    Ok(answer(connections::restore(&state.app, &ctx, &which).await?))
}

pub(super) async fn verify(
    Caller(ctx): Caller,
    State(state): State<AppState>,
    Path(which): Path<String>,
) -> Result<impl IntoResponse, Failure> {
    Ok(answer(connections::verify(&state.app, &ctx, &which).await?))
}

const RECENT: i64 = 50;

pub(super) async fn history(
    Caller(ctx): Caller,
    State(state): State<AppState>,
    Path(which): Path<String>,
) -> Result<Json<History>, Failure> {
    let days = connections::history(&state.app, &ctx, &which).await?;
    Ok(Json(History::new(&days, connections::recent(&state.app, &ctx, &which, RECENT).await?)))
}
