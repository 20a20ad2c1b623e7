//! Plain values within others.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::cell::{Cell, Misfit};

/// A plain value; whatever else stands there counts as nothing.
pub(super) struct Scalar<'a>(pub Cell<'a>);

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

/// One mail address or telephone number, however it is written, and whether it is the one to use; empty where there is none.
pub(super) fn address(json: &str) -> Result<(String, bool), Misfit> {
    #[derive(Deserialize)]
    struct One<'a> {
        #[serde(borrow)]
        value: Option<&'a RawValue>,
        #[serde(borrow)]
        primary: Option<&'a RawValue>,
    }
    let (value, primary) = if json.starts_with('{') {
        let one: One<'_> = serde_json::from_str(json).map_err(|_| Misfit)?;
        (one.value.map_or("null", RawValue::get), one.primary.map_or("null", RawValue::get))
    } else {
        (json, "null")
    };
    match serde_json::from_str(value) {
        Ok(Scalar(Cell::Null)) if value != "null" => Err(Misfit),
        Ok(Scalar(cell)) => Ok((cell.text(), matches!(primary, "true" | "1" | "\"1\"" | "\"true\""))),
        Err(_) => Err(Misfit),
    }
}
