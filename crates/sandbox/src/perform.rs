//! Operations, once key and limits have let them through.

use std::sync::{PoisonError, RwLock};

use axum::{
    body::Bytes,
    http::{StatusCode, Uri},
    response::Response,
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    Settings,
    answers::{self, json_answer},
    crm::{self, Crm, Kind, Paging, Record},
    lists,
    operation::{Call, Operation, Version},
    query::Query,
};

use Version::V1;

/// `now` is the time that changes are written with.
pub(crate) fn perform(
    crm: &RwLock<Crm>,
    settings: &Settings,
    now: u64,
    user: &Value,
    call: &Call,
    body: &Bytes,
) -> Response {
    let version = call.version;
    let Some(operation) = call.operation else { return answers::not_found(version, None) };
    if operation.kind().is_some_and(Kind::is_of_projects) && !settings.projects {
        return answers::no_suite();
    }
    let done = match operation {
        Operation::Create(_) | Operation::Update(..) | Operation::Delete(..) => {
            let mut crm = crm.write().unwrap_or_else(PoisonError::into_inner);
            write(&mut crm, now, user, call, operation, body)
        }
        _ => {
            let crm = crm.read().unwrap_or_else(PoisonError::into_inner);
            read(&crm, settings, now, user, call, operation)
        }
    };
    done.unwrap_or_else(|wrong| answers::bad_request(version, &wrong))
}

fn read(
    crm: &Crm,
    settings: &Settings,
    now: u64,
    user: &Value,
    call: &Call,
    operation: Operation,
) -> Result<Response, String> {
    let (version, query) = (call.version, Query::of(call.uri));
    match operation {
        Operation::List(kind, scope) => {
            let paging = if version == V1 { kind.spec().old } else { kind.spec().new };
            match paging {
                Some(Paging::Whole) => lists::whole(crm, kind, version, &query, now),
                Some(Paging::Offset(_)) => lists::old(crm, kind, scope, &query, now),
                _ => lists::new(crm, kind, scope, &query, settings, now),
            }
        }
        Operation::Get(kind, id) => {
            let id = crm.id_of(kind, id);
            Ok(one(crm, kind, version, StatusCode::OK, id))
        }
        Operation::Fields(kind) if version == V1 => lists::old_definitions(crm, kind, &query),
        Operation::Fields(kind) => lists::definitions(crm, kind, &query, settings),
        Operation::Field(kind, code) => {
            let known = crm.fields(kind).iter().find(|field| field.code == code);
            let definition = known.map(|field| success(StatusCode::OK, &field.definition(kind, &[])));
            Ok(definition.unwrap_or_else(|| answers::not_found(version, Some("Field"))))
        }
        Operation::DealProducts(deal) => {
            lists::page(crm::of_deals(crm, deal, &query, now)?, settings, "Deal", version)
        }
        Operation::Variations(product) => {
            lists::page(crm::of_product(crm, product, &query, now)?, settings, "Product", version)
        }
        Operation::Search(only) => lists::search(crm, only, version, &query),
        _ => Ok(success(StatusCode::OK, user)),
    }
}

fn write(
    crm: &mut Crm,
    now: u64,
    user: &Value,
    call: &Call,
    operation: Operation,
    body: &Bytes,
) -> Result<Response, String> {
    let version = call.version;
    match operation {
        Operation::Create(kind) => {
            let fields = fields(crm, kind, call, body)?;
            if !fields.contains_key(kind.name_field()) {
                return Err(format!("{}: is required", kind.name_field()));
            }
            let made = crm.add(kind, fields, user["id"].as_u64().unwrap_or_default(), now);
            let status = if version == V1 { StatusCode::CREATED } else { StatusCode::OK };
            Ok(one(crm, kind, version, status, Some(made)))
        }
        Operation::Update(kind, id) => {
            let fields = fields(crm, kind, call, body)?;
            let changed = crm.change(kind, id, fields, now);
            Ok(one(crm, kind, version, StatusCode::OK, changed))
        }
        Operation::Delete(kind, id) => {
            let deleted = crm.delete(kind, id, now);
            Ok(deleted.map_or_else(
                || answers::not_found(version, Some(kind.title())),
                |id| success(StatusCode::OK, &json!({ "id": id })),
            ))
        }
        _ => Ok(answers::not_found(version, None)),
    }
}

fn success(status: StatusCode, data: &impl Serialize) -> Response {
    json_answer(status, &json!({ "success": true, "data": data }))
}

fn one(crm: &Crm, kind: Kind, version: Version, status: StatusCode, id: Option<u64>) -> Response {
    match id.and_then(|id| crm.get(kind, id)) {
        None => answers::not_found(version, Some(kind.title())),
        Some(record) => success(status, &lists::in_shape(crm, kind, version, record)),
    }
}

/// The fields of a write. v1 also takes forms.
fn fields(crm: &Crm, kind: Kind, call: &Call, body: &Bytes) -> Result<Record, String> {
    let parsed =
        if call.is_form && call.version == V1 { form(body) } else { serde_json::from_slice(body).ok() };
    let fields = parsed.ok_or("the body must be a JSON object")?;
    let known = crm.fields(kind);
    let fields = if call.version == V1 { crm::accept_old(known, kind, fields) } else { fields };
    crm::check(known, kind, &fields)?;
    Ok(fields)
}

fn form(body: &Bytes) -> Option<Record> {
    let uri = Uri::builder().path_and_query([b"/?", body.as_ref()].concat()).build().ok()?;
    Some(Query::of(&uri).into_pairs().map(|(name, value)| (name, value.into())).collect())
}
