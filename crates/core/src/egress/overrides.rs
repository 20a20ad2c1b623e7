//! For development: hosts that are sent to another address, with their `Host` kept.

use std::{
    fmt,
    future::Future,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    vec,
};

use http::uri::Scheme;
use hyper_util::client::legacy::connect::dns::Name;
use tower::Service;
use url::Url;

use super::{address, resolver::Refused};

/// `*.pipedrive.com=http://127.0.0.1:9001`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    pattern: String,
    secure: bool,
    host: String,
    port: u16,
}

/// Why a text is no override.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("“{text}” is no override: {why}; write HOST=URL, such as *.pipedrive.com=http://127.0.0.1:9001")]
pub struct OverrideError {
    text: String,
    why: &'static str,
}

impl Override {
    /// Reads one.
    pub fn parse(text: &str) -> Result<Self, OverrideError> {
        Self::read(text.trim()).map_err(|why| OverrideError { text: text.trim().to_owned(), why })
    }

    fn read(text: &str) -> Result<Self, &'static str> {
        let (pattern, target) = text.split_once('=').ok_or("it has no “=”")?;
        let pattern = pattern.trim().to_lowercase();
        let fixed = pattern.strip_prefix("*.").unwrap_or(&pattern);
        let is_name = fixed.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'-'))
            && fixed.split('.').all(|label| !label.is_empty());
        // Not every name there is, nor all of .com; and an address is dialled as it is, so it cannot be sent elsewhere.
        if !is_name || !fixed.contains('.') || address::literal(fixed).is_some() {
            return Err("its host must be a name with at least two labels, of which the first may be “*”");
        }
        let url = Url::parse(target.trim()).map_err(|_| "its target is no URL")?;
        let secure = match url.scheme() {
            "http" => false,
            "https" => true,
            _ => return Err("its target must be http or https"),
        };
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
            return Err("its target names no host");
        };
        if url[..url::Position::BeforeUsername] != url[..url::Position::BeforeHost]
            || !matches!(&url[url::Position::BeforePath..], "" | "/")
        {
            return Err("its target is scheme, host and port, and nothing more");
        }
        let host = host.trim_matches(['[', ']']).to_owned();
        Ok(Self { pattern, secure, host, port })
    }

    /// Reads several, with commas between them.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, OverrideError> {
        text.split(',').map(str::trim).filter(|one| !one.is_empty()).map(Self::parse).collect()
    }

    /// Addresses are never covered: whoever dials would not ask [`Dial`] for them.
    pub(super) fn covers(&self, host: &str) -> bool {
        if address::literal(host).is_some() {
            return false;
        }
        match self.pattern.strip_prefix('*') {
            Some(suffix) => host.ends_with(suffix) && host.len() > suffix.len(),
            None => host == self.pattern,
        }
    }

    /// What to dial for this host: the target's scheme and port with the original host, so that `Host`, SNI and
    /// certificate stay what they were. [`Dial`] turns the host into the target's address.
    pub(super) fn dialled(&self, host: &str) -> (Scheme, String) {
        let scheme = if self.secure { Scheme::HTTPS } else { Scheme::HTTP };
        (scheme, format!("{host}:{}", self.port))
    }
}

impl fmt::Display for Override {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "https" } else { "http" };
        write!(f, "{} → {scheme}://{}:{}", self.pattern, self.host, self.port)
    }
}

/// Resolves covered names to the override's address; nothing else.
#[derive(Clone)]
pub(super) struct Dial(pub Arc<[Override]>);

impl Service<Name> for Dial {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = Refused;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Refused>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Refused>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let target =
            self.0.iter().find(|one| one.covers(name.as_str())).map(|one| (one.host.clone(), one.port));
        Box::pin(async move {
            let target = target.ok_or(Refused::Unknown)?;
            let found = tokio::net::lookup_host(target).await.map_err(|_| Refused::Unknown)?;
            Ok(found.collect::<Vec<_>>().into_iter())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overrides_cover_what_they_name_and_nothing_else() {
        let one = Override::parse("*.pipedrive.com=http://127.0.0.1:9001").unwrap();
        assert!(one.covers("acme.pipedrive.com") && one.covers("a.b.pipedrive.com"));
        for other in ["pipedrive.com", "evilpipedrive.com", "acme.pipedrive.com.evil.com", "127.0.0.1"] {
            assert!(!one.covers(other), "{other}");
        }
        assert_eq!(one.dialled("acme.pipedrive.com"), (Scheme::HTTP, "acme.pipedrive.com:9001".into()));
        assert_eq!(Override::parse_list("a.com=http://[::1]:1, b.com=https://x").unwrap().len(), 2);
        assert_eq!(Override::parse_list("").unwrap(), []);
        for (wrong, why) in [
            ("", "no “=”"),
            ("x", "no “=”"),
            ("=http://x", "two labels"),
            ("*=http://127.0.0.1", "two labels"),
            ("*.com=http://x", "two labels"),
            ("com=http://x", "two labels"),
            ("a b.com=http://x", "two labels"),
            ("a..com=http://x", "two labels"),
            ("*.*.com=http://x", "two labels"),
            ("a.com:443=http://x", "two labels"),
            ("10.0.0.1=http://x", "two labels"),
            ("a.com=x", "no URL"),
            ("a.com=", "no URL"),
            ("a.com=ftp://x", "http or https"),
            ("a.com=http://x/path", "nothing more"),
            ("a.com=http://x?query", "nothing more"),
            ("a.com=http://x/#part", "nothing more"),
            ("a.com=http://user:key@x", "nothing more"),
        ] {
            let said = Override::parse(wrong).unwrap_err().to_string();
            assert!(said.contains(why) && said.contains(wrong), "{wrong}: {said}");
        }
        // It looks like a name, and yet addresses end so.
        assert!(!Override::parse("*.0.1=http://127.0.0.1:9001").is_ok_and(|one| one.covers("127.0.0.1")));
    }
}
