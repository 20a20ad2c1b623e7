//! From one JSON value to the cells of its columns.

use std::{borrow::Cow, collections::HashMap, fmt};

use keyhaven_connectors::streams::{Shape, Sql};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{
    Misfits, Rows,
    cell::{Cell, fit},
    layout::{Entry, Loose, Target},
};

/// In bytes.
const LONGEST_LIST: usize = 1024 * 1024;

/// Several choices as they were written down, with the labels that they have now.
pub(crate) fn read_labels(json: &str, of: &HashMap<String, String>) -> Option<(Vec<String>, String)> {
    let ids: Vec<serde_json::Value> = serde_json::from_str(json).ok()?;
    let ids: Vec<String> = ids.iter().map(plain).collect();
    let text = labels(&ids, of);
    Some((ids, text))
}

/// A value on its way into the cells of its row, which begin there.
pub(super) struct ValueSeed<'l, 'de> {
    pub target: &'l Target,
    pub begin: usize,
    pub rows: &'l mut Rows<'de>,
}

impl<'de> ValueSeed<'_, 'de> {
    fn put(&mut self, slot: usize, sql: Sql, value: Cell<'de>) {
        match fit(value.clone(), sql) {
            Ok(cell) => self.rows.cells[self.begin + slot] = cell,
            Err(_) => self.misfit(slot, &value.text()),
        }
    }

    fn misfit(&mut self, slot: usize, value: &str) {
        let row = self.begin / self.rows.width;
        self.rows.note(|| Misfits { row, slot, value: value.chars().take(200).collect() });
    }

    /// A list of choices or addresses, read by one of these; what cannot be read so does not fit.
    fn list(
        &mut self,
        slot: usize,
        raw: &'de str,
        read: impl FnOnce(&mut Self, &'de str) -> Result<(), serde_json::Error>,
    ) {
        if raw.len() > LONGEST_LIST || read(self, raw).is_err() {
            self.misfit(slot, raw);
        }
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

    /// Several choices: `[1,2]`, `"1,2"`, or one id alone.
    fn options(&mut self, entry: &Entry, raw: &'de str) -> Result<(), serde_json::Error> {
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

    fn contact(&mut self, entry: &Entry, raw: &'de str) -> Result<(), serde_json::Error> {
        #[derive(Deserialize)]
        struct One<'a> {
            #[serde(borrow)]
            value: Option<Cow<'a, str>>,
            #[serde(default)]
            primary: bool,
        }
        if raw == "null" || raw == "[]" {
            return Ok(());
        }
        let Ok(all) = serde_json::from_str::<Vec<One<'de>>>(raw) else {
            self.put(entry.slot + 1, Sql::Json, raw.into());
            return Ok(());
        };
        let first = all.iter().find(|one| one.primary).or(all.first());
        if let Some(value) = first.and_then(|one| one.value.clone()) {
            self.put(entry.slot, Sql::Text, Cell::Text(value));
        }
        self.put(entry.slot + 1, Sql::Json, raw.into());
        Ok(())
    }
}

/// A choice that no definition lists: its id says more than nothing.
fn unlisted<'de>(value: &Cell<'de>) -> Cell<'de> {
    match value {
        Cell::Null => Cell::Null,
        other => other.text().into(),
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
        let mut any = false;
        while list.next_element::<IgnoredAny>()?.is_some() {
            any = true;
        }
        if any {
            self.scalar(Cell::from("[…]"));
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            let value = map.next_value::<Scalar<'de>>()?.0;
            let Target::Whole(entry) = self.target else { continue };
            match &entry.shape {
                // A record or choice in full where its id is wanted.
                Shape::Plain(_) | Shape::Reference(_) | Shape::Option => {
                    if matches!(key.as_ref(), "id" | "value") && value != Cell::Null {
                        self.scalar(value);
                    }
                }
                shape => {
                    let key = if key == "amount" { "value" } else { key.as_ref() };
                    let found = shape.parts().iter().position(|part| part.key == key);
                    if let Some(n) = found {
                        self.put(entry.slot + n, shape.parts()[n].sql, value);
                    }
                }
            }
        }
        Ok(())
    }
}

/// A plain value; whatever else stands there counts as nothing.
struct Scalar<'a>(Cell<'a>);

impl<'de> Deserialize<'de> for Scalar<'de> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        struct Plain;
        impl<'de> Visitor<'de> for Plain {
            type Value = Scalar<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }
            fn visit_unit<E>(self) -> Result<Scalar<'de>, E> {
                Ok(Scalar(Cell::Null))
            }
            fn visit_bool<E>(self, value: bool) -> Result<Scalar<'de>, E> {
                Ok(Scalar(Cell::Boolean(value)))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Scalar<'de>, E> {
                Ok(Scalar(Cell::Integer(value)))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Scalar<'de>, E> {
                Ok(Scalar(i64::try_from(value).map_or(Cell::Number(value as f64), Cell::Integer)))
            }
            fn visit_f64<E>(self, value: f64) -> Result<Scalar<'de>, E> {
                Ok(Scalar(Cell::Number(value)))
            }
            fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Scalar<'de>, E> {
                Ok(Scalar(Cell::Text(Cow::Borrowed(value))))
            }
            fn visit_str<E>(self, value: &str) -> Result<Scalar<'de>, E> {
                Ok(Scalar(Cell::Text(Cow::Owned(value.to_owned()))))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Scalar<'de>, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Scalar(Cell::Null))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar<'de>, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Scalar(Cell::Null))
            }
        }
        json.deserialize_any(Plain)
    }
}
