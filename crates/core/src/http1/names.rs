//! Names of headers in their order, and what they alone come to.

use std::{ops::Range, sync::OnceLock};

use http::{HeaderName, header};
use httparse::Header;

use super::fields::Line;

/// Stands between name and value, mostly.
const SEPARATOR: &[u8] = b": ";

/// The names.
pub(super) struct Names {
    names: Vec<HeaderName>,
    /// How many bytes each of them has: most differ in that already.
    sizes: Vec<u16>,
    /// A bit for each of these, of which some share one: no name is looked for that cannot be there.
    has_size: u64,
    /// As they were written, each with what stands before its value; one behind the other, so that they lie together.
    written: Vec<u8>,
    /// Nothing, if a message with them is less than plain.
    framing: Option<Framing>,
    /// Written once.
    judged: OnceLock<Judged>,
}

/// Which lines pass.
struct Judged {
    passing: Vec<bool>,
    /// The same but for their length, each with those that follow it.
    runs: Vec<Range<usize>>,
}

/// Where headers tell how their message is framed.
pub(super) struct Framing {
    length: Option<usize>,
    connection: Vec<usize>,
}

impl Names {
    /// Those of headers; nothing, if one is none.
    pub(super) fn read(headers: &[Header<'_>]) -> Option<Self> {
        let names = headers.iter().map(|it| HeaderName::from_bytes(it.name.as_bytes()).ok());
        let written =
            headers.iter().flat_map(|it| [it.name.as_bytes(), SEPARATOR]).flatten().copied().collect();
        Some(Self { written, ..names.collect::<Option<Vec<_>>>()?.into() })
    }

    pub(super) fn name(&self, at: usize) -> &HeaderName {
        &self.names[at]
    }

    /// Where this one stands next, from there on.
    pub(super) fn next(&self, name: &HeaderName, from: usize) -> Option<usize> {
        let size = size(name);
        if self.has_size & bit(size) == 0 {
            return None;
        }
        let is_it = |at: &usize| self.sizes[*at] == size && self.names[*at] == *name;
        (from..self.sizes.len()).find(is_it)
    }

    pub(super) fn is_length(&self, at: usize) -> bool {
        self.names[at] == header::CONTENT_LENGTH
    }

    pub(super) fn framing(&self) -> Option<&Framing> {
        self.framing.as_ref()
    }

    /// Where the lines with these names stand, and where they end. Nothing, if it is others that begin there, or if
    /// anything about them is less than plain.
    pub(super) fn lines(&self, text: &[u8], start: usize) -> Option<(Vec<Line>, usize)> {
        let (mut lines, mut next, mut written) =
            (Vec::with_capacity(self.sizes.len()), start, &self.written[..]);
        for size in &self.sizes {
            let (name, others) = written.split_at_checked(usize::from(*size) + SEPARATOR.len())?;
            let (at, value) = (next, next + name.len());
            if text.get(at..value)? != name {
                return None;
            }
            written = others;
            let end = value + memchr::memchr2(b'\r', b'\n', &text[value..])?;
            if !is_bare(&text[value..end]) || text.get(end..end + 2)? != b"\r\n" {
                return None;
            }
            lines.push(Line { start: at, value, end });
            next = end + "\r\n".len();
        }
        let end = next + "\r\n".len();
        (text.get(next..end)? == b"\r\n" && is_text(&text[start..end])).then_some((lines, end))
    }

    pub(super) fn judge(&self, rule: impl FnOnce(&[HeaderName]) -> Vec<bool>) {
        self.judged.get_or_init(|| {
            let passing = rule(&self.names);
            let goes = |at: usize| passing[at] && !self.is_length(at);
            let (mut runs, mut next) = (Vec::new(), 0);
            while let Some(first) = (next..passing.len()).find(|at| goes(*at)) {
                next = (first..passing.len()).find(|at| !goes(*at)).unwrap_or(passing.len());
                runs.push(first..next);
            }
            Judged { passing, runs }
        });
    }

    /// Those that pass and do not tell a length, by those that follow each other; none, if they were not judged.
    pub(super) fn runs(&self) -> &[Range<usize>] {
        self.judged.get().map_or(&[], |judged| &judged.runs)
    }

    /// As they were judged; all, if they were not.
    pub(super) fn passes(&self, at: usize) -> bool {
        self.judged.get().is_none_or(|judged| judged.passing[at])
    }
}

impl From<Vec<HeaderName>> for Names {
    fn from(names: Vec<HeaderName>) -> Self {
        let sizes: Vec<u16> = names.iter().map(size).collect();
        Self {
            has_size: sizes.iter().fold(0, |all, size| all | bit(*size)),
            sizes,
            framing: Framing::read(&names),
            names,
            written: Vec::new(),
            judged: OnceLock::new(),
        }
    }
}

/// No name has more bytes than this can tell.
fn size(name: &HeaderName) -> u16 {
    name.as_str().len() as u16
}

/// That which stands for a size.
fn bit(size: u16) -> u64 {
    1 << (size % u64::BITS as u16)
}

/// Is it a value with nothing around it?
fn is_bare(value: &[u8]) -> bool {
    let is_blank = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    !is_blank(value.first()) && !is_blank(value.last())
}

/// Is it what may stand in values, and ends of lines?
fn is_text(lines: &[u8]) -> bool {
    // All are looked at, so that many are at once.
    let is_odd = |byte: u8| ((byte < b' ') & !matches!(byte, b'\t' | b'\r' | b'\n')) | (byte == 0x7f);
    !lines.iter().fold(false, |odd, byte| odd | is_odd(*byte))
}

impl Framing {
    /// Nothing, if anything in them makes the message less than plain.
    pub(super) fn read(names: &[HeaderName]) -> Option<Self> {
        let mut framing = Self { length: None, connection: Vec::new() };
        for (at, name) in names.iter().enumerate() {
            match *name {
                header::CONTENT_LENGTH if framing.length.is_some() => return None,
                header::CONTENT_LENGTH => framing.length = Some(at),
                header::CONNECTION => framing.connection.push(at),
                header::TRANSFER_ENCODING
                | header::UPGRADE
                | header::EXPECT
                | header::TE
                | header::TRAILER => return None,
                _ => {}
            }
        }
        Some(framing)
    }

    /// The length that the values tell, if one does. Nothing, if they make the message less than plain.
    pub(super) fn length<'a>(&self, value: impl Fn(usize) -> &'a [u8]) -> Option<Option<u64>> {
        if !self.connection.iter().all(|at| value(*at).eq_ignore_ascii_case(b"keep-alive")) {
            return None;
        }
        self.length.map_or(Some(None), |at| number(value(at)).map(Some))
    }
}

/// Digits and nothing else. Nearly as many as fit: hyper takes the largest numbers for other things.
pub(crate) fn number(value: &[u8]) -> Option<u64> {
    if !(1..20).contains(&value.len()) {
        return None;
    }
    value.iter().try_fold(0, |number, byte| match byte.wrapping_sub(b'0') {
        digit @ 0..=9 => Some(10 * number + u64::from(digit)),
        _ => None,
    })
}
