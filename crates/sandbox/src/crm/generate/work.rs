//! What people do and sell.

use serde_json::{Value, json};

use super::{
    Own, address,
    contacts::{company_name, contact, day},
    linked, own, seconds_updated,
};
use crate::{
    clock::rfc3339,
    crm::{
        Crm, Kind,
        chance::Chance,
        words::{PRODUCT, REMARK, SUBJECT},
    },
};

const TYPES: [&str; 4] = ["call", "meeting", "task", "email"];
/// Most that a deal has of products, and a product of variations.
pub(crate) const PER_DEAL: u64 = 4;
pub(crate) const PER_PRODUCT: u64 = 3;

pub(super) fn activity(crm: &Crm, chance: Chance) -> Own {
    let (person, org) = contact(crm, chance);
    let person = person.filter(|_| !chance.once_in("nobody", 5));
    let done = chance.once_in("done", 2);
    let participants: Vec<_> = person.iter().map(|id| json!({ "person_id": id, "primary": true })).collect();
    own!({
        "subject": chance.pick("subject", &REMARK), "type": chance.pick("type", &TYPES),
        "deal_id": linked(crm, Kind::Deal, chance).filter(|_| !chance.once_in("no deal", 4)),
        "person_id": person, "org_id": org, "participants": participants, "due_date": day(chance, "due"),
        "due_time": chance.once_in("at", 2).then(|| format!("{:02}:30:00", 7 + chance.below("hour", 11))),
        "duration": chance.once_in("long", 2).then_some("01:00:00"), "busy": chance.once_in("busy", 2), "done": done,
        "marked_as_done_time": done.then(|| rfc3339(seconds_updated(chance))),
        "location": chance.once_in("somewhere", 8).then(|| address(chance)),
        "conference_meeting_url": chance.once_in("online", 8).then_some("https://meet.example/abc-xyz"),
        "note": chance.once_in("noted", 3).then(|| format!("<p>{}</p>", chance.pick("note", &REMARK))),
    })
}

pub(super) fn product(id: u64, chance: Chance) -> Own {
    let price = |currency: &str| {
        let amount = 1 + chance.below(currency, 900);
        json!({ "product_id": id, "price": amount, "currency": currency, "cost": amount / 2,
            "direct_cost": null, "notes": "" })
    };
    let mut prices = vec![price("EUR")];
    prices.extend(chance.once_in("abroad", 3).then(|| price("USD")));
    own!({
        "name": format!("{} {id}", chance.pick("name", &PRODUCT)), "code": format!("P-{id:04}"), "prices": prices,
        "description": chance.once_in("described", 3).then(|| *chance.pick("description", &REMARK)),
        "unit": "piece", "tax": *chance.pick("tax", &[0, 9, 20, 24]),
        "category": chance.pick("category", &["Goods", "Services"]),
    })
}

/// The deal or product that the record with this id belongs to, and its place there.
fn owner_of(id: u64, each: u64) -> (u64, u64) {
    ((id - 1) / each + 1, (id - 1) % each)
}

pub(super) fn variation(crm: &Crm, id: u64, chance: Chance) -> Option<Own> {
    let (product, place) = owner_of(id, PER_PRODUCT);
    let has = crm.chance(Kind::Product, product).below("variations", 2 * PER_PRODUCT);
    let price = json!({
        "product_variation_id": id, "price": 1 + chance.below("price", 900), "currency": "EUR", "cost": 0,
        "direct_cost": null, "notes": "",
    });
    let name = ["Small", "Medium", "Large"][place as usize % 3];
    (place < has.saturating_sub(PER_PRODUCT))
        .then(|| own!({ "name": name, "product_id": product, "prices": [price] }))
}

pub(super) fn deal_product(crm: &Crm, id: u64, chance: Chance) -> Option<Own> {
    let (deal, place) = owner_of(id, PER_DEAL);
    let has = crm.chance(Kind::Deal, deal).below("products", 2 * PER_DEAL);
    let product = linked(crm, Kind::Product, chance).filter(|_| place < has.saturating_sub(PER_DEAL))?;
    let (price, quantity) = (1 + chance.below("price", 900), 1 + chance.below("quantity", 5));
    let name = crm.chance(Kind::Product, product);
    Some(own!({
        "deal_id": deal, "product_id": product, "name": format!("{} {product}", name.pick("name", &PRODUCT)),
        "order_nr": place + 1, "item_price": price, "quantity": quantity, "sum": price * quantity,
        "tax": *chance.pick("tax", &[0, 20]),
    }))
}

