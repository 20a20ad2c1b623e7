//! Every kind of record, and everything that can become of one.

use keyhaven_sandbox::{ACME, Act, Hook, Kind};
use serde_json::{Value, json};

use crate::common::{ADA, House};

/// All records of a list, page by page.
pub(crate) async fn walk(house: &House, path: &str) -> Vec<Value> {
    let (mut all, mut more) = (Vec::new(), String::new());
    loop {
        let joint = if path.contains('?') { '&' } else { '?' };
        let answer = house.get(&format!("{path}{joint}limit=70{more}")).await;
        assert_eq!(answer.status, 200, "{path}: {}", String::from_utf8_lossy(&answer.body));
        let page = answer.json();
        all.extend(page["data"].as_array().unwrap().iter().cloned());
        let additional = &page["additional_data"];
        more = match (additional["next_cursor"].as_str(), additional["pagination"]["next_start"].as_u64()) {
            (Some(next), _) => format!("&cursor={next}"),
            (_, Some(next)) => format!("&start={next}"),
            _ => return all,
        };
    }
}

fn ids(records: &[Value]) -> Vec<Value> {
    records.iter().map(|record| record["id"].clone()).collect()
}

/// Lists, their costs, and where their records stand in the truth.
const LISTS: [(&str, u64, Kind); 21] = [
    ("/api/v2/deals", 10, Kind::Deal),
    ("/api/v2/deals/archived", 20, Kind::Deal),
    ("/api/v2/persons", 10, Kind::Person),
    ("/api/v2/organizations", 10, Kind::Organization),
    ("/api/v2/activities", 10, Kind::Activity),
    ("/api/v2/products", 10, Kind::Product),
    ("/api/v2/pipelines", 5, Kind::Pipeline),
    ("/api/v2/stages", 5, Kind::Stage),
    ("/api/v2/projects", 10, Kind::Project),
    ("/api/v2/projects/archived", 10, Kind::Project),
    ("/api/v2/tasks", 10, Kind::Task),
    ("/api/v2/boards", 10, Kind::Board),
    ("/api/v1/users", 20, Kind::User),
    ("/v1/leads", 20, Kind::Lead),
    ("/v1/leads/archived", 40, Kind::Lead),
    ("/v1/leadLabels", 10, Kind::LeadLabel),
    ("/v1/notes", 20, Kind::Note),
    ("/v1/files", 20, Kind::File),
    ("/v1/activityTypes", 20, Kind::ActivityType),
    ("/v1/currencies", 20, Kind::Currency),
    ("/v1/filters", 20, Kind::Filter),
];

#[tokio::test]
async fn every_list_shows_what_is_there_for_its_price() {
    let house = House::new().await;
    house.state().set(|settings| {
        (settings.projects, settings.daily_budget, settings.records, settings.seed) = (true, 0, 150, 7);
    });
    for (path, cost, kind) in LISTS {
        let before = house.state().spent().get(&ACME).copied().unwrap_or(0);
        assert_eq!(house.get(path).await.status, 200);
        assert_eq!(house.state().spent()[&ACME] - before, cost, "{path}");
        let archived = path.ends_with("archived");
        let truth = house.state().truth(ACME, kind);
        let wanted = |record: &&Value| record.get("is_archived").is_none_or(|it| *it == archived);
        let truth: Vec<_> = truth.iter().filter(wanted).cloned().collect();
        let listed = walk(&house, path).await;
        assert!(!listed.is_empty(), "{path}");
        assert_eq!(ids(&listed), ids(&truth), "{path}");
        for (listed, truth) in listed.iter().zip(&truth) {
            for (name, value) in listed.as_object().unwrap() {
                assert_eq!(truth[name], *value, "{path} {name}");
            }
        }
        let one = path.trim_end_matches("/archived");
        let id = listed[0]["id"].to_string();
        let single = house.get(&format!("{one}/{}", id.trim_matches('"'))).await;
        assert_eq!(single.json()["data"]["id"], listed[0]["id"], "{path}");
    }
}

