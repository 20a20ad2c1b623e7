//! Files and the mirror, as text to compare.

use std::path::Path;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp, civil};
use parquet::{
    file::reader::{FileReader, SerializedFileReader},
    record::Field,
};
use rusqlite::{Connection, types::ValueRef};

pub(crate) type Rows = Vec<Vec<String>>;

/// A file's columns with their types, and its rows.
pub(crate) fn parquet(bytes: impl Into<Bytes>) -> (String, Rows) {
    let reader = SerializedFileReader::new(bytes.into()).unwrap();
    let schema = reader.metadata().file_metadata().schema_descr().root_schema();
    let types = schema.get_fields().iter().map(|it| {
        format!("{} {} {:?}", it.name(), it.get_physical_type(), it.get_basic_info().logical_type_ref())
    });
    let types = types.collect::<Vec<_>>().join("\n");
    let rows = reader.get_row_iter(None).unwrap();
    (types, rows.map(|row| row.unwrap().get_column_iter().map(|(_, it)| text(it)).collect()).collect())
}

fn text(field: &Field) -> String {
    match field {
        Field::Null => "NULL".into(),
        Field::Bool(it) => u8::from(*it).to_string(),
        Field::Long(it) => it.to_string(),
        Field::Double(it) => it.to_string(),
        Field::Str(it) => it.clone(),
        Field::TimestampMillis(it) => Timestamp::from_millisecond(*it).unwrap().to_string(),
        Field::Date(it) => {
            (civil::date(1970, 1, 1) + SignedDuration::from_hours(24 * i64::from(*it))).to_string()
        }
        Field::TimeMillis(it) => {
            (civil::Time::midnight() + SignedDuration::from_millis((*it).into())).to_string()
        }
        other => panic!("{other:?}"),
    }
}

/// The rows of a table or view.
pub(crate) fn mirror(path: &Path, name: &str) -> Rows {
    let connection = Connection::open(path).unwrap();
    let mut statement = connection.prepare(&format!("SELECT * FROM {name}")).unwrap();
    let width = statement.column_count();
    let text = |value: ValueRef<'_>| match value {
        ValueRef::Null => "NULL".to_owned(),
        ValueRef::Integer(it) => it.to_string(),
        ValueRef::Real(it) => it.to_string(),
        ValueRef::Text(it) | ValueRef::Blob(it) => String::from_utf8_lossy(it).into_owned(),
    };
    let rows = statement.query_map([], |row| (0..width).map(|n| row.get_ref(n).map(text)).collect());
    rows.unwrap().map(Result::unwrap).collect()
}
