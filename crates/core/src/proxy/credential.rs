//! Finds the access token wherever the app would take its key, and takes it out of the request.

use std::borrow::Cow;

use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use keyhaven_vault::{Token, TokenHash, TokenKind};
use url::form_urlencoded;

use super::{Said, path};
use crate::tokens;

/// Why no single token was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Misplaced {
    /// None where one belongs.
    Missing,
    /// Something that looks like one and is none: a typing error.
    Mistyped,
    /// Two that differ.
    Two,
    /// One where it would be passed on to the app.
    Elsewhere,
}

/// Where this connection's app takes its key.
pub struct Places<'a> {
    /// The header.
    pub header: &'a HeaderName,
    /// Query parameters.
    pub query: &'a [String],
}

/// The token, and the query without it.
pub(super) struct Found<'a> {
    /// What was shown.
    pub token: TokenHash,
    /// The query to send.
    pub query: Option<Cow<'a, str>>,
}

const PREFIX: &[u8] = tokens::PREFIX.as_bytes();
/// A header of our own for programs whose key's place is taken.
const OWN: HeaderName = HeaderName::from_static("x-keyhaven-token");

/// The tokens that were seen so far.
#[derive(Clone, Copy, Default)]
pub(super) struct Shown {
    token: Option<TokenHash>,
    is_mistyped: bool,
}

impl Shown {
    /// What headers show. They may hold a token where the app takes its key and in our own; in any of them, if it is not
    /// known where that is. Each such place is emptied before they go out.
    pub(super) fn by(headers: &HeaderMap, credential: Option<&HeaderName>) -> Result<Self, Misplaced> {
        let mut shown = Self::default();
        for (name, value) in headers {
            let belongs = credential.is_none_or(|credential| name == credential);
            if belongs || name == header::AUTHORIZATION || name == OWN {
                texts(value).iter().try_for_each(|text| shown.show(text))?;
            } else if holds_token(value.as_bytes()) {
                return Err(Misplaced::Elsewhere);
            }
        }
        Ok(shown)
    }

    fn show(&mut self, text: &str) -> Result<(), Misplaced> {
        if !text.as_bytes().starts_with(PREFIX) {
            return Ok(());
        }
        match (TokenHash::of(TokenKind::Access, text), self.token) {
            (Err(_), _) => self.is_mistyped = true,
            (Ok(token), Some(first)) if first != token => return Err(Misplaced::Two),
            (Ok(token), _) => self.token = Some(token),
        }
        Ok(())
    }
}

/// Finds the one token. Without places, where the app is not known and so nothing is passed on, it may stand in any
/// header or parameter. Every place in which it may stand is emptied: headers by [`Said::outward`], the query by using
/// [`Found::query`].
pub(super) fn find<'a>(
    said: &Said,
    path: &str,
    query: Option<Cow<'a, str>>,
    places: Option<&Places<'_>>,
) -> Result<Found<'a>, Misplaced> {
    let mut shown = said.shown(places.map(|places| places.header))?;
    let (query, in_query) = without(query, |name| places.is_none_or(|places| names_one(places.query, name)));
    in_query.iter().try_for_each(|text| shown.show(text))?;
    let rest = query.as_deref().unwrap_or_default();
    let decoded = path.contains('%').then(|| path::decode(path).ok()).flatten();
    if holds_token(path.as_bytes())
        || decoded.is_some_and(|path| holds_token(path.as_bytes()))
        || holds_token(rest.as_bytes())
        || decoded_holds_token(rest)
    {
        return Err(Misplaced::Elsewhere);
    }
    match shown.token {
        _ if shown.is_mistyped => Err(Misplaced::Mistyped),
        Some(token) => Ok(Found { token, query }),
        None => Err(Misplaced::Missing),
    }
}

/// What a credential header may hold: the text itself, the word behind a scheme, both halves of Basic.
fn texts(value: &HeaderValue) -> Vec<Cow<'_, str>> {
    let Ok(text) = value.to_str() else { return Vec::new() };
    let last = text.split_ascii_whitespace().next_back().unwrap_or_default();
    let is_basic = text.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("basic "));
    if !is_basic {
        return vec![last.into()];
    }
    let Some(pair) = BASE64_STANDARD.decode(last).ok().and_then(|bytes| String::from_utf8(bytes).ok()) else {
        return Vec::new();
    };
    pair.splitn(2, ':').map(|half| half.to_owned().into()).collect()
}

/// The query without these parameters.
pub(crate) fn stripped<'a>(query: Option<Cow<'a, str>>, names: &[String]) -> Option<Cow<'a, str>> {
    without(query, |name| names_one(names, name)).0
}

fn names_one(names: &[String], name: &str) -> bool {
    names.iter().any(|one| one.eq_ignore_ascii_case(name))
}