#[tokio::test]
async fn projects_are_an_addon() {
    let house = House::new().await;
    for path in ["projects", "projects/archived", "tasks", "boards", "phases?board_id=1", "projectFields"] {
        let answer = house.get(&format!("/api/v2/{path}")).await;
        assert_eq!((answer.status, &answer.json()["error"]), (402, &json!("Required suites missing")));
    }
    house.state().set(|settings| settings.projects = true);
    assert_eq!(house.get("/api/v2/phases").await.status, 400);
    assert_eq!(walk(&house, "/api/v2/phases?board_id=2").await.len(), 3);
}

#[tokio::test]
async fn parameters_of_other_lists_are_refused() {
    let house = House::new().await;
    for path in [
        "pipelines?updated_since=2025-01-01T00:00:00Z",
        "stages?updated_since=2025-01-01T00:00:00Z",
        "products?updated_until=2025-01-01T00:00:00Z",
        "activities?custom_fields=x",
        "deals/products",
        "deals/products?deal_ids=1,x",
        "deals?include_fields=people_count",
        "stages?sort_by=due_date",
    ] {
        assert_eq!(house.get(&format!("/api/v2/{path}")).await.status, 400, "{path}");
    }
    for path in [
        "stages?sort_by=order_nr",
        "activities?sort_by=due_date&sort_direction=desc",
        "products?sort_by=name",
    ] {
        let all = walk(&house, &format!("/api/v2/{path}")).await;
        let mut different = ids(&all);
        different.sort_by_key(ToString::to_string);
        different.dedup();
        assert_eq!(different.len(), all.len());
    }
}

#[tokio::test]
async fn products_of_deals_come_by_hundreds() {
    let house = House::new().await;
    let some = walk(&house, "/api/v2/deals/products?deal_ids=1,2,3&deal_ids=4,5,6,7,8,9,10,11,12").await;
    assert!(!some.is_empty());
    let deal = some[0]["deal_id"].clone();
    let of_one = walk(&house, &format!("/api/v2/deals/{deal}/products")).await;
    assert!(!of_one.is_empty() && of_one.iter().all(|it| it["deal_id"] == deal));
    house.state().act(ACME, &Act::Delete { kind: Kind::Deal, id: deal.clone() }).unwrap();
    assert_eq!(house.get(&format!("/api/v2/deals/{deal}/products")).await.status, 404);
    let left = walk(&house, "/api/v2/deals/products?deal_ids=1,2,3,4,5,6,7,8,9,10,11,12").await;
    assert_eq!(left.len(), some.len() - of_one.len());
    let many: Vec<_> = (1..=101).map(|id| id.to_string()).collect();
    assert_eq!(house.get(&format!("/api/v2/deals/products?deal_ids={}", many.join(","))).await.status, 400);
    let variations = walk(&house, "/api/v2/products/1/variations").await;
    assert!(variations.iter().all(|it| it["product_id"] == 1));
}

