//! `keyhaven connections …`.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use keyhaven_core::connections::{Attention, ListQuery};
use serde_json::json;

use super::{
    TargetArgs,
    backend::{Given, Target},
    connect::offer_suggestion,
    failure::Failure,
    fields::{self, FieldFlags, ask, can_ask, confirm, prompt},
    printer::{Printer, mark, plain},
};
use crate::api::wire::Connection;

/// What to do with connections.
#[derive(Subcommand)]
pub(super) enum ConnectionsCommand {
    /// List connections by name
    #[command(after_help = "Example: keyhaven connections list --status attention --json")]
    List {
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
        #[arg(long, default_value_t = 100)]
        limit: usize,
        #[command(flatten)]
        target: TargetArgs,
    },
    /// Show one connection
    Show(One),
    /// Verify a connection now
    Verify(One),
    /// Give a connection another name; it is not verified again
    Rename {
        #[command(flatten)]
        one: One,
        /// The new name
        name: String,
    },
    /// Change values; an empty key keeps the saved one
    #[command(
        after_help = "Examples:\n  keyhaven connections edit sales-eu\n  keyhaven connections edit sales-eu --domain acme\n  \
        keyhaven connections edit sales-eu --key-stdin < new-key.txt"
    )]
    Edit {
        #[command(flatten)]
        one: One,
        /// A new name
        #[arg(long)]
        name: Option<String>,
        /// Read a new key from standard input, one line
        #[arg(long)]
        key_stdin: bool,
        /// Take the new key over even if it belongs to another company
        #[arg(long)]
        accept_other_account: bool,
        #[command(flatten)]
        fields: FieldFlags,
    },
    /// Delete a connection; it can be restored for 30 days
    Delete {
        #[command(flatten)]
        one: One,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
        /// Destroy the sealed key at once; this cannot be undone
        #[arg(long)]
        destroy: bool,
    },
    /// Bring a deleted connection back
    Restore(One),
}

/// One connection.
#[derive(Args)]
pub(super) struct One {
    /// Its name for programs (such as sales-eu) or its id
    connection: String,
    #[command(flatten)]
    target: TargetArgs,
}

pub(super) async fn run(command: ConnectionsCommand, printer: &Printer) -> Result<ExitCode, Failure> {
    match command {
        ConnectionsCommand::List { status, app, search, deleted, limit, target } => {
            let query = ListQuery {
                search: search.unwrap_or_default(),
                attention: Attention::parse(status.as_deref().unwrap_or_default()).unwrap_or_default(),
                connector: app.unwrap_or_default(),
                deleted,
                cursor: None,
                limit: limit.clamp(1, 200) as u32,
            };
            list(&target.open().await?, query, limit, printer).await?;
        }
        ConnectionsCommand::Show(one) => {
            let it = one.target.open().await?.get(&one.connection).await?;
            printer.verdict(&it);
        }
        ConnectionsCommand::Verify(one) => {
            let target = one.target.open().await?;
            let spinner = printer.spinner("Verifying…".into());
            let it = target.verify(&one.connection).await;
            spinner.finish_and_clear();
            return Ok(printer.verdict(&it?));
        }
        ConnectionsCommand::Rename { one, name } => {
            let it =
                one.target.open().await?.change(&one.connection, Some(name), &Given::new(), false).await?;
            printer.result(&it, |printer| printer.line(format!("Renamed to “{}”.", plain(it.name.clone()))));
        }
        ConnectionsCommand::Edit { one, name, key_stdin, accept_other_account, fields } => {
            let target = one.target.open().await?;
            return edit(&target, &one.connection, name, key_stdin, accept_other_account, fields, printer)
                .await;
        }
        ConnectionsCommand::Delete { one, yes, destroy } => {
            delete(&one.target.open().await?, &one.connection, yes, destroy, printer).await?;
        }
        ConnectionsCommand::Restore(one) => {
            let it = one.target.open().await?.restore(&one.connection).await?;
            printer.result(&it, |printer| printer.line(format!("Restored “{}”.", plain(it.name.clone()))));
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(target: &Target, mut query: ListQuery, limit: usize, printer: &Printer) -> Result<(), Failure> {
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
            printer.note("No connections. Add one with: keyhaven connect pipedrive");
            return;
        }
        let row = |it: &Connection| {
            let account = it.account.as_ref().map(|account| account.line()).unwrap_or_default();
            let status = format!("{} {}", mark(&it.status), it.outcome.title);
            vec![
                anstream::adapter::strip_str(&status).to_string(),
                it.name.clone(),
                it.slug.clone(),
                it.app.clone(),
                account,
            ]
        };
        printer.table(&["status", "name", "connection", "app", "account"], items.iter().map(row).collect());
        if more {
            printer.note(format!("More than {limit}: see --limit and --search."));
        }
    });
    Ok(())
}

