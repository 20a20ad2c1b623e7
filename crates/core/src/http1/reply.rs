//! An answer on its way back.

use http::{Response, StatusCode};
use hyper::ext::ReasonPhrase;

use super::Fields;

/// What an answer begins with.
pub struct Head {
    /// The status.
    pub status: StatusCode,
    /// In words, where they are not the usual ones.
    pub reason: Option<ReasonPhrase>,
    /// The headers.
    pub fields: Fields,
}

/// An answer.
pub struct Reply<B> {
    /// What it begins with.
    pub head: Box<Head>,
    /// What follows.
    pub body: B,
}

impl<B> Reply<B> {
    /// The same with another body.
    pub fn map<C>(self, to: impl FnOnce(B) -> C) -> Reply<C> {
        Reply { head: self.head, body: to(self.body) }
    }
}

impl<B> From<Response<B>> for Reply<B> {
    fn from(response: Response<B>) -> Self {
        let (mut parts, body) = response.into_parts();
        let reason = parts.extensions.remove();
        let head = Head { status: parts.status, reason, fields: parts.headers.into() };
        Self { head: Box::new(head), body }
    }
}

impl<B> From<Reply<B>> for Response<B> {
    fn from(Reply { head, body }: Reply<B>) -> Self {
        let mut response = Self::new(body);
        (*response.status_mut(), *response.headers_mut()) = (head.status, head.fields.to_map());
        if let Some(reason) = head.reason {
            response.extensions_mut().insert(reason);
        }
        response
    }
}