#[tokio::test]
async fn histories_can_be_written() {
    let house = House::new().await;
    let state = house.state();
    state.freeze_clock(1_800_000_000);
    let act = |act: Act| state.act(ACME, &act);
    let deal = |id: u64| json!(id);
    let listed = async |query: &str| ids(&walk(&house, &format!("/api/v2/deals?{query}")).await);
    let since = "updated_since=2027-01-15T08:00:00Z";

    let open = walk(&house, "/api/v2/deals?status=open").await;
    let [one, two, three, four] = [0, 1, 2, 3].map(|n| open[n]["id"].as_u64().unwrap());
    assert!(listed(since).await.is_empty());
    // Equal times, and none.
    for id in [one, two, three] {
        act(Act::Change { kind: Kind::Deal, id: deal(id), fields: Default::default() }).unwrap();
    }
    let untouched = json!({ "title": "Never", "update_time": null });
    let never =
        act(Act::Create { kind: Kind::Deal, fields: untouched.as_object().unwrap().clone() }).unwrap();
    assert_eq!(listed(since).await, [one, two, three]);
    assert_eq!(listed(&format!("{since}&sort_by=update_time&sort_direction=desc")).await, [three, two, one]);
    assert!(listed("status=open").await.contains(&never));

    // A delete is no change; it is told for thirty days.
    act(Act::Delete { kind: Kind::Deal, id: deal(two) }).unwrap();
    act(Act::Delete { kind: Kind::Deal, id: deal(four) }).unwrap();
    assert_eq!(listed(since).await, [one, three]);
    assert_eq!(listed("status=deleted").await, [two, four]);
    assert_eq!(listed(&format!("{since}&status=open,deleted")).await, [one, two, three]);
    state.freeze_clock(1_800_000_000 + 30 * 86_400);
    assert!(listed("status=deleted").await.is_empty());
    let gone = act(Act::Delete { kind: Kind::Deal, id: deal(two) });
    assert!(gone.unwrap_err().contains("delete"));

    act(Act::Archive { kind: Kind::Deal, id: deal(one) }).unwrap();
    assert_eq!(listed(since).await, [three]);
    assert_eq!(ids(&walk(&house, &format!("/api/v2/deals/archived?{since}")).await), [one]);
    act(Act::Purge { kind: Kind::Deal, id: deal(three) }).unwrap();
    assert_eq!(house.get(&format!("/api/v2/deals/{three}")).await.status, 404);

    let lead = house.get("/v1/leads").await.json()["data"][0]["id"].clone();
    act(Act::Change { kind: Kind::Lead, id: lead.clone(), fields: Default::default() }).unwrap();
    let recent = walk(&house, "/v1/leads?updated_since=2027-01-15T08:00:00.5Z&sort=update_time%20ASC").await;
    assert_eq!((ids(&recent), &recent[0]["update_time"]), (vec![lead], &json!("2027-02-14T08:00:00.000Z")));
}

#[tokio::test]
async fn merges_move_what_named_the_loser() {
    let house = House::new().await;
    let state = house.state();
    state.set(|settings| settings.records = 12);
    let naming = |state: &keyhaven_sandbox::State, person: u64| {
        let all = [Kind::Deal, Kind::Activity, Kind::Note].map(|kind| state.truth(ACME, kind));
        all.concat().iter().filter(|record| record["person_id"] == person).count()
    };
    let (one, two) = (naming(state, 1), naming(state, 2));
    assert!(one + two > 0);
    state.act(ACME, &Act::Merge { kind: Kind::Person, from: json!(1), into: json!(2) }).unwrap();
    assert_eq!((naming(state, 1), naming(state, 2)), (0, one + two));
    assert_eq!(house.get("/api/v2/persons/1").await.status, 404);
    assert!(!ids(&walk(&house, "/api/v2/persons").await).contains(&json!(1)));
}

#[tokio::test]
async fn changes_happen_between_two_pages() {
    let house = House::new().await;
    let acts = vec![Act::Delete { kind: Kind::Person, id: json!(150) }];
    house.state().add_hook(Hook { path: "/api/v2/persons".into(), after: 2, company: ACME, acts });
    for there in [true, true, false] {
        let page = house.get("/api/v2/persons?ids=150").await.json();
        assert_eq!(!page["data"].as_array().unwrap().is_empty(), there);
    }
}

