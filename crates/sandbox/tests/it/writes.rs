//! Creating, changing and deleting.

use serde_json::json;

use crate::common::{ADA, House, read};
use tokio::io::AsyncWriteExt;

#[tokio::test]
async fn a_deal_lives_and_dies_in_the_new_version() {
    let house = House::new().await;
    house.state().set_clock(1_800_000_000);
    let made = house.ask("POST", "/api/v2/deals", r#"{"title":"Big one","value":500,"person_id":3}"#).await;
    assert_eq!(made.status, 200);
    let made = made.json()["data"].clone();
    assert_eq!((&made["id"], &made["owner_id"]), (&json!(301), &json!(1)));
    assert_eq!(made["update_time"], "2027-01-15T08:00:00Z");
    let won = house.ask("PATCH", "/api/v2/deals/301", r#"{"status":"won"}"#).await.json();
    assert_eq!(
        (&won["data"]["title"], &won["data"]["won_time"]),
        (&json!("Big one"), &json!("2027-01-15T08:00:00Z"))
    );
    let deleted = house.ask("DELETE", "/api/v2/deals/301", "").await;
    assert_eq!((deleted.status, deleted.json()), (200, json!({ "success": true, "data": { "id": 301 } })));

    assert_eq!(house.get("/api/v2/deals/301").await.json()["data"]["is_deleted"], true);
    assert_eq!(house.get("/api/v2/deals?ids=301").await.json()["data"], json!([]));
    assert_eq!(house.get("/api/v2/deals?status=deleted").await.json()["data"][0]["id"], 301);
    assert_eq!(house.ask("DELETE", "/api/v2/deals/301", "").await.status, 404);
}

#[tokio::test]
async fn the_old_version_takes_its_own_shapes() {
    let house = House::new().await;
    let body =
        r#"{"name":"Zoë Zimmer","email":"zoe@customer.example","org_id":"4","label":2,"surprise":true}"#;
    let made = house.ask("POST", "/v1/persons", body).await;
    assert_eq!(made.status, 201);
    assert_eq!(made.json()["data"]["email"][0]["value"], "zoe@customer.example");
    let new = house.get("/api/v2/persons/301").await.json()["data"].clone();
    assert_eq!(
        (&new["first_name"], &new["org_id"], &new["label_ids"]),
        (&json!("Zoë"), &json!(4), &json!([2]))
    );
    let changed = house.ask("PUT", "/api/v1/persons/301", r#"{"name":"Zoë Zorn"}"#).await.json();
    assert_eq!(changed["data"]["last_name"], "Zorn");
    assert_eq!(house.ask("PATCH", "/v1/persons/301", "{}").await.status, 404);
    assert_eq!(house.ask("PUT", "/api/v2/persons/301", "{}").await.status, 404);

    let mut stream = house.connect().await;
    let form = "name=Form+%26+Function";
    let head = format!(
        "POST /v1/organizations HTTP/1.1\r\nhost: acme.pipedrive.com\r\nx-api-token: {ADA}\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
        form.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    assert_eq!(read(&mut stream).await.unwrap().json()["data"]["name"], "Form & Function");
}

#[tokio::test]
async fn custom_fields_are_merged_and_checked() {
    let house = House::new().await;
    let fields = house.get("/api/v2/organizationFields?limit=500").await.json()["data"].clone();
    let fields: Vec<_> =
        fields.as_array().unwrap().iter().filter(|it| it["is_custom_field"] == true).collect();
    let patch = async |key: &str, value| {
        let body = json!({ "custom_fields": { key: value } }).to_string();
        house.ask("PATCH", "/api/v2/organizations/1", &body).await
    };
    let shapes = [json!("x"), json!(1), json!([1]), json!({ "value": 1, "currency": "EUR" })];
    let shapes = shapes.into_iter().chain([
        json!({ "value": "2026-01-01", "until": "2026-01-02" }),
        json!({ "value": "12:00:00", "timezone_name": "Europe/Berlin" }),
    ]);
    for field in &fields {
        let key = field["field_code"].as_str().unwrap();
        let mut fitting = 0;
        for value in shapes.clone() {
            let answer = patch(key, value.clone()).await;
            if answer.status == 200 {
                fitting += 1;
                assert_eq!(answer.json()["data"]["custom_fields"][key], value);
                let all = answer.json()["data"]["custom_fields"].as_object().unwrap().len();
                assert_eq!(all, fields.len());
            }
        }
        assert!((1..6).contains(&fitting), "{field}");
    }
    let key = fields[0]["field_code"].as_str().unwrap();
    assert_eq!(patch(key, json!(null)).await.status, 200);
    assert_eq!(patch(key, json!([])).await.status, 400);
}

#[tokio::test]
async fn what_is_wrong_with_a_write_is_told() {
    let house = House::new().await;
    for (method, path, body) in [
        ("POST", "/api/v2/deals", "{}"),
        ("POST", "/api/v2/deals", "no JSON"),
        ("POST", "/api/v2/deals", "[]"),
        ("POST", "/api/v2/deals", r#"{"title":""}"#),
        ("PATCH", "/api/v2/deals/1", r#"{"user_id":1}"#),
        ("PATCH", "/api/v2/deals/1", r#"{"is_archived":"true"}"#),
        ("PATCH", "/api/v2/deals/1", r#"{"status":"new"}"#),
        ("PATCH", "/api/v2/deals/1", r#"{"custom_fields":{"abc":1}}"#),
        ("POST", "/v1/deals", "{}"),
    ] {
        let answer = house.ask(method, path, body).await;
        assert_eq!(
            (answer.status, &answer.json()["success"]),
            (400, &json!(false)),
            "{method} {path} {body}"
        );
    }
}
