//! The last touch on each page: answers without one get one, and all travel small.

use std::io::Write;

use axum::{
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use flate2::{Compression, write::GzEncoder};

/// Below this, compressing costs more than it saves.
const WORTH_IT: usize = 1024;

/// Pages hold neither secrets nor tokens, so compressing what a stranger can influence gives nothing away.
pub(super) async fn finish(request: Request, next: Next) -> Response {
    let gzip = takes_gzip(request.headers());
    let response = in_style(next.run(request).await);
    let is_page = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if is_page && gzip { small(response).await } else { response }
}

/// What the framework refuses by itself comes as bare text.
fn in_style(response: Response) -> Response {
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    let bare = kind.is_none_or(|kind| kind.starts_with(b"text/plain"));
    if !bare || !status.is_client_error() {
        return response;
    }
    let message = match status {
        StatusCode::METHOD_NOT_ALLOWED => {
            "This address cannot be used in this way. Start again from the list."
        }
        StatusCode::NOT_FOUND => "There is nothing at this address.",
        _ => "Keyhaven could not read this request. Go back, load the page again, and repeat it.",
    };
    super::refuse(status, message)
}

/// Does the browser take gzip?
pub(super) fn takes_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|one| {
        let (name, weight) = one.split_once(';').unwrap_or((one, ""));
        name.trim().eq_ignore_ascii_case("gzip")
            && !matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000")
    })
}

async fn small(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    parts.headers.append(header::VARY, HeaderValue::from_static("accept-encoding"));
    // A page is whole in memory already: reading it neither waits nor fails.
    let Ok(html) = to_bytes(body, usize::MAX).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    if html.len() < WORTH_IT {
        return Response::from_parts(parts, Body::from(html));
    }
    let mut gzip = GzEncoder::new(Vec::with_capacity(html.len() / 3), Compression::fast());
    match gzip.write_all(&html).and_then(|()| gzip.finish()) {
        Ok(bytes) => {
            parts.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            parts.headers.remove(header::CONTENT_LENGTH);
            Response::from_parts(parts, Body::from(bytes))
        }
        Err(_) => Response::from_parts(parts, Body::from(html)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_browser_that_takes_gzip_gets_it() {
        let table = [
            ("gzip, deflate, br", true),
            ("br;q=1.0, GZIP;q=0.5", true),
            ("gzip;q=0, br", false),
            ("x-gzip", false),
            ("", false),
        ];
        for (value, want) in table {
            let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, value.parse().unwrap())]);
            assert_eq!(takes_gzip(&headers), want, "{value}");
        }
    }
}
