//! What an access token may do.

mod input;

use std::net::IpAddr;

use http::Method;
use ipnet::IpNet;
use keyhaven_connectors::PathPattern;
use serde::{Deserialize, Serialize};

pub use input::PolicyInput;

use crate::proxy;

/// The limits of one access token; the default has none. Methods, paths, quotas and the share are for calls through
/// the proxy; the others hold everywhere. A limit that this version does not know is refused when it is read: no
/// token may do more because Keyhaven was started in an older version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Ids of the connections that it may use; `None`: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connections: Option<Vec<String>>,
    /// It changes nothing: GET, HEAD and OPTIONS only.
    #[serde(skip_serializing_if = "is_false")]
    pub read_only: bool,
    /// Methods in upper case, GET for HEAD, too; empty: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<String>,
    /// Patterns such as `/api/v2/deals/*`: `*` is one segment, `**` at the end is the rest; empty: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<PathPattern>,
    /// Calls a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_minute: Option<u32>,
    /// Calls a day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_day: Option<u32>,
    /// Percent of the app's daily budget, 1 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget_share: Option<u8>,
    /// Networks that it is accepted from; empty: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<IpNet>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_false(it: &bool) -> bool {
    !it
}

/// What an access token was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// It may only read.
    #[error("this access token may only read")]
    ReadOnly,
    /// Not this method.
    #[error("this access token may not use the method {0}")]
    Method(String),
    /// Not this path.
    #[error("this access token may not call this path")]
    Path,
    /// Not this connection; said of one that does not exist, too.
    #[error("this access token may not use this connection")]
    Connection,
    /// Not from this address, or from none that is known.
    #[error("this access token is not accepted from this address")]
    Network,
    /// It may not add a connection that it could not use itself.
    #[error("this access token is limited to some connections and cannot add one")]
    Adding,
    /// It may not see figures in which other connections are counted.
    #[error("this access token is limited to some connections and cannot see figures of all")]
    Figures,
    /// It could give itself what it has not.
    #[error("this access token has limits and so cannot see, make or revoke access tokens")]
    Managing,
    /// It could have the server speak to a database that it may not reach itself.
    #[error("this access token has limits and so cannot save or change syncs")]
    Syncing,
}

impl Denied {
    /// What the caller can do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::ReadOnly => "Use an access token that may also change things.",
            Self::Method(_) => "Use a method that the token allows, or a token that allows this one.",
            Self::Path => "Call a path that the token allows, or use a token that allows this one.",
            Self::Connection => "Use an access token that allows this connection.",
            Self::Network => {
                "Call from a network that the token allows, or make a token that allows this one."
            }
            Self::Adding | Self::Figures | Self::Managing | Self::Syncing => {
                "Use an access token without limits, or sign in."
            }
        }
    }
}

impl Policy {
    /// May it do everything?
    pub fn is_unlimited(&self) -> bool {
        *self == Self::default()
    }

    /// May it use the connection with this id?
    pub fn allows_connection(&self, id: &str) -> bool {
        self.connections.as_ref().is_none_or(|ids| ids.iter().any(|it| it == id))
    }

    /// May it call this path, as sent and without the query, with this method?
    pub fn permits(&self, method: &Method, path: &str) -> Result<(), Denied> {
        if self.read_only && !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
            return Err(Denied::ReadOnly);
        }
        if !self.methods.is_empty() && !self.allows_method(method) {
            return Err(Denied::Method(method.to_string()));
        }
        if self.paths.is_empty() {
            return Ok(());
        }
        // What could be read in two ways fits nothing.
        let read = proxy::path::read(path).map_err(|_| Denied::Path)?;
        if !self.paths.iter().any(|pattern| pattern.fits(&read)) {
            return Err(Denied::Path);
        }
        Ok(())
    }

    /// HEAD asks for nothing that GET does not.
    fn allows_method(&self, method: &Method) -> bool {
        let has = |method: &Method| self.methods.iter().any(|it| it == method.as_str());
        has(method) || (*method == Method::HEAD && has(&Method::GET))
    }

    /// Is it accepted from this address? An IPv4 address inside an IPv6 one counts as the former.
    pub fn permits_client(&self, client: IpAddr) -> Result<(), Denied> {
        let client = client.to_canonical();
        let inside = self.networks.is_empty() || self.networks.iter().any(|it| it.contains(&client));
        if inside { Ok(()) } else { Err(Denied::Network) }
    }
}

#[cfg(test)]
mod tests;
