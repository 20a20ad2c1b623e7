//! Headers of an answer on their way back.

use std::{iter, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use httparse::Header;

use super::{
    names::{Names, number},
    write::write_line,
};
use crate::RequestId;

/// Headers of an answer, as they came. An app answers most calls with the same names in the same order: what these come
/// to is found out once, and only the values are looked at each time.
pub struct Fields {
    names: Arc<Names>,
    /// The lines as they were written.
    text: Bytes,
    /// Where in it each of them stands.
    lines: Vec<Line>,
    /// There are plain ends of line between them, and nothing else.
    is_plain: bool,
    /// A rule said which of them pass. Without one, all do.
    is_judged: bool,
    /// None of these passes.
    removed: Vec<HeaderName>,
    /// Lines that were added on the way.
    added: Vec<u8>,
}

/// Where one header stands.
pub(super) struct Line {
    pub start: usize,
    /// Where its value begins, and ends with nothing behind it.
    pub value: usize,
    pub end: usize,
}

/// Room for what is added on the way.
const ADDED: usize = 256;

/// The names that came last on a connection.
#[derive(Default)]
pub struct LastNames(Option<Arc<Names>>);

impl LastNames {
    /// Headers that begin there, and where they end, if they have the very names of the last ones and are written
    /// plainly. Whatever else there is, the parser judges.
    pub(super) fn read(&self, text: &Bytes, start: usize) -> Option<(Fields, usize)> {
        let names = self.0.as_ref()?;
        let (lines, end) = names.lines(text, start)?;
        Some((Fields { is_plain: true, ..Fields::new(names.clone(), text.clone(), lines) }, end))
    }
}

impl Fields {
    /// The headers at the beginning of a message; nothing, if a name is none.
    pub(super) fn read(text: &Bytes, headers: &[Header<'_>], last: &mut LastNames) -> Option<Self> {
        let names = last.0.insert(Arc::new(Names::read(headers)?)).clone();
        let place = |part: &[u8]| part.as_ptr() as usize - text.as_ptr() as usize;
        let lines = headers.iter().map(|it| {
            let value = place(it.value);
            Line { start: place(it.name.as_bytes()), value, end: value + it.value.len() }
        });
        Some(Self::new(names, text.clone(), lines.collect()))
    }

    fn new(names: Arc<Names>, text: Bytes, lines: Vec<Line>) -> Self {
        Self { names, text, lines, is_plain: false, is_judged: false, removed: Vec::new(), added: Vec::new() }
    }

    /// The one length that they tell, where they are plain.
    pub(super) fn length(&self) -> Option<Option<u64>> {
        self.names.framing()?.length(|at| self.value(at))
    }

    /// The first with this name among those that came.
    pub fn get(&self, name: &HeaderName) -> Option<&[u8]> {
        let mut next = self.names.next(name, 0)?;
        while !self.passes(next) {
            next = self.names.next(name, next + 1)?;
        }
        Some(self.value(next))
    }

    /// The same, where it is a number.
    pub(crate) fn number(&self, name: &HeaderName) -> Option<u64> {
        number(self.get(name)?.trim_ascii())
    }

    /// All with this name among those that came.
    pub(crate) fn get_all(&self, name: &HeaderName) -> impl Iterator<Item = &[u8]> {
        let first = self.names.next(name, 0);
        let all = iter::successors(first, |last| self.names.next(name, last + 1));
        all.filter(|at| self.passes(*at)).map(|at| self.value(at))
    }

    fn passes(&self, at: usize) -> bool {
        (!self.is_judged || self.names.passes(at))
            && (self.removed.is_empty() || !self.removed.contains(self.names.name(at)))
    }

    fn value(&self, at: usize) -> &[u8] {
        &self.text[self.lines[at].value..self.lines[at].end]
    }

    /// Where lines are added.
    fn adds(&mut self) -> &mut Vec<u8> {
        if self.added.is_empty() {
            self.added.reserve_exact(ADDED);
        }
        &mut self.added
    }

    /// Adds one; others with its name stay.
    pub fn add(&mut self, name: &HeaderName, value: &HeaderValue) {
        write_line(self.adds(), name, value.as_bytes());
    }

    /// Adds whole lines.
    pub fn add_fixed(&mut self, lines: &'static str) {
        self.adds().extend(lines.as_bytes());
    }

    /// Adds the name of a request.
    pub fn add_id(&mut self, name: &HeaderName, id: &RequestId) {
        write_line(self.adds(), name, id.as_bytes());
    }

    /// Takes out all that came with this name.
    pub(crate) fn remove(&mut self, name: HeaderName) {
        self.removed.push(name);
    }

    /// Writes all that pass, and what was added.
    pub(super) fn write(&self, out: &mut Vec<u8>, with_length: bool) {
        let mut put = |first: usize, last: usize| {
            out.extend(&self.text[self.lines[first].start..self.lines[last].end]);
            out.extend(b"\r\n");
        };
        if self.is_plain && self.is_judged && self.removed.is_empty() && !with_length {
            self.names.runs().iter().for_each(|run| put(run.start, run.end - 1));
        } else {
            let passing = (0..self.lines.len())
                .filter(|at| self.passes(*at) && (with_length || !self.names.is_length(*at)));
            passing.for_each(|at| put(at, at));
        }
        out.extend(&self.added);
    }

    /// Lets only those pass of which this rule says so. It is asked once for the same names in the same order, and so
    /// must be the only one that is ever used.
    pub(crate) fn pass(&mut self, rule: impl FnOnce(&[HeaderName]) -> Vec<bool>) {
        self.names.judge(rule);
        self.is_judged = true;
    }

    /// The same for libraries.
    pub fn to_map(&self) -> HeaderMap {
        let came = (0..self.lines.len()).filter(|at| self.passes(*at));
        let came = came.map(|at| (self.names.name(at).clone(), self.value(at)));
        let added = self.added.split(|byte| *byte == b'\n').filter_map(|line| {
            let (name, value) = line.split_at_checked(line.iter().position(|byte| *byte == b':')?)?;
            Some((HeaderName::from_bytes(name).ok()?, value.strip_prefix(b": ")?.strip_suffix(b"\r")?))
        });
        // What was read or added as a value is one.
        came.chain(added)
            .filter_map(|(name, value)| Some((name, HeaderValue::from_bytes(value).ok()?)))
            .collect()
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
        Self::new(Arc::new(names.into()), text.into(), lines)
    }
}
