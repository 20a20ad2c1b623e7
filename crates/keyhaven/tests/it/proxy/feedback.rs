//! What calls tell about the connection.

use std::{thread, time::Duration};

use serde_json::{Value, json};

use super::Stage;
use crate::{
    common::run,
    upstream::{GOOD_ACCOUNT, Script, ok},
};

fn refused() -> Vec<u8> {
    b"HTTP/1.1 401 Unauthorized\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}".to_vec()
}

fn status(stage: &Stage) -> Value {
    stage.server.api("GET", "/api/v1/connections/sales-eu", &Value::Null).json()
}

fn becomes(stage: &Stage, want: &str) -> Value {
    for _ in 0..100 {
        let seen = status(stage);
        if seen["status"] == want {
            return seen;
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("it did not become {want}: {}", status(stage));
}

#[test]
fn a_refused_call_has_the_connection_verified_at_once() {
    let stage = Stage::new();
    // The app refuses one call, and still knows the key: nothing changes.
    stage.app.will(Script::Answer(refused()));
    assert_eq!(stage.call("GET", "/api/v2/deals", stage.token()).status, 401);
    thread::sleep(Duration::from_millis(500));
    let seen = status(&stage);
    assert_eq!((&seen["status"], &seen["reason"]), (&json!("valid"), &json!("ok")));
    let history = stage.server.api("GET", "/api/v1/connections/sales-eu/history", &Value::Null).json();
    assert_eq!(history["recent"][0]["trigger"], "refused", "{history}");

    // Another connection, whose key was revoked.
    let stage = Stage::new();
    stage.app.will(Script::Answer(refused()));
    stage.app.verifies(refused());
    assert_eq!(stage.call("GET", "/api/v2/deals", stage.token()).status, 401);
    let seen = becomes(&stage, "invalid");
    assert_eq!(seen["reason"], "key_rejected");
    // However often it is verified since, it does not work since that call.
    let since = seen["failing_since"].as_str().unwrap();
    assert!(seen["checked_at"].as_str().unwrap() >= since, "{seen}");
    let again = stage.server.api("POST", "/api/v1/connections/sales-eu/verify", &Value::Null).json();
    assert_eq!((&again["failing_since"], &again["status"]), (&json!(since), &json!("invalid")));
    assert!(again["checked_at"].as_str().unwrap() > since, "{again}");
    stage.app.verifies(ok(GOOD_ACCOUNT));
    let healed = stage.server.api("POST", "/api/v1/connections/sales-eu/verify", &Value::Null).json();
    assert_eq!((&healed["failing_since"], &healed["status"]), (&Value::Null, &json!("valid")));

    // A block page says the same in another way.
    let stage = Stage::new();
    let page = b"HTTP/1.1 403 Forbidden\r\ncontent-type: text/html; charset=UTF-8\r\ncontent-length: 13\r\n\r\n<html></html>".to_vec();
    stage.app.will(Script::Answer(page.clone()));
    stage.app.verifies(page);
    assert_eq!(stage.call("GET", "/api/v2/deals", stage.token()).status, 403);
    assert_eq!(becomes(&stage, "invalid")["reason"], "blocked");
    // And the app is left alone.
    let answer = stage.call("GET", "/api/v2/deals", stage.token());
    assert_eq!((answer.status, &answer.json()["code"]), (429, &json!("app_paused")));
    assert!(answer.headers.contains_key("retry-after"));
}

#[test]
fn a_call_that_works_has_a_connection_that_did_not_verified() {
    let stage = Stage::new();
    stage.app.verifies(refused());
    let seen = stage.server.api("POST", "/api/v1/connections/sales-eu/verify", &Value::Null).json();
    assert_eq!(seen["status"], "invalid");
    stage.app.verifies(ok(GOOD_ACCOUNT));
    assert_eq!(stage.call("GET", "/api/v2/deals", stage.token()).status, 200);
    becomes(&stage, "valid");
    let history = stage.server.api("GET", "/api/v1/connections/sales-eu/history", &Value::Null).json();
    assert_eq!(history["recent"][0]["trigger"], "answered", "{history}");
}

#[test]
fn a_refusal_of_another_kind_is_news() {
    let stage = Stage::new();
    let page = b"HTTP/1.1 403 Forbidden\r\ncontent-type: text/html\r\ncontent-length: 0\r\n\r\n".to_vec();
    for (answer, reason) in [(refused(), "key_rejected"), (page, "blocked")] {
        stage.app.verifies(answer);
        let seen = stage.server.api("POST", "/api/v1/connections/sales-eu/verify", &Value::Null).json();
        assert_eq!(seen["reason"], reason);
    }
    stage.app.verifies(refused());
    stage.app.will(Script::Answer(refused()));
    assert_eq!(stage.call("GET", "/api/v2/deals", stage.token()).status, 401);
    for _ in 0..100 {
        if status(&stage)["reason"] == "key_rejected" {
            return;
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("{}", status(&stage));
}

/// A command ends only when what its calls found out is written down.
#[test]
fn a_command_tells_what_its_call_found_out() {
    let stage = Stage::new();
    stage.app.will(Script::Answer(refused()));
    for arguments in [
        &["request", "sales-eu", "GET", "/api/v2/deals/1"][..],
        &["run", "sales-eu", "--", "curl", "-s", "https://acme.pipedrive.com/api/v2/deals/1"],
    ] {
        stage.app.verifies(ok(GOOD_ACCOUNT));
        let works = stage.server.api("POST", "/api/v1/connections/sales-eu/verify", &Value::Null).json();
        assert_eq!(works["status"], "valid");
        stage.app.verifies(refused());
        let mut command = stage.house.command(arguments);
        command.env("KEYHAVEN_EGRESS_OVERRIDE", format!("*.pipedrive.com=http://{}", stage.app.address));
        run(&mut command, "");
        assert_eq!(status(&stage)["status"], "invalid", "{arguments:?}");
    }
}

#[test]
fn too_many_is_waited_for_once_and_a_used_up_day_never() {
    let stage = Stage::new();
    let burst = b"HTTP/1.1 429 X\r\nx-ratelimit-limit: 20\r\nx-ratelimit-remaining: 0\r\nx-ratelimit-reset: 1\r\ncontent-length: 45\r\n\r\n{\"success\":false,\"error\":\"request over limit\"}".to_vec();
    let burst =
        String::from_utf8(burst).unwrap().replace("content-length: 45", "content-length: 46").into_bytes();
    stage.app.will(Script::Answer(burst));
    let answer = stage.call("GET", "/api/v2/deals", stage.token());
    assert_eq!(
        (answer.status, answer.headers["x-keyhaven-answer"].to_str().unwrap()),
        (429, "app"),
        "{}",
        answer.text
    );
    assert_eq!(stage.app.seen().len(), 2, "a read is tried twice");

    let stage = Stage::new();
    let other = super::serve(&stage.house, &stage.app, &[]);
    let elsewhere = || other.send("GET", "/proxy/sales-eu/x", &[("x-api-token", stage.token())], b"");
    assert_eq!(elsewhere().status, 200);
    stage.app.seen();
    let daily = "{\"success\":false,\"error\":\"daily request budget exceeded\",\"errorCode\":429}";
    stage.app.will(Script::Answer(
        format!(
            "HTTP/1.1 429 X\r\nretry-after: 3939\r\nx-daily-ratelimit-token-limit: 1000\r\n\
             x-daily-ratelimit-token-remaining: 0\r\ncontent-length: {}\r\n\r\n{daily}",
            daily.len()
        )
        .into_bytes(),
    ));
    let answer = stage.call("GET", "/api/v2/deals", stage.token());
    assert_eq!((answer.status, answer.text.as_str()), (429, daily));
    assert_eq!(stage.app.seen().len(), 1, "it is not tried again");
    let answer = stage.call("GET", "/api/v2/deals", stage.token());
    assert_eq!((answer.status, &answer.json()["code"]), (429, &json!("budget_exhausted")));
    let wait: u64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((3900..=3940).contains(&wait), "{wait}");
    assert_eq!(stage.app.seen().len(), 0, "nothing is sent any more");
    thread::sleep(Duration::from_millis(200));
    assert_eq!(elsewhere().json()["code"], "budget_exhausted");
    assert_eq!(stage.app.seen().len(), 0, "nor by another server");

    // A restart changes nothing of it, and it is told.
    let stage = stage.restart();
    let answer = stage.call("GET", "/api/v2/deals", stage.token());
    assert_eq!((answer.status, &answer.json()["code"]), (429, &json!("budget_exhausted")));
    let until = |stage: &Stage| {
        let usage = stage.server.api("GET", "/api/v1/connections/sales-eu/usage", &Value::Null).json();
        usage["budget"]["stopped_until"].clone()
    };
    assert!(until(&stage).is_string());
    // Until the app takes something again, as a command beside the server finds out.
    stage.app.will(Script::Answer(ok("{}")));
    let mut verify = stage.house.command(&["connections", "verify", "sales-eu"]);
    verify.env("KEYHAVEN_EGRESS_OVERRIDE", format!("*.pipedrive.com=http://{}", stage.app.address));
    assert!(run(&mut verify, "").status.success());
    assert_eq!(until(&stage), Value::Null);
    thread::sleep(Duration::from_millis(200));
    assert_eq!(stage.call("GET", "/api/v2/deals", stage.token()).status, 200);
}

/// What a call waits for its turn is not the app's time, and is told beside it.
#[test]
fn calls_that_wait_for_their_turn_say_so() {
    let stage = Stage::new();
    stage.app.will(Script::Answer(ok("{}")));
    thread::scope(|scope| {
        for _ in 0..24 {
            scope.spawn(|| assert_eq!(stage.call("GET", "/api/v2/deals", stage.token()).status, 200));
        }
    });
    thread::sleep(Duration::from_millis(1500));
    let calls = stage.server.api("GET", "/api/v1/connections/sales-eu/calls?limit=30", &Value::Null).json();
    let calls = calls["items"].as_array().unwrap();
    let waited: Vec<_> = calls.iter().filter_map(|call| call["waited_milliseconds"].as_i64()).collect();
    assert_eq!(waited.len(), 24);
    let long = waited.iter().filter(|waited| **waited >= 1000).count();
    assert!((4..=8).contains(&long), "{waited:?}");
    assert!(calls.iter().all(|call| call["milliseconds"].as_i64().unwrap() < 1000), "{calls:?}");
}
