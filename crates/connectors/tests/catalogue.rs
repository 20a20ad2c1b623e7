//! The catalogue as a table: what ships is in order, and what is hostile is refused with file, line and field.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what a test does not expect, fails it"
)]

use std::collections::BTreeMap;

use keyhaven_connectors::{
    Catalogue, ConnectorFiles, FieldKind, Inputs, Next, Reason, Verdict, Verification,
};
use keyhaven_vault::Secret;

#[test]
fn every_connector_has_all_that_a_form_needs() {
    let catalogue = Catalogue::built_in().unwrap();
    let ids: Vec<_> = catalogue.iter().map(|connector| connector.id.as_str()).collect();
    assert_eq!(ids, ["pipedrive", "http-header", "http-bearer", "http-basic"]);
    for connector in catalogue.iter() {
        assert!(catalogue.asset(&connector.id, &connector.icon).is_some());
        for field in &connector.fields {
            let example = field.normalise(&field.example);
            assert!(example.is_ok(), "{}: the example of {} is refused: {example:?}", connector.id, field.id);
        }
        for reason in Reason::ALL {
            let words = connector.words(&Verdict::new(reason), &BTreeMap::new());
            assert!(!words.title.is_empty() && !words.message.is_empty());
            assert!(!format!("{words:?}").contains("{}"));
        }
    }
    let pipedrive = catalogue.get("pipedrive").unwrap();
    let form: Vec<_> = pipedrive.fields.iter().map(|field| (field.label.as_str(), field.kind)).collect();
    assert_eq!(form, [("API Key Value", FieldKind::Secret), ("Pipedrive Domain", FieldKind::Text)]);
    assert_eq!(pipedrive.guide.steps.len(), 3);
    assert!(pipedrive.guide.steps.iter().all(|step| step.picture.is_some()));
}

#[test]
fn generic_connectors_put_their_credential_into_a_header() {
    let table = [
        ("http-header", vec![("header_name", "X-My-Key"), ("api_key", "k1")], "x-my-key", "k1"),
        ("http-bearer", vec![("token", "t1")], "authorization", "Bearer t1"),
        (
            "http-basic",
            vec![("username", "ada"), ("password", "p:1 ")],
            "authorization",
            "Basic YWRhOnA6MSA=",
        ),
    ];
    let catalogue = Catalogue::built_in().unwrap();
    for (id, fields, header, value) in table {
        let connector = catalogue.get(id).unwrap();
        let mut inputs: Inputs = fields
            .into_iter()
            .map(|(field, value)| (field.to_owned(), Secret::new(value.to_owned())))
            .collect();
        inputs.insert("base_url".into(), Secret::new("api.example.com:8443/v2/?x".into()));
        inputs.insert("test_path".into(), Secret::new("/me".into()));
        let values = connector.check(inputs).ok().unwrap();
        let Next::Send(request) = Verification::new(connector, &values).next() else {
            panic!("{id} asks nothing")
        };
        assert_eq!(request.url.as_str(), "https://api.example.com:8443/v2/me");
        assert_eq!(request.headers[header], value, "{id}");
        assert_eq!(connector.hosts(&values.plain)[0].port, 8443);
    }
}

/// A program's token stands where the app takes its own key, if that can be told; else where all understand it.
#[test]
fn a_token_stands_where_the_key_would() {
    let catalogue = Catalogue::built_in().unwrap();
    let plain = BTreeMap::from([("header_name".to_owned(), "X-My-Key".to_owned())]);
    for (id, name, before) in [
        ("pipedrive", "x-api-token", ""),
        ("http-header", "x-my-key", ""),
        ("http-bearer", "authorization", "Bearer "),
        ("http-basic", "authorization", "Bearer "),
    ] {
        let header = catalogue.get(id).unwrap().token_header(&plain);
        assert_eq!((header.name.as_str(), header.before.as_str()), (name, before), "{id}");
    }
    assert_eq!(catalogue.get("pipedrive").unwrap().in_use.example_path, "/api/v2/deals?limit=5");
    assert_eq!(catalogue.get("http-basic").unwrap().in_use.example_path, "/");
}

