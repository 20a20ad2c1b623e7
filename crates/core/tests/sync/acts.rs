//! What people do in a CRM, by dice.

use keyhaven_sandbox::{Act, Kind};
use serde_json::{Map, Value, json};

use crate::{chance::Chance, common::House};

/// Twice where there is more to get wrong.
const KINDS: [Kind; 27] = [
    Kind::Deal,
    Kind::Deal,
    Kind::Deal,
    Kind::Deal,
    Kind::Person,
    Kind::Person,
    Kind::Organization,
    Kind::Organization,
    Kind::Activity,
    Kind::Activity,
    Kind::Lead,
    Kind::Lead,
    Kind::Note,
    Kind::Note,
    Kind::File,
    Kind::File,
    Kind::DealProduct,
    Kind::DealProduct,
    Kind::Product,
    Kind::Variation,
    Kind::Pipeline,
    Kind::Stage,
    Kind::LeadLabel,
    Kind::User,
    Kind::Filter,
    Kind::Project,
    Kind::Task,
];
const OWN_FIELDS: [Kind; 4] = [Kind::Deal, Kind::Person, Kind::Organization, Kind::Product];
const TYPES: [&str; 16] = [
    "varchar",
    "text",
    "double",
    "int",
    "monetary",
    "date",
    "daterange",
    "time",
    "timerange",
    "phone",
    "enum",
    "set",
    "address",
    "user",
    "org",
    "people",
];
const WORDS: [&str; 8] = [
    "Big one",
    "",
    "Größer als groß",
    "客户 🚀",
    "tab\there",
    "two\nlines \\N",
    "a 'b' \"c\"; --",
    "nul\0nul",
];
fn name_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Deal | Kind::Lead | Kind::Project | Kind::Task => "title",
        Kind::Activity => "subject",
        Kind::Note => "content",
        _ => "name",
    }
}

/// A change of a record.
pub(crate) fn of_a_record(house: &House, chance: &mut Chance) -> Option<Act> {
    let kind = *chance.pick(&KINDS)?;
    let live: Vec<Value> = house.truth(kind).into_iter().filter(|it| it["is_deleted"] == false).collect();
    let is_archived = |it: &Value| it["is_archived"] == true;
    let (archived, usual): (Vec<_>, Vec<_>) = live.iter().partition(|it| is_archived(it));
    let id = |it: &Value| it["id"].clone();
    let any = chance.pick(&live);
    Some(match chance.below(20) {
        0..5 => Act::Create { kind, fields: fields(house, chance, kind, true) },
        5..8 => Act::Delete { kind, id: id(any?) },
        8 => Act::Purge { kind, id: id(chance.pick(&usual)?) },
        9 | 10 if usual.len() > 1 && kind != Kind::DealProduct => {
            Act::Merge { kind, from: id(usual.first()?), into: id(chance.pick(&usual[1..])?) }
        }
        11 | 12 if can_be_archived(kind) => Act::Archive { kind, id: id(chance.pick(&usual)?) },
        13 | 14 if can_be_archived(kind) => Act::Unarchive { kind, id: id(chance.pick(&archived)?) },
        _ => Act::Change { kind, id: id(any?), fields: fields(house, chance, kind, false) },
    })
}

fn can_be_archived(kind: Kind) -> bool {
    matches!(kind, Kind::Deal | Kind::Lead | Kind::Project)
}

/// Some live record of a kind.
fn some(house: &House, chance: &mut Chance, kind: Kind) -> Value {
    let live: Vec<Value> = house.truth(kind).into_iter().filter(|it| it["is_deleted"] == false).collect();
    chance.pick(&live).map_or(Value::Null, |it| it["id"].clone())
}

fn words(chance: &mut Chance) -> String {
    let number = chance.below(1000);
    format!("{}{number}", chance.pick(&WORDS).unwrap())
}

fn fields(house: &House, chance: &mut Chance, kind: Kind, is_new: bool) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut set = |name: &str, value: Value| drop(fields.insert(name.into(), value));
    set(name_of(kind), json!(words(chance)));
    // Some are known to have no time of change.
    if is_new
        && matches!(kind, Kind::Deal | Kind::Person | Kind::Organization | Kind::Activity)
        && chance.once_in(6)
    {
        set("update_time", Value::Null);
    }
    match kind {
        Kind::Deal => {
            set("value", json!(chance.below(90_000) as f64 / 8.0));
            set("status", json!(chance.pick(&["open", "won", "lost"])));
            set("label_ids", json!([1 + chance.below(6), 1]));
            set("person_id", some(house, chance, Kind::Person));
            set("channel", json!(chance.pick(&[None, Some(1), Some(52), Some(9)])));
        }
        Kind::Person => {
            let all = json!([{ "value": words(chance).replace('\0', ""), "primary": false, "label": "home" },
                { "value": "b@b.example", "primary": chance.once_in(2), "label": "work" }]);
            set("emails", if chance.once_in(4) { json!([]) } else { all });
        }
        Kind::Organization => set("annual_revenue", json!(chance.below(1 << 40))),
        Kind::Activity => set("done", json!(chance.once_in(2))),
        Kind::Lead => set("value", json!({ "amount": chance.below(1000), "currency": "EUR" })),
        Kind::Variation if is_new => set("product_id", some(house, chance, Kind::Product)),
        Kind::DealProduct => {
            set("quantity", json!(chance.below(9)));
            if is_new {
                set("deal_id", some(house, chance, Kind::Deal));
            }
        }
        _ => {}
    }
    let shares = if kind == Kind::Lead { Kind::Deal } else { kind };
    if OWN_FIELDS.contains(&shares) {
        set("custom_fields", Value::Object(values(house, chance, shares)));
    }
    fields
}

