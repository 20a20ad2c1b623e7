//! `keyhaven connections …`.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::{
    TargetArgs,
    ask::{can_ask, confirm},
    backend::Given,
    edit::{self, EditArgs},
    failure::Failure,
    list::{self, ListArgs},
    printer::{Printer, plain},
    usage::{self, CallsArgs, UsageArgs},
    verdict,
};

/// What to do with connections.
#[derive(Subcommand)]
pub(super) enum ConnectionsCommand {
    /// List connections by name
    #[command(after_help = "Examples:\n  keyhaven connections list --status attention\n  \
        keyhaven connections list --app pipedrive --search acme --all --json")]
    List(ListArgs),
    /// Show one connection
    #[command(after_help = "Example: keyhaven connections show sales-eu --json")]
    Show(One),
    /// Verify a connection now
    #[command(after_help = "Example: keyhaven connections verify sales-eu || echo 'look at it'\n\n\
        Exit code 3: the verdict is !")]
    Verify(One),
    /// Give a connection another name; it is not verified again
    #[command(after_help = "Example: keyhaven connections rename sales-eu 'Sales Europe'")]
    Rename {
        #[command(flatten)]
        one: One,
        /// The new name
        name: String,
    },
    /// Change values; what is left out stays as it is
    Edit(EditArgs),
    /// Delete a connection; it can be restored for 30 days
    #[command(after_help = "Examples:\n  keyhaven connections delete sales-eu\n  \
        keyhaven connections delete sales-eu --yes --destroy")]
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
    #[command(after_help = "Example: keyhaven connections restore sales-eu")]
    Restore(One),
    /// What went through a connection, how fast, and how the app's budget of today stands
    #[command(after_help = "Example: keyhaven connections usage sales-eu --window week")]
    Usage(UsageArgs),
    /// Recent calls, newest first
    #[command(after_help = "Example: keyhaven connections calls sales-eu --limit 20 --json")]
    Calls(CallsArgs),
}

/// One connection.
#[derive(Args)]
pub(super) struct One {
    /// Its name for programs (such as sales-eu) or its id
    pub connection: String,
    #[command(flatten)]
    pub target: TargetArgs,
}

pub(super) async fn run(command: ConnectionsCommand, printer: &Printer) -> Result<ExitCode, Failure> {
    match command {
        ConnectionsCommand::List(args) => list::run(args, printer).await?,
        ConnectionsCommand::Show(one) => {
            let target = one.target.open().await?;
            verdict::show(printer, &target.get(&one.connection).await?, target.support());
        }
        ConnectionsCommand::Verify(one) => {
            let target = one.target.open().await?;
            let spinner = printer.spinner("Verifying…");
            let it = target.verify(&one.connection).await;
            spinner.finish_and_clear();
            let it = it?;
            verdict::print(printer, &it, target.support());
            return Ok(verdict::code(&it));
        }
        ConnectionsCommand::Rename { one, name } => {
            let target = one.target.open().await?;
            let it = target.change(&one.connection, Some(name), &Given::new(), false).await?;
            printer.result(&it, |printer| printer.line(format!("Renamed to “{}”.", plain(&it.name))));
        }
        ConnectionsCommand::Edit(args) => return edit::run(args, printer).await,
        ConnectionsCommand::Delete { one, yes, destroy } => delete(one, yes, destroy, printer).await?,
        ConnectionsCommand::Usage(args) => usage::usage(args, printer).await?,
        ConnectionsCommand::Calls(args) => usage::calls(args, printer).await?,
        ConnectionsCommand::Restore(one) => {
            let it = one.target.open().await?.restore(&one.connection).await?;
            printer.result(&it, |printer| printer.line(format!("Restored “{}”.", plain(&it.name))));
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn delete(one: One, yes: bool, destroy: bool, printer: &Printer) -> Result<(), Failure> {
    let target = one.target.open().await?;
    let it = target.get(&one.connection).await?;
    let name = plain(&it.name);
    if !yes {
        if !can_ask() {
            return Err(Failure::usage(
                "deleting asks first, and there is nobody to ask",
                "Repeat it with --yes.",
            ));
        }
        let undo = if destroy { "This cannot be undone." } else { "It can be restored for 30 days." };
        printer.note(format!("Every program that uses “{name}” ({}) stops working at once. {undo}", it.slug));
        match (target.syncs(&it.id).await?.len(), destroy) {
            (0, _) => {}
            (count, true) => {
                printer.note(format!("Its syncs ({count}) are deleted with it; what they have copied stays."))
            }
            (count, false) => printer.note(format!("Its syncs ({count}) stop, and go on if it is restored.")),
        }
        if !confirm("Delete it?", false)? {
            printer.note("Nothing was deleted.");
            return Ok(());
        }
    }
    target.delete(&it.id, destroy).await?;
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