#[test]
fn what_cannot_be_used_is_refused_with_the_field_named() {
    let catalogue = Catalogue::built_in().unwrap();
    let connector = catalogue.get("http-header").unwrap();
    let good = [
        ("base_url", "https://api.example.com"),
        ("header_name", "x-key"),
        ("api_key", "k"),
        ("test_path", "/"),
    ];
    for (field, wrong) in [
        ("base_url", "http://api.example.com"),
        ("base_url", "https://user:pw@api.example.com"),
        ("base_url", "ftp://x"),
        ("base_url", "https://"),
        ("base_url", "https://*.hostile.test/"),
        ("base_url", "https://a..b.com/"),
        ("base_url", "https://-a.com/"),
        ("base_url", "https://a-.com:8443/"),
        ("base_url", "https://.com"),
        ("base_url", "https://a.com../"),
        ("header_name", "Host"),
        ("header_name", "x-key\r\nevil: 1"),
        ("header_name", "X-Keyhaven-Token"),
        ("header_name", "X-Forwarded-For"),
        ("header_name", "Proxy-Authorization"),
        ("header_name", "x-http-method-override"),
        ("header_name", "Sec-WebSocket-Key"),
        ("header_name", "WWW-Authenticate"),
        ("api_key", "k\r\nevil: 1"),
        ("api_key", "kä"),
        ("api_key", ""),
        ("test_path", "@evil.com"),
        ("test_path", "/a b"),
        ("unheard_of", "x"),
    ] {
        let mut inputs: Inputs =
            good.iter().map(|(id, value)| ((*id).to_owned(), Secret::new((*value).to_owned()))).collect();
        inputs.insert(field.into(), Secret::new(wrong.into()));
        let errors = connector.check(inputs).err().unwrap_or_else(|| panic!("{field} = {wrong:?} passed"));
        assert_eq!(errors.iter().map(|error| error.field.as_str()).collect::<Vec<_>>(), [field], "{wrong:?}");
    }
    let base_url = connector.fields.iter().find(|field| field.id == "base_url").unwrap();
    for fine in [
        "https://crm",
        "https://a_b.example.com",
        "https://example.com./v1",
        "https://192.0.2.1:8443",
        "https://[::1]",
    ] {
        assert_eq!(base_url.normalise(fine).as_deref(), Ok(fine));
    }
}

const GOOD: &str = r#"id = "mine"
name = "Mine"
summary = "A made-up app"
category = "Test"
icon = "icon.svg"
hosts = ["{domain}.mine.example"]

[name_field]
help = "A name"
example = "Mine"

[[fields]]
id = "key"
label = "Key"
kind = "secret"
help = "The key"
example = "k"

[[fields]]
id = "domain"
label = "Domain"
kind = "text"
help = "The domain"
example = "acme"
pattern = "[a-z]+"
step = 1

[auth.header]
name = "x-key"
value = "{key}"

[use]
example_path = "/v1/items?limit=5"

[verify]
[[verify.ask]]
id = "me"
url = "https://{domain}.mine.example/me"
[[verify.rules]]
status = [200]
reason = "ok"
"#;

const ICON: &str =
    r##"<svg xmlns="http://www.w3.org/2000/svg"><rect fill="#fff" width="4" height="4"/></svg>"##;

fn add(toml: &str, icon: &str, folder: &str) -> Result<(), String> {
    add_with(toml, "Hello\n\n## One\n\nDo it.", icon, folder)
}

fn add_with(toml: &str, guide: &str, icon: &str, folder: &str) -> Result<(), String> {
    let files = [("connector.toml", toml), ("guide.md", guide), ("icon.svg", icon)];
    let files = files.into_iter().map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec())).collect();
    let added = Catalogue::built_in().unwrap().add(ConnectorFiles { folder: folder.into(), files });
    added.map_err(|errors| errors.iter().map(|error| format!("{error}\n")).collect())
}

