//! What a request asks for.

use http::{Uri, uri::Authority};

/// Path and query of a request (RFC 9112, section 3.2), and whom it asks, where it tells that there.
#[derive(Debug, PartialEq, Eq)]
pub struct RequestTarget {
    text: String,
    /// Bytes of the path.
    path: usize,
    authority: Option<Box<str>>,
}

impl RequestTarget {
    /// A path and query as they were sent; nothing, if they are none.
    pub(super) fn read(text: &str) -> Option<Self> {
        // What is odd the library judges.
        if !text.starts_with('/') || !is_plain(text) {
            return Some(Uri::try_from(text).ok()?.into());
        }
        Some(Self { text: text.to_owned(), path: path_of(text), authority: None })
    }

    /// Path and query.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The path.
    pub fn path(&self) -> &str {
        &self.text[..self.path]
    }

    /// What stands behind the question mark.
    pub fn query(&self) -> Option<&str> {
        self.text.get(self.path + 1..)
    }

    /// Name and port of whom it asks.
    pub fn authority(&self) -> Option<&str> {
        self.authority.as_deref()
    }
}

impl From<Uri> for RequestTarget {
    fn from(uri: Uri) -> Self {
        let parts = uri.into_parts();
        let text = parts.path_and_query.map(|it| it.as_str().to_owned()).unwrap_or_default();
        let authority = parts.authority.map(|it| it.as_str().into());
        Self { path: path_of(&text), text, authority }
    }
}

/// HTTP/1.1 wants to hear once whom a request asks (RFC 9112, section 3.2). Do these `Host` headers tell it?
pub fn is_named_once<'a>(mut hosts: impl Iterator<Item = &'a [u8]>) -> bool {
    let is_host = |text: &str| text.is_empty() || !text.contains('@') && text.parse::<Authority>().is_ok();
    hosts.next().is_some_and(|host| str::from_utf8(host).is_ok_and(is_host)) && hosts.next().is_none()
}

/// Bytes before the question mark.
fn path_of(text: &str) -> usize {
    text.bytes().position(|byte| byte == b'?').unwrap_or(text.len())
}

/// Letters, digits and what else stands in most paths and queries: every reader takes them as they are.
pub(crate) fn is_plain(text: &str) -> bool {
    const PLAIN: [bool; 256] = {
        let (mut plain, mut at) = ([false; 256], 0);
        while at < plain.len() {
            plain[at] = (at as u8).is_ascii_alphanumeric();
            at += 1;
        }
        let (others, mut at) = (b"/?&=-_.%+,:@", 0);
        while at < others.len() {
            plain[others[at] as usize] = true;
            at += 1;
        }
        plain
    };
    text.bytes().all(|byte| PLAIN[usize::from(byte)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_plain_reads_as_the_library_does() {
        for text in [
            "/",
            "/?",
            "/a",
            "/a?b",
            "/a?b?c",
            "/?/",
            "/a%2F%zz?%",
            "/a,b:c@d=e&f+g",
            "//x",
            "/../a",
            "/a;b?c;d",
            "/a#b",
            "/a?b#c",
            "/é",
            "/a b",
            "/\u{7f}",
            "/a|b",
            "/\"",
            "/{a}",
            "*",
            "a",
            "",
            "http://a/b",
            "a:1",
        ] {
            let library = Uri::try_from(text).ok().map(RequestTarget::from);
            assert_eq!(RequestTarget::read(text), library, "{text}");
        }
        for (hosts, is_one) in [
            (&["a"][..], true),
            (&["a.test:8787"], true),
            (&["[::1]:80"], true),
            (&[""], true),
            (&[], false),
            (&["a", "a"], false),
            (&["a b"], false),
            (&["u@a"], false),
            (&["a/b"], false),
            (&["é"], false),
        ] {
            assert_eq!(is_named_once(hosts.iter().map(|host| host.as_bytes())), is_one, "{hosts:?}");
        }
        let uri: Uri = "https://acme.test:8443/a/b?c=d".parse().unwrap();
        let it = RequestTarget::from(uri);
        assert_eq!((it.path(), it.query(), it.authority()), ("/a/b", Some("c=d"), Some("acme.test:8443")));
    }
}
