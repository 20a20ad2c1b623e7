//! The form of a new access token.

use askama::Template;
use keyhaven_core::{
    Ctx, Error, FieldError,
    connections::{self, ListQuery},
    policy::PolicyInput,
    tokens::NewToken,
};

use super::{super::form::Problem, Chrome, chrome};
use crate::server::AppState;

/// How many connections the form offers.
const OFFERED: u32 = 200;

/// What was typed, to be shown again.
#[derive(Clone, Default)]
pub(super) struct Filled {
    /// That of the token to be made: a form that is sent again makes no other.
    pub id: String,
    pub name: String,
    /// Only the connections that are ticked.
    pub some: bool,
    pub ticked: Vec<String>,
    pub read_only: bool,
    pub expires_at: String,
    pub methods: String,
    pub paths: String,
    pub per_minute: String,
    pub per_day: String,
    pub budget_share: String,
    pub networks: String,
}

impl Filled {
    pub(super) fn new(sent: Vec<(String, String)>) -> Self {
        let mut it = Self::default();
        for (name, value) in sent {
            match name.as_str() {
                "id" => it.id = value,
                "name" => it.name = value,
                "which" => it.some = value == "some",
                "connection" => it.ticked.push(value),
                "read_only" => it.read_only = true,
                "expires_at" => it.expires_at = value,
                "methods" => it.methods = value,
                "paths" => it.paths = value,
                "per_minute" => it.per_minute = value,
                "per_day" => it.per_day = value,
                "budget_share" => it.budget_share = value,
                "networks" => it.networks = value,
                _ => {}
            }
        }
        it
    }

    pub(super) fn wanted(&self) -> NewToken {
        let filled = |texts: &mut dyn Iterator<Item = &str>| {
            texts.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned).collect()
        };
        let words = |text: &str| filled(&mut text.split([' ', ',', '\n', '\r', '\t']));
        NewToken {
            id: Some(self.id.clone()),
            name: self.name.clone(),
            policy: PolicyInput {
                connections: self.some.then(|| self.ticked.clone()),
                read_only: self.read_only,
                methods: words(&self.methods),
                paths: filled(&mut self.paths.lines()),
                per_minute: self.per_minute.clone(),
                per_day: self.per_day.clone(),
                budget_share: self.budget_share.clone(),
                networks: words(&self.networks),
            },
            expires_at: self.expires_at.clone(),
        }
    }

    fn is_ticked(&self, id: &str) -> bool {
        self.ticked.iter().any(|it| it == id)
    }

    fn is_advanced(&self) -> bool {
        let all =
            [&self.methods, &self.paths, &self.per_minute, &self.per_day, &self.budget_share, &self.networks];
        all.iter().any(|text| !text.trim().is_empty())
    }
}

/// A connection to tick.
struct Choice {
    id: String,
    name: String,
    account: String,
    ticked: bool,
}

/// One box: its id, label, what was typed, and what it is for.
struct Entry {
    id: &'static str,
    label: &'static str,
    value: String,
    help: &'static str,
    error: Option<String>,
    /// One line for each entry.
    tall: bool,
}

#[derive(Template)]
#[template(path = "token_form.html")]
pub(super) struct FormPage {
    chrome: Chrome,
    filled: Filled,
    problems: Vec<Problem>,
    choices: Vec<Choice>,
    /// There are more than the form offers.
    more: bool,
    connections_error: Option<String>,
    name: Entry,
    expires_at: Entry,
    advanced: Vec<Entry>,
    open: bool,
}

impl FormPage {
    pub(super) async fn new(
        state: &AppState,
        ctx: &Ctx,
        filled: Filled,
        errors: Vec<FieldError>,
    ) -> Result<Self, Error> {
        let page =
            connections::list(&state.app, ctx, &ListQuery { limit: OFFERED, ..ListQuery::default() }).await?;
        let choice = |it: keyhaven_core::Connection| Choice {
            ticked: filled.is_ticked(&it.id),
            account: it.account.map(|account| account.line()).unwrap_or_default(),
            id: it.id,
            name: it.name,
        };
        let error = |id: &str| errors.iter().find(|it| it.field == id).map(|it| it.message.clone());
        let entry = |id, label, value: &str, help| Entry {
            id,
            label,
            value: value.to_owned(),
            help,
            error: error(id),
            tall: matches!(id, "paths" | "networks"),
        };
        let advanced = vec![
            entry(
                "methods",
                "Methods",
                &filled.methods,
                "Such as GET, POST; with GET also HEAD. Empty: all.",
            ),
            entry(
                "paths",
                "Paths",
                &filled.paths,
                "One in each line, such as /api/v2/deals/*: * is one segment, ** at the end is the rest. Empty: all.",
            ),
            entry(
                "per_minute",
                "Calls a minute",
                &filled.per_minute,
                "At most so many. Empty: no limit of its own.",
            ),
            entry("per_day", "Calls a day", &filled.per_day, "At most so many. Empty: no limit of its own."),
            entry(
                "budget_share",
                "Share of the daily budget",
                &filled.budget_share,
                "Percent of the calls that the app allows a day, 1 to 100. Empty: all.",
            ),
            entry(
                "networks",
                "Client networks",
                &filled.networks,
                "One in each line, such as 10.0.0.0/8 or 203.0.113.7. This one holds for all requests. Empty: from anywhere.",
            ),
        ];
        Ok(Self {
            chrome: chrome(state),
            problems: errors
                .iter()
                .map(|it| Problem { field: it.field.clone(), text: it.message.clone(), link: None })
                .collect(),
            choices: page.items.into_iter().map(choice).collect(),
            more: page.next.is_some(),
            connections_error: error("connections"),
            name: entry("name", "Name", &filled.name, "What it is for, such as nightly sync."),
            expires_at: entry(
                "expires_at",
                "Expires",
                &filled.expires_at,
                "After a span such as 30d or 12h, or with a day such as 2030-12-31. Empty: never.",
            ),
            open: filled.is_advanced(),
            advanced,
            filled,
        })
    }
}
