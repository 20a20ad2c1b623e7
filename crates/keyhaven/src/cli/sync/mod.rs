//! `keyhaven sync`.

pub(super) mod show;

use std::{process::ExitCode, sync::Arc};

use clap::{Args, ValueEnum};
use keyhaven_core::{
    Catalogue, Connector, SystemClock,
    syncs::{self, AppSource, Deleted, Failure as Why, Plan, Report, Sweep, SyncError, Teller, Wanted},
};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use super::{TargetArgs, backend::Target, failure::Failure, printer::Printer};
use crate::passage::Passage;

/// Copy an app's records into a database that people can read.
///
/// Each run goes on where the last one ended: it reads what changed, and finds what was deleted. Columns of custom fields
/// are named after the fields; views such as deals_readable have names in place of numbers.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    keyhaven sync sales-eu --to sqlite:crm.db\n  \
    keyhaven sync sales-eu --to 'postgres://me:secret@localhost/warehouse?schema=crm'\n  \
    keyhaven sync sales-eu --to sqlite:crm.db --streams deals,persons --estimate\n  \
    KEYHAVEN_TOKEN=kh_… keyhaven sync --server https://keyhaven.example.com sales-eu --to sqlite:crm.db\n\n\
    With --server the records come through that server's proxy, so that the key stays there, and are written here. The \
    password of a destination can stand in KEYHAVEN_SYNC_TO instead of --to.\n\n\
    Exit codes: 0 all is here, 1 it failed, 2 the command was not understood, 4 the app's requests for today are used \
    up: the next run goes on")]
pub(super) struct SyncArgs {
    /// The connection's name for programs (such as sales-eu) or its id
    connection: String,
    /// Where to: sqlite:FILE or postgres://USER:PASSWORD@HOST/DATABASE?schema=NAME; where the program was built with the
    /// feature parquet, also parquet:FOLDER or s3://BUCKET/PREFIX
    #[arg(long, env = "KEYHAVEN_SYNC_TO", hide_env_values = true, value_name = "DESTINATION")]
    to: String,
    /// Only these, with what they need; all where nothing is named. See docs/SYNC.md for the list
    #[arg(long, value_delimiter = ',', value_name = "STREAMS")]
    streams: Vec<String>,
    /// Only tell what it would take: requests, share of today's budget, time
    #[arg(long)]
    estimate: bool,
    /// What becomes of records that the app has deleted: they stay and _deleted_at says when, or they are removed
    #[arg(long, value_enum, default_value = "keep")]
    deleted: DeletedArg,
    /// When to look for deleted records: when it is due (a list of one page each time, a longer one after as many
    /// minutes as it has pages), in this run, or not
    #[arg(long, value_enum, default_value = "due")]
    sweep: SweepArg,
    /// How much of what is left of the app's requests for today may be used, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = 50, value_parser = clap::value_parser!(u8).range(1..=100))]
    budget: u8,
    #[command(flatten)]
    target: TargetArgs,
}

#[derive(Clone, Copy, ValueEnum)]
enum DeletedArg {
    Keep,
    Remove,
}

#[derive(Clone, Copy, ValueEnum)]
enum SweepArg {
    Due,
    Always,
    Never,
}

impl From<SyncError> for Failure {
    fn from(error: SyncError) -> Self {
        let exit = match error.kind {
            Why::Usage => 2,
            Why::Budget => 4,
            _ => 1,
        };
        Self::new(exit, error.kind.as_str(), error.message, error.remedy)
    }
}

/// What somebody wrote between commas.
pub(super) fn names(given: Vec<String>) -> Vec<String> {
    given.into_iter().map(|it| it.trim().to_owned()).filter(|it| !it.is_empty()).collect()
}

pub(super) async fn run(args: SyncArgs, printer: &Printer) -> Result<ExitCode, Failure> {
    let wanted = Wanted {
        to: args.to,
        streams: names(args.streams),
        deleted: match args.deleted {
            DeletedArg::Keep => Deleted::Keep,
            DeletedArg::Remove => Deleted::Remove,
        },
        sweep: match args.sweep {
            SweepArg::Due => Sweep::Due,
            SweepArg::Always => Sweep::Always,
            SweepArg::Never => Sweep::Never,
        },
        share: f64::from(args.budget) / 100.0,
    };
    let target = args.target.open().await?;
    let saved = target.get(&args.connection).await?;
    let app = connector(&target, &saved.connector)?;
    let plan = wanted.plan(&app, &saved.id, &saved.slug, Arc::new(SystemClock))?;
    // What goes through is counted as long as the passage is open.
    let (source, passage) = match target {
        Target::Local(keyhaven, ctx) => {
            let source = AppSource::here(keyhaven.clone(), ctx.clone(), &saved.id, app);
            (source, Some(Passage::here(keyhaven, ctx)))
        }
        Target::Remote(remote) => (AppSource::there(remote, &saved.id, app), None),
    };
    let done = go(&source, &plan, args.estimate, printer).await;
    if let Some(passage) = passage {
        passage.close().await;
    }
    done
}

async fn go(
    source: &AppSource,
    plan: &Plan,
    only_estimate: bool,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    let asking = printer.spinner("Looking at how much there is…");
    let estimate = match only_estimate {
        true => syncs::estimate(source, plan).await,
        false => syncs::estimate_run(source, plan).await,
    };
    asking.finish_and_clear();
    let estimate = estimate?;
    if only_estimate {
        printer.result(&estimate, |printer| show::estimate(&estimate, printer));
        return Ok(ExitCode::SUCCESS);
    }
    if !printer.is_json() {
        printer.note(show::in_short(&estimate, plan));
    }
    let (teller, progress) = Teller::new();
    let teller = teller.expecting(&estimate);
    let (cancel, cancelled) = watch::channel(false);
    let bars = show::Bars::new(printer);
    let stopping = bars.stopping();
    let (mut pressed, mut told) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let interrupt = tokio::spawn(async move {
        for first in [true, false] {
            let code = tokio::select! {
                _ = pressed.recv() => 130,
                _ = told.recv() => 143,
            };
            // A second time ends the program at once, as usual.
            if !first {
                std::process::exit(code);
            }
            stopping();
            let _ = cancel.send(true);
        }
    });
    let report = tokio::select! {
        report = syncs::run(source, plan, &teller, cancelled) => report,
        never = bars.follow(progress) => match never {},
    };
    interrupt.abort();
    bars.clear();
    let report = report?;
    printer.result(&show::json(&report, plan), |printer| show::report(&report, plan, printer));
    ended(&report)
}

fn ended(report: &Report) -> Result<ExitCode, Failure> {
    match &report.stopped {
        None => Ok(ExitCode::SUCCESS),
        Some(error) => Err(error.clone().into()),
    }
}

/// What the app is, by the catalogue of this program.
fn connector(target: &Target, id: &str) -> Result<Connector, Failure> {
    let unknown = || {
        let message = format!("there is no app “{id}” in the catalogue of this program");
        Failure::new(1, "unknown_connector", message, "Use the same version of Keyhaven as the server.")
    };
    match target {
        Target::Local(app, _) => app.catalogue().get(id).cloned().ok_or_else(unknown),
        Target::Remote(_) => {
            Catalogue::built_in().ok().and_then(|all| all.get(id).cloned()).ok_or_else(unknown)
        }
    }
}
