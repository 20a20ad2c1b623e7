//! Lists in one value: choices, addresses.

use std::collections::HashMap;

use keyhaven_connectors::streams::Sql;
use serde_json::value::RawValue;

use super::{
    cell::{Misfit, fit},
    layout::Entry,
    scalar::address,
    value::ValueSeed,
};

/// In bytes.
pub(super) const LONGEST_LIST: usize = 1024 * 1024;

/// Several choices as they were written down, with the labels that they have now.
pub(crate) fn read_labels(json: &str, of: &HashMap<String, String>) -> Option<(Vec<String>, String)> {
    let ids: Vec<serde_json::Value> = serde_json::from_str(json).ok()?;
    let ids: Vec<String> = ids.iter().map(plain).collect();
    let text = labels(&ids, of);
    Some((ids, text))
}

impl<'de> ValueSeed<'_, 'de> {
    /// A list of choices or addresses, read by one of these; what cannot be read so does not fit.
    pub(super) fn list(
        &mut self,
        slot: usize,
        raw: &'de str,
        read: impl FnOnce(&mut Self, &'de str) -> Result<(), serde_json::Error>,
    ) {
        if raw.len() > LONGEST_LIST || read(self, raw).is_err() {
            self.misfit(slot, raw);
        }
    }

    /// Several choices: `[1,2]`, `"1,2"`, or one id alone.
    pub(super) fn options(&mut self, entry: &Entry, raw: &'de str) -> Result<(), serde_json::Error> {
        if raw == "null" {
            return Ok(());
        }
        let ids: Vec<String> = match serde_json::from_str(raw)? {
            serde_json::Value::Array(ids) => ids.iter().map(plain).collect(),
            serde_json::Value::Null => return Ok(()),
            one => plain(&one).split(',').map(|id| id.trim().to_owned()).collect(),
        };
        let ids: Vec<String> = ids.into_iter().filter(|id| !id.is_empty()).collect();
        if ids.is_empty() {
            return Ok(());
        }
        self.put(entry.slot, Sql::Text, labels(&ids, &entry.labels).into());
        let json: Vec<_> = ids
            .iter()
            .map(|id| id.parse::<i64>().map_or_else(|_| serde_json::json!(id), Into::into))
            .collect();
        self.put(entry.slot + 1, Sql::Json, serde_json::Value::Array(json).to_string().into());
        Ok(())
    }

    /// Mail addresses, telephone numbers: the first that can be read, and all of them.
    pub(super) fn contact(&mut self, entry: &Entry, raw: &'de str) -> Result<(), serde_json::Error> {
        if matches!(raw, "null" | "[]" | "\"\"") {
            return Ok(());
        }
        if fit(raw.into(), Sql::Json).is_err() {
            self.misfit(entry.slot + 1, raw);
            return Ok(());
        }
        self.put(entry.slot + 1, Sql::Json, raw.into());
        let all: Vec<&'de RawValue> = match raw.as_bytes().first() {
            Some(b'[') => serde_json::from_str(raw)?,
            _ => vec![serde_json::from_str(raw)?],
        };
        let (mut primary, mut first) = (None, None);
        for one in all {
            match address(one.get()) {
                Ok((text, is_primary)) if !text.trim().is_empty() => {
                    let place = if is_primary { &mut primary } else { &mut first };
                    place.get_or_insert(text);
                }
                Ok(_) => {}
                Err(Misfit) => self.misfit(entry.slot, one.get()),
            }
        }
        if let Some(text) = primary.or(first) {
            self.put(entry.slot, Sql::Text, text.into());
        }
        Ok(())
    }
}

/// Labels of several choices, as people read them.
fn labels(ids: &[String], labels: &HashMap<String, String>) -> String {
    let all: Vec<&str> = ids.iter().map(|id| labels.get(id).unwrap_or(id).as_str()).collect();
    all.join(", ")
}

fn plain(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
