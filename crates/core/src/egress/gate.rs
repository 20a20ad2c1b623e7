//! Who may pass the door; judged before anything is dialled.

use http::{HeaderMap, HeaderName, HeaderValue, Request, header};
use keyhaven_connectors::{AllowedHost, Fault, OutRequest};
use url::Url;

use super::{address, overrides::Override};

const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!("Keyhaven/", env!("CARGO_PKG_VERSION")));

/// Headers that frame a message or speak of one connection: the transport's own, never a request's.
const TRANSPORT: [HeaderName; 8] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::HOST,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
];

/// A request that may go out, and by which way.
pub(super) struct Admitted {
    pub request: Request<()>,
    /// By an override, to whatever address that names.
    pub elsewhere: bool,
}

/// Lets https requests to allowed hosts pass, with nothing in them that would change where or how they are read.
pub(super) fn admit(
    allowed: &[AllowedHost],
    overrides: &[Override],
    request: OutRequest,
) -> Result<Admitted, Fault> {
    let OutRequest { method, url, headers: wanted } = request;
    let host = url.host_str().unwrap_or_default();
    let is_allowed =
        allowed.iter().any(|one| one.host == host && Some(one.port) == url.port_or_known_default());
    let has_password = !url.username().is_empty() || url.password().is_some();
    let has_transport = TRANSPORT.iter().any(|name| wanted.contains_key(name));
    if url.scheme() != "https" || !is_allowed || has_password || has_transport {
        return Err(Fault::NotAllowed);
    }
    let elsewhere = overrides.iter().find(|one| one.covers(host));
    // hyper does not resolve a literal address, and so the resolver would not see it.
    if address::literal(host).is_some_and(|ip| !address::is_public(ip)) {
        return Err(Fault::RefusedAddress);
    }
    let uri = elsewhere.map_or_else(|| url.to_string(), |one| one.uri(&url));
    let mut request = Request::builder().method(method).uri(uri).body(()).map_err(|_| Fault::NotAllowed)?;
    *request.headers_mut() = headers(&url, wanted)?;
    Ok(Admitted { request, elsewhere: elsewhere.is_some() })
}

/// `Host` is what the URL said, wherever the request goes.
fn headers(url: &Url, mut headers: HeaderMap) -> Result<HeaderMap, Fault> {
    let host = url.host_str().unwrap_or_default();
    let named = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    headers.insert(header::HOST, HeaderValue::from_str(&named).map_err(|_| Fault::NotAllowed)?);
    headers.insert(header::USER_AGENT, USER_AGENT);
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;

    fn admitted(url: &str, header: Option<&'static str>) -> Result<Admitted, Fault> {
        let at = |host: &str, port| AllowedHost { host: host.into(), port };
        let allowed = [at("acme.test", 443), at("acme.test", 8443), at("10.0.0.1", 443), at("8.8.8.8", 443)];
        let overrides = Override::parse_list("*.over.test=http://127.0.0.1:9001").unwrap();
        let mut headers = HeaderMap::new();
        if let Some(name) = header {
            headers.insert(name, HeaderValue::from_static("x"));
        }
        let url = Url::parse(url).unwrap();
        admit(&allowed, &overrides, OutRequest { method: Method::GET, url, headers })
    }

    #[test]
    fn only_https_to_the_very_host_and_port_passes() {
        for url in
            ["https://acme.test/", "https://ACME.test:443/a?b", "https://acme.test:8443", "https://8.8.8.8/"]
        {
            assert!(admitted(url, Some("x-api-key")).is_ok(), "{url}");
        }
        for url in [
            "http://acme.test/",
            "http://acme.test:443/",
            "ftp://acme.test/",
            "https://acme.test:444/",
            "https://acme.test./",
            "https://test/",
            "https://www.acme.test/",
            "https://acme.test.evil.test/",
            "https://evil.test/acme.test",
            "https://evil.test#@acme.test/",
            "https://acme.test@evil.test/",
            "https://user@acme.test/",
            "https://:key@acme.test/",
            // An override alone allows nothing.
            "https://a.over.test/",
            "data:acme.test",
        ] {
            assert_eq!(admitted(url, None).err(), Some(Fault::NotAllowed), "{url}");
        }
        // Not even a connector that allows it reaches a private address.
        assert_eq!(admitted("https://10.0.0.1/", None).err(), Some(Fault::RefusedAddress));
        assert_eq!(admitted("https://0xa000001/", None).err(), Some(Fault::RefusedAddress));
    }

    #[test]
    fn a_request_cannot_reframe_itself() {
        for name in TRANSPORT {
            let mut headers = HeaderMap::new();
            headers.insert(name.clone(), HeaderValue::from_static("x"));
            let request =
                OutRequest { method: Method::GET, url: Url::parse("https://acme.test/").unwrap(), headers };
            let allowed = [AllowedHost { host: "acme.test".into(), port: 443 }];
            assert_eq!(admit(&allowed, &[], request).err(), Some(Fault::NotAllowed), "{name}");
        }
    }

    #[test]
    fn host_and_user_agent_are_the_doors() {
        for (url, host) in
            [("https://acme.test/", "acme.test"), ("https://acme.test:8443/", "acme.test:8443")]
        {
            let request = admitted(url, Some("user-agent")).ok().unwrap().request;
            assert_eq!(request.headers()[header::HOST], host);
            assert_eq!(
                request.headers().get_all(header::USER_AGENT).iter().collect::<Vec<_>>(),
                [&USER_AGENT]
            );
        }
    }
}
