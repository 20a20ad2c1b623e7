//! Operations, once key and limits have let them through.

use axum::{
    body::Bytes,
    http::{StatusCode, Uri},
    response::Response,
};
use serde_json::{Value, json};

use crate::{
    Settings,
    answers::{self, json_answer},
    clock::Clock,
    crm::{self, Crm, Kind, Record, Scope},
    operation::{Call, Operation, Version},
    query::Query,
    state::Company,
};

use Version::{V1, V2};

pub(crate) fn perform(
    company: &mut Company,
    settings: Settings,
    clock: Clock,
    user: &Value,
    call: &Call,
    body: &Bytes,
) -> Response {
    let (crm, version, query) = (&mut company.crm, call.version, Query::of(call.uri));
    let Some(operation) = call.operation else { return answers::not_found(version, None) };
    let done = match operation {
        Operation::Me => Ok(success(StatusCode::OK, user)),
        Operation::List(kind) if version == V1 => old_list(crm, kind, &query),
        Operation::List(kind) => list(crm, kind, Scope::Usual, &query, settings),
        Operation::Archived => list(crm, Kind::Deal, Scope::Archived, &query, settings),
        Operation::Search(only) => search(crm, only, version, &query),
        Operation::Get(kind, id) => Ok(one(crm, kind, version, StatusCode::OK, crm.get(kind, id))),
        Operation::Delete(kind, id) => {
            let deleted = crm.delete(kind, id);
            Ok(deleted.map_or_else(
                || answers::not_found(version, Some(kind.title())),
                |id| success(StatusCode::OK, &json!({ "id": id })),
            ))
        }
        Operation::Create(kind) => fields(crm.company, kind, call, body).and_then(|fields| {
            let named = fields.contains_key(kind.name_field());
            let user = user["id"].as_u64().unwrap_or_default();
            let made = named.then(|| crm.add(kind, fields, user, clock.now()));
            let status = if version == V1 { StatusCode::CREATED } else { StatusCode::OK };
            let made = made.ok_or_else(|| format!("{}: is required", kind.name_field()))?;
            Ok(one(crm, kind, version, status, Some(made)))
        }),
        Operation::Update(kind, id) => fields(crm.company, kind, call, body).map(|fields| {
            let changed = crm.change(kind, id, fields, clock.now());
            one(crm, kind, version, StatusCode::OK, changed)
        }),
    };
    done.unwrap_or_else(|wrong| answers::bad_request(version, &wrong))
}

fn success(status: StatusCode, data: &Value) -> Response {
    json_answer(status, &json!({ "success": true, "data": data }))
}

fn one(crm: &Crm, kind: Kind, version: Version, status: StatusCode, record: Option<Record>) -> Response {
    match record {
        None => answers::not_found(version, Some(kind.title())),
        Some(record) if version == V1 => success(status, &crm::old_shape(crm, kind, &record)),
        Some(record) => success(status, &record.into()),
    }
}

fn list(crm: &Crm, kind: Kind, scope: Scope, query: &Query, settings: Settings) -> Result<Response, String> {
    let page = crm::list(crm, kind, scope, query)?;
    let mut body = json!({ "success": true, "data": page.records });
    if page.next.is_some() || !settings.bare_last_page {
        body["additional_data"] = json!({ "next_cursor": page.next });
    }
    Ok(json_answer(StatusCode::OK, &body))
}

fn old_list(crm: &Crm, kind: Kind, query: &Query) -> Result<Response, String> {
    let (page, start, limit) = crm::list_old(crm, kind, query)?;
    let records: Vec<_> = page.records.iter().map(|record| crm::old_shape(crm, kind, record)).collect();
    let body = json!({
        "success": true, "data": records, "additional_data": old_pages(start, limit, page.next),
    });
    Ok(json_answer(StatusCode::OK, &body))
}

fn old_pages(start: u64, limit: u64, next: Option<u64>) -> Value {
    let mut pagination =
        json!({ "start": start, "limit": limit, "more_items_in_collection": next.is_some() });
    if let Some(next) = next {
        pagination["next_start"] = json!(next);
    }
    json!({ "pagination": pagination })
}

/// v2 pages by cursor here too; what it holds is nobody's business.
fn search(crm: &Crm, only: Option<Kind>, version: Version, query: &Query) -> Result<Response, String> {
    let found = crm::search(crm, only, query)?;
    let (mut start, limit) = query.offset(if version == V1 { 500 } else { 100 }, 100)?;
    if version == V2 {
        start = crm::search_start(query)?;
    }
    let items: Vec<_> = found.iter().skip(start as usize).take(limit as usize).collect();
    let next = start.saturating_add(limit);
    let more = found.len() as u64 > next;
    let additional = match version {
        V1 => old_pages(start, limit, more.then_some(next)),
        V2 => json!({ "next_cursor": more.then(|| crm::cursor::encode(&next)) }),
    };
    let body = json!({ "success": true, "data": { "items": items }, "additional_data": additional });
    Ok(json_answer(StatusCode::OK, &body))
}

/// The fields of a write. v1 also takes forms.
fn fields(company: u64, kind: Kind, call: &Call, body: &Bytes) -> Result<Record, String> {
    let parsed =
        if call.is_form && call.version == V1 { form(body) } else { serde_json::from_slice(body).ok() };
    let fields = parsed.ok_or("the body must be a JSON object")?;
    let fields = if call.version == V1 { crm::accept_old(company, kind, fields) } else { fields };
    crm::check(company, kind, &fields)?;
    Ok(fields)
}

fn form(body: &Bytes) -> Option<Record> {
    let uri = Uri::builder().path_and_query([b"/?", body.as_ref()].concat()).build().ok()?;
    Some(Query::of(&uri).into_pairs().map(|(name, value)| (name, value.into())).collect())
}
