//! What Pipedrive answers, and what Keyhaven makes of it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what a test does not expect, fails it"
)]

use std::{collections::BTreeMap, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue};
use keyhaven_connectors::{Answer, Catalogue, Connector, Fault, Inputs, Next, Reason, Verdict, Verification};
use keyhaven_vault::Secret;

const KEY: &str = "659c9fddb16335e48cc67114694b52074e812e03";
const UNAUTHORIZED: &str = r#"{"success":false,"error":"unauthorized access","errorCode":401}"#;

fn me(domain: &str, more: &str) -> String {
    format!(
        r#"{{"success":true,"data":{{"id":1,"name":"Ada","email":"ada@acme.test","company_id":7,"company_name":"Acme Ltd","company_domain":"{domain}",
        "access":[{{"app":"sales","admin":true}},{{"app":"global","admin":true}}]{more}}}}}"#
    )
}

fn answer(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Result<Answer, Fault> {
    let mut map =
        HeaderMap::from_iter([(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    for (name, value) in headers {
        map.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    Ok(Answer { status, headers: map, body: body.as_bytes().to_vec() })
}

/// Runs a verification against prepared answers; tells the verdict and the URLs that were asked.
fn verify(
    connector: &Connector,
    domain: &str,
    answers: Vec<Result<Answer, Fault>>,
) -> (Verdict, Vec<String>) {
    let inputs = Inputs::from([
        ("api_key".into(), Secret::new(KEY.into())),
        ("domain".into(), Secret::new(domain.into())),
    ]);
    let values = connector.check(inputs).ok().unwrap();
    let mut verification = Verification::new(connector, &values);
    let (mut answers, mut asked) = (answers.into_iter(), Vec::new());
    loop {
        match verification.next() {
            Next::Done(verdict) => return (verdict, asked),
            Next::Send(request) => {
                assert_eq!(request.headers["x-api-token"], KEY);
                assert!(!request.url.as_str().contains(KEY) && !format!("{request:?}").contains(KEY));
                let host = request.url.host_str().unwrap();
                assert!(connector.hosts(&values.plain).iter().any(|allowed| allowed.host == host));
                asked.push(request.url.to_string());
                match answers.next().expect("at most as many questions as answers") {
                    Ok(answer) => verification.answer(answer),
                    Err(fault) => verification.fault(fault),
                }
            }
        }
    }
}

#[test]
fn each_answer_has_its_verdict() {
    let catalogue = Catalogue::built_in().unwrap();
    let pipedrive = catalogue.get("pipedrive").unwrap();
    let refused = || answer(401, &[("x-401-by-gw", "true")], UNAUTHORIZED);
    let html = |status| {
        answer(
            status,
            &[("content-type", "text/html; charset=UTF-8")],
            "<html><body>Cloudflare</body></html>",
        )
    };
    type Case = (&'static str, Vec<Result<Answer, Fault>>, &'static str);
    let table: Vec<Case> = vec![
        ("acme", vec![answer(200, &[], &me("acme", ""))], "ok"),
        ("", vec![answer(200, &[], &me("acme", ""))], "ok"),
        ("acme", vec![refused(), refused()], "key_rejected"),
        ("", vec![refused()], "key_rejected"),
        ("acmee", vec![refused(), answer(200, &[], &me("acme", ""))], "wrong_domain/unknown_domain"),
        (
            "acmee",
            vec![answer(404, &[], "{}"), answer(200, &[], &me("acme", ""))],
            "wrong_domain/unknown_domain",
        ),
        (
            "acmee",
            vec![answer(302, &[], ""), answer(200, &[], &me("acme", ""))],
            "wrong_domain/unknown_domain",
        ),
        // What did not judge the key leaves a fault of the second question what it is.
        ("acme", vec![answer(404, &[], ""), Err(Fault::Connect)], "unreachable/connect"),
        ("acme", vec![answer(404, &[], ""), answer(503, &[], "")], "maintenance"),
        ("acme", vec![answer(404, &[], ""), answer(404, &[], "")], "not_understood/status_404"),
        ("globex", vec![answer(200, &[], &me("acme", ""))], "wrong_domain/other_company"),
        ("acme", vec![refused(), answer(200, &[], &me("acme", ""))], "not_understood/disagreement"),
        ("acme", vec![refused(), Err(Fault::TimedOut)], "key_rejected/key_or_domain"),
        ("acme", vec![refused(), answer(429, &[], "{}")], "key_rejected/key_or_domain"),
        ("acme", vec![refused(), html(403)], "blocked"),
        ("acme", vec![answer(200, &[], &me("acme", r#","active_flag":false"#))], "access_denied/deactivated"),
        (
            "acme",
            vec![answer(403, &[], r#"{"success":false,"error":"You do not have permissions to do this."}"#)],
            "access_denied",
        ),
        (
            "acme",
            vec![answer(402, &[], r#"{"success":false,"error":"company account not open"}"#)],
            "account_not_open",
        ),
        (
            "acme",
            vec![answer(
                429,
                &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "2")],
                r#"{"error":"request over limit"}"#,
            )],
            "rate_limited",
        ),
        (
            "acme",
            vec![answer(429, &[("retry-after", "3939")], r#"{"error":"daily request budget exceeded"}"#)],
            "budget_exhausted",
        ),
        ("acme", vec![answer(429, &[("x-daily-ratelimit-token-remaining", "0")], "{}")], "budget_exhausted"),
        ("acme", vec![answer(429, &[("x-ratelimit-remaining", "18")], "{}")], "budget_exhausted"),
        ("acme", vec![html(403)], "blocked"),
        ("acme", vec![html(503)], "maintenance"),
        ("acme", vec![answer(502, &[], "")], "maintenance"),
        ("acme", vec![answer(500, &[], "{}")], "not_understood/status_500"),
        (
            "acme",
            vec![answer(302, &[("location", "https://elsewhere.test/")], ""), answer(302, &[], "")],
            "not_understood/redirect",
        ),
        ("acme", vec![html(200)], "not_understood/status_200"),
        ("acme", vec![answer(200, &[], r#"{"success":tr"#)], "not_understood/status_200"),
        ("acme", vec![answer(200, &[], r#"{"success":false,"error":"x"}"#)], "not_understood/no_success"),
        ("acme", vec![answer(200, &[], r#"{"success":false,"errorCode":402}"#)], "account_not_open"),
        ("acme", vec![answer(200, &[], UNAUTHORIZED), refused()], "key_rejected"),
        ("acme", vec![Err(Fault::Dns)], "unreachable/dns"),
        ("acme", vec![Err(Fault::Connect)], "unreachable/connect"),
        ("acme", vec![Err(Fault::Tls)], "unreachable/tls"),
        ("acme", vec![Err(Fault::Broken)], "unreachable/broken"),
        ("acme", vec![Err(Fault::RefusedAddress)], "unreachable/refused_address"),
        ("acme", vec![Err(Fault::TimedOut)], "timed_out"),
        ("acme", vec![Err(Fault::TooLarge)], "not_understood/too_large"),
    ];
    for (domain, answers, want) in table {
        let count = answers.len();
        let (verdict, asked) = verify(pipedrive, domain, answers);
        let got = match &verdict.detail {
            Some(detail) => format!("{}/{detail}", verdict.reason.as_str()),
            None => verdict.reason.as_str().to_owned(),
        };
        assert_eq!(got, want, "{domain:?} {asked:?}");
        assert_eq!(asked.len(), count, "{want}");
        let plain = BTreeMap::from([("domain".to_owned(), domain.to_owned())]);
        let words = pipedrive.words(&verdict, &plain);
        for text in [&words.title, &words.message, &words.remedy] {
            assert!(!text.contains(['{', '}']) && !text.contains("“”"), "{want}: {text}");
        }
        assert!(verdict.reason == Reason::Ok || !words.remedy.is_empty(), "{want} has no remedy");
    }
}

#[test]
fn the_account_the_right_domain_and_the_wait_are_told() {
    let catalogue = Catalogue::built_in().unwrap();
    let pipedrive = catalogue.get("pipedrive").unwrap();
    let (verdict, asked) = verify(pipedrive, "", vec![answer(200, &[], &me("acme", ""))]);
    assert_eq!(asked, ["https://api.pipedrive.com/v1/users/me"]);
    assert_eq!(verdict.learned["domain"], "acme");
    let account = verdict.account.unwrap();
    assert_eq!(
        (account.line().as_str(), account.admin, account.company_id.as_deref()),
        ("Ada · Acme Ltd", Some(true), Some("7"))
    );

    let unauthorized = answer(401, &[], UNAUTHORIZED);
    let (verdict, asked) = verify(pipedrive, "acmee", vec![unauthorized, answer(200, &[], &me("acme", ""))]);
    assert_eq!(asked[0], "https://acmee.pipedrive.com/api/v1/users/me");
    assert_eq!(verdict.suggestion.unwrap().value, "acme");

    // No wait is longer than the limit that it is for.
    for (header, body, seconds) in [
        (("retry-after", "3939"), "daily", 3939),
        (("retry-after", "99999999999"), "daily", 86_400),
        (("x-ratelimit-reset", "2"), "daily", 3600),
        (("x-ratelimit-reset", "3"), "", 3),
        (("retry-after", "99999999999"), "", 300),
        (("x-ratelimit-reset", "1800000000"), "", 300),
        (("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT"), "", 30),
        (("retry-after", "Sun, 06 Nov 1994 09:49:37 GMT"), "daily", 3600),
        (("retry-after", "Sun, 06 Nov 1994 08:49:07 GMT"), "", 0),
        (("retry-after", "tomorrow"), "daily", 3600),
    ] {
        let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        let (verdict, _) = verify(pipedrive, "acme", vec![answer(429, &[date, header], body)]);
        assert_eq!(verdict.retry_after, Some(Duration::from_secs(seconds)), "{header:?} {body}");
    }
}

/// An app is a stranger: what it says is bounded and cannot turn the page around.
#[test]
fn hostile_accounts_are_tamed() {
    let catalogue = Catalogue::built_in().unwrap();
    let pipedrive = catalogue.get("pipedrive").unwrap();
    let long = "x".repeat(5000);
    let body = format!(
        r#"{{"success":true,"data":{{"name":"a\u202eb\n\u0000c","company_name":"{long}","company_domain":"evil.com/?","company_id":{{}}}}}}"#
    );
    let (verdict, _) = verify(pipedrive, "acme", vec![answer(200, &[], &body)]);
    let account = verdict.account.unwrap();
    assert_eq!(account.user.as_deref(), Some("abc"));
    assert_eq!(account.company.unwrap().len(), 200);
    assert_eq!((verdict.suggestion, verdict.learned.len()), (None, 0));
}

#[test]
fn pasted_domains_are_put_right_or_refused() {
    let catalogue = Catalogue::built_in().unwrap();
    let domain =
        catalogue.get("pipedrive").unwrap().fields.iter().find(|field| field.id == "domain").unwrap();
    for (typed, want) in [
        ("acme", "acme"),
        ("  ACME ", "acme"),
        ("acme.pipedrive.com", "acme"),
        ("https://acme.pipedrive.com/", "acme"),
        ("https://Acme.Pipedrive.com/deal/5?x=1#y", "acme"),
        ("http://acme.pipedrive.com:443/pipeline", "acme"),
        ("acme.pipedrive.com.", "acme"),
        ("pipedrive-12g53f", "pipedrive-12g53f"),
        ("", ""),
    ] {
        assert_eq!(domain.normalise(typed).as_deref(), Ok(want), "{typed:?}");
    }
    let long = "a".repeat(64);
    for wrong in [
        "a b",
        "acme.example.com",
        "evil.com/acme",
        "-acme",
        "acme-",
        "app.pipedrive.com",
        "https://api.pipedrive.com/v1",
        "acmé",
        "a\0b",
        "a\r\nx",
        "acme@",
        "https://",
        "/",
        ".pipedrive.com",
        "ada@acme.pipedrive.com",
        "..",
        "acme.pipedrive.com.evil.com",
        &long,
    ] {
        assert!(domain.normalise(wrong).is_err(), "{wrong:?} → {:?}", domain.normalise(wrong));
    }
    // What names no host is told before it is asked.
    for (typed, is_fine) in [("xn--acme", false), ("xn--bcher-kva", true), ("", true)] {
        let inputs = [("api_key", KEY), ("domain", typed)];
        let inputs = inputs.map(|(id, value)| (id.to_owned(), Secret::new(value.to_owned())));
        let wrong = catalogue.get("pipedrive").unwrap().check(inputs.into()).err().unwrap_or_default();
        let fields: Vec<_> = wrong.iter().map(|error| error.field.as_str()).collect();
        assert_eq!(fields, if is_fine { vec![] } else { vec!["domain"] }, "{typed:?}");
    }
}

/// What calls cost, as the API's own description gives it: the usual ones, and those that are unlike their kind.
#[test]
fn calls_cost_what_the_api_says() {
    let catalogue = Catalogue::built_in().unwrap();
    let limits = catalogue.get("pipedrive").unwrap().limits.as_ref().unwrap();
    let calls = [
        ("GET", "/api/v2/deals", 10),
        ("GET", "/api/v2/deals/7", 1),
        ("GET", "/api/v2/deals/search", 20),
        ("GET", "/api/v2/deals/archived", 20),
        ("GET", "/api/v2/deals/7/products", 10),
        ("GET", "/api/v2/projects/archived", 10),
        ("GET", "/api/v2/boards/7", 10),
        ("GET", "/api/v2/projects/7/permittedUsers", 5),
        ("POST", "/api/v2/deals", 5),
        ("POST", "/api/v2/deals/7/products/bulk", 25),
        ("POST", "/api/v2/deals/7/convert/lead", 40),
        ("POST", "/api/v2/projects/7/archive", 3),
        ("PUT", "/api/v2/products/7/images", 20),
        ("DELETE", "/api/v2/deals/7", 3),
        ("DELETE", "/api/v2/deals/7/products", 15),
        ("GET", "/v1/deals", 20),
        ("GET", "/v1/deals/7", 2),
        ("GET", "/v1/deals/summary/archived", 80),
        ("GET", "/v1/users/find", 40),
        ("GET", "/v1/deals/timeline", 20),
        ("GET", "/v1/deals/7/participants", 10),
        ("GET", "/v1/leadSources", 2),
        ("GET", "/v1/mailbox/mailMessages/7", 2),
        ("PUT", "/v1/deals/7", 10),
        ("PUT", "/v1/persons/7/merge", 40),
        ("DELETE", "/v1/leads/7", 6),
        ("DELETE", "/v1/persons", 10),
    ];
    for (method, path, cost) in calls {
        let method = method.parse().unwrap();
        assert_eq!(limits.cost(&method, path), cost, "{method} {path}");
        if path.starts_with("/v1/") {
            assert_eq!(limits.cost(&method, &format!("/api{path}")), cost, "{method} /api{path}");
        }
    }
}

mod any_bytes {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn never_panic(status in 100u16..1000, body in prop::collection::vec(any::<u8>(), 0..400), typed in any::<String>()) {
            let catalogue = Catalogue::built_in().unwrap();
            let pipedrive = catalogue.get("pipedrive").unwrap();
            let reply = || Ok(Answer { status, headers: HeaderMap::new(), body: body.clone() });
            let (verdict, _) = verify(pipedrive, "acme", vec![reply(), reply()]);
            prop_assert!(verdict.reason != Reason::Ok);
            for field in &pipedrive.fields {
                let _ = field.normalise(&typed);
            }
        }
    }
}
