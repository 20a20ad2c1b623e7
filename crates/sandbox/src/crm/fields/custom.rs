//! The custom fields that each company begins with: every type, and names that are awkward on purpose.

use serde_json::{Map, Value, json};

use super::{Choice, Field, Origin};
use crate::{
    clock::rfc3339,
    crm::{
        Crm, Kind,
        chance::Chance,
        generate::{BEGAN, DAY, address},
        words::REMARK,
    },
};

/// A setting of more begins again, with a number behind the name.
const FIELDS: [(&str, &str); 40] = [
    ("Contract number", "varchar"),
    ("Seats", "double"),
    ("Industry", "enum"),
    ("Tags", "set"),
    ("Budget", "monetary"),
    ("Background", "text"),
    ("Contract period", "daterange"),
    ("Contract end date", "date"),
    ("Best time to call", "time"),
    ("Opening hours", "timerange"),
    ("Direct line", "phone"),
    ("Größe der Firma", "int"),
    ("Site address", "address"),
    ("Account manager", "user"),
    ("Partner", "org"),
    ("Referred by", "people"),
    ("Order", "varchar_auto"),
    ("Title", "varchar"),
    ("id", "double"),
    ("Value", "monetary"),
    ("Group", "enum"),
    ("客户级别", "enum"),
    ("🚀", "varchar"),
    (" ", "varchar"),
    ("Contract number", "varchar"),
    ("contract number", "text"),
    ("Contract_number", "varchar"),
    ("2nd contact", "people"),
    ("He said \"yes\"", "varchar"),
    ("O'Brien's; DROP TABLE deals;--", "varchar"),
    (
        "Please describe in your own words, and as exactly as you can, what the customer told you about the people \
         who decide, the people who pay, and the people who will use it every day in all of their offices",
        "varchar",
    ),
    ("Status", "enum"),
    ("Renewal?", "enum"),
    ("Products of interest", "set"),
    ("Discount %", "double"),
    ("Website", "varchar"),
    ("Kick-off", "date"),
    ("Weekly slot", "timerange"),
    ("Billing address", "address"),
    ("Custom fields", "varchar"),
];

const SINGLE: [&str; 5] = ["Small", "Medium", "Large", "Größer als groß", "-"];
const MULTIPLE: [&str; 6] = ["Red", "Green, dark", "Blue; light", "\"Quoted\"", "客户", "Red"];
const CURRENCIES: [&str; 4] = ["EUR", "EUR", "USD", "JPY"];

/// The custom fields of a company at the start: keys of 40 hex characters, other ones in every company.
pub(super) fn start(company: u64, kind: Kind, count: usize) -> impl Iterator<Item = Field> {
    (0..count).map(move |n| {
        let (name, field_type) = FIELDS[n % FIELDS.len()];
        let round = n / FIELDS.len();
        Field {
            code: code((company, kind, n)),
            name: if round == 0 { name.to_owned() } else { format!("{name} {}", round + 1) },
            field_type: field_type.to_owned(),
            options: options(field_type, n),
            origin: Origin::Start { field_type, n },
            retyped: false,
        }
    })
}

pub(super) fn code(seed: impl std::hash::Hash) -> String {
    let chance = Chance::new(seed);
    format!("{:016x}{:016x}{:08x}", chance.draw("a"), chance.draw("b"), chance.draw("c") as u32)
}

fn options(field_type: &str, n: usize) -> Option<Vec<Choice>> {
    let labels: &[&str] = match field_type {
        "enum" => &SINGLE,
        "set" => &MULTIPLE,
        _ => return None,
    };
    let choice = |(place, label): (usize, &&str)| Choice::new(json!(10 * n + place), label);
    Some(labels.iter().enumerate().map(choice).collect())
}

/// The values of a record that nobody changed, three in four of them null.
fn each<'a>(
    crm: &'a Crm,
    fields: &'a [Field],
    chance: Chance,
) -> impl Iterator<Item = (&'a str, Value)> + 'a {
    let chance = chance.nth(0);
    fields.iter().filter_map(move |field| {
        let value = match field.origin {
            Origin::BuiltIn => return None,
            Origin::Start { field_type, n } => {
                let own = chance.nth(n);
                if own.is_once_in(4) { value(crm, field_type, n, own) } else { Value::Null }
            }
            Origin::Added => Value::Null,
        };
        Some((field.code.as_str(), field.shown(value)))
    })
}

/// The custom fields of a record that nobody changed.
pub(crate) fn values(crm: &Crm, fields: &[Field], chance: Chance) -> Map<String, Value> {
    each(crm, fields, chance).map(|(code, value)| (code.to_owned(), value)).collect()
}

/// The same as JSON, without making a map. Codes need no escapes.
pub(crate) fn write(text: &mut String, crm: &Crm, fields: &[Field], chance: Chance) {
    text.push('{');
    for (n, (code, value)) in each(crm, fields, chance).enumerate() {
        text.push_str(if n == 0 { "\"" } else { ",\"" });
        text.push_str(code);
        text.push_str("\":");
        match value {
            Value::Null => text.push_str("null"),
            value => text.push_str(&value.to_string()),
        }
    }
    text.push('}');
}

/// Values fit the type that the field began with.
fn value(crm: &Crm, field_type: &str, n: usize, chance: Chance) -> Value {
    let first_option = 10 * n as u64;
    let date = |name: &str| rfc3339(BEGAN + chance.below(name, 700 * DAY))[..10].to_owned();
    let time = |name: &str| format!("{:02}:{:02}:00", chance.below(name, 24), 15 * chance.below(name, 4));
    let one_of = |kind: Kind| match crm.size(kind) {
        0 => Value::Null,
        size => json!(1 + chance.below("linked", size)),
    };
    match field_type {
        "varchar" | "varchar_auto" => {
            json!(format!("{} {}", chance.pick("remark", &REMARK), chance.below("number", 1000)))
        }
        "text" => json!(format!("{}\n\n{}", chance.pick("remark", &REMARK), chance.pick("more", &REMARK))),
        "double" => json!(chance.below("number", 100_000) as f64 / 4.0 - 500.0),
        "int" => json!(chance.below("number", 100_000)),
        "monetary" => {
            let amount = chance.below("money", 9_000_000) as f64 / 100.0;
            json!({ "value": amount, "currency": chance.pick("currency", &CURRENCIES) })
        }
        "date" => json!(date("date")),
        "daterange" => json!({ "value": date("date"), "until": date("until") }),
        "time" => json!({ "value": time("time"), "timezone_name": "Europe/Berlin" }),
        "timerange" => {
            json!({ "value": time("time"), "until": time("until"), "timezone_name": "Europe/Berlin" })
        }
        "phone" => json!(format!("+372 555 {:04}", chance.below("phone", 10_000))),
        "enum" => json!(first_option + chance.below("choice", SINGLE.len() as u64)),
        "set" => {
            let half = MULTIPLE.len() as u64 / 2;
            let (one, other) = (chance.below("one", half), half + chance.below("other", half));
            json!([first_option + one, first_option + other])
        }
        "address" => address(chance),
        "user" => json!(chance.pick("user", &crm.users)),
        "org" => one_of(Kind::Organization),
        "people" => one_of(Kind::Person),
        _ => Value::Null,
    }
}
