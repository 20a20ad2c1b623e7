//! `keyhaven syncs …`: syncs that are saved, and run by themselves in the server.

mod backend;
mod run;
mod show;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use keyhaven_core::{Secret, syncs::SyncInput};
use serde_json::json;

use super::{
    TargetArgs,
    ask::{can_ask, confirm},
    backend::Target,
    failure::Failure,
    printer::{Printer, plain},
    sync::{names, show as once},
};
use backend::Deed;

/// What to do with saved syncs.
#[derive(Subcommand)]
pub(super) enum SyncsCommand {
    /// Save a sync: the server copies an app's records into a database, again and again
    #[command(
        after_help = "Examples:\n  keyhaven syncs add sales-eu --to crm.db --schedule 'every hour'\n  \
        keyhaven syncs add sales-eu --to - --schedule 'daily at 06:30' --time-zone Europe/Berlin < address.txt\n  \
        keyhaven syncs add sales-eu --to crm.db --streams deals,persons --schedule '30 6 * * 1-5'"
    )]
    Add(AddArgs),
    /// List saved syncs
    #[command(
        after_help = "Examples:\n  keyhaven syncs list\n  keyhaven syncs list --connection sales-eu --json"
    )]
    List {
        /// Only those of this connection
        #[arg(long, default_value = "")]
        connection: String,
        #[command(flatten)]
        target: TargetArgs,
    },
    /// Show a sync and its last run
    #[command(after_help = "Example: keyhaven syncs show 'Sales EU → crm.db' --json")]
    Show(One),
    /// Change a sync; what is left out stays as it is
    #[command(after_help = "Example: keyhaven syncs edit sy_0a1b2c --schedule 'every 15 minutes'")]
    Edit(EditArgs),
    /// Tell what the next run will take: requests, share of today's budget, time
    #[command(after_help = "Example: keyhaven syncs estimate sy_0a1b2c")]
    Estimate(One),
    /// Run a sync now, and watch it
    #[command(
        after_help = "Examples:\n  keyhaven syncs run sy_0a1b2c\n  keyhaven syncs run sy_0a1b2c --detach\n\n\
        Exit codes: 0 done, 1 it failed, 4 the app's requests for today are used up: it goes on by itself"
    )]
    Run {
        #[command(flatten)]
        one: One,
        /// Do not wait for its end
        #[arg(long)]
        detach: bool,
    },
    /// End the run that is under way; the next one goes on from there
    #[command(after_help = "Example: keyhaven syncs cancel sy_0a1b2c")]
    Cancel(One),
    /// Have a sync not run by itself any more
    #[command(after_help = "Example: keyhaven syncs pause sy_0a1b2c")]
    Pause(One),
    /// Have a sync run by itself again
    #[command(after_help = "Example: keyhaven syncs resume sy_0a1b2c")]
    Resume(One),
    /// List the runs of a sync, newest first
    #[command(after_help = "Example: keyhaven syncs history sy_0a1b2c --limit 20 --json")]
    History {
        #[command(flatten)]
        one: One,
        /// At most so many
        #[arg(long, value_name = "NUMBER", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=200))]
        limit: u32,
    },
    /// Delete a sync and its history; what it has copied stays
    #[command(after_help = "Example: keyhaven syncs remove sy_0a1b2c --yes")]
    Remove {
        #[command(flatten)]
        one: One,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}

/// One sync.
#[derive(Args)]
pub(super) struct One {
    /// Its id, or its name where only one has it
    sync: String,
    #[command(flatten)]
    target: TargetArgs,
}

/// A new sync.
#[derive(Args)]
pub(super) struct AddArgs {
    /// The connection's name for programs (such as sales-eu) or its id
    connection: String,
    /// It waits until it is resumed or told to run
    #[arg(long)]
    paused: bool,
    /// A file in the server's folder of syncs (crm.db), postgres://USER:PASSWORD@HOST/DATABASE?schema=NAME, or - to read
    /// it from standard input
    #[arg(long, env = "KEYHAVEN_SYNC_TO", hide_env_values = true, value_name = "DESTINATION")]
    to: Option<String>,
    #[command(flatten)]
    values: Values,
    #[command(flatten)]
    target: TargetArgs,
}

/// Another look at a sync.
#[derive(Args)]
pub(super) struct EditArgs {
    /// Its id, or its name where only one has it
    sync: String,
    // Not from the environment: a sync does not move because of what is set there.
    /// Another place to write to: a file in the server's folder of syncs (crm.db),
    /// postgres://USER:PASSWORD@HOST/DATABASE?schema=NAME, or - to read it from standard input
    #[arg(long, value_name = "DESTINATION")]
    to: Option<String>,
    #[command(flatten)]
    values: Values,
    #[command(flatten)]
    target: TargetArgs,
}