fn values(house: &House, chance: &mut Chance, kind: Kind) -> Map<String, Value> {
    let all = own_fields(house, kind);
    let mut values = Map::new();
    for field in all.iter().filter(|_| chance.once_in(3)).collect::<Vec<_>>() {
        let code = field["field_code"].as_str().unwrap().to_owned();
        values.insert(code, if chance.once_in(4) { Value::Null } else { value(house, chance, field) });
    }
    values
}

fn value(house: &House, chance: &mut Chance, field: &Value) -> Value {
    let day = format!("2026-0{}-1{}", 1 + chance.below(9), chance.below(10));
    let time = format!("{:02}:{:02}:00", chance.below(24), chance.below(60));
    let options: Vec<&Value> =
        field["options"].as_array().into_iter().flatten().map(|it| &it["id"]).collect();
    match field["field_type"].as_str().unwrap() {
        "double" => json!(chance.below(1 << 50) as f64 / 1024.0 - 7.5),
        "int" => json!(chance.below(1 << 50)),
        "monetary" => json!({ "value": chance.below(99_999) as f64 / 100.0, "currency": "USD" }),
        "date" => json!(day),
        "daterange" => json!({ "value": day, "until": "2027-12-31" }),
        "time" => json!({ "value": time, "timezone_name": "Europe/Riga" }),
        "timerange" => json!({ "value": time, "until": "23:59:00", "timezone_name": "Europe/Riga" }),
        "address" => json!({ "value": words(chance), "country": "Eesti", "postal_code": null }),
        "enum" => json!(chance.pick(&options)),
        "set" => match (chance.pick(&options), chance.pick(&options)) {
            (Some(one), Some(other)) if one != other => json!([one, other]),
            (Some(one), _) => json!([one]),
            _ => Value::Null,
        },
        "user" => json!(1),
        "org" => some(house, chance, Kind::Organization),
        "people" => some(house, chance, Kind::Person),
        _ => json!(words(chance)),
    }
}

fn own_fields(house: &House, kind: Kind) -> Vec<Value> {
    let all = house.sandbox.state().fields(keyhaven_sandbox::ACME, kind).into_iter();
    all.filter(|it| it["is_custom_field"] == true).collect()
}

/// A change of a field.
pub(crate) fn of_a_field(house: &House, chance: &mut Chance) -> Option<Act> {
    let kind = *chance.pick(&OWN_FIELDS)?;
    let all = own_fields(house, kind);
    let field_type = chance.pick(&TYPES)?.to_string();
    // Names that people use twice, and names that are none.
    let name = chance
        .pick(&["Contract number", "Owner", "title", "🎈", "Renewal", "deal value", "1st"])?
        .to_string();
    let label = words(chance);
    let choices: Vec<&Value> = all.iter().filter(|it| it["options"].is_array()).collect();
    let choice = |chance: &mut Chance| {
        let field = *chance.pick(&choices)?;
        let id = chance.pick(field["options"].as_array()?)?["id"].clone();
        Some((code(field), id))
    };
    Some(match chance.below(12) {
        0..3 => {
            Act::AddField { kind, name, field_type, options: vec!["A".into(), "B, c".into(), "A".into()] }
        }
        3 | 4 => Act::RenameField { kind, code: code(chance.pick(&all)?), name },
        5 => Act::RetypeField { kind, code: code(chance.pick(&all)?), field_type },
        6 => Act::RemoveField { kind, code: code(chance.pick(&all)?) },
        7 | 8 => Act::AddOption { kind, code: code(chance.pick(&choices)?), label },
        9 => {
            let (code, id) = choice(chance)?;
            Act::RemoveOption { kind, code, id }
        }
        _ => {
            let (code, id) = choice(chance)?;
            Act::RenameOption { kind, code, id, label }
        }
    })
}

fn code(field: &Value) -> String {
    field["field_code"].as_str().unwrap().into()
}
