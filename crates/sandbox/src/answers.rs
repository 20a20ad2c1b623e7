//! Bodies and headers as Pipedrive sends them.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

const INFO: &str = "Please check developers.pipedrive.com";
const MORE_INFO: &str = "Please check developers.pipedrive.com for more information about Pipedrive API.";

pub(crate) fn json_answer(status: StatusCode, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
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

pub(crate) fn no_permission() -> Response {
    let text = "You do not have permissions to do this.";
    json_answer(
        StatusCode::FORBIDDEN,
        &json!({ "success": false, "error": text, "error_info": INFO, "data": null, "additional_data": null }),
    )
}

pub(crate) fn burst() -> Response {
    let headers = [("x-ratelimit-limit", "20"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "2")];
    with(error(StatusCode::TOO_MANY_REQUESTS, "request over limit"), &headers)
}

pub(crate) fn daily() -> Response {
    let headers = [("retry-after", "3939"), ("x-daily-ratelimit-token-remaining", "0")];
    with(error(StatusCode::TOO_MANY_REQUESTS, "daily request budget exceeded"), &headers)
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

pub(crate) fn not_found(v2: bool) -> Response {
    let (text, info) =
        if v2 { ("Entity was not found", "Object was not found.") } else { ("Not found", MORE_INFO) };
    json_answer(
        StatusCode::NOT_FOUND,
        &json!({ "success": false, "error": text, "error_info": info, "data": null, "additional_data": null }),
    )
}

pub(crate) fn redirect() -> Response {
    (StatusCode::FOUND, [(header::LOCATION, "https://elsewhere.example/api/v1/users/me")]).into_response()
}

/// `GET /v1/users/me`: every field of the published example.
pub(crate) fn user(id: u64) -> Option<Value> {
    let (name, email, admin, active, company, company_name, domain) = match id {
        1 => ("Ada", "ada@acme.example", true, true, 54_235_233, "Acme Ltd", "acme"),
        2 => ("Bob", "bob@acme.example", false, true, 54_235_233, "Acme Ltd", "acme"),
        3 => ("Eve", "eve@acme.example", false, false, 54_235_233, "Acme Ltd", "acme"),
        4 => ("Grace", "grace@globex.example", true, true, 70_001_122, "Globex Corp", "globex"),
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
