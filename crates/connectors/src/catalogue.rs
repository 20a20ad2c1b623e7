//! All connectors: those that are compiled in, and those that were added at start.

use std::{collections::BTreeMap, fmt, sync::Arc};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::{Connector, Guide, check, definition::Definition, streams::Streams, svg};

/// File name to content.
type Files = &'static [(&'static str, &'static [u8])];

include!(concat!(env!("OUT_DIR"), "/built_in.rs"));

/// The files of one connector.
pub struct ConnectorFiles {
    /// The folder's name: the connector's id.
    pub folder: String,
    /// File name to content.
    pub files: BTreeMap<String, Vec<u8>>,
}

/// What is wrong with a connector, where, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogueError {
    /// `my-app/connector.toml`.
    pub file: String,
    /// The line, counted from 1, where one can be named.
    pub line: Option<usize>,
    /// The key, such as `fields.1.pattern`; empty where the file as a whole is meant.
    pub field: String,
    /// What is wrong, as a remedy.
    pub message: String,
}

impl fmt::Display for CatalogueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if !self.field.is_empty() {
            write!(f, ": {}", self.field)?;
        }
        write!(f, ": {}", self.message)
    }
}

impl std::error::Error for CatalogueError {}

/// All connectors.
#[derive(Default)]
pub struct Catalogue {
    connectors: BTreeMap<String, Arc<Connector>>,
    assets: BTreeMap<(String, String), Vec<u8>>,
}

const MAX_DEFINITION: usize = 64 * 1024;

impl Catalogue {
    /// The connectors that are compiled in.
    pub fn built_in() -> Result<Self, Vec<CatalogueError>> {
        let mut catalogue = Self::default();
        for (folder, files) in BUILT_IN {
            let files = files.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec())).collect();
            catalogue.add(ConnectorFiles { folder: (*folder).to_owned(), files })?;
        }
        Ok(catalogue)
    }

    /// Checks a connector and adds it; tells everything that is wrong at once.
    pub fn add(&mut self, source: ConnectorFiles) -> Result<(), Vec<CatalogueError>> {
        let connector = read(&source)?;
        if self.connectors.contains_key(&connector.id) {
            let message = "there is a connector with this id already; choose another one".to_owned();
            let file = format!("{}/connector.toml", source.folder);
            let line = source.files.get("connector.toml").and_then(|toml| std::str::from_utf8(toml).ok());
            let line = line.and_then(|toml| line_of(toml, "id"));
            return Err(vec![CatalogueError { file, line, field: "id".into(), message }]);
        }
        for (name, bytes) in source.files {
            if svg::mime(&name).is_some() {
                self.assets.insert((connector.id.clone(), name), bytes);
            }
        }
        self.connectors.insert(connector.id.clone(), Arc::new(connector));
        Ok(())
    }

    /// One connector.
    pub fn get(&self, id: &str) -> Option<&Connector> {
        self.connectors.get(id).map(Arc::as_ref)
    }

    /// The same, for whoever keeps it.
    pub fn share(&self, id: &str) -> Option<Arc<Connector>> {
        self.connectors.get(id).cloned()
    }

    /// All connectors: apps by name, then the generic ones.
    pub fn iter(&self) -> impl Iterator<Item = &Connector> {
        let mut all: Vec<_> = self.connectors.values().map(Arc::as_ref).collect();
        all.sort_by_key(|connector| (connector.category == "Any API", connector.name.to_lowercase()));
        all.into_iter()
    }

    /// A connector's picture: MIME type and bytes.
    pub fn asset(&self, connector: &str, file: &str) -> Option<(&'static str, &[u8])> {
        let bytes = self.assets.get(&(connector.to_owned(), file.to_owned()))?;
        Some((svg::mime(file)?, bytes))
    }
}

fn read(source: &ConnectorFiles) -> Result<Connector, Vec<CatalogueError>> {
    let file = |name: &str| format!("{}/{name}", source.folder);
    let fail = |name: &str, message: &str| {
        vec![CatalogueError { file: file(name), line: None, field: String::new(), message: message.into() }]
    };
    let text = |name: &str| {
        let bytes = source.files.get(name).ok_or_else(|| fail(name, "is missing"))?;
        if bytes.len() > MAX_DEFINITION {
            return Err(fail(name, "is larger than 64 KiB"));
        }
        std::str::from_utf8(bytes).map_err(|_| fail(name, "is no UTF-8 text"))
    };
    let toml = text("connector.toml")?;
    let guide = Guide::parse(text("guide.md")?);
    let definition: Definition = toml::from_str(toml).map_err(|error| {
        let at = error.span().map(|span| span.start);
        let field = at.map(|at| key_at(toml, at)).unwrap_or_default();
        let line = at.map(|at| line_at(toml, at));
        vec![CatalogueError {
            file: file("connector.toml"),
            line,
            field,
            message: error.message().to_owned(),
        }]
    })?;
    let found = check::check(&definition, &source.folder, &guide, &source.files);
    if found.is_empty() {
        let streams = match source.files.contains_key("streams.toml") {
            true => {
                Some(Streams::parse(text("streams.toml")?).map_err(|wrong| fail("streams.toml", &wrong))?)
            }
            false => None,
        };
        return Ok(definition.into_connector(guide, streams));
    }
    let in_toml = |(at, message): check::Finding| {
        if source.files.contains_key(&at) {
            return CatalogueError { file: file(&at), line: None, field: String::new(), message };
        }
        CatalogueError { file: file("connector.toml"), line: line_of(toml, &at), field: at, message }
    };
    Err(found.into_iter().map(in_toml).collect())
}

/// The line of a key such as `fields.1.pattern`, or of the nearest one above it that is there.
fn line_of(text: &str, path: &str) -> Option<usize> {
    let root = DeTable::parse(text).ok()?;
    let mut parts = path.split('.');
    let mut here = root.get_ref().get(parts.next()?)?;
    for part in parts {
        let next = match part.parse::<usize>() {
            Ok(n) => here.get_ref().get(n),
            Err(_) => here.get_ref().get(part),
        };
        let Some(next) = next else { break };
        here = next;
    }
    Some(line_at(text, here.span().start))
}

/// The key at this place, such as `verify.rules.1.reason`; empty where there is none.
fn key_at(text: &str, byte: usize) -> String {
    DeTable::parse(text).ok().and_then(|root| key_in(root.get_ref(), byte)).unwrap_or_default()
}

fn key_in(table: &DeTable<'_>, byte: usize) -> Option<String> {
    table.iter().find_map(|(key, value)| {
        if key.span().contains(&byte) {
            Some(key.get_ref().to_string())
        } else {
            below(key.get_ref(), value, byte)
        }
    })
}

/// What stands inside is told before what it stands in.
fn below(key: &str, value: &Spanned<DeValue<'_>>, byte: usize) -> Option<String> {
    let inside = match value.get_ref() {
        DeValue::Table(table) => key_in(table, byte),
        DeValue::Array(all) => all.iter().enumerate().find_map(|(n, it)| below(&n.to_string(), it, byte)),
        _ => None,
    };
    let itself = || value.span().contains(&byte).then(|| key.to_owned());
    inside.map(|inside| format!("{key}.{inside}")).or_else(itself)
}

fn line_at(text: &str, byte: usize) -> usize {
    text.as_bytes().iter().take(byte).filter(|c| **c == b'\n').count() + 1
}