/// The query without these parameters, and their values. What stays, stays as it was written.
fn without(query: Option<Cow<'_, str>>, taken: impl Fn(&str) -> bool) -> (Option<Cow<'_, str>>, Vec<String>) {
    let Some(query) = query else { return (None, Vec::new()) };
    let name_of = |pair: &str| {
        form_urlencoded::parse(pair.as_bytes())
            .next()
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
    };
    let mut values = Vec::new();
    let mut kept = Vec::new();
    for pair in query.split('&') {
        match name_of(pair) {
            Some((name, value)) if taken(&name) => values.push(value),
            _ => kept.push(pair),
        }
    }
    if values.is_empty() {
        return (Some(query), values);
    }
    let rest = kept.join("&");
    ((!rest.is_empty()).then_some(rest.into()), values)
}

/// Does a whole, right token stand anywhere in these bytes?
fn holds_token(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some(at) = memchr::memmem::find(rest, PREFIX) {
        let end = (at + Token::LENGTH).min(rest.len());
        let text = std::str::from_utf8(&rest[at..end]).unwrap_or_default();
        if TokenHash::of(TokenKind::Access, text).is_ok() {
            return true;
        }
        rest = &rest[at + PREFIX.len()..];
    }
    false
}

fn decoded_holds_token(query: &str) -> bool {
    query.contains('%')
        && form_urlencoded::parse(query.as_bytes())
            .any(|(name, value)| holds_token(name.as_bytes()) || holds_token(value.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_found_wherever_the_key_belongs() {
        let (one, two) = (Token::generate(TokenKind::Access), Token::generate(TokenKind::Access));
        let (kh, other) = (one.expose(), two.expose());
        let basic = |text: &str| format!("Basic {}", BASE64_STANDARD.encode(text));
        let wrong = format!("{}0", &kh[..kh.len() - 1]);
        let wrong = if wrong == kh { format!("{}1", &kh[..kh.len() - 1]) } else { wrong };
        let encoded = format!("api%5Ftoken=k%68_{}", &kh[3..]);
        type Case<'a> = (Vec<(&'static str, String)>, String, Result<&'static str, Misplaced>);
        let table: Vec<Case<'_>> = vec![
            (vec![("x-api-token", kh.into())], "".into(), Ok("")),
            (vec![("authorization", format!("Bearer {kh}"))], "a=1".into(), Ok("a=1")),
            (vec![("authorization", format!("bearer  {kh} "))], "".into(), Ok("")),
            (vec![("authorization", basic(&format!("{kh}:")))], "".into(), Ok("")),
            (vec![("authorization", basic(&format!("x:{kh}")))], "".into(), Ok("")),
            (vec![("x-keyhaven-token", kh.into()), ("x-api-token", "realkey".into())], "".into(), Ok("")),
            (vec![], format!("api_token={kh}"), Ok("")),
            (vec![], format!("a=1&api_token={kh}&b=%20"), Ok("a=1&b=%20")),
            (vec![], format!("API_TOKEN={kh}&b"), Ok("b")),
            (vec![], encoded, Ok("")),
            (vec![("x-api-token", kh.into())], format!("api_token={kh}&api_token=x"), Ok("")),
            (vec![], "".into(), Err(Misplaced::Missing)),
            (
                vec![("x-api-token", "659c9fddb16335e48cc67114694b52074e812e03".into())],
                "".into(),
                Err(Misplaced::Missing),
            ),
            (vec![("x-api-token", wrong)], "".into(), Err(Misplaced::Mistyped)),
            (
                vec![("x-api-token", kh.into()), ("authorization", format!("Bearer {other}"))],
                "".into(),
                Err(Misplaced::Two),
            ),
            (vec![("x-api-token", kh.into())], format!("api_token={other}"), Err(Misplaced::Two)),
            (
                vec![("x-api-token", kh.into()), ("x-note", format!("it is {kh}"))],
                "".into(),
                Err(Misplaced::Elsewhere),
            ),
            (vec![("x-api-token", kh.into())], format!("key={kh}"), Err(Misplaced::Elsewhere)),
            (vec![("x-api-token", kh.into())], format!("k=%6Bh_{}", &kh[3..]), Err(Misplaced::Elsewhere)),
            (vec![("cookie", format!("t={kh}"))], "".into(), Err(Misplaced::Elsewhere)),
        ];
        let header = HeaderName::from_static("x-api-token");
        let names = ["api_token".to_owned()];
        for (pairs, query, want) in table {
            let mut headers = HeaderMap::new();
            for (name, value) in &pairs {
                headers.append(HeaderName::from_static(name), value.parse().unwrap());
            }
            let query_given = (!query.is_empty()).then(|| query.as_str().into());
            let found =
                find(&headers.into(), "/x", query_given, Some(&Places { header: &header, query: &names }));
            let got = found
                .as_ref()
                .map(|found| found.query.as_deref().unwrap_or_default())
                .map_err(|error| *error);
            assert_eq!(got, want, "{pairs:?} {query}");
            assert!(found.is_err() || found.ok().unwrap().token == one.hash());
        }
    }
}
