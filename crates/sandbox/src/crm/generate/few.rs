//! What each company has a few of.

use super::{Own, own};
use crate::{
    answers,
    crm::{
        Crm, Kind,
        words::{FIRST, LAST},
    },
};

const STAGES: [&str; 10] = [
    "Qualified",
    "Contact made",
    "Demo scheduled",
    "Proposal made",
    "Negotiations started",
    "New request",
    "Vertrag verlängern",
    "Price agreed",
    "Signed by them",
    "Signed by us",
];
const LABELS: [(&str, &str); 3] = [("Hot", "red"), ("Cold", "blue"), ("Warm", "yellow")];
const TYPES: [(&str, &str); 6] = [
    ("Call", "call"),
    ("Meeting", "meeting"),
    ("Task", "task"),
    ("Deadline", "deadline"),
    ("Email", "email"),
    ("Lunch", "lunch"),
];
const CURRENCIES: [(&str, &str, u64, &str); 4] = [
    ("EUR", "Euro", 2, "€"),
    ("USD", "US Dollar", 2, "$"),
    ("JPY", "Japanese Yen", 0, "¥"),
    ("SEK", "Swedish Krona", 2, "kr"),
];
const FILTERS: [(&str, &str); 4] =
    [("All open deals", "deals"), ("My people", "people"), ("Customers", "org"), ("Overdue", "activity")];
const PHASES: [&str; 6] = ["Kick-off", "Build", "Hand-over", "Planned", "Doing", "Done"];

/// How many there are at the start.
pub(crate) fn count(kind: Kind) -> u64 {
    match kind {
        Kind::Pipeline | Kind::Board => 2,
        Kind::Stage => STAGES.len() as u64,
        Kind::Phase => PHASES.len() as u64,
        Kind::LeadLabel => LABELS.len() as u64,
        Kind::ActivityType => TYPES.len() as u64,
        Kind::Currency => CURRENCIES.len() as u64,
        Kind::Filter => FILTERS.len() as u64,
        _ => answers::USERS,
    }
}

pub(super) fn record(crm: &Crm, kind: Kind, id: u64) -> Option<Own> {
    let place = (id - 1) as usize;
    // More than there are words for get numbers.
    let named = |all: &[&str]| match all.get(place) {
        Some(name) => (*name).to_owned(),
        None => format!("{} {id}", kind.title()),
    };
    Some(match kind {
        Kind::Pipeline => own!({ "name": named(&["Sales", "Renewals"]), "order_nr": id }),
        Kind::Stage => own!({
            "name": named(&STAGES), "order_nr": place % 5 + 1, "pipeline_id": place / 5 % 2 + 1,
            "is_deal_rot_enabled": id == 2, "days_to_rotten": (id == 2).then_some(14),
        }),
        Kind::Board => own!({ "name": named(&["Deliveries", "Inside work"]), "order_nr": id }),
        Kind::Phase => {
            own!({ "name": named(&PHASES), "board_id": place / 3 % 2 + 1, "order_nr": place % 3 + 1 })
        }
        Kind::LeadLabel => {
            let (name, color) = LABELS.get(place).copied().unwrap_or(("Label", "gray"));
            own!({ "name": name, "color": color })
        }
        Kind::ActivityType => {
            let (name, key) = TYPES.get(place).copied().unwrap_or(("Own", "own"));
            own!({ "name": name, "key_string": key, "icon_key": key, "order_nr": id })
        }
        Kind::Currency => {
            let (code, name, points, symbol) =
                CURRENCIES.get(place).copied().unwrap_or(("XXX", "None", 2, "¤"));
            own!({ "code": code, "name": name, "decimal_points": points, "symbol": symbol })
        }
        Kind::Filter => {
            let (name, of) = FILTERS.get(place).copied().unwrap_or(("Filter", "deals"));
            own!({ "name": name, "type": of })
        }
        _ => return user(crm, id),
    })
}

/// Those who have keys, and as many others as `sizes` asks for.
fn user(crm: &Crm, id: u64) -> Option<Own> {
    if id > answers::USERS {
        let chance = crm.chance(Kind::User, id);
        let (first, last) = (chance.pick("first", &FIRST), chance.pick("last", &LAST));
        let email = format!("{first}.{last}{id}@{}.example", crm.company).to_lowercase();
        return Some(own!({ "name": format!("{first} {last}"), "email": email }));
    }
    let user = answers::user(id).filter(|user| user["company_id"] == crm.company)?;
    let shared = ["name", "email", "modified", "has_created_company", "access", "active_flag"];
    Some(shared.map(|name| (name, user[name].clone())).into())
}