pub(super) fn project(crm: &Crm, chance: Chance) -> Own {
    let (person, org) = contact(crm, chance);
    let archived = chance.once_in("archived", 10);
    let phase = 1 + chance.below("phase", 6);
    own!({
        "title": format!("{} {}", chance.pick("title", &REMARK), chance.below("number", 1000)),
        "status": chance.pick("status", &["open", "open", "completed", "canceled"]),
        "board_id": 1 + (phase - 1) / 3, "phase_id": phase,
        "start_date": day(chance, "start"), "deal_ids": linked(crm, Kind::Deal, chance).into_iter().collect::<Vec<_>>(),
        "person_ids": person.into_iter().collect::<Vec<_>>(), "org_ids": org.into_iter().collect::<Vec<_>>(),
        "is_archived": archived, "archive_time": archived.then(|| rfc3339(seconds_updated(chance)).replace('Z', ".000Z")),
    })
}

pub(super) fn task(crm: &Crm, id: u64, chance: Chance) -> Own {
    let done = chance.once_in("done", 2);
    own!({
        "title": format!("{} {id}", chance.pick("title", &REMARK)), "project_id": linked(crm, Kind::Project, chance),
        "is_done": done, "is_milestone": chance.once_in("milestone", 8), "due_date": day(chance, "due"),
        "parent_task_id": (id > 1 && chance.once_in("child", 4)).then(|| id - 1),
        "assignee_ids": [chance.pick("owner", &crm.users)],
        "marked_as_done_time": done.then(|| rfc3339(seconds_updated(chance)).replace('Z', ".000Z")),
    })
}

pub(super) fn lead(crm: &Crm, id: u64, chance: Chance) -> Own {
    let (person, org) = contact(crm, chance);
    let labels: Vec<_> = (1..=crm.size(Kind::LeadLabel))
        .filter(|label| chance.once_in(&format!("label {label}"), 3))
        .map(|label| crm.shown_id(Kind::LeadLabel, label))
        .collect();
    let value = json!({ "amount": 100 * chance.below("value", 90), "currency": "EUR" });
    let customer = org.map_or_else(|| "Somebody".into(), |org| company_name(crm, org));
    own!({
        "title": format!("{customer}: {} {id}", chance.pick("subject", &SUBJECT)),
        "person_id": person, "organization_id": org,
        "label_ids": labels, "value": if chance.once_in("unknown", 3) { Value::Null } else { value },
        "is_archived": chance.once_in("archived", 10), "was_seen": chance.once_in("seen", 2),
        "expected_close_date": chance.once_in("planned", 3).then(|| day(chance, "expected")),
        "cc_email": format!("acme+lead{id}@pipedrivemail.example"),
    })
}

pub(super) fn note(crm: &Crm, chance: Chance) -> Own {
    let on = chance.below("on", 4);
    let (person, org) = contact(crm, chance);
    let lead = linked(crm, Kind::Lead, chance).map(|lead| crm.shown_id(Kind::Lead, lead));
    own!({
        "content": format!("<p>{}<br>{}</p>", chance.pick("one", &REMARK), chance.pick("other", &REMARK)),
        "deal_id": linked(crm, Kind::Deal, chance).filter(|_| on == 0), "person_id": person.filter(|_| on == 1),
        "org_id": org.filter(|_| on < 3), "lead_id": lead.filter(|_| on == 3),
        "pinned_to_deal_flag": on == 0 && chance.once_in("pinned", 5),
    })
}

pub(super) fn file(crm: &Crm, id: u64, chance: Chance) -> Own {
    let (ending, file_type) =
        *chance.pick("type", &[("pdf", "pdf"), ("jpg", "img"), ("docx", "doc"), ("bin", "other")]);
    let (person, org) = contact(crm, chance);
    own!({
        "name": format!("{} {id}.{ending}", chance.pick("name", &SUBJECT)),
        "file_name": format!("{:016x}.{ending}", chance.draw("file")),
        "file_type": file_type, "file_size": chance.below("size", 9_000_000), "person_id": person, "org_id": org,
        "deal_id": linked(crm, Kind::Deal, chance).filter(|_| chance.once_in("deal", 2)),
    })
}
