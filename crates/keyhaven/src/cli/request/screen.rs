//! Where answers are printed: as they are into pipes and files, fit for reading on a terminal.

use std::io::{self, IsTerminal, Write};

use super::pretty::{Pretty, steers};

/// Standard output.
pub(super) struct Screen {
    way: Way,
    /// The beginning of a character whose rest has not come yet.
    half: Vec<u8>,
}

enum Way {
    AsItIs,
    Text,
    Json(Pretty),
}

impl Screen {
    /// For an answer that is JSON or not.
    pub(super) fn new(json: bool) -> Self {
        let way = match (io::stdout().is_terminal(), json) {
            (false, _) => Way::AsItIs,
            (true, false) => Way::Text,
            (true, true) => Way::Json(Pretty::default()),
        };
        Self { way, half: Vec::new() }
    }

    /// Prints a piece.
    pub(super) fn print(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if let Way::AsItIs = self.way {
            out.write_all(bytes)?;
            return out.flush();
        }
        let text = self.decode(bytes);
        let mut shown = String::new();
        match &mut self.way {
            Way::Json(pretty) => pretty.push(&text, &mut shown),
            _ => shown.extend(text.chars().filter(|c| matches!(c, '\n' | '\t') || !steers(*c))),
        }
        drop(out);
        print(&shown)
    }

    /// Ends the answer.
    pub(super) fn end(mut self) -> io::Result<()> {
        let mut shown = String::new();
        match &mut self.way {
            Way::AsItIs => return io::stdout().flush(),
            Way::Json(pretty) => pretty.end(&mut shown),
            Way::Text => shown.push('\n'),
        }
        print(&shown)
    }

    fn decode(&mut self, bytes: &[u8]) -> String {
        self.half.extend_from_slice(bytes);
        let all = std::mem::take(&mut self.half);
        let mut text = String::with_capacity(all.len());
        for chunk in all.utf8_chunks() {
            text.push_str(chunk.valid());
            let rest = chunk.invalid();
            let is_last = all.ends_with(rest) && rest.as_ptr_range().end == all.as_ptr_range().end;
            match std::str::from_utf8(rest) {
                Err(error) if is_last && error.error_len().is_none() => self.half = rest.to_vec(),
                Err(_) => text.push(char::REPLACEMENT_CHARACTER),
                Ok(_) => {}
            }
        }
        text
    }
}

/// With its colours, where the terminal has some.
fn print(text: &str) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
