//! A policy as people and programs write it down.

use std::{collections::BTreeSet, net::IpAddr, str::FromStr};

use ipnet::{IpNet, Ipv4Net};
use keyhaven_connectors::{FieldError, PathPattern};

use super::Policy;
use crate::names::shown;

/// A policy as it was typed; every face fills one in. Empty texts and lists mean no limit, a blank entry in a list
/// is a mistake: a limit that was meant, such as one from an unset variable.
#[derive(Clone, Debug, Default)]
pub struct PolicyInput {
    /// Ids or slugs of connections; `None`: all.
    pub connections: Option<Vec<String>>,
    /// See [`Policy::read_only`].
    pub read_only: bool,
    /// Methods in any case.
    pub methods: Vec<String>,
    /// Path patterns.
    pub paths: Vec<String>,
    /// A number.
    pub per_minute: String,
    /// A number.
    pub per_day: String,
    /// A number, `%` allowed.
    pub budget_share: String,
    /// Networks such as `10.0.0.0/8`, or single addresses.
    pub networks: Vec<String>,
}

/// Longer lists are a mistake.
const MOST: usize = 200;
const METHODS: [&str; 7] = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"];

impl PolicyInput {
    /// The policy, or every field that is wrong. Whether the connections exist is for the caller to find out.
    pub(crate) fn check(self) -> Result<Policy, Vec<FieldError>> {
        let mut wrong = Wrong(Vec::new());
        let policy = Policy {
            connections: wrong.connections(self.connections),
            read_only: self.read_only,
            methods: wrong.list("methods", &self.methods, method),
            paths: wrong.list("paths", &self.paths, pattern),
            per_minute: wrong.number("per_minute", &self.per_minute, 1, u32::MAX),
            per_day: wrong.number("per_day", &self.per_day, 1, u32::MAX),
            budget_share: wrong.number(
                "budget_share",
                self.budget_share.trim().trim_end_matches('%'),
                1,
                100,
            ),
            networks: wrong.list("networks", &self.networks, network),
        };
        if wrong.0.is_empty() { Ok(policy) } else { Err(wrong.0) }
    }
}

/// The fields that are wrong so far, each named once.
struct Wrong(Vec<FieldError>);

impl Wrong {
    fn add(&mut self, field: &str, message: impl Into<String>) {
        if !self.0.iter().any(|it| it.field == field) {
            self.0.push(FieldError { field: field.into(), message: message.into() });
        }
    }

    fn connections(&mut self, given: Option<Vec<String>>) -> Option<Vec<String>> {
        let ids: Vec<_> = distinct(&given?);
        if ids.is_empty() {
            self.add("connections", "Choose at least one connection, or allow all.");
        }
        if ids.len() > MOST {
            self.add("connections", "Choose 200 connections at most, or allow all.");
        }
        Some(ids)
    }

    fn list<T>(&mut self, field: &str, given: &[String], read: fn(&str) -> Result<T, String>) -> Vec<T> {
        if given.iter().any(|text| text.trim().is_empty()) {
            self.add(field, "An entry is empty. Leave the limit out where there shall be none.");
            return Vec::new();
        }
        let texts = distinct(given);
        if texts.len() > MOST {
            self.add(field, "These are too many: 200 at most.");
            return Vec::new();
        }
        let mut values = Vec::new();
        for text in texts {
            match read(&text) {
                Ok(value) => values.push(value),
                Err(message) => self.add(field, message),
            }
        }
        values
    }

    fn number<N: FromStr + PartialOrd + std::fmt::Display>(
        &mut self,
        field: &str,
        text: &str,
        least: N,
        most: N,
    ) -> Option<N> {
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        let number = text.parse().ok().filter(|number| *number >= least && *number <= most);
        if number.is_none() {
            self.add(field, format!("Give a whole number from {least} to {most}, or nothing for no limit."));
        }
        number
    }
}

/// Trimmed, each once, without empty ones, in the order given.
fn distinct(texts: &[String]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let texts = texts.iter().map(|text| text.trim()).filter(|text| !text.is_empty());
    texts.filter(|text| seen.insert(*text)).map(str::to_owned).collect()
}

fn method(text: &str) -> Result<String, String> {
    let method = text.to_ascii_uppercase();
    let known = METHODS.contains(&method.as_str());
    known.then_some(method).ok_or_else(|| format!("“{}” is none of {}.", shown(text), METHODS.join(", ")))
}

fn pattern(text: &str) -> Result<PathPattern, String> {
    PathPattern::parse(text).map_err(|why| format!("“{}” cannot be used: {why}.", shown(text)))
}

/// An address stands for itself alone. IPv4 inside IPv6 is kept as the IPv4 that clients are judged by.
fn network(text: &str) -> Result<IpNet, String> {
    let wrong = || format!("“{}” is no network such as 10.0.0.0/8 or 2001:db8::/32.", shown(text));
    let net = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)).map_err(|_| wrong())?;
    match (net.trunc(), net.addr().to_canonical()) {
        (IpNet::V6(net), IpAddr::V4(inner)) => {
            let length = net.prefix_len().checked_sub(96).ok_or_else(wrong)?;
            Ok(Ipv4Net::new(inner, length).map_err(|_| wrong())?.trunc().into())
        }
        (net, _) => Ok(net),
    }
}
