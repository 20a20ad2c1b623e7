//! Style, scripts and pictures; nothing comes from another host.

use axum::{
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::server::AppState;

/// One file, whole and small. See `build.rs`.
pub(super) struct Asset {
    name: &'static str,
    hash: &'static str,
    mime: &'static str,
    plain: &'static [u8],
    gzip: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// The tab's icon.
pub(crate) const ICON: &str = "/assets/connectors/keyhaven/icon.svg";
const ICON_SVG: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#3a46b5"/><path d="M7 25V14l9-7 9 7v11" fill="none" stroke="#fff" stroke-width="2.6" stroke-linejoin="round" stroke-linecap="round"/><circle cx="16" cy="16.5" r="2.6" fill="#fff"/><path d="M16 18v7" stroke="#fff" stroke-width="2.6" stroke-linecap="round"/></svg>"##;

const FOR_EVER: &str = "public, max-age=31536000, immutable";
const AN_HOUR: &str = "public, max-age=3600";

/// Where a connector's picture is.
pub(crate) fn picture(connector: &str, file: &str) -> String {
    format!("/assets/connectors/{connector}/{file}")
}

/// Where a file is; another content has another address.
pub(crate) fn url(name: &str) -> String {
    let hash = ASSETS.iter().find(|asset| asset.name == name).map_or("", |asset| asset.hash);
    format!("/assets/{hash}/{name}")
}

pub(super) async fn get(Path((hash, name)): Path<(String, String)>, headers: HeaderMap) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name && asset.hash == hash) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let head = [
        (header::CONTENT_TYPE, asset.mime),
        (header::CACHE_CONTROL, FOR_EVER),
        (header::VARY, "accept-encoding"),
    ];
    if !super::finish::takes_gzip(&headers) {
        return (head, asset.plain).into_response();
    }
    let mut response = (head, asset.gzip).into_response();
    response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    response
}

/// A connector's picture. Its own policy lets a picture do nothing but be shown.
pub(super) async fn connector(
    State(state): State<AppState>,
    Path((connector, file)): Path<(String, String)>,
) -> Response {
    let found = match (connector.as_str(), file.as_str()) {
        ("keyhaven", "icon.svg") => Some(("image/svg+xml", ICON_SVG.as_bytes())),
        _ => state.app.catalogue().asset(&connector, &file),
    };
    match found {
        Some((mime, bytes)) => {
            ([(header::CONTENT_TYPE, mime), (header::CACHE_CONTROL, AN_HOUR)], bytes.to_vec()).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
