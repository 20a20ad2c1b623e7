//! What a database must hold, worked out from the stand-in's records by its own means.

use std::collections::{BTreeMap, HashMap};

use jiff::civil::{Date, Time};
use keyhaven_connectors::streams::{Column, FieldsAt, Shape, Sql};
use keyhaven_testkit::Record;
use serde_json::{Value, json};

/// A value as its column must hold it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    Null,
    Text(String),
    Number(f64),
    Flag(bool),
    Moment(i128),
    Json(Value),
}

impl Cell {
    fn of(sql: Sql, value: &Value) -> Self {
        let text = || value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let is_nothing = value.is_null() || (value == "" && !matches!(sql, Sql::Text | Sql::Json));
        match sql {
            _ if is_nothing => Self::Null,
            // No database holds a NUL.
            Sql::Text => Self::Text(text().replace('\0', "")),
            // A field that is a date now may have been anything.
            Sql::Date => text().parse::<Date>().map_or(Self::Null, |day| Self::Text(day.to_string())),
            Sql::Time => text().parse::<Time>().map_or(Self::Null, |time| Self::Text(time.to_string())),
            Sql::Integer | Sql::Number => match value {
                Value::Bool(it) => Self::Number(f64::from(u8::from(*it))),
                _ => Self::Number(text().parse().unwrap_or_else(|_| panic!("{value} is no number"))),
            },
            Sql::Boolean => Self::Flag(matches!(text().as_str(), "true" | "1")),
            Sql::Timestamp => Self::Moment(moment(&text())),
            Sql::Json => {
                let text = value.to_string().replace("\\u0000", "");
                Self::Json(serde_json::from_str(&text).unwrap())
            }
        }
    }

    /// Is that what stands there?
    pub(crate) fn is(&self, there: &Value) -> bool {
        match self {
            Self::Null => there.is_null(),
            Self::Text(text) => there == text,
            Self::Number(number) => there.as_f64().is_some_and(|it| (it - number).abs() < 1e-9),
            Self::Flag(flag) => there.as_bool().or(there.as_i64().map(|it| it == 1)) == Some(*flag),
            Self::Moment(at) => there.as_str().map(moment) == Some(*at),
            Self::Json(json) => match there {
                Value::String(text) => serde_json::from_str::<Value>(text).is_ok_and(|it| it == *json),
                other => other == json,
            },
        }
    }
}

/// Nanoseconds since 1970 of a time as either version and either database write it.
fn moment(text: &str) -> i128 {
    let zone = if text.len() > 19 { "" } else { "Z" };
    let written = format!("{}{zone}", text.replacen(' ', "T", 1));
    let at: jiff::Timestamp = written.parse().unwrap_or_else(|_| panic!("{text} is no time"));
    at.as_nanosecond()
}

/// Choices of fields: by code, then id.
#[derive(Default)]
pub(crate) struct Labels(HashMap<String, HashMap<String, String>>);

impl Labels {
    pub(crate) fn of(definitions: &[Value]) -> Self {
        let one = |choice: &Value| Some((plain(&choice["id"]), choice["label"].as_str()?.to_owned()));
        let all = definitions.iter().filter_map(|it| {
            let options = it["options"].as_array()?.iter().filter_map(one).collect();
            Some((it["field_code"].as_str()?.to_owned(), options))
        });
        Self(all.collect())
    }

    /// Code and id of each choice.
    pub(crate) fn ids(&self) -> impl Iterator<Item = (String, String)> {
        self.0.iter().flat_map(|(code, all)| all.keys().map(|id| (code.clone(), id.clone())))
    }

