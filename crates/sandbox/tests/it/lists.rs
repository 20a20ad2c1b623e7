//! Lists and single records.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::common::{ADA, GRACE, House};

fn ids(list: &Value) -> Vec<u64> {
    list["data"].as_array().unwrap().iter().map(|record| record["id"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn every_host_has_its_paths() {
    let house = House::new().await;
    for kind in ["deals", "persons", "organizations"] {
        for (host, path, status) in [
            ("acme", "/api/v1/", 200),
            ("acme", "/v1/", 200),
            ("acme", "/api/v2/", 200),
            ("acme", "/v2/", 404),
            ("api", "/v1/", 200),
            ("api", "/api/v2/", 200),
            ("api", "/api/v1/", 404),
            ("globex", "/api/v2/", 401),
        ] {
            for rest in [kind.to_owned(), format!("{kind}/7")] {
                let answer = house.ask_as(ADA, host, "GET", &format!("{path}{rest}"), "").await;
                assert_eq!(answer.status, status, "{host} {path}{rest}");
            }
        }
    }
    assert_eq!(house.ask_as("nobody", "acme", "GET", "/no/such/path", "").await.status, 401);
}

#[tokio::test]
async fn a_cursor_walks_through_all_records_in_every_order() {
    let house = House::new().await;
    for kind in ["deals", "persons", "organizations"] {
        for order in
            ["", "&sort_by=update_time", "&sort_by=add_time&sort_direction=desc", "&sort_direction=desc"]
        {
            let (mut seen, mut cursor) = (Vec::new(), String::new());
            loop {
                let page = house.get(&format!("/api/v2/{kind}?limit=70{order}{cursor}")).await.json();
                seen.extend(ids(&page));
                match page["additional_data"]["next_cursor"].as_str() {
                    Some(next) => cursor = format!("&cursor={next}"),
                    None => break,
                }
            }
            let different: BTreeSet<_> = seen.iter().collect();
            assert_eq!(different.len(), seen.len(), "{kind} {order}");
            // Archived deals stand in a list of their own.
            let archived = house.get("/api/v2/deals/archived").await.json();
            let expected = if kind == "deals" { 300 - ids(&archived).len() } else { 300 };
            assert_eq!(seen.len(), expected, "{kind} {order}");
        }
    }
}

#[tokio::test]
async fn old_lists_are_walked_by_offset() {
    let house = House::new().await;
    let (mut seen, mut start) = (0, 0);
    loop {
        let page = house.get(&format!("/v1/persons?start={start}&limit=110")).await.json();
        seen += ids(&page).len();
        let pagination = &page["additional_data"]["pagination"];
        assert_eq!((&pagination["start"], &pagination["limit"]), (&json!(start), &json!(110)));
        if pagination["more_items_in_collection"] == false {
            assert!(pagination.get("next_start").is_none());
            break;
        }
        start = pagination["next_start"].as_u64().unwrap();
    }
    assert_eq!(seen, 300);
    assert_eq!(house.get(&format!("/v1/persons?start={}", u64::MAX)).await.json()["data"], json!([]));
}

#[tokio::test]
async fn what_is_wrong_with_a_query_is_told() {
    let house = House::new().await;
    for query in [
        "limit=501",
        "limit=0",
        "limit=x",
        "cursor=broken",
        "cursor=e30",
        // {"field":"nope","value":1,"direction":"asc","id":1}
        "cursor=eyJmaWVsZCI6Im5vcGUiLCJ2YWx1ZSI6MSwiZGlyZWN0aW9uIjoiYXNjIiwiaWQiOjF9",
        "updated_since=2025-01-01T00:00:00.5Z",
        "updated_since=2025-01-01%2000:00:00",
        "updated_until=2025-01-01",
        "sort_by=title",
        "sort_direction=up",
        "ids=1,b",
        "status=gone",
        "owner_id=ada",
    ] {
        let answer = house.get(&format!("/api/v2/deals?{query}")).await;
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (400, &json!("ERR_SCHEMA_VALIDATION_FAILED")),
            "{query}"
        );
    }
}

#[tokio::test]
async fn filters_choose() {
    let house = House::new().await;
    // {"field":"id","value":null,"direction":"asc","id":18446744073709551615}
    let end =
        "eyJmaWVsZCI6ImlkIiwidmFsdWUiOm51bGwsImRpcmVjdGlvbiI6ImFzYyIsImlkIjoxODQ0Njc0NDA3MzcwOTU1MTYxNX0";
    assert_eq!(house.get(&format!("/api/v2/deals?cursor={end}")).await.json()["data"], json!([]));
    let list = async |query: &str| house.get(&format!("/api/v2/deals?limit=500&{query}")).await.json();
    assert_eq!(ids(&list("ids=3,2,99999,3").await), [2, 3]);
    let won = list("status=won").await;
    assert!(
        won["data"]
            .as_array()
            .unwrap()
            .iter()
            .all(|deal| deal["status"] == "won" && deal["won_time"].is_string())
    );

    // Inclusive at one end, exclusive at the other; records that were never changed are in neither part.
    let all = list("sort_by=update_time").await;
    let at = all["data"][150]["update_time"].as_str().unwrap();
    let since = list(&format!("updated_since={at}")).await;
    let until = list(&format!("updated_until={at}")).await;
    assert!(ids(&since).contains(&all["data"][150]["id"].as_u64().unwrap()));
    let untouched =
        all["data"].as_array().unwrap().iter().filter(|deal| deal["update_time"].is_null()).count();
    assert!(untouched > 0);
    assert_eq!(ids(&since).len() + ids(&until).len() + untouched, ids(&all).len());
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let house = House::new().await;
    for (path, error) in [
        ("/api/v2/deals/9999", "Entity was not found"),
        ("/api/v2/deals/nobody", "Entity was not found"),
        ("/v1/deals/9999", "Deal not found"),
        ("/v1/persons/9999", "Person not found"),
        ("/v1/organizations/0", "Organization not found"),
    ] {
        let answer = house.get(path).await;
        assert_eq!((answer.status, &answer.json()["error"]), (404, &json!(error)), "{path}");
    }
}

#[tokio::test]
async fn the_two_versions_show_the_same_record_in_their_own_shapes() {
    let house = House::new().await;
    let new = house.get("/api/v2/persons/5").await.json()["data"].clone();
    let old = house.get("/v1/persons/5").await.json()["data"].clone();
    assert_eq!(old["name"], new["name"]);
    assert_eq!(old["email"], new["emails"]);
    assert_eq!(old["owner_id"]["value"], new["owner_id"]);
    assert_eq!(old["org_id"]["value"], new["org_id"]);
    assert_eq!(new["add_time"].as_str().unwrap().replace('T', " ").replace('Z', ""), old["add_time"]);
    assert_eq!(
        (&old["visible_to"], &old["active_flag"]),
        (&json!(new["visible_to"].to_string()), &json!(true))
    );
    assert!(new.get("owner_name").is_none() && new.get("active_flag").is_none());
    let custom = new["custom_fields"].as_object().unwrap();
    assert!(custom.len() > 5 && custom.values().any(Value::is_null));
    assert!(custom.keys().all(|key| old.get(key).is_some()));

    let deal = house.get("/v1/deals/5").await.json()["data"].clone();
    assert!(deal["user_id"]["email"].is_string() && deal.get("owner_id").is_none());
    assert_eq!(deal["deleted"], false);
}

#[tokio::test]
async fn companies_differ_and_stay_the_same() {
    let (one, other) = (House::new().await, House::new().await);
    let path = "/api/v2/organizations?limit=500";
    assert_eq!(one.get(path).await.body, other.get(path).await.body);
    let globex = one.ask_as(GRACE, "globex", "GET", path, "").await;
    assert_ne!(one.get(path).await.body, globex.body);
    one.state().set(|settings| settings.records = 3);
    assert_eq!(ids(&one.get(path).await.json()), [1, 2, 3]);
}

#[tokio::test]
async fn the_last_page_can_be_bare() {
    let house = House::new().await;
    house.state().set(|settings| (settings.records, settings.bare_last_page) = (10, true));
    assert!(house.get("/api/v2/persons").await.json().get("additional_data").is_none());
    assert!(house.get("/api/v2/persons?limit=5").await.json()["additional_data"]["next_cursor"].is_string());
}

#[tokio::test]
async fn search_looks_at_names() {
    let house = House::new().await;
    let name = house.get("/api/v2/organizations/1").await.json()["data"]["name"].as_str().unwrap().to_owned();
    let term = name.split(' ').next().unwrap().to_lowercase();
    let found =
        house.get(&format!("/api/v2/itemSearch?term={term}&item_types=organization&limit=2")).await.json();
    let items = found["data"]["items"].as_array().unwrap();
    assert!(items.iter().all(|hit| hit["item"]["type"] == "organization"));
    let next = found["additional_data"]["next_cursor"].as_str().unwrap();
    let second =
        house.get(&format!("/api/v2/itemSearch?term={term}&item_types=organization&cursor={next}")).await;
    assert_ne!(second.json()["data"]["items"][0], items[0]);
    let deals = house.get(&format!("/v1/deals/search?term={term}")).await.json();
    assert_eq!(deals["data"]["items"][0]["item"]["type"], "deal");
    assert_eq!(house.get("/api/v2/deals/search?term=x").await.status, 400);
}
