//! Who may pass the door; judged before anything is dialled.

use http::{
    HeaderValue, Request, Uri, header,
    uri::{Authority, PathAndQuery, Scheme},
};
use keyhaven_connectors::{AllowedHost, Fault};
use url::Url;

use super::{Asked, address, overrides::Override, pool::End};
use crate::{http1, proxy::Payload};

/// Where requests of one connection may go: judged once, then only used. No other code can make one.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    /// By an override, to whatever address that names.
    pub(super) elsewhere: bool,
    /// Names the other end among the connections that are kept.
    pub(super) end: End,
    scheme: Scheme,
    authority: Authority,
    host: HeaderValue,
}

impl Way {
    /// The host, with its port unless that is the usual one.
    pub(crate) fn named(&self) -> &str {
        self.host.to_str().unwrap_or_default()
    }

    /// The URI to dial.
    pub(super) fn origin(&self) -> Result<Uri, Fault> {
        self.whole(&Uri::from_static("/"))
    }

    /// The whole URI of a path and query, as HTTP/2 wants it.
    pub(super) fn whole(&self, path_and_query: &Uri) -> Result<Uri, Fault> {
        let path_and_query = path_and_query.path_and_query().map_or("/", PathAndQuery::as_str);
        let parts = Uri::builder().scheme(self.scheme.clone()).authority(self.authority.clone());
        parts.path_and_query(path_and_query).build().map_err(|_| Fault::NotAllowed)
    }

    /// A request as hyper takes it.
    pub(super) fn request(&self, asked: &Asked<'_>, body: Payload) -> Result<Request<Payload>, Fault> {
        let mut request = Request::new(body);
        *request.method_mut() = asked.method.clone();
        *request.uri_mut() = asked.path.as_library()?.into();
        let headers = request.headers_mut();
        headers.clone_from(&asked.outward.headers);
        headers.insert(header::HOST, self.host.clone());
        if let Some((name, value)) = asked.credential() {
            headers.insert(name, value.clone());
        }
        Ok(request)
    }

    /// The same as it is written in HTTP/1.1.
    pub(super) fn text(&self, asked: &Asked<'_>, body: &[u8]) -> Vec<u8> {
        let named = [(&header::HOST, &self.host)].into_iter().chain(asked.credential());
        http1::write_request(asked.method, &asked.path.0, named, &asked.outward.lines, body)
    }
}

/// A path and query, and nothing that names a host or ends a line: in pieces that follow each other. No other code can
/// make one.
pub(crate) struct Path<'a>([&'a str; 4]);

impl<'a> Path<'a> {
    /// A path that begins so and goes on so.
    pub(crate) fn new(beginning: &'a str, path: &'a str, query: Option<&'a str>) -> Result<Self, Fault> {
        let it = Self([beginning, path, query.map_or("", |_| "?"), query.unwrap_or_default()]);
        if !(beginning.starts_with('/') || beginning.is_empty() && path.starts_with('/')) {
            return Err(Fault::NotAllowed);
        }
        // What is odd the library judges.
        if !it.0.iter().all(|part| http1::is_plain(part)) {
            it.as_library()?;
        }
        Ok(it)
    }

    /// Nothing, if the library would leave out anything of it, as it does from a `#` on.
    fn as_library(&self) -> Result<PathAndQuery, Fault> {
        let text = self.0.concat();
        let size = text.len();
        let whole = PathAndQuery::try_from(text).ok().filter(|it| it.as_str().len() == size);
        whole.ok_or(Fault::NotAllowed)
    }
}

