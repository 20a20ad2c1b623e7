//! One file: written from the mirror row by row, and recognised later.

use std::{fs::File, io, path::Path, sync::Arc};

use bytes::Bytes;
use parquet::{
    basic::Compression,
    column::writer::{ColumnWriter, get_column_writer},
    errors::ParquetError,
    file::{
        metadata::{KeyValue, ParquetMetaDataReader},
        properties::{EnabledStatistics, WriterProperties, WriterPropertiesPtr},
        writer::{SerializedFileWriter, SerializedPageWriter, TrackedWrite},
    },
    schema::types::Type,
};
use rusqlite::Rows;

use super::{
    column::{Kind, Lane},
    object::{self, Object},
    place::{self, Place},
};
use crate::{
    database::sqlite_failed,
    error::{Failure, SyncError},
    names::quoted,
};

/// Rows of a group, unless they are long.
const GROUP: usize = 50_000;
/// Bytes of a group before they are packed. Only one group is in memory.
const GROUP_BYTES: usize = 16 * 1024 * 1024;
/// Rows that are handed over at once.
const BATCH: usize = 1024;
/// Whose records a file holds, in its own words.
const SOURCE: &str = "keyhaven.source";
/// What a file ends with: the length of what is before, and a word.
const END: &[u8] = b"PAR1";

enum Stop {
    Sqlite(rusqlite::Error),
    Parquet(ParquetError),
    Cancelled,
}

impl From<rusqlite::Error> for Stop {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<ParquetError> for Stop {
    fn from(error: ParquetError) -> Self {
        Self::Parquet(error)
    }
}

/// Writes `part`, to the disk.
pub(super) fn write(
    mirror: &Path,
    object: &Object,
    part: &Path,
    source: &str,
    is_cancelled: &dyn Fn() -> bool,
) -> Result<(), SyncError> {
    let file = File::create(part).map_err(|error| place::failed(part, &error))?;
    let done = fill(mirror, object, file, source, is_cancelled).map_err(|stop| match stop {
        Stop::Sqlite(error) => sqlite_failed(mirror, &error),
        Stop::Parquet(ParquetError::External(error)) => match error.downcast::<io::Error>() {
            Ok(error) => place::failed(part, &error),
            Err(error) => broken(object, &error),
        },
        Stop::Parquet(error) => broken(object, &error),
        Stop::Cancelled => SyncError::new(
            Failure::Cancelled,
            "the sync was cancelled",
            "Run it again: it goes on where it was.",
        ),
    })?;
    done.sync_all().map_err(|error| place::failed(part, &error))
}

fn broken(object: &Object, error: &dyn std::fmt::Display) -> SyncError {
    SyncError::destination(
        format!("{} could not be written: {error}", object.file_name()),
        "Run the sync again: the file that was there is still whole.",
    )
}

fn fill(
    mirror: &Path,
    object: &Object,
    file: File,
    source: &str,
    is_cancelled: &dyn Fn() -> bool,
) -> Result<File, Stop> {
    let connection = object::open(mirror)?;
    let mut columns: Vec<(String, Kind)> = Vec::new();
    let mut statement = connection.prepare("SELECT name, type FROM pragma_table_info(?1) ORDER BY cid")?;
    let mut rows = statement.query([&object.name])?;
    while let Some(row) = rows.next()? {
        columns.push((row.get(0)?, Kind::of(row.get_ref(1)?.as_str().unwrap_or_default())));
    }
    let fields = columns.iter().map(|(name, kind)| kind.schema(name)).collect::<Result<Vec<_>, _>>()?;
    let schema = Type::group_type_builder("schema").with_fields(fields).build()?;
    let mut writer = SerializedFileWriter::new(file, Arc::new(schema), properties(source))?;
    let names: Vec<String> = columns.iter().map(|(name, _)| quoted(name)).collect();
    let mut statement =
        connection.prepare(&format!("SELECT {} FROM {}", names.join(", "), quoted(&object.name)))?;
    let mut rows = statement.query([])?;
    let mut lanes: Vec<Lane> = columns.iter().map(|(_, kind)| Lane::new(*kind)).collect();
    while group(&mut rows, &mut lanes, &mut writer, is_cancelled)? {}
    Ok(writer.into_inner()?)
}

fn properties(source: &str) -> WriterPropertiesPtr {
    let source = KeyValue { key: SOURCE.into(), value: Some(source.into()) };
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_created_by(format!("keyhaven {}", env!("CARGO_PKG_VERSION")))
        .set_key_value_metadata(Some(vec![source]))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true)
        // With a hundred columns, each of these is a hundred times in memory.
        .set_data_page_row_count_limit(4 * BATCH)
        .set_dictionary_page_size_limit(128 * 1024)
        .set_data_page_size_limit(128 * 1024);
    Arc::new(properties.build())
}

/// Writes a group of rows. Its columns are filled side by side, each into memory, and then put one after the other.
/// Are there more?
fn group(
    rows: &mut Rows<'_>,
    lanes: &mut [Lane],
    file: &mut SerializedFileWriter<File>,
    is_cancelled: &dyn Fn() -> bool,
) -> Result<bool, Stop> {
    let mut sinks: Vec<_> = lanes.iter().map(|_| TrackedWrite::new(Vec::new())).collect();
    let (columns, properties) = (file.schema_descr().columns(), file.properties());
    let mut writers: Vec<ColumnWriter<'_>> = sinks
        .iter_mut()
        .zip(columns)
        .map(|(sink, column)| {
            let pages = Box::new(SerializedPageWriter::new(sink));
            get_column_writer(column.clone(), properties.clone(), pages)
        })
        .collect();
    let (mut count, mut bytes, mut more) = (0, 0, true);
    while more && count < GROUP && bytes < GROUP_BYTES {
        if is_cancelled() {
            return Err(Stop::Cancelled);
        }
        let most = bytes + GROUP_BYTES / 8;
        for _ in 0..BATCH {
            let Some(row) = rows.next()? else {
                more = false;
                break;
            };
            for (n, lane) in lanes.iter_mut().enumerate() {
                bytes += lane.push(row.get_ref(n)?);
            }
            count += 1;
            if bytes > most {
                break;
            }
        }
        for (lane, writer) in lanes.iter_mut().zip(&mut writers) {
            lane.flush(writer)?;
        }
    }
    let closed = writers.into_iter().map(ColumnWriter::close).collect::<Result<Vec<_>, _>>()?;
    if count == 0 {
        return Ok(false);
    }
    let mut group = file.next_row_group()?;
    for (sink, column) in sinks.into_iter().zip(closed) {
        group.append_column(&Bytes::from(sink.into_inner()?), column)?;
    }
    group.close()?;
    Ok(more)
}

/// Whose records a file holds, if Keyhaven made it.
pub(super) async fn source(place: &Place, name: &str) -> Result<Option<String>, SyncError> {
    let end = place.tail(name, 8).await?;
    let Some((length, END)) = end.split_first_chunk::<4>() else { return Ok(None) };
    let length = u64::from(u32::from_le_bytes(*length));
    if length > GROUP_BYTES as u64 {
        return Ok(None);
    }
    let footer = place.tail(name, length + 8).await?;
    let Some(footer) = footer.len().checked_sub(8).map(|end| &footer[..end]) else { return Ok(None) };
    let Ok(told) = ParquetMetaDataReader::decode_metadata(footer) else { return Ok(None) };
    let pairs = told.file_metadata().key_value_metadata();
    Ok(pairs.and_then(|all| all.iter().find(|it| it.key == SOURCE)?.value.clone()))
}
