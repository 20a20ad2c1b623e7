//! `keyhaven audit`: who did what, when, and from where.

use clap::Args;
use keyhaven_core::audit::Query;

use super::{
    TargetArgs,
    failure::Failure,
    printer::{Printer, cell},
    verdict::minute,
};
use crate::api::audit::Entry;

/// Which records.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  keyhaven audit --limit 20\n  keyhaven audit --connection sales-eu --json"
)]
pub(super) struct AuditArgs {
    /// Only what was done to this connection: its name for programs or its id
    #[arg(long, value_name = "CONNECTION")]
    connection: Option<String>,
    /// Only what this actor did: session, command-line, system or token:ID
    #[arg(long)]
    actor: Option<String>,
    /// At most so many
    #[arg(long, value_name = "NUMBER", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=200))]
    limit: u32,
    /// Where to go on: the cursor of the page before
    #[arg(long)]
    cursor: Option<String>,
    #[command(flatten)]
    target: TargetArgs,
}

pub(super) async fn run(args: AuditArgs, printer: &Printer) -> Result<(), Failure> {
    let query = Query {
        subject: args.connection.unwrap_or_default(),
        actor: args.actor.unwrap_or_default(),
        limit: args.limit,
        cursor: args.cursor,
    };
    let page = args.target.open().await?.audit(&query).await?;
    printer.result(&page, |printer| {
        if page.items.is_empty() {
            return printer.note("No records like that.");
        }
        let row = |it: &Entry| {
            let from = it.client.as_deref().unwrap_or_default();
            [minute(Some(&it.at)).as_str(), &it.who, &it.what, from].map(cell).into()
        };
        printer.table(&["at", "who", "what", "from"], page.items.iter().map(row));
        if let Some(cursor) = &page.next_cursor {
            printer.note(format!("For more add: --cursor {cursor}"));
        }
    });
    Ok(())
}
