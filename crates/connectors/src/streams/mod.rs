//! `streams.toml`: which kinds of record a sync can copy from an app, and how each is read.

mod shape;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

pub use shape::{Part, Shape, Sql};

/// What a sync can copy from an app. The order matters: what comes first is read first.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Streams {
    /// Custom fields' types, as their definitions name them.
    #[serde(default)]
    pub field_types: BTreeMap<String, Shape>,
    /// Kinds of record.
    pub streams: Vec<Stream>,
}

/// One kind of record.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stream {
    /// What it is called, and its table where none is named.
    pub name: String,
    /// Where its list is; `{id}` stands for the parent.
    pub path: String,
    /// How the list is paged.
    #[serde(default)]
    pub pages: Paging,
    /// Records of a page.
    #[serde(default = "most")]
    pub size: u64,
    /// The table, where another stream describes it.
    #[serde(default)]
    pub table: Option<String>,
    /// Which rows of a shared table are this stream's: those where this column is true (a boolean) or
    /// filled (any other), or with `!` is not. Where a record has no such boolean its list sets it.
    #[serde(default)]
    pub rows: Option<Flag>,
    /// The column that tells records apart.
    #[serde(default = "id")]
    pub key: String,
    /// Query of the whole list.
    #[serde(default)]
    pub whole: String,
    /// The whole list comes by ascending whole numbers in `key`.
    #[serde(default)]
    pub ordered: bool,
    /// Query of what changed since a time, by the time of change; `updated_since` is added.
    #[serde(default)]
    pub changes: Option<String>,
    /// Query of the list by falling time of change, where the app has no filter by time.
    #[serde(default)]
    pub newest: Option<String>,
    /// The stream that defines its custom fields.
    #[serde(default)]
    pub fields: Option<String>,
    /// Where custom fields stand in a record.
    #[serde(default)]
    pub fields_at: FieldsAt,
    /// A record where this is so is deleted.
    #[serde(default)]
    pub gone: Option<Flag>,
    /// It is read for each record of another stream.
    #[serde(default)]
    pub each: Option<Each>,
    /// Its columns, besides those of custom fields. Empty where another stream describes the table.
    #[serde(default)]
    pub columns: Vec<Column>,
}

fn most() -> u64 {
    500
}

fn id() -> String {
    "id".into()
}

/// How a list is paged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Paging {
    /// By a cursor that each answer gives.
    #[default]
    Cursor,
    /// By `start`, a place in the list.
    Start,
    /// It is not.
    One,
}

/// Where custom fields stand in a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldsAt {
    /// In `custom_fields`, values with parts as objects.
    #[default]
    Object,
    /// Among the record's own keys; parts as keys with endings, several choices as `1,2`.
    Root,
}

/// A stream that is read for each record of another one.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Each {
    /// The other one's table.
    pub of: String,
    /// How many parents one request asks for.
    pub many: usize,
    /// The query parameter that names the parents; none where the path does.
    #[serde(default)]
    pub param: Option<String>,
    /// The column that names the parent.
    pub parent: String,
    /// Only parents where this column of theirs is above 0 have any.
    #[serde(default, rename = "where")]
    pub counted: Option<String>,
}

/// A column that says yes or no.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub struct Flag {
    /// The column.
    pub column: String,
    /// The value that counts.
    pub is: bool,
}

impl From<String> for Flag {
    fn from(text: String) -> Self {
        match text.strip_prefix('!') {
            Some(column) => Self { column: column.into(), is: false },
            None => Self { column: text, is: true },
        }
    }
}

/// A column that each record has.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Column {
    /// Its name in the database.
    pub name: String,
    /// The record's key.
    pub from: String,
    /// Another one that it may stand under.
    pub or: Option<String>,
    /// What stands in it.
    pub shape: Shape,
    /// The table that it points at.
    pub to: Option<String>,
}

impl TryFrom<String> for Column {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("“{text}” is no column; write “name type [from KEY[|KEY]] [to TABLE]”");
        let mut words = text.split_whitespace();
        let name = words.next().ok_or_else(wrong)?.to_owned();
        let shape = Shape::parse(words.next().ok_or_else(wrong)?).ok_or_else(wrong)?;
        let mut column = Self { from: name.clone(), or: None, name, shape, to: None };
        while let Some(word) = words.next() {
            let value = words.next().ok_or_else(wrong)?.to_owned();
            match word {
                "from" => match value.split_once('|') {
                    Some((from, or)) => (column.from, column.or) = (from.to_owned(), Some(or.to_owned())),
                    None => column.from = value,
                },
                "to" => column.to = Some(value),
                _ => return Err(wrong()),
            }
        }
        Ok(column)
    }
}

impl Stream {
    /// The table it fills.
    pub fn table(&self) -> &str {
        self.table.as_deref().unwrap_or(&self.name)
    }
}

impl Streams {
    /// Reads `streams.toml`, or says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let streams: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        streams.check()?;
        Ok(streams)
    }

    /// One stream.
    pub fn get(&self, name: &str) -> Option<&Stream> {
        self.streams.iter().find(|stream| stream.name == name)
    }

    /// The stream that describes a table.
    pub fn describing(&self, table: &str) -> Option<&Stream> {
        self.get(table)
    }

    fn check(&self) -> Result<(), String> {
        for stream in &self.streams {
            let name = &stream.name;
            let described = self
                .describing(stream.table())
                .filter(|by| !by.columns.is_empty())
                .ok_or_else(|| format!("{name}: no stream describes the table {}", stream.table()))?;
            let mut names = BTreeSet::new();
            for column in &described.columns {
                for part in column.shape.parts() {
                    if !names.insert(format!("{}{}", column.name, part.ending)) {
                        return Err(format!("{name}: {}{} stands there twice", column.name, part.ending));
                    }
                }
            }
            let has = |column: &str| described.columns.iter().any(|it| it.name == column);
            if !has(&stream.key) {
                return Err(format!("{name}: there is no column {}", stream.key));
            }
            for flag in stream.gone.iter().chain(&stream.rows) {
                if !has(&flag.column) {
                    return Err(format!("{name}: there is no column {}", flag.column));
                }
            }
            if let Some(fields) = &stream.fields
                && self.get(fields).is_none()
            {
                return Err(format!("{name}: there is no stream {fields}"));
            }
            if let Some(each) = &stream.each
                && (self.get(&each.of).is_none() || !has(&each.parent))
            {
                return Err(format!("{name}: each needs a stream and a column that are there"));
            }
        }
        Ok(())
    }
}
