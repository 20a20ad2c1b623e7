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

use hyper_util::client::legacy::connect::dns::Name;
use tower::Service;
use url::Url;

use super::resolver::Refused;

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
#[error("“{0}” is no override; write HOST=URL, such as *.pipedrive.com=http://127.0.0.1:9001")]
pub struct OverrideError(String);

impl Override {
    /// Reads one.
    pub fn parse(text: &str) -> Result<Self, OverrideError> {
        let wrong = || OverrideError(text.to_owned());
        let (pattern, target) = text.trim().split_once('=').ok_or_else(wrong)?;
        let fixed = pattern.strip_prefix("*.").unwrap_or(pattern);
        let plain = fixed.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'-'))
            && fixed.contains('.');
        let url = Url::parse(target.trim()).map_err(|_| wrong())?;
        let fits = matches!(url.scheme(), "http" | "https")
            && matches!(url.path(), "" | "/")
            && url.query().is_none();
        let (Some(host), Some(port), true) = (url.host_str(), url.port_or_known_default(), plain && fits)
        else {
            return Err(wrong());
        };
        let secure = url.scheme() == "https";
        Ok(Self {
            pattern: pattern.to_lowercase(),
            secure,
            host: host.trim_matches(['[', ']']).to_owned(),
            port,
        })
    }

    /// Reads several, with commas between them.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, OverrideError> {
        text.split(',').map(str::trim).filter(|one| !one.is_empty()).map(Self::parse).collect()
    }

    pub(super) fn covers(&self, host: &str) -> bool {
        match self.pattern.strip_prefix('*') {
            Some(suffix) => host.ends_with(suffix) && host.len() > suffix.len(),
            None => host == self.pattern,
        }
    }

    /// The URL to dial: the target's scheme and port with the original host, so that `Host`, SNI and certificate
    /// stay what they were. [`Dial`] turns the host into the target's address.
    pub(super) fn uri(&self, url: &Url) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        let host = url.host_str().unwrap_or_default();
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        format!("{scheme}://{host}:{}{}{query}", self.port, url.path())
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
        let url = Url::parse("https://acme.pipedrive.com/api/v1/users/me?x=1").unwrap();
        assert_eq!(one.uri(&url), "http://acme.pipedrive.com:9001/api/v1/users/me?x=1");
        assert_eq!(Override::parse_list("a.com=http://[::1]:1, b.com=https://x").unwrap().len(), 2);
        assert_eq!(Override::parse_list("").unwrap(), []);
        for wrong in [
            "",
            "x",
            "*=http://127.0.0.1",
            "a.com=ftp://x",
            "a.com=http://x/path",
            "a b.com=http://x",
            "com=http://x",
        ] {
            assert!(Override::parse(wrong).is_err(), "{wrong}");
        }
    }
}