#[test]
fn hostile_connectors_are_refused_with_file_line_and_field() {
    assert_eq!(add(GOOD, ICON, "mine"), Ok(()));
    for (from, to, says) in [
        ("id = \"mine\"", "id = \"../x\"", "connector.toml:1: id"),
        ("summary = \"A made-up app\"", "sumary = \"x\"", "connector.toml:3: sumary: unknown field"),
        ("summary = \"A made-up app\"", "summary = \"A \u{202e}ppa\"", "connector.toml:3: summary"),
        ("category = \"Test\"", "category = \"Test\nx\"", "connector.toml:5"),
        ("[\"{domain}.mine.example\"]", "[\"*\"]", "connector.toml:6: hosts.0"),
        ("[\"{domain}.mine.example\"]", "[\"127.0.0.1\"]", "connector.toml:6: hosts.0"),
        ("[\"{domain}.mine.example\"]", "[\"{domain}.com\"]", "connector.toml:6: hosts.0"),
        ("[\"{domain}.mine.example\"]", "[\"{domain}\"]", "connector.toml:6: hosts.0"),
        ("[\"{domain}.mine.example\"]", "[\"{key}.mine.example\"]", "connector.toml:6: hosts.0"),
        ("[\"{domain}.mine.example\"]", "[\"localhost\"]", "connector.toml:6: hosts.0"),
        ("pattern = \"[a-z]+\"", "pattern = \"[a-z\"", "fields.1.pattern"),
        ("step = 1", "step = 9", "fields.1.step"),
        ("id = \"domain\"", "id = \"key\"", "fields.1.id"),
        ("kind = \"secret\"", "kind = \"text\"", "one field must be a secret"),
        ("name = \"x-key\"", "name = \"Host\"", "auth.header.name"),
        ("name = \"x-key\"", "name = \"x key\"", "auth.header.name"),
        ("value = \"{key}\"", "value = \"fixed\"", "auth.header.value"),
        ("\"/v1/items?limit=5\"", "\"//evil.example\"", "use.example_path"),
        ("\"/v1/items?limit=5\"", "\"/'; rm -r x\"", "use.example_path"),
        ("\"/v1/items?limit=5\"", "\"v1\"", "use.example_path"),
        ("https://{domain}.mine.example/me", "http://{domain}.mine.example/me", "verify.ask.0.url"),
        ("https://{domain}.mine.example/me", "https://evil.example/me", "verify.ask.0.url"),
        (
            "https://{domain}.mine.example/me",
            "https://{domain}.mine.example.evil.example/me",
            "verify.ask.0.url",
        ),
        ("https://{domain}.mine.example/me", "https://{domain}.mine.example/{key}", "verify.ask.0.url"),
        ("name = \"x-key\"", "name = \"User-Agent\"", "auth.header.name"),
        ("value = \"{key}\"", "value = \"{key}\\r\\nHost: x\"", "auth.header.value"),
        ("reason = \"ok\"", "reason = \"fine\"", "verify.rules.0.reason: unknown variant"),
        ("status = [200]", "status = [200, 99999]", "verify.rules.0.status.1: invalid value"),
        ("status = [200]", "contains = \"ACME\"", "verify.rules.0.contains"),
        ("status = [200]", "json = { at = \"user\" }", "verify.rules.0.json.at"),
        ("[verify]", "[verify]\naccount.user = \"name\"", "verify.account.user"),
        ("label = \"Key\"\n", "", "fields.0: missing field `label`"),
        ("reason = \"ok\"", "reason = \"blocked\"", "verify.rules"),
    ] {
        let toml = GOOD.replacen(from, to, 1);
        assert_ne!(toml, GOOD, "{from}");
        let error = add(&toml, ICON, "mine").expect_err(to);
        assert!(error.contains(says), "{to}: {error}");
    }
    let taken = add(&GOOD.replacen("\"mine\"", "\"pipedrive\"", 1), ICON, "pipedrive").unwrap_err();
    assert!(
        taken.contains("pipedrive/connector.toml:1: id: there is a connector with this id already"),
        "{taken}"
    );
    assert_eq!(add_with(GOOD, "1 < 2\n\n## One\n\n[a](https://x.example)", ICON, "mine"), Ok(()));
    for bad in
        ["<script>x</script>", "a <b>b</b>", "[a](javascript:x)", "[a](http://x.example)", "a ![b](c.svg)"]
    {
        let error = add_with(GOOD, &format!("## One\n\n{bad}"), ICON, "mine").expect_err(bad);
        assert!(error.contains("mine/guide.md: "), "{bad}: {error}");
    }
    for bad in [
        "<svg><script>alert(1)</script></svg>",
        "<svg onload=\"x()\"></svg>",
        "<svg><a href=\"https://evil.example\"></a></svg>",
        "<svg><rect fill=\"url(https://evil.example/x)\"/></svg>",
        "<svg><foreignObject/></svg>",
        "<!DOCTYPE svg><svg/>",
        "hello",
    ] {
        let error = add(GOOD, bad, "mine").expect_err(bad);
        assert!(error.contains("icon.svg"), "{bad}: {error}");
    }
}
