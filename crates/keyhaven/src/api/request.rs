//! Paths and queries. What cannot be read is a problem document, too.

use std::collections::BTreeMap;

use axum::{
    extract::{FromRequestParts, Path, Query},
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Response},
};

use super::problem::{Failure, refuse, shown};

/// The last variable of the path: an id or slug.
pub(super) struct Which(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Which {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(which)) => Ok(Self(which)),
            Err(_) => Err(refuse(StatusCode::NOT_FOUND, "There is nothing at this path.")),
        }
    }
}

/// The parameters behind the question mark.
pub(super) struct Params(BTreeMap<String, String>);

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let wrong = |field: &str, message: &str| Failure::field(field, message).into_response();
        let pairs: Result<Query<Vec<(String, String)>>, _> = Query::from_request_parts(parts, state).await;
        let Ok(Query(pairs)) = pairs else { return Err(wrong("query", "It cannot be read.")) };
        let mut params = BTreeMap::new();
        for (name, value) in pairs {
            let at = shown(&name);
            if params.insert(name, value).is_some() {
                return Err(wrong(&at, "It is given twice."));
            }
        }
        Ok(Self(params))
    }
}

impl Params {
    /// The value, where it was given.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }

    pub(super) fn flag(&mut self, name: &str) -> Result<bool, Failure> {
        match self.take(name).as_deref() {
            Some("true" | "1") => Ok(true),
            None | Some("false" | "0") => Ok(false),
            Some(_) => Err(Failure::field(name, "It must be true or false.")),
        }
    }

    /// How many items a page shall have; 0 where it was not said.
    pub(super) fn limit(&mut self) -> Result<u32, Failure> {
        let Some(limit) = self.take("limit") else { return Ok(0) };
        let limit = limit.parse().ok().filter(|limit| (1..=200).contains(limit));
        limit.ok_or_else(|| Failure::field("limit", "It must be 1 to 200."))
    }

    /// Where the page begins.
    pub(super) fn cursor(&mut self) -> Option<String> {
        self.take("cursor").filter(|cursor| !cursor.is_empty())
    }

    /// Nothing is left over.
    pub(super) fn finish(self) -> Result<(), Failure> {
        match self.0.keys().next() {
            Some(unknown) => Err(Failure::field(&shown(unknown), "There is no such parameter.")),
            None => Ok(()),
        }
    }
}
