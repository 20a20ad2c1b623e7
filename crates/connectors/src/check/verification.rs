//! How a key is verified.

use super::{Findings, kind};
use crate::{
    FieldKind, Reason,
    definition::{Definition, VerifyDefinition},
    template,
};

pub(super) fn verification(it: &Definition, found: &mut Findings) {
    found.unless((1..=2).contains(&it.verify.ask.len()), "verify.ask", "there must be one or two questions");
    for (n, ask) in it.verify.ask.iter().enumerate() {
        let at = |key: &str| format!("verify.ask.{n}.{key}");
        for field in ask.needs.iter().map(String::as_str).chain(template::fields(&ask.url)) {
            let plain = matches!(kind(it, field), Some(FieldKind::Text | FieldKind::Url));
            found.unless(
                plain,
                at("url"),
                format!("“{field}” is no plain field; a secret never stands in a URL"),
            );
        }
        let covered = it.hosts.iter().any(|host| {
            let start = if host.ends_with('}') { host.clone() } else { format!("https://{host}") };
            ask.url.strip_prefix(&start).is_some_and(|rest| {
                rest.is_empty() || rest.starts_with(['/', '{']) && !rest.starts_with("{.")
            })
        });
        found.unless(covered, at("url"), "must begin with https:// and one of the hosts");
    }
    let ids: Vec<_> = it.verify.ask.iter().map(|ask| ask.id.as_str()).collect();
    for (n, rule) in it.verify.rules.iter().enumerate() {
        let at = format!("verify.rules.{n}");
        found.unless(rule.ask.is_some() != rule.reason.is_some(), &at, "must have either “ask” or “reason”");
        for ask in rule.ask.iter().chain(&rule.of) {
            found.unless(ids.contains(&ask.as_str()), &at, format!("there is no question “{ask}”"));
        }
        for (key, text) in [("contains", &rule.contains), ("content_type", &rule.content_type)] {
            let lower = text.as_ref().is_none_or(|text| *text == text.to_lowercase());
            found.unless(
                lower,
                format!("{at}.{key}"),
                "must be lower case: it is compared with that of the answer",
            );
        }
    }
    for (at, pointer) in pointers(&it.verify) {
        found.unless(
            pointer.starts_with('/'),
            at,
            "is no JSON pointer: it begins with /, such as /data/name",
        );
    }
    let can_be_ok = it.verify.rules.iter().any(|rule| rule.reason == Some(Reason::Ok));
    found.unless(can_be_ok, "verify.rules", "one rule must have the reason “ok”");
    if let Some(belongs) = &it.verify.belongs {
        found.unless(
            kind(it, &belongs.field) == Some(FieldKind::Text),
            "verify.belongs.field",
            "must be a field of kind “text”",
        );
    }
}

/// Every place of an answer's body that a definition names.
fn pointers(verify: &VerifyDefinition) -> Vec<(String, &String)> {
    let account = &verify.account;
    let named = [
        ("error_code", verify.error_code.as_ref()),
        ("account.user", account.user.as_ref()),
        ("account.email", account.email.as_ref()),
        ("account.company", account.company.as_ref()),
        ("account.company_id", account.company_id.as_ref()),
        ("account.domain", account.domain.as_ref()),
        ("account.admin.list", account.admin.as_ref().map(|admin| &admin.list)),
        ("belongs.equals", verify.belongs.as_ref().map(|belongs| &belongs.equals)),
    ];
    let named = named.into_iter().filter_map(|(at, it)| it.map(|it| (format!("verify.{at}"), it)));
    let rules = verify.rules.iter().enumerate();
    let in_rules = rules.filter_map(|(n, rule)| {
        rule.json.as_ref().map(|test| (format!("verify.rules.{n}.json.at"), &test.at))
    });
    named.chain(in_rules).collect()
}