/// What is said of a sync.
#[derive(Args)]
struct Values {
    /// What to call it [default: connection and destination]
    #[arg(long)]
    name: Option<String>,
    /// Only these, with what they need; all where nothing is named
    #[arg(long, value_delimiter = ',', value_name = "STREAMS")]
    streams: Option<Vec<String>>,
    /// every hour, every 15 minutes, daily at 06:30, every monday at 8:00, cron text, or manual [default: manual]
    #[arg(long)]
    schedule: Option<String>,
    /// Whose hours the schedule means, such as Europe/Berlin [default: UTC]
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,
    /// What becomes of records that the app has deleted: keep or remove [default: keep]
    #[arg(long, value_parser = ["keep", "remove"])]
    deleted: Option<String>,
    /// How much of what is left of the app's requests for today a run may use, in percent [default: 50]
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(1..=100))]
    budget: Option<u8>,
}

impl Values {
    fn input(self, to: Option<String>) -> Result<SyncInput, Failure> {
        let to = match to.as_deref() {
            Some("-") => {
                let mut line = String::new();
                std::io::stdin().read_line(&mut line)?;
                Some(line)
            }
            _ => to,
        };
        Ok(SyncInput {
            name: self.name,
            destination: to.map(Secret::new),
            streams: self.streams.map(names),
            deleted: self.deleted,
            share: self.budget.map(|share| share.to_string()),
            schedule: self.schedule,
            time_zone: self.time_zone,
        })
    }
}

pub(super) async fn run(command: SyncsCommand, printer: &Printer) -> Result<ExitCode, Failure> {
    match command {
        SyncsCommand::Add(args) => {
            let input = args.values.input(args.to)?;
            let it = args.target.open().await?.add_sync(&args.connection, input, args.paused).await?;
            printer.result(&it, |printer| show::saved(&it, printer));
        }
        SyncsCommand::List { connection, target } => {
            show::list(&target.open().await?.syncs(&connection).await?, printer);
        }
        SyncsCommand::Show(one) => {
            let it = one.target.open().await?.sync(&one.sync).await?;
            printer.result(&it, |printer| show::one(&it, printer));
        }
        SyncsCommand::Edit(args) => {
            let input = args.values.input(args.to)?;
            let it = args.target.open().await?.edit_sync(&args.sync, input).await?;
            printer.result(&it, |printer| show::saved(&it, printer));
        }
        SyncsCommand::Estimate(one) => {
            let target = one.target.open().await?;
            let asking = printer.spinner("Looking at how much there is…");
            let it = target.estimate_sync(&one.sync).await;
            asking.finish_and_clear();
            let it = it?;
            printer.result(&it, |printer| once::estimate(&it, printer));
        }
        SyncsCommand::Run { one, detach } => {
            return run::run(&one.target.open().await?, &one.sync, detach, printer).await;
        }
        SyncsCommand::Cancel(one) => deed(one, Deed::Cancel, "The run ends in some seconds", printer).await?,
        SyncsCommand::Pause(one) => deed(one, Deed::Pause, "Paused", printer).await?,
        SyncsCommand::Resume(one) => deed(one, Deed::Resume, "Resumed", printer).await?,
        SyncsCommand::History { one, limit } => {
            let page = one.target.open().await?.sync_runs(&one.sync, limit).await?;
            printer.result(&page, |printer| show::history(&page, printer));
        }
        SyncsCommand::Remove { one, yes } => remove(one, yes, printer).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn deed(one: One, deed: Deed, said: &str, printer: &Printer) -> Result<(), Failure> {
    let it = one.target.open().await?.do_to_sync(&one.sync, deed).await?;
    printer.result(&it, |printer| printer.line(format!("{said}: “{}”.", plain(&it.name))));
    Ok(())
}

async fn remove(one: One, yes: bool, printer: &Printer) -> Result<(), Failure> {
    let target: Target = one.target.open().await?;
    let it = target.sync(&one.sync).await?;
    let name = plain(&it.name);
    if !yes {
        if !can_ask() {
            return Err(Failure::usage(
                "deleting asks first, and there is nobody to ask",
                "Repeat it with --yes.",
            ));
        }
        let question = format!("Delete the sync “{name}”? What it has copied stays.");
        if !confirm(&question, false)? {
            printer.note("Nothing was deleted.");
            return Ok(());
        }
    }
    target.remove_sync(&it.id).await?;
    printer
        .result(&json!({ "deleted": it.id }), |printer| printer.line(format!("Deleted the sync “{name}”.")));
    Ok(())
}
