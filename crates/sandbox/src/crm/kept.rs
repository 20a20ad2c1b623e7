//! Pages of lists that were written before anybody asked, for measuring callers and not the stand-in.

use std::collections::BTreeMap;

use axum::body::Bytes;

use super::{
    Crm, Kind, Paging, Scope,
    choose::Wanted,
    order::Order,
    pages::{Cursor, MOST},
};
use crate::query::Query;

/// The list, and the id after which a page begins.
pub(crate) type Begin = (Kind, Scope, u64);

/// What is asked for besides by whoever copies a list: kept pages have it.
fn besides(kind: Kind) -> Option<&'static str> {
    (kind == Kind::Deal).then_some("products_count")
}

/// Where a page ends, and its body. The last page has no end.
type Page = (Option<u64>, Bytes);

#[derive(Debug, Default)]
pub(super) struct Kept(BTreeMap<Begin, Page>);

impl Kept {
    /// Forgets the page that has, or would have, this record.
    pub(super) fn forget(&mut self, kind: Kind, id: u64) {
        for scope in [Scope::Usual, Scope::Archived] {
            let page = self.0.range((kind, scope, 0)..(kind, scope, id)).next_back();
            if let Some((begin, _)) = page.filter(|(_, (end, _))| end.is_none_or(|end| id <= end)) {
                let begin = *begin;
                self.0.remove(&begin);
            }
        }
    }

    pub(super) fn forget_all(&mut self, kind: Kind) {
        self.0.retain(|(known, _, _), _| *known != kind);
    }
}

impl Crm {
    /// The largest pages of all lists of v2 by their ids.
    pub(crate) fn largest_pages(&self) -> Vec<(Begin, Option<u64>)> {
        let kinds = Kind::all()
            .filter(|kind| kind.spec().new == Some(Paging::Cursor) && !kind.spec().path.is_empty());
        let mut pages = Vec::new();
        for kind in kinds {
            for scope in [Scope::Usual, Scope::Archived].into_iter().filter(|it| kind.has(*it)) {
                let wanted = Wanted::everything(scope);
                let order = Order { field: "id".into(), descending: false };
                let ids = wanted.ids(self, kind, &order, None).filter(|id| wanted.may_have(self, kind, *id));
                let (mut begin, mut ids) = (0, ids.peekable());
                while let Some(end) = ids.by_ref().take(MOST as usize).last() {
                    let more = ids.peek().is_some();
                    pages.push(((kind, scope, begin), more.then_some(end)));
                    begin = end;
                }
            }
        }
        pages
    }

    /// What asks for the page that begins here.
    pub(crate) fn query_of((kind, _, after): Begin) -> Query {
        let cursor = (after > 0).then(|| ("cursor", Cursor::after(after)));
        let besides = besides(kind).map(|fields| ("include_fields", fields.to_owned()));
        Query::new([("limit", MOST.to_string())].into_iter().chain(cursor).chain(besides))
    }

    /// Draws the order of changes of all kinds now, and not while somebody waits for a list.
    pub(crate) fn draw_times(&self) {
        let order = Order { field: "update_time".into(), descending: false };
        for kind in Kind::all().filter(|kind| kind.orders().contains(&"update_time")) {
            let _ = Wanted::everything(Scope::Usual).ids(self, kind, &order, None).next();
        }
    }

    pub(crate) fn keep(&mut self, pages: impl IntoIterator<Item = (Begin, Option<u64>, Bytes)>) {
        self.kept.0 = pages.into_iter().map(|(begin, end, body)| (begin, (end, body))).collect();
    }

    /// The body of a page, if it was kept and nothing was changed since.
    pub(crate) fn kept_page(&self, kind: Kind, scope: Scope, query: &Query) -> Option<Bytes> {
        let is_kept = query.number("limit") == Ok(Some(MOST)) && query.get("include_fields") == besides(kind);
        if self.kept.0.is_empty() || !is_kept {
            return None;
        }
        let usual = |name: &str| {
            let said = (name, query.get(name).unwrap_or_default());
            matches!(
                said,
                ("limit" | "cursor" | "api_token" | "include_fields", _)
                    | ("sort_by", "id")
                    | ("sort_direction", "asc")
                    | ("status", "open,won,lost")
            )
        };
        let begin = match query.get("cursor") {
            Some(text) => Cursor::decode(kind, text).ok().and_then(|cursor| cursor.begin())?,
            None => 0,
        };
        let page = self.kept.0.get(&(kind, scope, begin)).filter(|_| query.names().all(usual));
        page.map(|(_, body)| body.clone())
    }
}
