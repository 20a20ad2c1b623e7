//! No header of a caller names a host, a credential or a connection to the app, and none of an app a cookie.
#![no_main]

use http::{HeaderMap, HeaderName, HeaderValue};
use keyhaven_core::{http1::Fields, proxy::headers};
use libfuzzer_sys::fuzz_target;

const NEVER_OUT: [&str; 11] = [
    "authorization", "connection", "content-length", "cookie", "host", "proxy-authorization", "te", "trailer",
    "transfer-encoding", "upgrade", "x-forwarded-for",
];
const NEVER_IN: [&str; 5] = ["connection", "set-cookie", "transfer-encoding", "upgrade", "x-keyhaven-answer"];

fuzz_target!(|lines: Vec<(&str, &[u8])>| {
    let mut sent = HeaderMap::new();
    for (name, value) in lines.iter().take(100) {
        let (Ok(name), Ok(value)) = (HeaderName::try_from(*name), HeaderValue::from_bytes(value)) else { continue };
        sent.append(name, value);
    }
    let out = headers::outwards(&sent);
    assert!(NEVER_OUT.iter().all(|name| !out.contains_key(*name)));
    assert!(out.iter().all(|(name, value)| sent.get_all(name).iter().any(|one| one == value)));
    let mut back = Fields::from(sent);
    headers::inwards(&mut back);
    let back = back.to_map();
    assert!(NEVER_IN.iter().all(|name| !back.contains_key(*name)));
    assert_eq!(back.get_all("content-security-policy").iter().count(), 1);
});
