//! Which headers pass, in either direction.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use keyhaven_connectors::headers::{is_reserved, is_transport};

use crate::http1::Fields;

/// A page of the app opened in a browser shall not act as one of Keyhaven's.
const PROTECTION: &str =
    "content-security-policy: sandbox; default-src 'none'\r\nx-content-type-options: nosniff\r\n";

/// What a caller may not say to the app: what frames a message, speaks of one connection, tells who asks, or shows who it
/// is.
fn stays_here(name: &str) -> bool {
    is_reserved(name)
        // Programs behind a gateway take it for the same name with a hyphen.
        || name.contains('_')
        || matches!(name, "authorization" | "cookie" | "cookie2")
}

/// The caller's headers as the app gets them, but for what stands where its credential will.
pub fn outwards(from: &HeaderMap) -> HeaderMap {
    let dropped = named_by_connection(from.get_all(header::CONNECTION).iter().map(HeaderValue::as_bytes));
    passing(from, |name| !stays_here(name.as_str()) && !dropped.iter().any(|one| one == name.as_str()))
}

/// Leaves of the app's headers what the caller gets to see, and adds what protects it.
pub fn inwards(fields: &mut Fields) {
    // Most have none.
    if fields.get(&header::CONNECTION).is_some() {
        for name in named_by_connection(fields.get_all(&header::CONNECTION)) {
            // What is no name stands nowhere.
            HeaderName::try_from(name).into_iter().for_each(|name| fields.remove(name));
        }
    }
    fields.pass(|names| {
        // Of two lengths the one that was not heeded is wrong.
        let is_chunked = names.contains(&header::TRANSFER_ENCODING);
        names
            .iter()
            .map(|name| comes_in(name.as_str()) && !(is_chunked && name == header::CONTENT_LENGTH))
            .collect()
    });
    fields.add_fixed(PROTECTION);
}

/// What an app may say to a caller.
fn comes_in(name: &str) -> bool {
    let is_ours = is_transport(name)
        || name.starts_with("x-keyhaven")
        || name.starts_with("x-accel-")
        || matches!(name, "content-security-policy" | "x-content-type-options")
        || speaks_of_the_host(name);
    !is_ours
}

/// Cookies of the app are not Keyhaven's; the others speak of the app's host, and would bind this one.
fn speaks_of_the_host(name: &str) -> bool {
    matches!(
        name,
        "accept-ch"
            | "alt-svc"
            | "clear-site-data"
            | "content-security-policy-report-only"
            | "critical-ch"
            | "nel"
            | "public-key-pins"
            | "public-key-pins-report-only"
            | "refresh"
            | "report-to"
            | "reporting-endpoints"
            | "service-worker-allowed"
            | "speculation-rules"
            | "set-cookie"
            | "set-cookie2"
            | "strict-transport-security"
    )
}

/// What a Keyhaven server passed on, without what frames its message.
pub(crate) fn without_transport(from: &HeaderMap) -> HeaderMap {
    passing(from, |name| !is_transport(name.as_str()))
}

/// Headers that `Connection` names speak of one connection, too.
fn named_by_connection<'a>(told: impl Iterator<Item = &'a [u8]>) -> Vec<String> {
    let is_usual =
        |told: &[u8]| ["", "close", "keep-alive"].iter().any(|it| told.eq_ignore_ascii_case(it.as_bytes()));
    // Most tell nothing else.
    let values = told.filter(|value| !is_usual(value)).filter_map(|value| str::from_utf8(value).ok());
    let names = values.flat_map(|value| value.split(',')).map(str::trim);
    names.filter(|name| !is_usual(name.as_bytes())).map(str::to_ascii_lowercase).collect()
}

fn passing(from: &HeaderMap, pass: impl Fn(&HeaderName) -> bool) -> HeaderMap {
    let passing = from.iter().filter(|(name, _)| pass(name));
    passing.map(|(name, value)| (name.clone(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        headers
    }

    fn names(headers: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<_> = headers.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn a_caller_sets_neither_host_nor_connection_nor_who_asks() {
        let sent = map(&[
            ("host", "evil"),
            ("authorization", "Bearer x"),
            ("connection", "close, X-Secret"),
            ("x-secret", "1"),
            ("transfer-encoding", "chunked"),
            ("te", "trailers"),
            ("content-length", "3"),
            ("cookie", "a=b"),
            ("x-forwarded-for", "1.2.3.4"),
            ("x-forwarded-host", "e"),
            ("forwarded", "host=e"),
            ("via", "x"),
            ("upgrade", "h2c"),
            ("http2-settings", "x"),
            ("expect", "100-continue"),
            ("proxy-authorization", "x"),
            ("x-http-method-override", "DELETE"),
            ("x-keyhaven-host", "e"),
            ("x_forwarded_for", "1.2.3.4"),
            ("x-api_token", "x"),
            ("client-ip", "1.2.3.4"),
            ("accept", "a"),
            ("accept", "b"),
            ("x-mine", "1"),
            ("content-type", "application/json"),
        ]);
        let out = outwards(&sent);
        assert_eq!(names(&out), ["accept", "accept", "content-type", "x-mine"]);
        assert_eq!(out.get_all("accept").iter().collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn an_app_sets_no_cookie_and_speaks_for_itself_alone() {
        let answered = map(&[
            ("set-cookie", "a"),
            ("set-cookie", "b"),
            ("connection", "x-hop"),
            ("x-hop", "1"),
            ("alt-svc", "h3"),
            ("speculation-rules", "\"/x\""),
            ("strict-transport-security", "max-age=1"),
            ("x-keyhaven-answer", "keyhaven"),
            ("etag", "1"),
            ("content-security-policy", "default-src *"),
            ("x-ratelimit-limit", "20"),
        ]);
        let mut got = Fields::from(answered);
        inwards(&mut got);
        let got = got.to_map();
        assert_eq!(
            names(&got),
            ["content-security-policy", "etag", "x-content-type-options", "x-ratelimit-limit"]
        );
        assert_eq!(got["content-security-policy"], "sandbox; default-src 'none'");
    }
}
