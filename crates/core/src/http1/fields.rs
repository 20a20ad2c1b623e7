//! Headers of an answer on their way back.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use httparse::Header;

use super::write::write_line;

/// Headers of an answer, as they came. An app answers most calls with the same names in the same order: what these come
/// to is found out once, and only the values are looked at each time.
pub struct Fields {
    names: Arc<Names>,
    /// The lines as they were written.
    text: Bytes,
    /// Where in it each of them stands.
    lines: Vec<Line>,
    /// Which of them pass; none that stands in `removed`, and all if there is nothing here.
    passing: Option<Arc<[bool]>>,
    removed: Vec<HeaderName>,
    added: Vec<(HeaderName, HeaderValue)>,
}

/// Where one header stands.
struct Line {
    start: usize,
    /// Where its value begins, and ends with nothing behind it.
    value: usize,
    end: usize,
}

/// Names of headers in their order.
struct Names {
    /// As they were written.
    written: Vec<Box<str>>,
    names: Vec<HeaderName>,
    passing: OnceLock<Arc<[bool]>>,
}

/// Room for what is added on the way.
const ADDED: usize = 6;

/// The names that came last on a connection.
#[derive(Default)]
pub struct LastNames(Option<Arc<Names>>);

impl Fields {
    /// The headers at the beginning of a message; nothing, if a name is none.
    pub(super) fn read(text: &Bytes, headers: &[Header<'_>], last: &mut LastNames) -> Option<Self> {
        let is_same = |last: &&Arc<Names>| {
            last.written.len() == headers.len()
                && last.written.iter().zip(headers).all(|(name, it)| **name == *it.name)
        };
        let names = match last.0.as_ref().filter(is_same) {
            Some(last) => last.clone(),
            None => last.0.insert(Arc::new(Names::read(headers)?)).clone(),
        };
        let place = |part: &[u8]| part.as_ptr() as usize - text.as_ptr() as usize;
        let lines = headers.iter().map(|it| {
            let value = place(it.value);
            Line { start: place(it.name.as_bytes()), value, end: value + it.value.len() }
        });
        Some(Self::new(names, text.clone(), lines.collect()))
    }

    fn new(names: Arc<Names>, text: Bytes, lines: Vec<Line>) -> Self {
        Self { names, text, lines, passing: None, removed: Vec::new(), added: Vec::with_capacity(ADDED) }
    }

    /// All that pass, and what was added.
    pub fn iter(&self) -> impl Iterator<Item = (&HeaderName, &[u8])> {
        let came = (0..self.lines.len()).filter(|at| self.passes(*at));
        came.map(|at| (&self.names.names[at], self.value(at)))
            .chain(self.added.iter().map(|(name, value)| (name, value.as_bytes())))
    }

    /// The first with this name among those that came.
    pub fn get(&self, name: &HeaderName) -> Option<&[u8]> {
        let first = self.names.names.iter().position(|one| one == name)?;
        if self.passes(first) { Some(self.value(first)) } else { self.get_all(name).next() }
    }

    /// All with this name among those that came.
    pub(crate) fn get_all(&self, name: &HeaderName) -> impl Iterator<Item = &[u8]> {
        let names = self.names.names.iter().enumerate();
        names.filter(move |(at, one)| *one == name && self.passes(*at)).map(|(at, _)| self.value(at))
    }

    fn passes(&self, at: usize) -> bool {
        self.passing.as_ref().is_none_or(|passing| passing[at])
            && (self.removed.is_empty() || !self.removed.contains(&self.names.names[at]))
    }

    fn value(&self, at: usize) -> &[u8] {
        &self.text[self.lines[at].value..self.lines[at].end]
    }

    /// Adds one; others with its name stay.
    pub fn add(&mut self, name: HeaderName, value: HeaderValue) {
        self.added.push((name, value));
    }

    /// Takes out all that came with this name.
    pub(crate) fn remove(&mut self, name: HeaderName) {
        self.removed.push(name);
    }

    /// Writes all that pass, and what was added; but for one.
    pub(super) fn write(&self, out: &mut Vec<u8>, but: Option<&HeaderName>) {
        let passes = |at: usize| self.passes(at) && Some(&self.names.names[at]) != but;
        let mut next = 0;
        while let Some(first) = (next..self.lines.len()).find(|at| passes(*at)) {
            // Those that follow each other with a plain end of line between them are copied together.
            let goes_on = |at: &usize| {
                passes(*at) && self.text[self.lines[at - 1].end..self.lines[*at].start] == *b"\r\n"
            };
            next = first + 1 + (first + 1..self.lines.len()).take_while(goes_on).count();
            out.extend(&self.text[self.lines[first].start..self.lines[next - 1].end]);
            out.extend(b"\r\n");
        }
        self.added.iter().for_each(|(name, value)| write_line(out, name, value.as_bytes()));
    }

    /// Lets only those pass of which this rule says so. It is asked once for the same names in the same order, and so
    /// must be the only one that is ever used.
    pub(crate) fn pass(&mut self, rule: impl FnOnce(&[HeaderName]) -> Arc<[bool]>) {
        self.passing = Some(self.names.passing.get_or_init(|| rule(&self.names.names)).clone());
    }

    /// The same for libraries.
    pub fn to_map(&self) -> HeaderMap {
        // What was read as a value is one.
        let value = |value: &[u8]| HeaderValue::from_bytes(value).ok();
        self.iter().filter_map(|(name, it)| Some((name.clone(), value(it)?))).collect()
    }
}

impl From<HeaderMap> for Fields {
    fn from(headers: HeaderMap) -> Self {
        let (mut text, mut names, mut lines) = (Vec::new(), Vec::new(), Vec::new());
        for (name, value) in &headers {
            let start = text.len();
            write_line(&mut text, name, value.as_bytes());
            let end = text.len() - "\r\n".len();
            lines.push(Line { start, value: end - value.len(), end });
            names.push(name.clone());
        }
        let names = Names { written: Vec::new(), names, passing: OnceLock::new() };
        Self::new(Arc::new(names), text.into(), lines)
    }
}

impl Names {
    fn read(headers: &[Header<'_>]) -> Option<Self> {
        let names = headers.iter().map(|it| HeaderName::from_bytes(it.name.as_bytes()).ok());
        Some(Self {
            names: names.collect::<Option<_>>()?,
            written: headers.iter().map(|it| it.name.into()).collect(),
            passing: OnceLock::new(),
        })
    }
}
