//! `keyhaven connect pipedrive`: asks step by step, saves and verifies.

use std::process::ExitCode;

use clap::Args;

use super::{
    TargetArgs,
    backend::{Given, Target},
    failure::Failure,
    fields::{self, FieldFlags, ask, can_ask, confirm, prompt},
    printer::{Printer, plain, verdict_code},
};
use crate::api::wire::{Connection, Connector};

/// Save a credential and verify it.
#[derive(Args)]
#[command(after_help = "Examples:\n  keyhaven connect pipedrive\n  \
    keyhaven connect pipedrive --name 'Sales EU' --domain acme --key-stdin < key.txt\n\n\
    The key is never taken as an argument: other users of a machine can read those.")]
pub(super) struct ConnectArgs {
    /// The app, such as pipedrive; see keyhaven connectors list
    connector: String,
    /// Connection Name
    #[arg(long)]
    name: Option<String>,
    /// Read the key from standard input, one line
    #[arg(long)]
    key_stdin: bool,
    #[command(flatten)]
    fields: FieldFlags,
    #[command(flatten)]
    target: TargetArgs,
}

pub(super) async fn run(args: ConnectArgs, printer: &Printer) -> Result<ExitCode, Failure> {
    let target = args.target.open().await?;
    let connector = target.connector(&args.connector).await?;
    let mut given = args.fields.given(&connector)?;
    let asks = !args.key_stdin;
    if asks && !can_ask() {
        let remedy = "Give --name, the plain fields and --key-stdin, or run it in a terminal.";
        return Err(Failure::usage("there is nobody to ask for the key", remedy));
    }
    let name = match args.name {
        Some(name) => name,
        None if asks => ask_name(printer, &connector)?,
        None => return Err(Failure::usage("the connection needs a name", "Give it with --name.")),
    };
    if args.key_stdin {
        given.extend(fields::secrets_from_stdin(&connector)?);
    }
    if asks {
        ask_missing(printer, &connector, &mut given)?;
    }
    let saved = save(printer, &target, &connector, name, given, asks).await?;
    let code = printer.verdict(&saved);
    offer_suggestion(printer, &target, saved, asks).await.map(|changed| changed.unwrap_or(code))
}

fn ask_name(printer: &Printer, connector: &Connector) -> Result<String, Failure> {
    printer.note(format!("Connect {}. Where to find the values:\n", connector.name));
    for (step, number) in connector.guide.iter().zip(1..) {
        printer.note(format!("{number}. {}\n   {}", step.title, plain_text(&step.body)));
    }
    printer.note("");
    Ok(prompt("Connection Name (only for display): ", false)?.expose().to_owned())
}

/// Markdown without its marks, for a terminal.
fn plain_text(body: &str) -> String {
    let text = body.replace("**", "").replace('`', "").replace("](", " (").replace('[', "");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn ask_missing(printer: &Printer, connector: &Connector, given: &mut Given) -> Result<(), Failure> {
    for field in &connector.fields {
        if given.iter().all(|(id, _)| *id != field.id) {
            given.push((field.id.clone(), ask(printer, field, None)?));
        }
    }
    Ok(())
}

/// Saves; what cannot be accepted is asked for again.
async fn save(
    printer: &Printer,
    target: &Target,
    connector: &Connector,
    mut name: String,
    mut given: Given,
    asks: bool,
) -> Result<Connection, Failure> {
    loop {
        let copy = given
            .iter()
            .map(|(id, value)| (id.clone(), keyhaven_core::Secret::new(value.expose().to_owned())));
        let spinner = printer.spinner(format!("Saving and verifying with {}…", connector.name));
        let saved = target.create(&connector.id, name.clone(), copy.collect()).await;
        spinner.finish_and_clear();
        let wrong = match saved {
            Err(failure) if asks && !failure.fields.is_empty() => failure.fields,
            other => return other,
        };
        for error in wrong {
            printer.note(format!("\n{}", plain(error.message)));
            if error.field == keyhaven_core::NAME_FIELD {
                name = prompt("Connection Name: ", false)?.expose().to_owned();
                continue;
            }
            let Some(field) = connector.fields.iter().find(|field| field.id == error.field) else { continue };
            given.retain(|(id, _)| *id != field.id);
            given.push((field.id.clone(), ask(printer, field, None)?));
        }
    }
}

/// A better domain is one key press away.
pub(super) async fn offer_suggestion(
    printer: &Printer,
    target: &Target,
    it: Connection,
    asks: bool,
) -> Result<Option<ExitCode>, Failure> {
    let Some(suggestion) = it.outcome.suggestion.as_ref().filter(|_| asks && it.status != "valid") else {
        return Ok(None);
    };
    if !confirm(&format!("\nUse “{}” instead?", plain(suggestion.value.clone())), true)? {
        return Ok(None);
    }
    let given = vec![(suggestion.field.clone(), keyhaven_core::Secret::new(suggestion.value.clone()))];
    let spinner = printer.spinner(format!("Verifying with {}…", it.app));
    let changed = target.change(&it.id, None, &given, false).await;
    spinner.finish_and_clear();
    let changed = changed?;
    printer.verdict(&changed);
    Ok(Some(verdict_code(&changed)))
}
