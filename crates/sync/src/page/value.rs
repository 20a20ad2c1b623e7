//! From one JSON value to the cells of its columns.

use std::{borrow::Cow, fmt};

use keyhaven_connectors::streams::{Shape, Sql};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{
    Rows,
    cell::{Cell, fit},
    layout::{Loose, Target},
    lists::LONGEST_LIST,
    scalar::Scalar,
};

/// A value on its way into the cells of its row, which begin there.
pub(super) struct ValueSeed<'l, 'de> {
    pub target: &'l Target,
    pub begin: usize,
    pub rows: &'l mut Rows<'de>,
}

impl<'de> ValueSeed<'_, 'de> {
    pub(super) fn put(&mut self, slot: usize, sql: Sql, value: Cell<'de>) {
        match fit(value.clone(), sql) {
            Ok(cell) => self.rows.cells[self.begin + slot] = cell,
            Err(_) => self.misfit(slot, &value.text()),
        }
    }

    pub(super) fn misfit(&mut self, slot: usize, value: &str) {
        let row = self.begin / self.rows.width;
        self.rows.note(row, slot, value);
    }

    /// One plain value, where an object might have stood too.
    fn scalar(&mut self, value: Cell<'de>) {
        match self.target {
            Target::Loose(Loose { slot, sql }) => self.put(*slot, *sql, value),
            Target::Whole(entry) => match &entry.shape {
                Shape::Option => {
                    let label = entry.labels.get(value.text().as_str()).cloned();
                    let label = label.map_or_else(|| unlisted(&value), Cell::from);
                    self.put(entry.slot, Sql::Text, label);
                    // Built-in choices have words for ids.
                    let id = value.text().trim().parse().map_or(Cell::Null, Cell::Integer);
                    self.put(entry.slot + 1, Sql::Integer, id);
                }
                shape => self.put(entry.slot, shape.parts()[0].sql, value),
            },
        }
    }

    /// Where the value belongs that is no plain one: a column of text holds it as JSON.
    fn structure(&mut self, json: String) {
        let (slot, sql) = match self.target {
            Target::Loose(Loose { slot, sql }) => (*slot, Some(*sql)),
            Target::Whole(entry) => match entry.shape {
                Shape::Plain(sql) => (entry.slot, Some(sql)),
                _ => (entry.slot, None),
            },
        };
        if sql == Some(Sql::Text) && json.len() <= LONGEST_LIST {
            self.put(slot, Sql::Text, json.into());
        } else {
            self.misfit(slot, &json);
        }
    }
}

/// A choice that no definition lists: its id says more than nothing.
fn unlisted<'de>(value: &Cell<'de>) -> Cell<'de> {
    match value {
        Cell::Null => Cell::Null,
        other => other.text().into(),
    }
}

impl<'de> DeserializeSeed<'de> for ValueSeed<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(mut self, json: D) -> Result<(), D::Error> {
        let Target::Whole(entry) = self.target else { return json.deserialize_any(self) };
        match &entry.shape {
            Shape::Plain(Sql::Json) => {
                let raw = <&'de RawValue>::deserialize(json)?.get();
                if raw != "null" {
                    self.put(entry.slot, Sql::Json, raw.into());
                }
                Ok(())
            }
            Shape::Options => {
                let raw = <&'de RawValue>::deserialize(json)?.get();
                self.list(entry.slot, raw, |it, raw| it.options(entry, raw));
                Ok(())
            }
            Shape::Contact => {
                let raw = <&'de RawValue>::deserialize(json)?.get();
                self.list(entry.slot, raw, |it, raw| it.contact(entry, raw));
                Ok(())
            }
            _ => json.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for ValueSeed<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(mut self, value: bool) -> Result<(), E> {
        self.scalar(Cell::Boolean(value));
        Ok(())
    }

    fn visit_i64<E>(mut self, value: i64) -> Result<(), E> {
        self.scalar(Cell::Integer(value));
        Ok(())
    }

    fn visit_u64<E>(mut self, value: u64) -> Result<(), E> {
        self.scalar(i64::try_from(value).map_or(Cell::Number(value as f64), Cell::Integer));
        Ok(())
    }

    fn visit_f64<E>(mut self, value: f64) -> Result<(), E> {
        self.scalar(Cell::Number(value));
        Ok(())
    }

    fn visit_borrowed_str<E>(mut self, value: &'de str) -> Result<(), E> {
        self.scalar(Cell::Text(Cow::Borrowed(value)));
        Ok(())
    }

    fn visit_str<E>(mut self, value: &str) -> Result<(), E> {
        self.scalar(Cell::Text(Cow::Owned(value.to_owned())));
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        let mut all = Vec::new();
        while let Some(value) = list.next_element::<&'de RawValue>()? {
            all.push(value.get());
        }
        if !all.is_empty() {
            self.structure(format!("[{}]", all.join(",")));
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let (mut is_known, mut rest) = (false, Vec::new());
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            let raw = map.next_value::<&'de RawValue>()?.get();
            let part = self.part(&key);
            let value = part.and_then(|_| serde_json::from_str(raw).ok());
            match (part, value) {
                // What is null is known to be nothing.
                (Some(_), Some(Scalar(Cell::Null))) if raw == "null" => is_known = true,
                (Some(Part::Whole), Some(Scalar(value))) if value != Cell::Null => {
                    is_known = true;
                    self.scalar(value);
                }
                (Some(Part::Cell(slot, sql)), Some(Scalar(value))) if value != Cell::Null => {
                    is_known = true;
                    self.put(slot, sql, value);
                }
                (Some(Part::Cell(slot, _)), _) => {
                    is_known = true;
                    self.misfit(slot, raw);
                }
                _ if !is_known => rest.push((key, raw)),
                _ => {}
            }
        }
        if !is_known && !rest.is_empty() {
            let quoted = |key: &str| serde_json::Value::from(key).to_string();
            let all: Vec<String> = rest.iter().map(|(key, raw)| format!("{}:{raw}", quoted(key))).collect();
            self.structure(format!("{{{}}}", all.join(",")));
        }
        Ok(())
    }
}

/// What one key of an object fills.
#[derive(Clone, Copy)]
enum Part {
    /// It is the value itself, as where a record or choice stands in full and its id is wanted.
    Whole,
    Cell(usize, Sql),
}

impl ValueSeed<'_, '_> {
    fn part(&self, key: &str) -> Option<Part> {
        match self.target {
            Target::Loose(_) => matches!(key, "id" | "value").then_some(Part::Whole),
            Target::Whole(entry) => match &entry.shape {
                Shape::Plain(_) | Shape::Reference(_) | Shape::Option => {
                    matches!(key, "id" | "value").then_some(Part::Whole)
                }
                shape => {
                    let key = if key == "amount" { "value" } else { key };
                    let n = shape.parts().iter().position(|part| part.key == key)?;
                    Some(Part::Cell(entry.slot + n, shape.parts()[n].sql))
                }
            },
        }
    }
}