#[tokio::test]
async fn fields_come_and_go() {
    let house = House::new().await;
    let state = house.state();
    let kind = Kind::Deal;
    let act = |act: Act| state.act(ACME, &act).unwrap();
    let custom = async || house.get("/api/v2/deals/1").await.json()["data"]["custom_fields"].clone();
    let options = vec!["Yes".to_owned(), "No".to_owned()];
    let code = act(Act::AddField { kind, name: "Signed".into(), field_type: "enum".into(), options });
    let code = code.as_str().unwrap().to_owned();
    assert_eq!(custom().await.get(&code), Some(&Value::Null));
    let definition = async || house.get(&format!("/api/v2/dealFields/{code}")).await.json()["data"].clone();
    let yes = definition().await["options"][0]["id"].clone();
    let maybe = act(Act::AddOption { kind, code: code.clone(), label: "Maybe".into() });
    act(Act::RenameOption { kind, code: code.clone(), id: yes.clone(), label: "Ja".into() });
    act(Act::RenameField { kind, code: code.clone(), name: "Unterschrieben".into() });
    let now = definition().await;
    assert_eq!((&now["field_name"], &now["options"][0]["label"]), (&json!("Unterschrieben"), &json!("Ja")));
    let fields = json!({ "custom_fields": { code.clone(): yes.clone() } });
    act(Act::Change { kind, id: json!(1), fields: fields.as_object().unwrap().clone() });
    let labelled =
        house.get("/api/v2/deals?ids=1&include_option_labels=true&include_labels=true").await.json();
    assert_eq!(labelled["data"][0]["custom_fields"][&code], json!({ "id": yes, "label": "Ja" }));
    act(Act::RemoveOption { kind, code: code.clone(), id: maybe });
    act(Act::RetypeField { kind, code: code.clone(), field_type: "set".into() });
    assert_eq!(custom().await[&code], json!([yes]));
    act(Act::RemoveField { kind, code: code.clone() });
    assert!(custom().await.get(&code).is_none());
    assert_eq!(house.get(&format!("/api/v2/dealFields/{code}")).await.status, 404);
}

#[tokio::test]
async fn definitions_have_every_type() {
    let house = House::new().await;
    house.state().set(|settings| settings.custom_fields = 45);
    for kind in ["deal", "person", "organization", "product", "activity"] {
        let fields = walk(&house, &format!("/api/v2/{kind}Fields")).await;
        let custom = fields.iter().filter(|field| field["is_custom_field"] == true).count();
        assert_eq!(custom, if kind == "activity" { 0 } else { 45 }, "{kind}");
    }
    let deal = house.get("/api/v2/deals/1").await.json();
    assert_eq!(deal["data"]["custom_fields"].as_object().unwrap().len(), 45);
    for kind in ["lead", "note"] {
        let fields = walk(&house, &format!("/v1/{kind}Fields")).await;
        assert!(fields.iter().all(|field| field["key"].is_string()), "{kind}");
    }
    assert_eq!(house.get("/api/v2/leadFields").await.status, 404);
    assert!(house.get("/v1/leadFields").await.json()["additional_data"]["pagination"].is_object());
}

#[tokio::test]
async fn a_company_can_be_of_any_size() {
    let house = House::new().await;
    house.state().set(|settings| (settings.records, settings.seed) = (1_000_000, 42));
    let first = house.get("/api/v2/deals?limit=3").await.json();
    assert_eq!(first["data"].as_array().unwrap().len(), 3);
    let future = "updated_since=2100-01-01T00:00:00Z";
    for query in [future.to_owned(), format!("{future}&sort_by=update_time")] {
        assert_eq!(house.get(&format!("/api/v2/deals?{query}")).await.json()["data"], json!([]));
    }
    let latest = house.get("/api/v2/deals?sort_by=update_time&sort_direction=desc&limit=2").await.json();
    let at = latest["data"][1]["update_time"].as_str().unwrap();
    let since = house.get(&format!("/api/v2/deals?updated_since={at}")).await.json();
    assert!(since["data"].as_array().unwrap().len() >= 2);
    assert!(house.get("/v1/notes?start=199900").await.json()["data"].as_array().unwrap().len() > 50);
    let sizes = json!({ "sizes": { "deals": 2, "persons": 0 }, "burst_limit": 0 });
    let put = house.ask_as(ADA, "x", "PUT", "/__sandbox/settings", &sizes.to_string()).await;
    assert_eq!(put.status, 415);
    house.state().set(|settings| *settings = serde_json::from_value(sizes).unwrap());
    assert_eq!(walk(&house, "/api/v2/deals").await.len(), 2);
    assert!(walk(&house, "/api/v2/persons").await.is_empty());
    assert_eq!(house.state().truth(ACME, Kind::Organization).len(), 300);
}
