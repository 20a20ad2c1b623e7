//! Bodies and headers as Pipedrive sends them.

use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{ACME, GLOBEX, limits::Room, operation::Version};

const INFO: &str = "Please check developers.pipedrive.com";
const MORE_INFO: &str = "Please check developers.pipedrive.com for more information about Pipedrive API.";

pub(crate) fn json_answer(status: StatusCode, body: &impl Serialize) -> Response {
    bytes_answer(status, serde_json::to_vec(body).unwrap_or_default().into())
}

/// JSON that is written already.
pub(crate) fn bytes_answer(status: StatusCode, body: Bytes) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    response
}

fn error(status: StatusCode, text: &str) -> Response {
    json_answer(
        status,
        &json!({ "success": false, "error": text, "errorCode": status.as_u16(), "error_info": INFO }),
    )
}

fn with(mut response: Response, headers: &[(&'static str, &'static str)]) -> Response {
    for (name, value) in headers {
        response.headers_mut().insert(*name, HeaderValue::from_static(value));
    }
    response
}

/// Wrong key, no key, and unrouted paths without a key: all the same.
pub(crate) fn unauthorized() -> Response {
    let response = error(StatusCode::UNAUTHORIZED, "unauthorized access");
    with(response, &[("x-401-by-gw", "true"), ("x-correlation-id", "7b1e4f60-3f0a-4c58-9a51-5d1c2c7be0a1")])
}

pub(crate) fn not_open() -> Response {
    json_answer(
        StatusCode::PAYMENT_REQUIRED,
        &json!({ "success": false, "error": "company account not open", "errorCode": 402 }),
    )
}

/// The company lacks an add-on.
pub(crate) fn no_suite() -> Response {
    json_answer(
        StatusCode::PAYMENT_REQUIRED,
        &json!({ "success": false, "error": "Required suites missing", "errorCode": 402 }),
    )
}

pub(crate) fn no_permission() -> Response {
    refused(StatusCode::FORBIDDEN, "You do not have permissions to do this.", INFO)
}

pub(crate) fn burst() -> Response {
    error(StatusCode::TOO_MANY_REQUESTS, "request over limit")
}

pub(crate) fn daily(retry_after: u64) -> Response {
    let mut response = error(StatusCode::TOO_MANY_REQUESTS, "daily request budget exceeded");
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_after));
    response
}

/// The headers of a burst window.
pub(crate) fn tell_room(response: &mut Response, room: Room) {
    if room.limit > 0 {
        let headers = response.headers_mut();
        headers.insert("x-ratelimit-limit", HeaderValue::from(room.limit));
        headers.insert("x-ratelimit-remaining", HeaderValue::from(room.remaining));
        headers.insert("x-ratelimit-reset", HeaderValue::from(room.reset));
    }
}

/// The headers of the daily budget.
pub(crate) fn tell_budget(response: &mut Response, budget: u64, left: u64) {
    if budget > 0 {
        let headers = response.headers_mut();
        headers.insert("x-daily-ratelimit-token-limit", HeaderValue::from(budget));
        headers.insert("x-daily-ratelimit-token-remaining", HeaderValue::from(left));
    }
}

pub(crate) fn blocked() -> Response {
    html(StatusCode::FORBIDDEN, "<html><body>This error is produced by Cloudflare.</body></html>")
}

pub(crate) fn maintenance() -> Response {
    html(StatusCode::SERVICE_UNAVAILABLE, "<html><body>Pipedrive is under maintenance.</body></html>")
}

pub(crate) fn html(status: StatusCode, text: &'static str) -> Response {
    (status, [(header::CONTENT_TYPE, "text/html; charset=UTF-8")], text).into_response()
}

pub(crate) fn internal_error() -> Response {
    error(StatusCode::INTERNAL_SERVER_ERROR, "Internal server error")
}

/// What v1 and v2 say about what is not there; `what` is a kind of record, where one was asked for.
pub(crate) fn not_found(version: Version, what: Option<&str>) -> Response {
    match (version, what) {
        (Version::V2, _) => refused(StatusCode::NOT_FOUND, "Entity was not found", "Object was not found."),
        (Version::V1, Some(what)) => refused(StatusCode::NOT_FOUND, &format!("{what} not found"), MORE_INFO),
        (Version::V1, None) => refused(StatusCode::NOT_FOUND, "Not found", MORE_INFO),
    }
}

fn refused(status: StatusCode, text: &str, info: &str) -> Response {
    json_answer(
        status,
        &json!({ "success": false, "error": text, "error_info": info, "data": null, "additional_data": null }),
    )
}

/// A parameter or field is wrong; only v2 has a code for it.
pub(crate) fn bad_request(version: Version, text: &str) -> Response {
    let mut body = json!({ "success": false, "error": text, "data": null, "additional_data": null });
    match version {
        Version::V1 => body["error_info"] = json!(MORE_INFO),
        Version::V2 => body["code"] = json!("ERR_SCHEMA_VALIDATION_FAILED"),
    }
    json_answer(StatusCode::BAD_REQUEST, &body)
}

pub(crate) fn too_large() -> Response {
    error(StatusCode::PAYLOAD_TOO_LARGE, "Payload too large")
}

/// How many users have keys, over all companies. Their ids begin with 1.
pub(crate) const USERS: u64 = 4;

/// The active users of a company.
pub(crate) fn users_of(company: u64) -> Vec<u64> {
    (1..=USERS)
        .filter(|id| {
            user(*id).is_some_and(|user| user["company_id"] == company && user["active_flag"] == true)
        })
        .collect()
}

/// `GET /v1/users/me`: every field of the published example.
pub(crate) fn user(id: u64) -> Option<Value> {
    let (name, email, admin, active, company, company_name, domain) = match id {
        1 => ("Ada", "ada@acme.example", true, true, ACME, "Acme Ltd", "acme"),
        2 => ("Bob", "bob@acme.example", false, true, ACME, "Acme Ltd", "acme"),
        3 => ("Eve", "eve@acme.example", false, false, ACME, "Acme Ltd", "acme"),
        4 => ("Grace", "grace@globex.example", true, true, GLOBEX, "Globex Corp", "globex"),
        _ => return None,
    };
    let access = |app: &str| json!({ "app": app, "admin": admin, "permission_set_id": "62cc4d7f-4038-4352-abf3-a8c1c822b631" });
    Some(json!({
        "id": id, "name": name, "default_currency": "EUR", "locale": "en_US", "lang": 1, "email": email, "phone": null,
        "activated": true, "last_login": "2026-09-21 08:45:56", "created": "2024-11-13 09:16:26",
        "modified": "2026-09-21 08:45:56", "has_created_company": admin,
        "access": [access("sales"), access("global"), access("account_settings")],
        "active_flag": active, "timezone_name": "Europe/Berlin", "timezone_offset": "+02:00", "role_id": 1,
        "icon_url": null, "is_you": true, "is_deleted": false, "company_id": company, "company_name": company_name,
        "company_domain": domain, "company_country": "DE", "company_industry": "IT Services",
        "language": { "language_code": "en", "country_code": "US" }
    }))
}
