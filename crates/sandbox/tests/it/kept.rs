//! Pages that are kept are those that would be written.

use keyhaven_sandbox::{ACME, Act, Kind, State};
use serde_json::json;

use crate::common::House;

const DEALS: &str = "deals?status=open,won,lost&sort_by=id&sort_direction=asc&include_fields=products_count";
const ARCHIVED: &str = "deals/archived?include_fields=products_count";

/// All pages of a list, byte by byte.
async fn pages(house: &House, path: &str) -> Vec<Vec<u8>> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let join = if path.contains('?') { '&' } else { '?' };
        let page = house.get(&format!("/api/v2/{path}{join}limit=500{cursor}")).await;
        let next = page.json()["additional_data"]["next_cursor"].as_str().map(str::to_owned);
        all.push(page.body);
        match next {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

#[tokio::test]
async fn a_kept_page_is_the_page_that_would_be_written() {
    let (kept, written) = (House::new().await, House::new().await);
    let size = |house: &House, cache: bool| {
        house.state().set(|settings| (settings.records, settings.page_cache) = (700, cache));
        house.state().freeze_clock(1_800_000_000);
    };
    size(&written, false);
    size(&kept, true);
    let deal = |id: u64| json!(id);
    let kind = Kind::Deal;
    let fields = json!({ "title": "Other" }).as_object().unwrap().clone();
    let position =
        json!({ "deal_id": 2, "product_id": 1, "quantity": 1, "item_price": 1 }).as_object().unwrap().clone();
    let histories = [
        vec![],
        vec![Act::Create { kind: Kind::DealProduct, fields: position }],
        vec![Act::Change { kind, id: deal(600), fields: fields.clone() }],
        vec![Act::Delete { kind, id: deal(1) }, Act::Purge { kind, id: deal(700) }],
        vec![Act::Create { kind, fields }, Act::Merge { kind: Kind::Person, from: json!(3), into: json!(4) }],
        vec![Act::Archive { kind, id: deal(650) }],
        vec![Act::AddField { kind, name: "New".into(), field_type: "date".into(), options: vec![] }],
    ];
    for acts in histories {
        for act in &acts {
            let done = |state: &State| state.act(ACME, act);
            assert_eq!(done(kept.state()), done(written.state()), "{act:?}");
        }
        for path in [DEALS, ARCHIVED, "deals", "persons", "products", "stages"] {
            assert!(pages(&kept, path).await == pages(&written, path).await, "{path} after {acts:?}");
        }
    }
    assert_eq!(kept.get("/api/v2/deals?limit=500&sort_by=name").await.status, 400);
    for query in ["sort_by=id&sort_direction=asc", "sort_by=update_time", "owner_id=2", "sort_direction=desc"]
    {
        let path = format!("/api/v2/deals?limit=500&{query}");
        assert!(kept.get(&path).await.body == written.get(&path).await.body, "{query}");
    }
}
