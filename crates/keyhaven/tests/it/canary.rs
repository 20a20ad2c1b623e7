//! A key is saved, used, refused, replaced and destroyed; afterwards nothing anywhere holds it in any common form.

use crate::common::{GOOD, House, all_bytes};
use keyhaven_sandbox::{Mode, TokenSettings};
use serde_json::{Value, json};

const CANARY: &str = "ca9a7ca9a7ca9a7f00d1ca9a7ca9a7ca9a7f00d1";

/// The key itself, and how it would look encoded.
fn forms() -> Vec<(String, Vec<u8>)> {
    let hex: String = CANARY.bytes().map(|byte| format!("{byte:02x}")).collect();
    let url: String = CANARY.bytes().map(|byte| format!("%{byte:02X}")).collect();
    // Base64 depends on where in a group of three the text begins: the middle is the same for one of these.
    let mut forms = vec![("raw".into(), CANARY.into()), ("hex".into(), hex.clone().into_bytes())];
    forms.push(("HEX".into(), hex.to_uppercase().into_bytes()));
    forms.push(("url".into(), url.into_bytes()));
    for shift in 0..3 {
        let whole = base64(&[&vec![b'x'; shift], CANARY.as_bytes()].concat());
        forms.push((format!("base64+{shift}"), whole.as_bytes()[4..whole.len() - 4].to_vec()));
    }
    forms.push(("part".into(), CANARY.as_bytes()[..20].to_vec()));
    forms
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for group in bytes.chunks(3) {
        let number =
            group.iter().fold(0u32, |sum, byte| sum << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        out.extend((0..4).map(|n| char::from(LETTERS[(number >> (18 - 6 * n) & 63) as usize])));
    }
    out
}

fn assert_clean(place: &str, bytes: &[u8]) {
    for (form, needle) in forms() {
        let found = bytes.windows(needle.len()).any(|window| window == needle);
        assert!(!found, "the key is in {place}, {form}");
    }
}

#[test]
fn the_scan_sees_what_it_looks_for() {
    for (form, needle) in forms() {
        let planted = [b"before ", &needle[..], b" after"].concat();
        assert!(std::panic::catch_unwind(|| assert_clean("the plant", &planted)).is_err(), "{form}");
    }
    assert_eq!(base64(b"hello!"), "aGVsbG8h");
}

#[test]
fn a_key_leaves_no_trace() {
    let house = House::new();
    house.sandbox.state().set_token(CANARY, TokenSettings { user: Some(1), ..TokenSettings::default() });
    let server = house.serve(&[]);
    let cookie = server.sign_in(&server.link);
    let mut seen = Vec::new();
    let mut keep = |text: String| seen.extend(text.into_bytes());

    // Saved in each way, with good and bad company.
    let made = server.create("Canary", CANARY, "acme");
    assert_eq!(made["reason"], "ok");
    keep(made.to_string());
    let id = made["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/connections/{id}");
    for body in [
        json!({ "connector": "pipedrive", "name": "", "fields": { "api_key": CANARY, "domain": "a b" } }),
        json!({ "connector": CANARY, "name": "x", "fields": {} }),
        json!({ "connector": "pipedrive", "name": "x", "fields": { "api_key": [CANARY] } }),
        json!({ "connector": "pipedrive", "name": "x", "fields": { "api_key": CANARY, "domain": "", "more": CANARY } }),
    ] {
        let answer = server.api("POST", "/api/v1/connections", &body);
        assert_eq!(answer.status, 400, "{}", answer.text);
        keep(answer.text);
    }
    let bearer = format!("Bearer {}", server.token);
    let broken = format!("{{\"fields\": {{\"api_key\": \"{CANARY}\", }}");
    let head = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    keep(server.send("POST", "/api/v1/connections", &head, broken.as_bytes()).text);
    keep(
        server
            .form(
                &cookie,
                "/connections/new/pipedrive",
                &[("name", ""), ("api_key", CANARY), ("domain", "?")],
            )
            .text,
    );
    keep(
        server
            .form(
                &cookie,
                &format!("/connections/{id}/edit"),
                &[("name", ""), ("api_key", CANARY), ("domain", "acme")],
            )
            .text,
    );

    // Every way in which the app can fail.
    for mode in [
        Mode::Unauthorized,
        Mode::Daily,
        Mode::Html,
        Mode::Close,
        Mode::Garbage,
        Mode::InternalError,
        Mode::Ok,
    ] {
        house.sandbox.state().set_mode(CANARY, mode);
        keep(server.api("POST", &format!("{path}/verify"), &Value::Null).text);
    }
    for page in
        ["/", "/connections/canary", "/connections/canary/edit", "/connections/canary/delete", "/docs/api"]
    {
        let answer = server.page(&cookie, page);
        assert_eq!(answer.status, 200, "{page}");
        keep(answer.text);
    }
    for call in ["/api/v1/connections", &path, &format!("{path}/history"), "/openapi.json", "/metrics"] {
        keep(server.api("GET", call, &Value::Null).text);
    }
    let shown = house.run(&["connections", "show", "canary", "--json"], "");
    keep(String::from_utf8_lossy(&[shown.stdout, shown.stderr].concat()).into_owned());

    assert_clean("the answers", &seen);
    assert_clean("the data folder while the server runs", &all_bytes(house.data.path()));
    assert_clean("the log", server.log().as_bytes());
    assert!(server.log().contains("answered"), "the log is on: {}", server.log());

    // Replaced and destroyed.
    assert_eq!(server.api("PATCH", &path, &json!({ "fields": { "api_key": GOOD } })).status, 200);
    assert_eq!(server.api("DELETE", &format!("{path}?destroy=true"), &Value::Null).status, 204);
    assert_eq!(server.api("GET", &path, &Value::Null).status, 404);
    server.stop();
    assert_clean("the data folder afterwards", &all_bytes(house.data.path()));
}
