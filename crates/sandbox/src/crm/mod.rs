//! The records of a company.

mod chance;
mod changes;
mod choose;
pub(crate) mod cursor;
mod fields;
mod generate;
mod index;
mod kept;
mod kind;
mod line;
mod merge;
mod old;
mod order;
mod pages;
mod products;
mod search;
mod shown;
mod table;
mod words;

use std::{collections::BTreeMap, ops::RangeInclusive};

use serde_json::{Map, Value, json};

use crate::{Settings, answers, clock::parse};

use chance::Chance;
pub(crate) use fields::{Field, check};
use generate::{PER_DEAL, PER_PRODUCT};
use kept::Kept;
pub use kind::Kind;
pub(crate) use kind::Paging;
pub(crate) use line::Line;
pub(crate) use old::{accept_old, old_shape};
pub(crate) use pages::{Page, Scope, definitions, list, list_old, old_definitions, whole};
pub(crate) use products::{of_deals, of_product};
pub(crate) use search::{search, search_start};
pub(crate) use shown::{shown, truth};
use table::{Stored, Table};

/// A record in the shape of v2, whatever version shows it.
pub(crate) type Record = Map<String, Value>;

/// Deleted deals are listed for so many seconds.
const KEPT: u64 = 30 * 86_400;

/// All records of a company. Those that nobody changed are made when they are asked for, and take no memory.
#[derive(Debug)]
pub(crate) struct Crm {
    pub company: u64,
    settings: Settings,
    /// By whom records are owned.
    users: Vec<u64>,
    fields: BTreeMap<Kind, Vec<Field>>,
    tables: BTreeMap<Kind, Table>,
    kept: Kept,
    /// How many fields and choices came later.
    numbers: u64,
}

impl Crm {
    pub(crate) fn new(company: u64, settings: &Settings) -> Self {
        let fields = Kind::all().map(|kind| (kind, fields::start(company, kind, settings.custom_fields)));
        Self {
            company,
            settings: settings.clone(),
            users: answers::users_of(company),
            fields: fields.collect(),
            tables: Kind::all().map(|kind| (kind, Table::default())).collect(),
            kept: Kept::default(),
            numbers: 0,
        }
    }

    fn seed(&self) -> u64 {
        self.settings.seed
    }

    fn chance(&self, kind: Kind, id: u64) -> Chance {
        let plain = (self.company, kind, id);
        if self.seed() == 0 { Chance::new(plain) } else { Chance::new((self.seed(), plain)) }
    }

    /// How many of a kind there were at the start.
    pub(crate) fn size(&self, kind: Kind) -> u64 {
        let records = self.settings.records;
        self.settings.sizes.get(&kind).copied().unwrap_or_else(|| match kind {
            Kind::Deal | Kind::Person | Kind::Organization | Kind::Activity => records,
            Kind::Product => (records / 10 + 5).min(500),
            Kind::Variation => self.size(Kind::Product) * PER_PRODUCT,
            Kind::DealProduct => self.size(Kind::Deal) * PER_DEAL,
            Kind::Note => records / 5 + 3,
            Kind::Lead | Kind::File | Kind::Task => records / 10 + 3,
            Kind::Project => records / 20 + 3,
            _ => generate::count(kind),
        })
    }

    fn next_number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// The fields of a kind.
    pub(crate) fn fields(&self, kind: Kind) -> &[Field] {
        self.fields.get(&kind).map_or(&[], Vec::as_slice)
    }

    /// Where the custom fields of a kind stand; leads share those of deals.
    fn custom_fields(&self, kind: Kind) -> Option<&[Field]> {
        let kind = if kind == Kind::Lead { Kind::Deal } else { kind };
        kind.has_custom_fields().then(|| self.fields(kind))
    }

    fn table(&self, kind: Kind) -> &Table {
        static NONE: std::sync::LazyLock<Table> = std::sync::LazyLock::new(Table::default);
        self.tables.get(&kind).unwrap_or(&NONE)
    }

    fn ids(&self, kind: Kind) -> RangeInclusive<u64> {
        1..=self.table(kind).last().max(self.size(kind))
    }

    /// As a record shows it: a number or a UUID, from which the number can be read.
    pub(crate) fn shown_id(&self, kind: Kind, id: u64) -> Value {
        if !kind.has_uuids() {
            return json!(id);
        }
        let draw = self.chance(kind, id).draw("uuid");
        json!(format!(
            "{:08x}-{:04x}-11eb-8{:03x}-{id:012x}",
            draw as u32,
            draw >> 32 & 0xffff,
            draw >> 48 & 0xfff
        ))
    }

    /// The number behind an id.
    pub(crate) fn id_of(&self, kind: Kind, shown: &str) -> Option<u64> {
        let number = if kind.has_uuids() && shown.len() == 36 {
            u64::from_str_radix(shown.rsplit('-').next()?, 16).ok()?
        } else {
            shown.parse().ok()?
        };
        let known = shown.len() != 36 || self.shown_id(kind, number) == shown;
        known.then_some(number)
    }

    /// A record, even if it was deleted; not if it is gone for good.
    pub(crate) fn get(&self, kind: Kind, id: u64) -> Option<Record> {
        match self.table(kind).get(id) {
            Some(Stored::Gone) => None,
            Some(Stored::Here { record, .. }) => Some(self.with_fields_of_today(kind, record.clone())),
            None => (1..=self.size(kind)).contains(&id).then(|| generate::record(self, kind, id)).flatten(),
        }
    }

    /// The text of a record that nobody changed.
    fn text(&self, kind: Kind, id: u64) -> Option<String> {
        let made = (1..=self.size(kind)).contains(&id) && !self.table(kind).is_changed(id);
        made.then(|| generate::text(self, kind, id)).flatten()
    }

    /// Fields that were added are null, those that were removed are away.
    fn with_fields_of_today(&self, kind: Kind, mut record: Record) -> Record {
        let (Some(fields), Some(Value::Object(old))) =
            (self.custom_fields(kind), record.get_mut("custom_fields"))
        else {
            return record;
        };
        let custom = fields.iter().filter(|field| field.is_custom());
        *old = custom
            .map(|field| (field.code.clone(), field.shown(old.remove(&field.code).unwrap_or_default())))
            .collect();
        record
    }

    fn store(&mut self, kind: Kind, id: u64, stored: Stored) {
        self.kept.forget(kind, id);
        // They are counted in their deal's page.
        if kind == Kind::DealProduct {
            self.kept.forget_all(Kind::Deal);
        }
        self.tables.entry(kind).or_default().put(id, stored);
    }
}

pub(crate) fn is_there(record: &Record) -> bool {
    record["is_deleted"] == false
}

/// Milliseconds since 1970 of a time in a record.
fn time_in(record: &Record, field: &str) -> i64 {
    let parsed = record.get(field).and_then(Value::as_str).and_then(parse);
    parsed.map_or(index::NEVER, |ms| ms as i64)
}