/// Lets https to allowed hosts pass. `Host` is what the URL says, wherever the request goes.
pub(super) fn way(allowed: &[AllowedHost], overrides: &[Override], url: &Url) -> Result<Way, Fault> {
    let host = url.host_str().unwrap_or_default();
    let is_allowed =
        allowed.iter().any(|one| one.host == host && Some(one.port) == url.port_or_known_default());
    let has_password = !url.username().is_empty() || url.password().is_some();
    if url.scheme() != "https" || !is_allowed || has_password {
        return Err(Fault::NotAllowed);
    }
    // hyper does not resolve a literal address, and so the resolver would not see it.
    if address::literal(host).is_some_and(|ip| !address::is_public(ip)) {
        return Err(Fault::RefusedAddress);
    }
    let elsewhere = overrides.iter().find(|one| one.covers(host));
    let named = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let (scheme, authority) = match elsewhere {
        Some(one) => one.dialled(host),
        None => (Scheme::HTTPS, named.clone()),
    };
    Ok(Way {
        elsewhere: elsewhere.is_some(),
        end: format!("{scheme}://{authority}").into(),
        scheme,
        authority: authority.parse().map_err(|_| Fault::NotAllowed)?,
        host: HeaderValue::from_str(&named).map_err(|_| Fault::NotAllowed)?,
    })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, HeaderName, Method};

    use super::{super::Outward, *};

    fn way_to(url: &str) -> Result<Way, Fault> {
        let at = |host: &str, port| AllowedHost { host: host.into(), port };
        let allowed = [at("acme.test", 443), at("acme.test", 8443), at("10.0.0.1", 443), at("8.8.8.8", 443)];
        let overrides = Override::parse_list("*.over.test=http://127.0.0.1:9001").unwrap();
        way(&allowed, &overrides, &Url::parse(url).unwrap())
    }

    #[test]
    fn only_https_to_the_very_host_and_port_passes() {
        for url in
            ["https://acme.test/", "https://ACME.test:443/a?b", "https://acme.test:8443", "https://8.8.8.8/"]
        {
            assert!(way_to(url).is_ok(), "{url}");
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
            assert_eq!(way_to(url).err(), Some(Fault::NotAllowed), "{url}");
        }
        // Not even a connector that allows it reaches a private address.
        assert_eq!(way_to("https://10.0.0.1/").err(), Some(Fault::RefusedAddress));
        assert_eq!(way_to("https://0xa000001/").err(), Some(Fault::RefusedAddress));
    }

    #[test]
    fn host_is_the_doors_and_a_path_stays_a_path() {
        for (url, host) in
            [("https://acme.test/", "acme.test"), ("https://acme.test:8443/", "acme.test:8443")]
        {
            let way = way_to(url).unwrap();
            let (name, key) = (HeaderName::from_static("x-api-token"), HeaderValue::from_static("key"));
            let theirs =
                [(name.clone(), HeaderValue::from_static("another")), (header::USER_AGENT, key.clone())];
            let asked = Asked {
                method: &Method::GET,
                path: &Path::new("", "/a", Some("b")).unwrap(),
                outward: &Outward::new(theirs.into_iter().collect(), Some(name.clone())).unwrap(),
                credential: Some(key.clone()),
            };
            let request = way.request(&asked, Bytes::new().into()).unwrap();
            let sent = [
                (header::HOST, HeaderValue::from_static(host)),
                (header::USER_AGENT, key.clone()),
                (name, key),
            ];
            assert_eq!(*request.headers(), sent.into_iter().collect::<HeaderMap>());
            let text =
                format!("GET /a?b HTTP/1.1\r\nhost: {host}\r\nx-api-token: key\r\nuser-agent: key\r\n\r\n");
            assert_eq!(way.text(&asked, &[]), text.as_bytes());
            let uri = request.uri();
            assert_eq!((uri.authority(), uri.path(), uri.query()), (None, "/a", Some("b")));
            assert_eq!(way.whole(uri).unwrap().to_string(), format!("https://{host}/a?b"));
        }
        for odd in ["", "evil.test/", "@evil.test/", ":80/", "http://evil.test/", "*", "?a"] {
            assert!(Path::new("", odd, None).is_err(), "{odd}");
        }
        for odd in ["/a b", "/a\r\nhost: evil.test", "/a\n", "/a\0", "/\u{7f}", "/a#b", "/#\r\nx: y"] {
            assert!(Path::new("/x", odd, None).is_err(), "{odd}");
            assert!(Path::new("/x", "", Some(odd)).is_err(), "{odd}");
            assert!(Path::new(odd, "/", None).is_err(), "{odd}");
        }
    }
}
