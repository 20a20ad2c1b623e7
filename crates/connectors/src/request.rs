//! Requests to send and answers that came, without any I/O.

use std::{borrow::Borrow, collections::BTreeMap, fmt};

use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use keyhaven_vault::Secret;
use url::Url;

use crate::{Connector, Values, template};

/// A host that a connection may reach, always by https.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedHost {
    /// Lower-case name or address.
    pub host: String,
    /// Usually 443.
    pub port: u16,
}

impl AllowedHost {
    pub(crate) fn of(url: &Url) -> Option<Self> {
        Some(Self { host: url.host_str()?.to_owned(), port: url.port_or_known_default()? })
    }
}

/// A request to send. Its credential is marked sensitive, so that `Debug` does not print it.
#[derive(Clone, Debug)]
pub struct OutRequest {
    /// Usually GET.
    pub method: Method,
    /// Never holds a credential.
    pub url: Url,
    /// With the credential.
    pub headers: HeaderMap,
}

/// An answer that came. `Debug` tells no more than its status and size: some apps repeat the credential.
#[derive(Clone, Default)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, bounded by whoever read it.
    pub body: Vec<u8>,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Answer({}, {} bytes)", self.status, self.body.len())
    }
}

/// Where the app takes its credential.
#[derive(Clone, Debug)]
pub(crate) enum Auth {
    /// Templates of a header's name and value.
    Header { name: String, value: String },
    /// Ids of the fields that hold user and password.
    Basic { user: String, password: String },
}

/// A header that carries a token, as programs of this app send it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenHeader {
    /// Its name in lower case.
    pub name: String,
    /// What stands before the token, such as `Bearer `.
    pub before: String,
}

impl Connector {
    /// Where a program puts its Keyhaven access token: where this app takes its own key, if that is one text alone.
    pub fn token_header(&self, plain: &BTreeMap<String, String>) -> TokenHeader {
        let bearer = || TokenHeader { name: "authorization".into(), before: "Bearer ".into() };
        let Auth::Header { name, value } = &self.auth else { return bearer() };
        // It is shown in code, between quotes.
        let is_tame = |c: char| c.is_ascii_alphanumeric() || " -_=".contains(c);
        let is_secret = |id: &str| self.fields.iter().any(|field| field.id == id && field.is_secret());
        let Some(name) = template::fill(name, plain) else {
            return bearer();
        };
        match value.strip_suffix('}').and_then(|value| value.split_once('{')) {
            Some((before, field)) if is_secret(field) && before.chars().all(is_tame) => {
                TokenHeader { name: name.to_ascii_lowercase(), before: before.into() }
            }
            _ => bearer(),
        }
    }

    /// The hosts that a connection with these values may reach.
    pub fn hosts(&self, plain: &BTreeMap<String, String>) -> Vec<AllowedHost> {
        self.origins(plain).iter().filter_map(AllowedHost::of).collect()
    }

    /// Where requests of a connection with these values begin: scheme, host and perhaps a path. The first is for
    /// whoever does not say which.
    pub fn origins(&self, plain: &BTreeMap<String, String>) -> Vec<Url> {
        self.hosts.iter().filter_map(|host| template::fill_host(host, plain)).collect()
    }

    /// The header in which the app takes its credential.
    pub fn credential_header(&self, plain: &BTreeMap<String, String>) -> Option<HeaderName> {
        match &self.auth {
            Auth::Header { name, .. } => {
                let name = template::fill(name, plain)?;
                HeaderName::try_from(name).ok()
            }
            Auth::Basic { .. } => Some(header::AUTHORIZATION),
        }
    }

    /// Puts the credential where the app takes it: into a header, never into the URL. `None` if a value cannot
    /// stand in a header.
    pub(crate) fn authorise(&self, values: &Values, headers: &mut HeaderMap) -> Option<()> {
        let credential = self.credential(&values.plain, |field| values.secret.get(field))?;
        headers.insert(self.credential_header(&values.plain)?, credential);
        Some(())
    }

    /// What stands in [`Connector::credential_header`]. `None` if a value cannot stand in a header.
    pub fn credential<S: Borrow<Secret>>(
        &self,
        plain: &BTreeMap<String, String>,
        secret: impl Fn(&str) -> Option<S>,
    ) -> Option<HeaderValue> {
        let write = |field: &str, out: &mut String| {
            match plain.get(field) {
                Some(value) => out.push_str(value),
                None => out.push_str(secret(field)?.borrow().expose()),
            }
            Some(())
        };
        let text = match &self.auth {
            Auth::Header { value, .. } => template::fill_with(value, write)?,
            Auth::Basic { user, password } => {
                let mut pair = String::new();
                write(user, &mut pair)?;
                pair.push(':');
                write(password, &mut pair)?;
                format!("Basic {}", BASE64_STANDARD.encode(pair))
            }
        };
        let mut value = HeaderValue::try_from(text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}
