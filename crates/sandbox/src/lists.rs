//! Lists as answers.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use axum::{body::Bytes, http::StatusCode, response::Response};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    Settings,
    answers::{self, json_answer},
    crm::{self, Crm, Kind, Line, Page, Record, Scope},
    operation::Version,
    query::Query,
};

use Version::{V1, V2};

#[derive(Serialize)]
struct Body<T> {
    success: bool,
    data: T,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_data: Option<Value>,
}

fn answer(data: impl Serialize, additional_data: Option<Value>) -> Response {
    json_answer(StatusCode::OK, &Body { success: true, data, additional_data })
}

/// A record as the version shows it.
pub(crate) fn in_shape(crm: &Crm, kind: Kind, version: Version, record: Record) -> Record {
    if version == V1 && Kind::SEARCHED.contains(&kind) {
        crm::old_shape(crm, kind, &record)
    } else {
        crm::shown(crm, kind, record)
    }
}

fn next_cursor(next: Option<String>, settings: &Settings) -> Option<Value> {
    (next.is_some() || !settings.bare_last_page).then(|| json!({ "next_cursor": next }))
}

pub(crate) fn new(
    crm: &Crm,
    kind: Kind,
    scope: Scope,
    query: &Query,
    settings: &Settings,
    now: u64,
) -> Result<Response, String> {
    let kept = crm.kept_page(kind, scope, query);
    let body = kept.map_or_else(|| written(crm, kind, scope, query, settings, now).map(Bytes::from), Ok)?;
    Ok(answers::bytes_answer(StatusCode::OK, body))
}

fn written(
    crm: &Crm,
    kind: Kind,
    scope: Scope,
    query: &Query,
    settings: &Settings,
    now: u64,
) -> Result<Vec<u8>, String> {
    text(crm::list(crm, kind, scope, None, query, now)?, settings)
}

/// A page as JSON, written in one go.
fn text(page: Page<Line, String>, settings: &Settings) -> Result<Vec<u8>, String> {
    let mut out = br#"{"success":true,"data":["#.to_vec();
    for (n, line) in page.records.iter().enumerate() {
        out.extend_from_slice(if n > 0 { b"," } else { b"" });
        line.write(&mut out).map_err(|error| error.to_string())?;
    }
    out.push(b']');
    if let Some(additional) = next_cursor(page.next, settings) {
        out.extend_from_slice(format!(r#","additional_data":{additional}"#).as_bytes());
    }
    out.push(b'}');
    Ok(out)
}

/// Writes the largest pages of all lists of v2, on all cores, and keeps them.
pub(crate) fn keep(crm: &mut Crm, settings: &Settings, now: u64) {
    let (pages, next) = (crm.largest_pages(), AtomicUsize::new(0));
    let work = || {
        let mut done = Vec::new();
        while let Some((begin, end)) = pages.get(next.fetch_add(1, Ordering::Relaxed)) {
            let body = written(crm, begin.0, begin.1, &Crm::query_of(*begin), settings, now);
            done.extend(body.map(|body| (*begin, *end, Bytes::copy_from_slice(&body))));
        }
        done
    };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let done: Vec<_> = thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        workers.into_iter().filter_map(|worker| worker.join().ok()).flatten().collect()
    });
    crm.keep(done);
    crm.draw_times();
}

/// A page that may not be there.
pub(crate) fn page(
    page: Option<Page<Line, String>>,
    settings: &Settings,
    owner: &str,
    version: Version,
) -> Result<Response, String> {
    Ok(match page {
        Some(page) => answers::bytes_answer(StatusCode::OK, text(page, settings)?.into()),
        None => answers::not_found(version, Some(owner)),
    })
}

pub(crate) fn whole(
    crm: &Crm,
    kind: Kind,
    version: Version,
    query: &Query,
    now: u64,
) -> Result<Response, String> {
    let records = crm::whole(crm, kind, version, query, now)?;
    let records: Vec<_> = records.into_iter().map(|record| in_shape(crm, kind, version, record)).collect();
    Ok(answer(records, (version == V2).then_some(Value::Null)))
}

pub(crate) fn old(crm: &Crm, kind: Kind, scope: Scope, query: &Query, now: u64) -> Result<Response, String> {
    let (page, start, limit) = crm::list_old(crm, kind, scope, query, now)?;
    let records: Vec<_> = page.records.into_iter().map(|record| in_shape(crm, kind, V1, record)).collect();
    Ok(answer(records, Some(old_pages(start, limit, page.next))))
}

pub(crate) fn definitions(
    crm: &Crm,
    kind: Kind,
    query: &Query,
    settings: &Settings,
) -> Result<Response, String> {
    let (fields, next) = crm::definitions(crm, kind, query)?;
    Ok(answer(fields, next_cursor(next, settings)))
}

pub(crate) fn old_definitions(crm: &Crm, kind: Kind, query: &Query) -> Result<Response, String> {
    let (page, start, limit) = crm::old_definitions(crm, kind, query)?;
    Ok(answer(page.records, Some(old_pages(start, limit, page.next))))
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
pub(crate) fn search(
    crm: &Crm,
    only: Option<Kind>,
    version: Version,
    query: &Query,
) -> Result<Response, String> {
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
    Ok(answer(json!({ "items": items }), Some(additional)))
}
