//! `keyhaven connections list`.

use clap::Args;
use keyhaven_core::connections::{Attention, ListQuery};
use serde_json::json;

use super::{
    TargetArgs,
    failure::Failure,
    printer::{Printer, cell, status_cell},
};
use crate::api::wire::Connection;

/// Which connections to list.
#[derive(Args)]
pub(super) struct ListArgs {
    /// Only valid, invalid, unverified, or attention (both kinds of !)
    #[arg(long, value_parser = ["valid", "invalid", "unverified", "attention"])]
    status: Option<String>,
    /// Only this app
    #[arg(long, value_name = "APP")]
    app: Option<String>,
    /// Look for words in name, account and plain fields
    #[arg(long, value_name = "WORDS")]
    search: Option<String>,
    /// Those that were deleted and can be restored
    #[arg(long)]
    deleted: bool,
    /// At most so many
    #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// All of them
    #[arg(long, conflicts_with = "limit")]
    all: bool,
    #[command(flatten)]
    target: TargetArgs,
}

/// The most that one request gives.
const PAGE: u32 = 200;

pub(super) async fn run(args: ListArgs, printer: &Printer) -> Result<(), Failure> {
    let target = args.target.open().await?;
    let limit = if args.all { usize::MAX } else { args.limit as usize };
    let filtered = args.status.is_some() || args.app.is_some() || args.search.is_some();
    let mut query = ListQuery {
        search: args.search.unwrap_or_default(),
        attention: Attention::parse(args.status.as_deref().unwrap_or_default()).unwrap_or_default(),
        connector: args.app.unwrap_or_default(),
        deleted: args.deleted,
        cursor: None,
        limit: if args.all { PAGE } else { args.limit.min(PAGE) },
    };
    let mut items: Vec<Connection> = Vec::new();
    let more = loop {
        let page = target.list(&query).await?;
        items.extend(page.items);
        query.cursor = page.next_cursor;
        if query.cursor.is_none() || items.len() >= limit {
            break query.cursor.is_some() || items.len() > limit;
        }
    };
    items.truncate(limit);
    printer.result(&json!({ "items": items, "more": more }), |printer| {
        if items.is_empty() {
            printer.note(match (args.deleted, filtered) {
                (true, _) => "No deleted connections that can be restored.",
                (false, true) => "No connections like that.",
                (false, false) => "No connections yet. Add the first one with: keyhaven connect pipedrive",
            });
            return;
        }
        let row = |it: &Connection| {
            let account = it.account.as_ref().map(|account| account.line()).unwrap_or_default();
            let status = status_cell(&it.status, &it.outcome.title);
            vec![status, cell(&it.name), cell(&it.slug), cell(&it.app), cell(&account)]
        };
        printer.table(&["status", "name", "connection", "app", "account"], items.iter().map(row));
        if more {
            printer
                .note(format!("Only the first {limit} are shown. For more see --all, --limit and --search."));
        }
    });
    Ok(())
}
