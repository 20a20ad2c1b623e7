//! What a token may do, and how much of it.

use std::{thread, time::Duration};

use serde_json::{Value, json};

use super::Stage;
use crate::upstream::{Script, ok};

#[test]
fn a_tokens_limits_hold() {
    let stage = Stage::new();
    stage.app.will(Script::Answer(ok("{}")));
    stage.server.create("Other", crate::common::GOOD, "acme");
    let code = |answer: crate::common::Answer| {
        (answer.status, answer.json()["code"].as_str().unwrap_or_default().to_owned())
    };
    let denied = (403, "not_allowed".to_owned());
    for (limits, method, path, passes) in [
        (&["--read-only"][..], "GET", "/api/v2/deals", true),
        (&["--read-only"], "POST", "/api/v2/deals", false),
        (&["--read-only"], "DELETE", "/api/v2/deals/1", false),
        (&["--method", "GET", "--method", "PATCH"], "PATCH", "/api/v2/deals/1", true),
        (&["--method", "GET", "--method", "PATCH"], "DELETE", "/api/v2/deals/1", false),
        (&["--path", "/api/v2/deals/*"], "GET", "/api/v2/deals/1", true),
        (&["--path", "/api/v2/deals/*"], "GET", "/api/v2/persons/1", false),
        (&["--path", "/api/v2/deals/*"], "GET", "/api/v2/deals/1/files", false),
        (&["--network", "10.0.0.0/8"], "GET", "/api/v2/deals", false),
        (&["--network", "127.0.0.0/8"], "GET", "/api/v2/deals", true),
        (&["--connection", "sales-eu"], "GET", "/api/v2/deals", true),
        (&["--connection", "other"], "GET", "/api/v2/deals", false),
    ] {
        let answer = stage.call(method, path, &stage.limited(limits));
        if passes {
            assert_eq!(answer.status, 200, "{limits:?} {method} {path}: {}", answer.text);
        } else {
            assert_eq!(code(answer), denied, "{limits:?} {method} {path}");
        }
    }
    // The same words for a connection that is not there.
    let narrow = stage.limited(&["--connection", "sales-eu"]);
    let missing = stage.server.send("GET", "/proxy/no-such/x", &[("x-api-token", &narrow)], b"");
    let other = stage.server.send("GET", "/proxy/other/x", &[("x-api-token", &narrow)], b"");
    assert_eq!(missing.json()["detail"], other.json()["detail"]);
    let few = stage.limited(&["--per-minute", "2"]);
    let answers: Vec<_> = (0..3).map(|_| stage.call("GET", "/api/v2/deals", &few)).collect();
    assert_eq!(answers.iter().map(|answer| answer.status).collect::<Vec<_>>(), [200, 200, 429]);
    assert_eq!(answers[2].json()["code"], "quota_used_up");
    // 30,000 a day at least: one percent of it is 300, and a list costs 10.
    let share = stage.limited(&["--budget-share", "1"]);
    let statuses: Vec<_> =
        (0..31).map(|_| stage.call("GET", "/api/v1/files/1/download", &share).status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 15, "{statuses:?}");

    // Revoked at once, whoever does it.
    let token = stage.limited(&["--per-day", "1000"]);
    assert_eq!(stage.call("GET", "/x", &token).status, 200);
    let name = stage.house.run(&["token", "list", "--json"], "");
    let list: Value = serde_json::from_slice(&name.stdout).unwrap();
    let id = list["items"]
        .as_array()
        .or(list.as_array())
        .unwrap()
        .iter()
        .find(|it| it["name"].as_str().unwrap().contains("per-day"))
        .unwrap()["id"]
        .clone();
    assert!(stage.house.run(&["token", "revoke", id.as_str().unwrap()], "").status.success());
    assert_eq!(stage.call("GET", "/x", &token).status, 401);
    // A deleted connection is not called; a restored one is.
    stage.server.api("DELETE", "/api/v1/connections/sales-eu", &Value::Null);
    assert_eq!(stage.call("GET", "/x", stage.token()).status, 409);
    stage.server.api("POST", "/api/v1/connections/sales-eu/restore", &Value::Null);
    assert_eq!(stage.call("GET", "/x", stage.token()).status, 200);
}

/// Behind a proxy that is trusted, it tells who calls; else anybody could.
#[test]
fn a_trusted_proxy_tells_who_calls() {
    for (more, told, status) in [
        (&["--trusted-proxies", "127.0.0.1,10.0.0.0/8"][..], "198.51.100.9, 203.0.113.7, 10.1.1.1", 200),
        (&["--trusted-proxies", "127.0.0.1"], "203.0.113.7, 198.51.100.9", 403),
        (&[], "203.0.113.7", 403),
    ] {
        let stage = Stage::with(more);
        stage.app.will(Script::Answer(ok("{}")));
        let token = stage.limited(&["--network", "203.0.113.0/24"]);
        let bearer = format!("Bearer {token}");
        for (path, header) in [
            ("/proxy/sales-eu/api/v2/deals", ("x-api-token", &token)),
            ("/api/v1/connections", ("authorization", &bearer)),
        ] {
            let answer =
                stage.server.send("GET", path, &[(header.0, header.1), ("x-forwarded-for", told)], b"");
            assert_eq!(answer.status, status, "{more:?} {path}: {}", answer.text);
        }
    }
}

#[test]
fn a_tokens_quota_of_the_day_outlives_a_restart() {
    let stage = Stage::new();
    stage.app.will(Script::Answer(ok("{}")));
    let few = stage.limited(&["--per-day", "3"]);
    let call = |stage: &Stage| stage.call("GET", "/api/v2/deals", &few).status;
    assert_eq!([call(&stage), call(&stage)], [200, 200]);
    let stage = stage.restart();
    assert_eq!([call(&stage), call(&stage)], [200, 429]);

    // So does what the app told of its own: one percent of 1000 is less than of what is assumed before.
    let told = "HTTP/1.1 200 OK\r\nx-daily-ratelimit-token-limit: 1000\r\nx-daily-ratelimit-token-remaining: 900\r\n\
        content-length: 2\r\n\r\n{}";
    stage.app.will(Script::Answer(told.into()));
    let share = stage.limited(&["--budget-share", "1"]);
    assert_eq!(stage.call("GET", "/api/v2/deals", &share).status, 200);
    let stage = stage.restart();
    let answer = stage.call("GET", "/api/v2/deals", &share);
    assert_eq!((answer.status, &answer.json()["code"]), (429, &json!("budget_share_used_up")));
}

/// Servers with one database look now and then what the others have counted.
#[test]
fn a_tokens_quota_holds_for_all_servers_together() {
    let stage = Stage::new();
    stage.app.will(Script::Answer(ok("{}")));
    let other = super::serve(&stage.house, &stage.app, &[]);
    let few = stage.limited(&["--per-day", "4"]);
    let call = |server: &crate::common::Server| {
        server.send("GET", "/proxy/sales-eu/api/v2/deals", &[("x-api-token", &few)], b"").status
    };
    assert_eq!([call(&stage.server), call(&stage.server)], [200, 200]);
    // Counts are written each second, and looked at every five.
    thread::sleep(Duration::from_millis(1500));
    assert_eq!([call(&other), call(&other), call(&other)], [200, 200, 429]);
    thread::sleep(Duration::from_millis(5500));
    assert_eq!(call(&stage.server), 429);
}