async fn edit(
    target: &Target,
    which: &str,
    mut name: Option<String>,
    key_stdin: bool,
    accept: bool,
    flags: FieldFlags,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    let saved = target.get(which).await?;
    let connector = target.connector(&saved.connector).await?;
    let asks = !key_stdin && flags.is_empty() && name.is_none();
    let mut given = flags.given(&connector)?;
    if key_stdin {
        given.extend(fields::secrets_from_stdin(&connector)?);
    }
    if asks {
        if !can_ask() {
            let remedy = "Give --name, the plain fields or --key-stdin, or run it in a terminal.";
            return Err(Failure::usage("there is nobody to ask for new values", remedy));
        }
        let typed = prompt(&format!("Connection Name [{}]: ", plain(saved.name.clone())), false)?;
        name = Some(typed.expose().to_owned()).filter(|name| !name.is_empty());
        for field in &connector.fields {
            let old = saved.fields.get(&field.id).map_or("", String::as_str);
            let value = ask(printer, field, Some(old))?;
            if !value.is_empty() {
                given.push((field.id.clone(), value));
            }
        }
    }
    let change = async |accept| {
        let spinner = printer.spinner(format!("Saving and verifying with {}…", saved.app));
        let changed = target.change(which, name.clone(), &given, accept).await;
        spinner.finish_and_clear();
        changed
    };
    let changed = match change(accept).await {
        Err(failure) if failure.is_other_account() && asks => {
            if !confirm(&format!("\n{}. Take it over?", failure.message.trim_end_matches('.')), false)? {
                printer.note("Nothing was changed.");
                return Ok(ExitCode::from(1));
            }
            change(true).await?
        }
        Err(mut failure) if failure.is_other_account() => {
            failure.remedy =
                "Repeat it with --accept-other-account if the connection shall belong to the other company."
                    .into();
            return Err(failure);
        }
        other => other?,
    };
    let code = printer.verdict(&changed);
    Ok(offer_suggestion(printer, target, changed, asks).await?.unwrap_or(code))
}

async fn delete(
    target: &Target,
    which: &str,
    yes: bool,
    destroy: bool,
    printer: &Printer,
) -> Result<(), Failure> {
    let it = target.get(which).await?;
    let name = plain(it.name.clone());
    if !yes {
        if !can_ask() {
            return Err(Failure::usage(
                "deleting asks first, and there is nobody to ask",
                "Repeat it with --yes.",
            ));
        }
        let undo = if destroy { "This cannot be undone." } else { "It can be restored for 30 days." };
        printer.note(format!("Every program that uses “{name}” ({}) stops working at once. {undo}", it.slug));
        if !confirm("Delete it?", false)? {
            printer.note("Nothing was deleted.");
            return Ok(());
        }
    }
    target.delete(which, destroy).await?;
    printer.result(&json!({ "deleted": it.id, "destroyed": destroy }), |printer| {
        let undo = if destroy {
            "Its key is destroyed.".into()
        } else {
            format!("Undo: keyhaven connections restore {}", it.slug)
        };
        printer.line(format!("Deleted “{name}”. {undo}"));
    });
    Ok(())
}
