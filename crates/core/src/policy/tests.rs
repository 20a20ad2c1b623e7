use super::*;

fn input(change: impl FnOnce(&mut PolicyInput)) -> Result<Policy, Vec<keyhaven_connectors::FieldError>> {
    let mut input = PolicyInput::default();
    change(&mut input);
    input.check()
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.into()).collect()
}

#[test]
fn nothing_typed_is_no_limit() {
    let policy = input(|_| {}).unwrap();
    assert!(policy.is_unlimited());
    assert_eq!(serde_json::to_string(&policy).unwrap(), "{}");
    assert_eq!(serde_json::from_str::<Policy>("{}").unwrap(), policy);
    assert!(policy.allows_connection("cn_1"));
    assert_eq!(policy.permits(&Method::DELETE, "/../x%00"), Ok(()));
    assert_eq!(policy.permits_client([1, 2, 3, 4].into()), Ok(()));
}

#[test]
fn every_limit_comes_back_as_it_was_saved() {
    let policy = input(|it| {
        it.connections = Some(texts(&["cn_1", "cn_2", "cn_1"]));
        it.read_only = true;
        it.methods = texts(&["get", "HEAD"]);
        it.paths = texts(&["/api/v2/deals/*", "/**"]);
        (it.per_minute, it.per_day, it.budget_share) = ("60".into(), " 5000 ".into(), "25%".into());
        it.networks = texts(&["10.1.2.3/8", "2001:db8::1", "::ffff:192.168.0.0/112", "127.0.0.1"]);
    })
    .unwrap();
    let text = serde_json::to_string(&policy).unwrap();
    assert_eq!(
        text,
        r#"{"connections":["cn_1","cn_2"],"read_only":true,"methods":["GET","HEAD"],"paths":["/api/v2/deals/*","/**"],"per_minute":60,"per_day":5000,"budget_share":25,"networks":["10.0.0.0/8","2001:db8::1/128","192.168.0.0/16","127.0.0.1/32"]}"#
    );
    assert_eq!(serde_json::from_str::<Policy>(&text).unwrap(), policy);
    assert!(!policy.is_unlimited() && policy.allows_connection("cn_2") && !policy.allows_connection("cn_20"));
    // A limit of a newer version is not overlooked.
    assert!(serde_json::from_str::<Policy>(r#"{"only_on_sundays":true}"#).is_err());
}

#[test]
fn each_wrong_field_is_named_once() {
    let wrong = input(|it| {
        it.connections = Some(Vec::new());
        it.methods = texts(&["FETCH", "TRACE", "GET\n"]);
        it.paths = texts(&["api"]);
        (it.per_minute, it.per_day, it.budget_share) = ("0".into(), "-1".into(), "101".into());
        it.networks = texts(&["10.0.0.0/33"]);
    });
    let fields: Vec<_> = wrong.unwrap_err().into_iter().map(|it| it.field).collect();
    assert_eq!(
        fields,
        ["connections", "methods", "paths", "per_minute", "per_day", "budget_share", "networks"]
    );
    for network in
        ["10.0.0.0/-1", "10.0.0/8", "example.com", "0x7f.1", "::1/129", "::ffff:10.0.0.0/95", "1.2.3.4/8/8"]
    {
        assert!(input(|it| it.networks = texts(&[network])).is_err(), "{network}");
    }
    for pattern in
        ["", "/a?b", "/a#b", "/a b", "/a/**/b", "/a*", "/../a", "/./", "/%2e", "/a\\b", "/a\u{7}", "/***"]
    {
        assert!(input(|it| it.paths = texts(&["/ok", pattern])).is_err(), "{pattern:?}");
    }
    for pattern in
        ["/", "/*", "/**", "/api/*/deals", "/api/v2/deals/", "/größe/@me:x,y;z=1", "/v1.0/.well-known"]
    {
        assert!(input(|it| it.paths = texts(&[pattern])).is_ok(), "{pattern}");
    }
    let many: Vec<_> = (0..201).map(|n| format!("/{n}")).collect();
    assert!(input(|it| it.paths = many).is_err());
    // What came out empty was meant to limit something.
    assert!(input(|it| it.methods = texts(&[" "])).is_err());
    assert!(input(|it| it.networks = texts(&[""])).is_err());
}

#[test]
fn methods_are_told_apart() {
    let read_only = Policy { read_only: true, ..Policy::default() };
    let some = Policy { methods: texts(&["GET", "PATCH"]), ..Policy::default() };
    let both = Policy { read_only: true, ..some.clone() };
    for (method, by_read_only, by_some, by_both) in [
        ("GET", true, true, true),
        ("HEAD", true, true, true),
        ("OPTIONS", true, false, false),
        ("POST", false, false, false),
        ("PATCH", false, true, false),
        ("PUT", false, false, false),
        ("DELETE", false, false, false),
        ("get", false, false, false),
        ("PROPFIND", false, false, false),
        ("CONNECT", false, false, false),
    ] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        assert_eq!(read_only.permits(&method, "/").is_ok(), by_read_only, "{method}");
        assert_eq!(some.permits(&method, "/").is_ok(), by_some, "{method}");
        assert_eq!(both.permits(&method, "/").is_ok(), by_both, "{method}");
    }
    // GET stands for HEAD, and not the other way round.
    let head = Policy { methods: texts(&["HEAD"]), ..Policy::default() };
    assert!(head.permits(&Method::HEAD, "/").is_ok() && head.permits(&Method::GET, "/").is_err());
    assert_eq!(both.permits(&Method::PATCH, "/"), Err(Denied::ReadOnly));
    assert_eq!(some.permits(&Method::PUT, "/"), Err(Denied::Method("PUT".into())));
}

#[test]
fn paths_match_as_the_app_will_read_them() {
    for (pattern, yes, no) in [
        ("/", vec!["/"], vec!["", "/a", "//", "*"]),
        (
            "/api/v2/deals",
            vec!["/api/v2/deals", "/api/v2/d%65als"],
            vec![
                "/api/v2/deals/",
                "/api/v2/deals/1",
                "/api/v2/Deals",
                "api/v2/deals",
                "//api/v2/deals",
                "/api//v2/deals",
                "/api/v2/deals?x",
                "/api/v2/deals;x=1",
                "/api/v2%2fdeals",
                "/api/v2%2Fdeals",
                "/api/v2/x/../deals",
            ],
        ),
        (
            "/api/v2/deals/*",
            vec!["/api/v2/deals/1", "/api/v2/deals/a%20b", "/api/v2/deals/%C3%A9", "/api/v2/deals/..."],
            vec![
                "/api/v2/deals",
                "/api/v2/deals/",
                "/api/v2/deals/1/products",
                "/api/v2/deals/..",
                "/api/v2/deals/.",
                "/api/v2/deals/%2e%2e",
                "/api/v2/deals/%2E.",
                "/api/v2/deals/..;x",
                "/api/v2/deals/..%3bx",
                "/api/v2/deals/%252e%252e",
                "/api/v2/deals/1%2f2",
                "/api/v2/deals/1%252f2",
                "/api/v2/deals/1%5c2",
                "/api/v2/deals/1\\2",
                "/api/v2/deals/%00",
                "/api/v2/deals/%0a",
                "/api/v2/deals/%ff",
                "/api/v2/deals/%c0%af",
                "/api/v2/deals/%",
                "/api/v2/deals/%2",
                "/api/v2/deals/%zz",
                "/api/v2/deals/%+1",
            ],
        ),
        (
            "/api/*/deals",
            vec!["/api/v1/deals", "/api/v2/deals"],
            vec!["/api/deals", "/api//deals", "/api/v1/v2/deals"],
        ),
        (
            "/api/v2/**",
            vec!["/api/v2", "/api/v2/", "/api/v2/deals", "/api/v2/deals/1/products"],
            vec![
                "/api/v1/deals",
                "/api/v2x/deals",
                "/api/v2/../v1/deals",
                "/api/v2/%2e%2e/v1/deals",
                "/api/v2/..%2fv1/deals",
                "/api/v2/..;/v1/deals",
                "/api/v2/deals%2f..%2f..%2fv1",
            ],
        ),
        ("/**", vec!["/", "/a", "/a/b/c"], vec!["/a/..", "/%2e%2e/a"]),
        ("/größe", vec!["/gr%C3%B6%C3%9Fe"], vec!["/größe", "/gr%F6%DFe"]),
    ] {
        let policy = input(|it| it.paths = texts(&["/never", pattern])).unwrap();
        for path in yes {
            assert_eq!(policy.permits(&Method::GET, path), Ok(()), "{pattern} {path}");
        }
        for path in no {
            assert_eq!(policy.permits(&Method::GET, path), Err(Denied::Path), "{pattern} {path}");
        }
    }
}

#[test]
fn clients_are_judged_by_the_address_they_have() {
    let policy = input(|it| it.networks = texts(&["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"])).unwrap();
    for (client, inside) in [
        ("10.0.0.0", true),
        ("10.255.255.255", true),
        ("11.0.0.0", false),
        ("9.255.255.255", false),
        ("192.0.2.7", true),
        ("192.0.2.8", false),
        ("::ffff:10.1.2.3", true),
        ("::ffff:11.1.2.3", false),
        // Not a mapped address, though it looks like one.
        ("::10.1.2.3", false),
        ("2001:db8::1", true),
        ("2001:db9::1", false),
        ("::1", false),
        ("127.0.0.1", false),
    ] {
        assert_eq!(policy.permits_client(client.parse().unwrap()).is_ok(), inside, "{client}");
    }
}
