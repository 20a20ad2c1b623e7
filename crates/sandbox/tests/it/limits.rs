//! Burst windows and daily budgets.

use std::time::Duration;

use serde_json::json;

use crate::common::{ADA, House};

#[tokio::test]
async fn the_burst_window_belongs_to_a_token_and_rolls_on() {
    let house = House::new().await;
    house.state().set(|settings| settings.burst_limit = 3);
    for remaining in ["2", "1", "0"] {
        let answer = house.get("/v1/users/me").await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("x-ratelimit-limit"), Some("3"));
        assert_eq!(answer.header("x-ratelimit-remaining"), Some(remaining));
        assert!(matches!(answer.header("x-ratelimit-reset"), Some("1" | "2")));
    }
    let refused = house.get("/v1/users/me").await;
    assert_eq!((refused.status, &refused.json()["error"]), (429, &json!("request over limit")));
    assert_eq!((refused.header("x-ratelimit-remaining"), refused.header("retry-after")), (Some("0"), None));
    let colleague = "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0";
    assert_eq!(house.ask_as(colleague, "acme", "GET", "/v1/users/me", "").await.status, 200);
    // Searches have their own window.
    assert_eq!(house.get("/api/v2/itemSearch?term=ltd").await.header("x-ratelimit-limit"), Some("10"));
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(house.get("/v1/users/me").await.status, 200);
}

#[tokio::test]
async fn whoever_does_not_heed_is_blocked_by_the_edge() {
    let house = House::new().await;
    house.state().set(|settings| settings.search_limit = 1);
    let path = "/api/v2/deals/search?term=ltd";
    assert_eq!(house.get(path).await.status, 200);
    for _ in 0..20 {
        assert_eq!(house.get(path).await.status, 429);
    }
    let blocked = house.get(path).await;
    assert_eq!((blocked.status, blocked.header("content-type")), (403, Some("text/html; charset=UTF-8")));
}

#[tokio::test]
async fn every_operation_has_its_price() {
    let house = House::new().await;
    let mut left = 60_000;
    for (cost, method, path, body) in [
        (2, "GET", "/v1/users/me", ""),
        (20, "GET", "/v1/deals", ""),
        (2, "GET", "/v1/deals/1", ""),
        (10, "POST", "/v1/deals", r#"{"title":"x"}"#),
        (10, "PUT", "/v1/deals/1", "{}"),
        (6, "DELETE", "/v1/deals/1", ""),
        (40, "GET", "/v1/deals/search?term=ltd", ""),
        (10, "GET", "/api/v2/deals", ""),
        (20, "GET", "/api/v2/deals/archived", ""),
        (1, "GET", "/api/v2/deals/2", ""),
        (5, "POST", "/api/v2/deals", r#"{"title":"x"}"#),
        (5, "PATCH", "/api/v2/deals/2", "{}"),
        (3, "DELETE", "/api/v2/deals/2", ""),
        (20, "GET", "/api/v2/itemSearch?term=ltd", ""),
        (0, "GET", "/api/v2/nothing", ""),
    ] {
        left -= cost;
        let answer = house.ask(method, path, body).await;
        assert_eq!(answer.header("x-daily-ratelimit-token-limit"), Some("60000"));
        assert_eq!(
            answer.header("x-daily-ratelimit-token-remaining"),
            Some(&*left.to_string()),
            "{method} {path}"
        );
    }
    assert_eq!(house.state().spent().values().copied().collect::<Vec<_>>(), [60_000 - left]);
}

#[tokio::test]
async fn the_budget_of_a_company_comes_back_at_midnight() {
    let house = House::new().await;
    house.state().set(|settings| settings.daily_budget = 3);
    // Ten seconds before 1 January 2026.
    house.state().set_clock(1_767_225_590);
    assert_eq!(house.get("/v1/users/me").await.status, 200);
    let refused = house.get("/v1/users/me").await;
    assert_eq!((refused.status, &refused.json()["error"]), (429, &json!("daily request budget exceeded")));
    let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=10).contains(&seconds));
    assert_eq!(refused.header("x-daily-ratelimit-token-remaining"), Some("0"));
    // The other burst window tells the two apart.
    assert_eq!(house.ask_as(ADA, "api", "GET", "/v1/users/me", "").await.status, 429);
    house.state().set_clock(1_767_225_600);
    assert_eq!(house.get("/v1/users/me").await.status, 200);
}
