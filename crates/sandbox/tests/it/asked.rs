//! What a test can see of the requests that came.

use serde_json::json;

use crate::common::{ADA, House};

#[tokio::test]
async fn headers_are_kept_only_on_request() {
    let house = House::new().await;
    house.ask("POST", "/api/v2/deals?x=canary", r#"{"title":"x"}"#).await;
    house.state().set(|settings| settings.keep_headers = true);
    house.ask("POST", "/api/v2/deals?x=canary", r#"{"title":"x"}"#).await;
    let asked = house.state().asked();
    assert!(asked[0].sent.is_none());
    assert_eq!((asked[1].key_in, asked[1].body_bytes), ("header", 13));
    let sent = asked[1].sent.as_ref().unwrap();
    assert_eq!((sent.header("X-Api-Token"), &*sent.query), (Some(ADA), "x=canary"));
    assert!(sent.contains("canary") && !sent.contains("kh_"));

    let outside = house.get("/__sandbox/requests").await.json();
    assert_eq!(outside[1]["sent"]["query"], "x=canary");
    assert_eq!(outside[0]["path"], "/api/v2/deals");
}

#[tokio::test]
async fn the_switches_work_from_outside() {
    let house = House::new().await;
    let rule =
        json!({ "fault": { "redirect": { "status": 307, "to": "//elsewhere.example" } }, "path": "/v1/" });
    let send = async |method: &str, path: &str, body: String| {
        let mut stream = house.connect().await;
        let length = body.len();
        let request = format!(
            "{method} /__sandbox/{path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n\r\n{body}"
        );
        tokio::io::AsyncWriteExt::write_all(&mut stream, request.as_bytes()).await.unwrap();
        crate::common::read(&mut stream).await.unwrap()
    };
    assert_eq!(send("POST", "faults", rule.to_string()).await.status, 204);
    assert_eq!(house.get("/v1/users/me").await.header("location"), Some("//elsewhere.example"));
    assert_eq!(send("GET", "faults", String::new()).await.json()[0]["path"], "/v1/");
    assert_eq!(send("DELETE", "faults", String::new()).await.status, 204);
    assert_eq!(house.get("/v1/users/me").await.status, 200);
    assert_eq!(send("PUT", "clock", "1767225599".into()).await.status, 204);
    let clock = json!({ "at": 1_800_000_000, "frozen": true });
    assert_eq!(send("PUT", "clock", clock.to_string()).await.status, 204);
    let settings = json!({ "records": 2, "sizes": { "lead_labels": 5 } });
    assert_eq!(send("PUT", "settings", settings.to_string()).await.status, 204);
    let acts = json!([
        { "create": { "kind": "deals", "fields": { "title": "Made", "update_time": null } } },
        { "delete": { "kind": "deals", "id": 1 } },
    ]);
    let done = send("POST", "companies/54235233/acts", acts.to_string()).await;
    assert_eq!(done.json(), json!([3, null]));
    let refused =
        send("POST", "companies/54235233/acts", json!({ "purge": { "kind": "deals", "id": 9 } }).to_string());
    assert_eq!(refused.await.status, 400);
    let truth = send("GET", "companies/54235233/deals", String::new()).await.json();
    assert_eq!((&truth[0]["is_deleted"], &truth[2]["update_time"]), (&json!(true), &json!(null)));
    assert_eq!(truth[2]["add_time"], "2027-01-15T08:00:00Z");
    let fields = send("GET", "companies/54235233/deals/fields", String::new()).await.json();
    assert_eq!(fields[0]["field_code"], "title");
    let labels = send("GET", "companies/54235233/lead_labels", String::new()).await.json();
    assert_eq!(labels.as_array().unwrap().len(), 5);
    let hook = json!({ "path": "/v1/users", "after": 1, "company": 54_235_233, "acts": [acts[1], { "delete": { "kind": "deals", "id": 2 } }] });
    assert_eq!(send("POST", "hooks", hook.to_string()).await.status, 204);
    assert_eq!(house.get("/v1/users").await.status, 200);
    assert_eq!(
        house.state().truth(keyhaven_sandbox::ACME, keyhaven_sandbox::Kind::Deal)[1]["is_deleted"],
        true
    );
    let state = send("GET", "state", String::new()).await.json();
    assert_eq!((&state["settings"]["records"], &state["settings"]["burst_limit"]), (&json!(2), &json!(20)));
    assert_eq!(send("DELETE", &format!("tokens/{ADA}"), String::new()).await.status, 204);
    assert_eq!(house.get("/v1/users/me").await.status, 401);
}

#[tokio::test]
async fn a_key_can_be_revoked_in_mid_use() {
    let house = House::new().await;
    assert_eq!(house.get("/api/v2/deals").await.status, 200);
    assert!(house.state().revoke(ADA));
    assert_eq!(house.get("/api/v2/deals").await.status, 401);
    assert!(!house.state().revoke(ADA));
}
