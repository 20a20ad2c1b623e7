//! `keyhaven connections usage`, `keyhaven connections calls`: what goes through a connection.

use clap::Args;
use keyhaven_core::{audit::who, usage::Window};

use super::{
    connections::One,
    failure::Failure,
    printer::{Printer, cell},
    verdict::minute,
};
use crate::{
    api::usage::{Call, TokenUse, Usage},
    words::{count, grouped, took},
};

/// How far back.
#[derive(Args)]
pub(super) struct UsageArgs {
    /// How far back: hour, day or week
    #[arg(long, default_value = "day", value_parser = ["hour", "day", "week"])]
    window: String,
    #[command(flatten)]
    one: One,
}

/// Which calls.
#[derive(Args)]
pub(super) struct CallsArgs {
    /// At most so many
    #[arg(long, value_name = "NUMBER", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=200))]
    limit: u32,
    /// Where to go on: the cursor of the page before
    #[arg(long)]
    cursor: Option<String>,
    #[command(flatten)]
    one: One,
}

pub(super) async fn usage(args: UsageArgs, printer: &Printer) -> Result<(), Failure> {
    let window = Window::parse(&args.window).unwrap_or_default();
    let it = args.one.target.open().await?.usage(&args.one.connection, window).await?;
    printer.result(&it, |printer| {
        printer.line(format!("{} in the last {}", count(it.total.calls, "call"), it.window));
        printer.facts(facts(&it));
        if !it.budget.by_token.is_empty() {
            let row = |it: &TokenUse| {
                let numbers = [it.calls, it.errors, it.refused, it.cost].map(|number| cell(&grouped(number)));
                [cell(&who(&it.token, it.name.as_deref()))].into_iter().chain(numbers).collect()
            };
            printer.line("\nToday, by token:");
            let head = ["token", "calls", "errors", "refused", "cost"];
            printer.table(&head, it.budget.by_token.iter().map(row));
        }
    });
    Ok(())
}

fn facts(it: &Usage) -> Vec<(String, String)> {
    let budget = &it.budget;
    let used = grouped(budget.used);
    let used = match (budget.limit.map(grouped), budget.limit_is.as_deref()) {
        (Some(limit), Some("assumed")) => {
            format!("{used} of {limit}, assumed as the least: the app has not told its budget yet")
        }
        (Some(limit), _) => format!("{used} of {limit}, as the app told"),
        (None, _) => format!("{used}, of a budget that is not known"),
    };
    let runs_out = match minute(budget.runs_out_at.as_ref().filter(|_| budget.stopped_until.is_none())) {
        at if at.is_empty() => at,
        at => format!("{at}, at the pace of the last hour"),
    };
    let stopped = match minute(budget.stopped_until.as_ref()) {
        at if at.is_empty() => at,
        at => format!(
            "until {at}, as the app says that today's requests are used up; keyhaven connections verify lifts it, if the app \
             takes calls again"
        ),
    };
    let milliseconds = |of: Option<i64>| of.map(|ms| format!("{ms} ms")).unwrap_or_default();
    let all = [
        ("errors", grouped(it.total.errors)),
        ("refused here", grouped(it.total.refused)),
        ("half take at most", milliseconds(it.total.p50_milliseconds)),
        ("95 of 100 take at most", milliseconds(it.total.p95_milliseconds)),
        ("used today", used),
        ("runs out", runs_out),
        ("stopped", stopped),
    ];
    let all = all.into_iter().filter(|(_, value)| !value.is_empty());
    all.map(|(name, value)| (name.to_owned(), value)).collect()
}

pub(super) async fn calls(args: CallsArgs, printer: &Printer) -> Result<(), Failure> {
    let target = args.one.target.open().await?;
    let page = target.calls(&args.one.connection, args.limit, args.cursor).await?;
    printer.result(&page, |printer| {
        if page.items.is_empty() {
            return printer.note("No calls yet.");
        }
        let row = |it: &Call| {
            let by = who(&it.token, it.token_name.as_deref());
            let took = took(it.milliseconds, it.waited_milliseconds);
            let words = [&it.at, &by, &it.method, &it.path, &it.status.to_string(), &it.source, &took];
            words.map(|word| cell(word)).into()
        };
        let head = ["at", "token", "method", "path", "status", "answered by", "took"];
        printer.table(&head, page.items.iter().map(row));
        if let Some(cursor) = &page.next_cursor {
            printer.note(format!("For more add: --cursor {cursor}"));
        }
    });
    Ok(())
}
