//! Whatever happened, every list in every order shows the truth.

use keyhaven_sandbox::{ACME, Act, Kind};
use serde_json::{Value, json};

use crate::{common::House, company::walk};

/// The same numbers every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

const START: u64 = 1_740_000_000;
const KINDS: [(Kind, &str); 5] = [
    (Kind::Deal, "deals"),
    (Kind::Person, "persons"),
    (Kind::Organization, "organizations"),
    (Kind::Activity, "activities"),
    (Kind::Product, "products"),
];

fn act(dice: &mut Dice, known: u64) -> Act {
    let kind = KINDS[dice.below(5) as usize].0;
    let (id, into) = (json!(1 + dice.below(known)), json!(1 + dice.below(known)));
    let time = format!("2025-0{}-01T00:00:00Z", 1 + dice.below(4));
    let fields = match dice.below(4) {
        0 => json!({ "update_time": null }),
        1 => json!({ "update_time": time }),
        _ => json!({ "owner_id": 1 + dice.below(2) }),
    };
    let fields = fields.as_object().unwrap().clone();
    match dice.below(10) {
        0..=2 => Act::Change { kind, id, fields },
        3 | 4 => Act::Create { kind, fields },
        5 => Act::Delete { kind, id },
        6 => Act::Restore { kind, id },
        7 if dice.below(3) == 0 => Act::Purge { kind, id },
        8 if dice.below(3) == 0 => Act::Merge { kind, from: id, into },
        _ if dice.below(2) == 0 => Act::Archive { kind, id },
        _ => Act::Unarchive { kind, id },
    }
}

#[tokio::test]
async fn every_list_in_every_order_shows_the_truth() {
    let house = House::new().await;
    house.state().set(|settings| (settings.records, settings.daily_budget, settings.seed) = (90, 0, 3));
    let mut dice = Dice(1);
    for round in 0..3 {
        for step in 0..120 {
            house.state().freeze_clock(START + round * 100_000 + step / 20);
            let _ = house.state().act(ACME, &act(&mut dice, 110));
        }
        for (kind, path) in KINDS {
            let truth = house.state().truth(ACME, kind);
            let there = |record: &&Value| record["is_deleted"] == false && record["is_archived"] != true;
            let truth: Vec<_> = truth.iter().filter(there).collect();
            for field in ["id", "update_time", "add_time"] {
                for (direction, since) in
                    [("asc", None), ("desc", None), ("asc", Some("2025-02-01T00:00:00Z"))]
                {
                    let mut query = format!("/api/v2/{path}?sort_by={field}&sort_direction={direction}");
                    query.extend(since.map(|since| format!("&updated_since={since}")));
                    let recent =
                        |it: &&&Value| since.is_none_or(|since| it["update_time"].as_str() >= Some(since));
                    let mut wanted: Vec<_> = truth.iter().filter(recent).copied().collect();
                    wanted.sort_by_key(|record| (record[field].as_str(), record["id"].as_u64()));
                    if direction == "desc" {
                        wanted.reverse();
                    }
                    let listed = walk(&house, &query).await;
                    let same = listed.iter().map(|it| &it["id"]).eq(wanted.iter().map(|it| &it["id"]));
                    assert!(same, "{query} in round {round}");
                }
            }
        }
    }
}
