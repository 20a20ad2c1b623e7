//! What a method and a path ask for, and what that costs of the daily budget.

use axum::http::{HeaderValue, Method, Uri, header, request::Parts};

use crate::crm::Kind;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    V1,
    V2,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Me,
    List(Kind),
    Archived,
    Get(Kind, u64),
    Create(Kind),
    Update(Kind, u64),
    Delete(Kind, u64),
    /// Of one kind, or of all.
    Search(Option<Kind>),
}

use Operation::{Archived, Create, Delete, Get, List, Me, Search, Update};
use Version::{V1, V2};

/// A request; no operation where the path means nothing.
pub(crate) struct Call<'a> {
    pub uri: &'a Uri,
    pub is_form: bool,
    pub version: Version,
    pub operation: Option<Operation>,
}

impl<'a> Call<'a> {
    /// `shared` is whether the host is that of all companies.
    pub(crate) fn new(head: &'a Parts, shared: bool) -> Self {
        let form = |value: &HeaderValue| value.as_bytes().starts_with(b"application/x-www-form-urlencoded");
        let routed = version(head.uri.path(), shared);
        Self {
            uri: &head.uri,
            is_form: head.headers.get(header::CONTENT_TYPE).is_some_and(form),
            version: routed.map_or(V1, |(version, _)| version),
            operation: routed.and_then(|(version, path)| Operation::parse(&head.method, version, path)),
        }
    }
}

/// Company hosts know `/api/v1`, `/v1` and `/api/v2`; the shared hosts only `/v1` and `/api/v2`.
fn version(path: &str, shared: bool) -> Option<(Version, &str)> {
    if let Some(rest) = path.strip_prefix("/api/v2/") {
        return Some((V2, rest));
    }
    let old = path.strip_prefix("/v1/").or_else(|| path.strip_prefix("/api/v1/").filter(|_| !shared));
    Some((V1, old?))
}

impl Operation {
    /// Words before ids: `/deals/search` is no deal.
    fn parse(method: &Method, version: Version, path: &str) -> Option<Self> {
        let update = if version == V1 { Method::PUT } else { Method::PATCH };
        let mut segments = path.split('/');
        let (first, second) = (segments.next()?, segments.next());
        if segments.next().is_some() {
            return None;
        }
        let read = *method == Method::GET;
        match (first, second) {
            ("users", Some("me")) => return (read && version == V1).then_some(Me),
            ("itemSearch", None) => return read.then_some(Search(None)),
            _ => {}
        }
        let kind = Kind::of_path(first)?;
        match second {
            None if read => Some(List(kind)),
            None => (*method == Method::POST).then_some(Create(kind)),
            Some("search") => read.then_some(Search(Some(kind))),
            Some("archived") => (read && version == V2 && kind == Kind::Deal).then_some(Archived),
            Some(id) => {
                let id = id.parse().ok()?;
                match method {
                    _ if read => Some(Get(kind, id)),
                    method if *method == update => Some(Update(kind, id)),
                    method if *method == Method::DELETE => Some(Delete(kind, id)),
                    _ => None,
                }
            }
        }
    }

    /// `x-token-cost` of the published description.
    pub(crate) fn cost(self, version: Version) -> u64 {
        let cost = match self {
            Me | Get(..) => 2,
            List(_) => 20,
            Archived | Search(_) => 40,
            Create(_) | Update(..) => 10,
            Delete(..) => 6,
        };
        if version == V1 { cost } else { cost / 2 }
    }
}
