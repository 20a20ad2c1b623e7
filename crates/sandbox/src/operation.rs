//! What a method and a path ask for, and what that costs of the daily budget.

use axum::http::{HeaderValue, Method, Uri, header, request::Parts};

use crate::crm::{Kind, Scope};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    V1,
    V2,
}

/// `'a` is the path, in which ids stand as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation<'a> {
    Me,
    List(Kind, Scope),
    Get(Kind, &'a str),
    Create(Kind),
    Update(Kind, u64),
    Delete(Kind, u64),
    /// Of one kind, or of all.
    Search(Option<Kind>),
    /// Definitions of fields.
    Fields(Kind),
    /// One of them, by its code.
    Field(Kind, &'a str),
    /// Of one deal, or of several.
    DealProducts(Option<u64>),
    Variations(u64),
}

use Operation::{Create, DealProducts, Delete, Field, Fields, Get, List, Me, Search, Update, Variations};
use Version::{V1, V2};

/// A request; no operation where the path means nothing.
pub(crate) struct Call<'a> {
    pub uri: &'a Uri,
    pub is_form: bool,
    pub version: Version,
    pub operation: Option<Operation<'a>>,
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

/// `dealFields` and the like. v1 has those of leads and notes, which v2 has not.
fn fields_of(version: Version, segment: &str) -> Option<Kind> {
    let kind = match segment.strip_suffix("Fields")? {
        "deal" => Kind::Deal,
        "person" => Kind::Person,
        "organization" => Kind::Organization,
        "product" => Kind::Product,
        "activity" => Kind::Activity,
        "project" => Kind::Project,
        "lead" => Kind::Lead,
        "note" => Kind::Note,
        _ => return None,
    };
    let is_old = matches!(kind, Kind::Lead | Kind::Note);
    (is_old == (version == V1)).then_some(kind)
}

impl<'a> Operation<'a> {
    /// Words before ids: `/deals/search` is no deal.
    fn parse(method: &Method, version: Version, path: &'a str) -> Option<Self> {
        let mut segments = path.split('/');
        let (first, second, third) = (segments.next()?, segments.next(), segments.next());
        if segments.next().is_some() {
            return None;
        }
        let read = *method == Method::GET;
        match (first, second, third) {
            ("users", Some("me"), None) => return (read && version == V1).then_some(Me),
            ("itemSearch", None, None) => return read.then_some(Search(None)),
            ("deals", Some("products"), None) => {
                return (read && version == V2).then_some(DealProducts(None));
            }
            ("deals", Some(id), Some("products")) => {
                return id.parse().ok().filter(|_| read && version == V2).map(|id| DealProducts(Some(id)));
            }
            ("products", Some(id), Some("variations")) => {
                return id.parse().ok().filter(|_| read && version == V2).map(Variations);
            }
            (_, _, Some(_)) => return None,
            _ => {}
        }
        if let Some(kind) = fields_of(version, first).filter(|_| read) {
            return Some(second.map_or(Fields(kind), |code| Field(kind, code)));
        }
        let kind = Kind::of_path(first)?;
        let known = if version == V1 { kind.spec().old } else { kind.spec().new };
        let (update, both) =
            (if version == V1 { Method::PUT } else { Method::PATCH }, Kind::SEARCHED.contains(&kind));
        known?;
        match second {
            None if read => Some(List(kind, Scope::Usual)),
            None => (*method == Method::POST && both).then_some(Create(kind)),
            Some("search") => (read && both).then_some(Search(Some(kind))),
            Some("archived") => {
                let has = kind.can_be_archived() && (version == V2 || kind == Kind::Lead);
                (read && has).then_some(List(kind, Scope::Archived))
            }
            Some(id) if read => Some(Get(kind, id)),
            Some(id) => {
                let id = id.parse().ok().filter(|_| both)?;
                match method {
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
            // Only v1 has labels of leads, only v2 the others.
            List(Kind::LeadLabel | Kind::Pipeline | Kind::Stage, _) | Create(_) | Update(..) => 10,
            Get(Kind::Board | Kind::Phase, _) | List(Kind::Project, _) => 20,
            Me | Get(..) | Field(..) => 2,
            List(_, Scope::Usual) | Fields(_) | DealProducts(_) | Variations(_) => 20,
            List(_, Scope::Archived) | Search(_) => 40,
            Delete(..) => 6,
        };
        if version == V1 { cost } else { cost / 2 }
    }

    /// The kind of record that it is about.
    pub(crate) fn kind(self) -> Option<Kind> {
        match self {
            List(kind, _) | Get(kind, _) | Fields(kind) | Field(kind, _) => Some(kind),
            _ => None,
        }
    }
}