    /// Choices that were taken away keep the label that the database wrote down.
    pub(crate) fn with_removed<'a>(&mut self, written: impl Iterator<Item = &'a Record>) {
        for row in written {
            let word = |name: &str| plain(&row[name]);
            let all = self.0.entry(word("field_code")).or_default();
            all.entry(word("option_id")).or_insert_with(|| word("label"));
        }
    }

    pub(crate) fn has(&self, code: &str, id: &str) -> bool {
        self.0.get(code).is_some_and(|all| all.contains_key(id))
    }

    /// A choice that nobody knows is called by its id.
    fn label(&self, code: &str, id: &str) -> String {
        self.0.get(code).and_then(|all| all.get(id)).cloned().unwrap_or_else(|| id.to_owned())
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A custom field that has columns.
pub(crate) struct Custom {
    pub code: String,
    pub column: String,
    pub shape: Shape,
}

/// One record's row.
pub(crate) fn row(
    columns: &[Column],
    custom: &[Custom],
    at: FieldsAt,
    labels: &Labels,
    record: &Value,
) -> BTreeMap<String, Cell> {
    let mut row = BTreeMap::new();
    for column in columns {
        let value = record.get(&column.from).unwrap_or(&Value::Null);
        spread(&mut row, &column.name, &column.shape, &column.from, value, labels);
    }
    for field in custom {
        let value = match at {
            FieldsAt::Object => record["custom_fields"][&field.code].clone(),
            FieldsAt::Root => gathered(&field.code, &field.shape, record),
        };
        spread(&mut row, &field.column, &field.shape, &field.code, &value, labels);
    }
    row
}

/// What v1 spreads over a record's keys, as v2 would show it.
fn gathered(code: &str, shape: &Shape, record: &Value) -> Value {
    let value = record.get(code).cloned().unwrap_or_default();
    let parts: &[&str] = match shape {
        Shape::Money => &["currency"],
        Shape::DateRange => &["until"],
        Shape::ZonedTime => &["timezone_id"],
        Shape::TimeRange => &["until", "timezone_id"],
        Shape::Address => &ADDRESS,
        Shape::Options => {
            let ids = value.as_str().unwrap_or_default().split(',').filter_map(|id| id.parse::<i64>().ok());
            let ids: Vec<i64> = ids.collect();
            return if ids.is_empty() { Value::Null } else { json!(ids) };
        }
        _ => return value,
    };
    let mut object = json!({ "value": value });
    for part in parts {
        let name = if *part == "timezone_id" { "timezone_name" } else { part };
        object[name] = record.get(format!("{code}_{part}")).cloned().unwrap_or_default();
    }
    object
}

const ADDRESS: [&str; 10] = [
    "street_number",
    "route",
    "subpremise",
    "sublocality",
    "locality",
    "admin_area_level_1",
    "admin_area_level_2",
    "country",
    "postal_code",
    "formatted_address",
];

fn spread(
    row: &mut BTreeMap<String, Cell>,
    base: &str,
    shape: &Shape,
    code: &str,
    value: &Value,
    labels: &Labels,
) {
    let mut put = |ending: &str, sql: Sql, value: &Value| {
        row.insert(format!("{base}{ending}"), Cell::of(sql, value));
    };
    let part = |key: &str| value.get(key).cloned().unwrap_or_default();
    match shape {
        Shape::Plain(sql) => put("", *sql, value),
        Shape::Reference(_) => put("_id", Sql::Integer, value),
        Shape::Money => {
            let amount = value.get("amount").or(value.get("value")).cloned().unwrap_or_default();
            put("", Sql::Number, &amount);
            put("_currency", Sql::Text, &part("currency"));
        }
        Shape::DateRange => {
            put("_from", Sql::Date, &part("value"));
            put("_until", Sql::Date, &part("until"));
        }
        Shape::ZonedTime => {
            put("", Sql::Time, &part("value"));
            put("_timezone", Sql::Text, &part("timezone_name"));
        }
        Shape::TimeRange => {
            put("_from", Sql::Time, &part("value"));
            put("_until", Sql::Time, &part("until"));
            put("_timezone", Sql::Text, &part("timezone_name"));
        }
        Shape::Address => {
            put("", Sql::Text, &part("value"));
            for key in ADDRESS {
                put(&format!("_{key}"), Sql::Text, &part(key));
            }
        }
        Shape::Option => {
            let label = if value.is_null() { Value::Null } else { labels.label(code, &plain(value)).into() };
            put("", Sql::Text, &label);
            // Some built-in choices have words for ids.
            let is_number = plain(value).parse::<i64>().is_ok();
            put("_id", Sql::Integer, if is_number { value } else { &Value::Null });
        }
        Shape::Options => {
            let ids = value.as_array().filter(|ids| !ids.is_empty());
            let words = |ids: &Vec<Value>| {
                ids.iter().map(|id| labels.label(code, &plain(id))).collect::<Vec<_>>().join(", ")
            };
            put("", Sql::Text, &ids.map_or(Value::Null, |ids| words(ids).into()));
            put("_ids", Sql::Json, &ids.map_or(Value::Null, |ids| json!(ids)));
        }
        Shape::Contact => {
            let all = value.as_array().filter(|all| !all.is_empty());
            let first = all.and_then(|all| all.iter().find(|it| it["primary"] == true).or(all.first()));
            put("", Sql::Text, &first.map_or(Value::Null, |it| it["value"].clone()));
            put("s", Sql::Json, &all.map_or(Value::Null, |all| json!(all)));
        }
    }
}

/// A field's definition as its list gives it: v1 has other names for some of it.
pub(crate) fn definition(it: &Value, is_old: bool) -> Value {
    if !is_old {
        return it.clone();
    }
    let plain = |choice: &Value| json!({ "id": choice["id"], "label": choice["label"] });
    let options = it["options"].as_array().map(|all| all.iter().map(plain).collect::<Vec<_>>());
    json!({
        "key": it["field_code"], "name": it["field_name"], "field_type": it["field_type"],
        "edit_flag": it["is_custom_field"], "options": options,
    })
}

/// A row's key, as text.
pub(crate) fn key(row: &Record, column: &str) -> String {
    plain(&row[column])
}
