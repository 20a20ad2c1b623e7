//! From JSON to cells, without a tree between.

use std::{borrow::Cow, collections::HashMap, fmt};

use keyhaven_connectors::streams::Shape;
use serde::{
    Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::Value;

use super::{
    Layout, Rows,
    layout::{Entry, Target},
    value::ValueSeed,
};

/// Reads a page's records into rows.
pub(crate) fn read<'de>(body: &'de [u8], layout: &Layout) -> Result<Rows<'de>, serde_json::Error> {
    let mut rows = Rows::new(layout.columns.len());
    let mut json = serde_json::Deserializer::from_slice(body);
    PageSeed { layout, rows: &mut rows }.deserialize(&mut json)?;
    json.end()?;
    Ok(rows)
}

/// The keys of a page's records, one for each, and nothing else of it.
pub(crate) fn keys(body: &[u8], layout: &Layout) -> Result<Vec<String>, serde_json::Error> {
    let key = layout.columns[layout.key].clone();
    let is_key =
        |(_, target): &(&String, &Target)| matches!(target, Target::Whole(it) if it.slot == layout.key);
    let root = layout.root.iter().find(is_key).map(|(from, _)| {
        let entry = Entry { slot: 0, shape: Shape::Plain(key.sql), labels: HashMap::new() };
        (from.clone(), Target::Whole(entry))
    });
    let only = Layout { columns: vec![key], root: root.into_iter().collect(), ..Layout::default() };
    let rows = read(body, &only)?;
    Ok(rows.iter().map(|row| row[0].text()).collect())
}

struct PageSeed<'l, 'de> {
    layout: &'l Layout,
    rows: &'l mut Rows<'de>,
}

macro_rules! by_visitor {
    ($seed:ident) => {
        impl<'de> DeserializeSeed<'de> for $seed<'_, 'de> {
            type Value = ();

            fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
                json.deserialize_any(self)
            }
        }
    };
}

by_visitor!(PageSeed);
by_visitor!(ListSeed);
by_visitor!(RecordSeed);
by_visitor!(FieldsSeed);

impl<'de> Visitor<'de> for PageSeed<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a page of records")
    }

    /// What holds no list is an error in disguise, and no list that became empty.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        use serde::de::Error;
        let mut has_data = false;
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match key.as_ref() {
                "data" => {
                    map.next_value_seed(ListSeed { layout: self.layout, rows: self.rows })?;
                    has_data = true;
                }
                "success" if map.next_value::<Value>()? == Value::Bool(false) => {
                    return Err(A::Error::custom("the app says that it failed"));
                }
                "success" => {}
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        if has_data { Ok(()) } else { Err(A::Error::custom("it holds no data")) }
    }
}

struct ListSeed<'l, 'de> {
    layout: &'l Layout,
    rows: &'l mut Rows<'de>,
}

impl<'de> Visitor<'de> for ListSeed<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of records")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(RecordSeed { layout: self.layout, rows: self.rows })?.is_some() {}
        Ok(())
    }
}

struct RecordSeed<'l, 'de> {
    layout: &'l Layout,
    rows: &'l mut Rows<'de>,
}

impl<'de> Visitor<'de> for RecordSeed<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record")
    }

    /// A record that is null is none.
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { layout, rows } = self;
        let begin = rows.begin().ok_or_else(|| {
            use serde::de::Error;
            A::Error::custom("it holds more records than fit into memory")
        })?;
        while let Some(key) = map.next_key_seed(KeySeed(&layout.root))? {
            match key {
                Key::Known(target) => map.next_value_seed(ValueSeed { target, begin, rows })?,
                Key::Custom => map.next_value_seed(FieldsSeed { layout, begin, rows })?,
                Key::Unknown => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

struct FieldsSeed<'l, 'de> {
    layout: &'l Layout,
    begin: usize,
    rows: &'l mut Rows<'de>,
}

impl<'de> Visitor<'de> for FieldsSeed<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("custom fields")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    /// Some apps write an empty object as an empty list.
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key_seed(KeySeed(&self.layout.custom))? {
            match key {
                Key::Known(target) => {
                    map.next_value_seed(ValueSeed { target, begin: self.begin, rows: self.rows })?;
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

enum Key<'l> {
    Known(&'l Target),
    Custom,
    Unknown,
}

struct KeySeed<'l>(&'l HashMap<String, Target>);

impl<'de, 'l> DeserializeSeed<'de> for KeySeed<'l> {
    type Value = Key<'l>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Key<'l>, D::Error> {
        json.deserialize_str(self)
    }
}

impl<'l> Visitor<'_> for KeySeed<'l> {
    type Value = Key<'l>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Key<'l>, E> {
        Ok(match self.0.get(key) {
            Some(target) => Key::Known(target),
            None if key == "custom_fields" => Key::Custom,
            None => Key::Unknown,
        })
    }
}

/// The first record's key.
pub(crate) fn highest_id(body: &[u8], key: &str) -> Option<u64> {
    let page: serde_json::Value = serde_json::from_slice(body).ok()?;
    page.pointer("/data/0")?.get(key)?.as_u64()
}
