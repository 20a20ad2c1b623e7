//! JSON for people, indented and coloured while it comes: nothing of it is kept.

use anstyle::{AnsiColor, Style};

const KEY: Style = AnsiColor::Blue.on_default().bold();
const TEXT: Style = AnsiColor::Green.on_default();
const WORD: Style = AnsiColor::Cyan.on_default();
/// Deeper than this, lines are not moved further to the right.
const DEEPEST: usize = 60;

/// Where in a text it stands.
#[derive(Default)]
pub(super) struct Pretty {
    /// For each open bracket: is it an object's?
    open: Vec<bool>,
    at: At,
    /// A bracket was opened and nothing stands in it yet.
    is_empty: bool,
    /// The next text is a key.
    is_key: bool,
    /// A value has ended at the outermost level.
    is_done: bool,
}

#[derive(Default)]
enum At {
    #[default]
    Between,
    Text {
        escaped: bool,
    },
    Word,
}

impl Pretty {
    /// Takes the next characters.
    pub(super) fn push(&mut self, from: &str, to: &mut String) {
        for c in from.chars() {
            self.take(c, to);
        }
    }

    /// There is no more.
    pub(super) fn end(&mut self, to: &mut String) {
        self.end_word(to);
        to.push('\n');
    }

    fn take(&mut self, c: char, to: &mut String) {
        if let At::Text { escaped } = self.at {
            match c {
                // Nothing that is shown may steer the terminal.
                _ if steers(c) => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| {
                    to.push_str(&format!("\\u{unit:04x}"));
                }),
                _ => to.push(c),
            }
            self.at = At::Text { escaped: c == '\\' && !escaped };
            if c == '"' && !escaped {
                to.push_str(&format!("{TEXT:#}"));
                self.at = At::Between;
                self.is_done = self.open.is_empty();
            }
            return;
        }
        match c {
            ' ' | '\t' | '\n' | '\r' => self.end_word(to),
            '{' | '[' => {
                self.before(to);
                to.push(c);
                self.open.push(c == '{');
                (self.is_empty, self.is_key) = (true, c == '{');
            }
            '}' | ']' => {
                self.end_word(to);
                self.open.pop();
                if !self.is_empty {
                    self.line(to);
                }
                to.push(c);
                (self.is_empty, self.is_done) = (false, self.open.is_empty());
            }
            ',' => {
                self.end_word(to);
                to.push(',');
                self.line(to);
                self.is_key = self.open.last() == Some(&true);
            }
            ':' => to.push_str(": "),
            '"' => {
                self.before(to);
                let style = if self.is_key { KEY } else { TEXT };
                to.push_str(&format!("{style}\""));
                (self.at, self.is_key) = (At::Text { escaped: false }, false);
            }
            _ if steers(c) => {}
            _ => {
                if !matches!(self.at, At::Word) {
                    self.before(to);
                    to.push_str(&WORD.to_string());
                    self.at = At::Word;
                }
                to.push(c);
            }
        }
    }

    /// A value begins.
    fn before(&mut self, to: &mut String) {
        if self.is_empty {
            self.line(to);
        } else if self.is_done {
            to.push('\n');
        }
        (self.is_empty, self.is_done) = (false, false);
    }

    fn end_word(&mut self, to: &mut String) {
        if matches!(self.at, At::Word) {
            to.push_str(&format!("{WORD:#}"));
            self.at = At::Between;
            self.is_done = self.open.is_empty();
        }
    }

    fn line(&self, to: &mut String) {
        to.push('\n');
        (0..self.open.len().min(DEEPEST)).for_each(|_| to.push_str("  "));
    }
}

/// Would this steer a terminal, or turn the direction of what follows?
pub(super) fn steers(c: char) -> bool {
    crate::cli::printer::plain(c.encode_utf8(&mut [0; 4])).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pretty(pieces: &[&str]) -> String {
        let (mut pretty, mut shown) = (Pretty::default(), String::new());
        pieces.iter().for_each(|piece| pretty.push(piece, &mut shown));
        pretty.end(&mut shown);
        anstream::adapter::strip_str(&shown).to_string()
    }

    #[test]
    fn it_is_indented_wherever_it_is_cut() {
        let text = r#"{"a":[1,{},[],"x\"y\\",null],"b":{"c":-1500.5,"d":true}}"#;
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        let whole = pretty(&[text]);
        assert_eq!(whole.trim_end(), serde_json::to_string_pretty(&value).unwrap());
        for at in 0..text.len() {
            assert_eq!(pretty(&[&text[..at], &text[at..]]), whole);
        }
    }

    #[test]
    fn nothing_in_it_steers_the_terminal() {
        assert_eq!(pretty(&["\"a\u{9b}31m\u{202e}\u{1b}\""]), "\"a\\u009b31m\\u202e\\u001b\"\n");
        assert_eq!(pretty(&["1 2"]), "1\n2\n");
    }
}
