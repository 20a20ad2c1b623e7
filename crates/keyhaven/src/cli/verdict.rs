//! How one connection stands, in words.

use std::process::ExitCode;

use super::{
    fields::as_argument,
    printer::{Printer, mark, plain},
};
use crate::api::wire::{Check, Connection};

/// The exit code for a verdict that is !.
const ATTENTION: u8 = 3;

/// 0 for ✓, 3 for !.
pub(super) fn code(it: &Connection) -> ExitCode {
    if it.status == "valid" { ExitCode::SUCCESS } else { ExitCode::from(ATTENTION) }
}

/// What a verification found, whose key it is, and what to do.
pub(super) fn print(printer: &Printer, it: &Connection, support: Option<&str>) {
    printer.result(it, |printer| {
        head(printer, it);
        let mut facts = vec![("connection", it.slug.clone()), ("account", account(it))];
        facts.extend(to_do(it, support));
        printer.facts(told(facts));
    });
}

/// Everything that is known of a connection.
pub(super) fn show(printer: &Printer, it: &Connection, support: Option<&str>) {
    printer.result(it, |printer| {
        head(printer, it);
        let mut facts = vec![
            ("connection", it.slug.clone()),
            ("id", it.id.clone()),
            ("app", it.app.clone()),
            ("account", account(it)),
        ];
        facts.extend(it.fields.iter().map(|(id, value)| (id.as_str(), value.clone())));
        facts.extend([
            ("failing since", minute(it.failing_since.as_ref())),
            (if it.status == "valid" { "verified" } else { "checked" }, minute(it.verified_at.as_ref())),
            ("next check", minute(it.next_check_at.as_ref())),
            ("created", minute(Some(&it.created_at))),
            ("deleted", minute(it.deleted_at.as_ref())),
            ("destroyed", minute(it.purge_at.as_ref())),
        ]);
        facts.extend(to_do(it, support));
        printer.facts(told(facts));
    });
}

fn head(printer: &Printer, it: &Connection) {
    printer.line(format!("{} {}: {}", mark(&it.status), plain(&it.name), plain(&it.outcome.title)));
    printer.facts(vec![(it.outcome.message.clone(), String::new())]);
}

fn account(it: &Connection) -> String {
    let Some(account) = &it.account else { return String::new() };
    let role = if account.admin == Some(true) { ", administrator" } else { "" };
    format!("{}{role}", account.line())
}

fn to_do(it: &Connection, support: Option<&str>) -> Vec<(&'static str, String)> {
    if it.deleted_at.is_some() {
        return vec![("command", command(it))];
    }
    let mut facts = Vec::new();
    if let Some(latest) = it.last_check.as_ref().filter(|latest| latest.checked_at != it.outcome.checked_at) {
        facts.push(("re-check", format!("could not be made: {}", latest.message)));
    }
    if it.status != "valid" {
        facts.push(("to do", it.outcome.remedy.clone()));
        facts.push(("try again", minute(it.outcome.retry_at.as_ref())));
        facts.push(("command", command(it)));
        facts.push(("support", support.unwrap_or_default().to_owned()));
    }
    facts
}

/// The command that comes next.
fn command(it: &Connection) -> String {
    let Check { suggestion, .. } = &it.outcome;
    let better = suggestion.as_ref().and_then(|better| as_argument(&better.field, &better.value));
    match (it.status.as_str(), better) {
        _ if it.deleted_at.is_some() => format!("keyhaven connections restore {}", it.slug),
        (_, Some(argument)) => format!("keyhaven connections edit {} {argument}", it.slug),
        ("invalid", None) => format!("keyhaven connections edit {}", it.slug),
        _ => format!("keyhaven connections verify {}", it.slug),
    }
}

fn told(facts: Vec<(&str, String)>) -> Vec<(String, String)> {
    facts
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// `2026-11-24T16:18:08.315Z` → `2026-11-24 16:18 UTC`.
pub(super) fn minute(text: Option<&String>) -> String {
    let minute = text.and_then(|text| text.get(..16)).map(|text| text.replace('T', " "));
    minute.map(|minute| format!("{minute} UTC")).unwrap_or_default()
}
